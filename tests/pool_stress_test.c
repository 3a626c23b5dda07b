// SPDX-License-Identifier: MIT
// pool_stress_test.c - pools under a random load: tasks that submit to each other's pools, join,
// drop and cancel what they submitted, open groups and maps inside each other, and wait for locks
// and queues. Whatever happens, it ends, and nothing is still running then. The choices follow from
// a seed; WEFT_TEST_SEED picks one, WEFT_TEST_ROUNDS makes it longer.
#include "exec_helpers.h"

static weft_pool *pools[3];
static int pool_count;
static weft_sem slots;
static weft_mutex mu;
static weft_queue *queue;
static atomic_int inside;

struct job {
    uint32_t seed;
    int depth; // how deep its tasks may nest
};

static int work(const struct job *job, int *depth);
WEFT_TASK(work, struct job, int);

static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 16) % below;
}

static weft_time soon(uint32_t *seed)
{
    return weft_after_ns(draw(seed, 200) * 1000);
}

static struct job smaller(uint32_t *seed, int depth)
{
    return (struct job){draw(seed, 65536), depth - 1};
}

static weft_pool *any_pool(uint32_t *seed)
{
    return pools[draw(seed, (uint32_t)pool_count)];
}

// ---- what a task may do ----------------------------------------------------------------

static int sleep_shortly(uint32_t *seed, int depth)
{
    (void)depth;
    return weft_sleep(soon(seed));
}

static int use_a_slot(uint32_t *seed, int depth)
{
    (void)depth;
    int rc = weft_acquire(&slots, draw(seed, 2) ? WEFT_FOREVER : soon(seed));
    if (rc < 0)
        return rc;
    weft_yield();
    weft_release(&slots, 1);
    return 0;
}

static int use_the_lock(uint32_t *seed, int depth)
{
    (void)depth;
    int rc = weft_lock_until(&mu, soon(seed));
    if (rc == 0)
        weft_unlock(&mu);
    return rc;
}

static int pass_through_the_queue(uint32_t *seed, int depth)
{
    (void)depth;
    int item = 1;
    return draw(seed, 2) ? weft_put(queue, &item, soon(seed)) : weft_get(queue, &item, soon(seed));
}

static int read_a_group(uint32_t *seed, int depth)
{
    struct weft_outcome o;
    WEFT_SCOPED(weft_group_close)
    weft_group *g = weft_group_open(any_pool(seed), .cancel_rest = draw(seed, 2));
    int added = 0, out;
    while (g && added < 4) {
        struct job job = smaller(seed, depth);
        if (weft_group_add(g, added, work, &job) < 0)
            break;
        added++;
    }
    for (uint32_t n = draw(seed, 6); g && n > 0; n--)
        if (weft_group_next(g, &o, &out, sizeof out, soon(seed)) < 0)
            break;
    return 0;
}

static int map_some(uint32_t *seed, int depth)
{
    struct job in[5];
    int out[5];
    for (int i = 0; i < 5; i++)
        in[i] = smaller(seed, depth);
    weft_pool *pool = any_pool(seed);
    return weft_map(pool, draw(seed, 2) ? WEFT_FOREVER : soon(seed), work, 5, out, in);
}

static int submit_one(uint32_t *seed, int depth)
{
    struct job job = smaller(seed, depth);
    weft_pool *pool = any_pool(seed);
    weft_time deadline = draw(seed, 2) ? WEFT_FOREVER : soon(seed);
    WEFT_SCOPED(weft_drop) weft_future *f = weft_submit_until(pool, deadline, work, &job);
    if (!f)
        return weft_error_code();
    switch (draw(seed, 4)) {
    case 0:
        weft_cancel(f);
        break;
    case 1:
        (void)weft_wait(f, soon(seed));
        break;
    case 2:
        return 0; // dropped
    default:
        (void)weft_wait(f, WEFT_FOREVER);
    }
    int out;
    return weft_join_as(&f, work, &out);
}

static int work(const struct job *job, int *depth)
{
    static int (*const leaves[])(uint32_t *, int) = {sleep_shortly, use_a_slot, use_the_lock,
                                                     pass_through_the_queue};
    static int (*const branches[])(uint32_t *, int) = {submit_one, submit_one, submit_one,
                                                       read_a_group, map_some};
    uint32_t seed = job->seed;
    atomic_fetch_add(&inside, 1);
    int rc = weft_check(); // one that was dropped before it began leaves the pools alone
    for (int i = 0; i < 4 && rc == 0; i++)
        rc = job->depth > 0 && draw(&seed, 4) > 0
                 ? branches[draw(&seed, COUNT(branches))](&seed, job->depth)
                 : leaves[draw(&seed, COUNT(leaves))](&seed, job->depth);
    *depth = job->depth;
    atomic_fetch_sub(&inside, 1);
    return rc;
}

// ---- rounds of it ----------------------------------------------------------------------

static uint32_t number_from(const char *variable, uint32_t otherwise)
{
    const char *text = getenv(variable);
    return text ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

static void ignore_failure(const char *task, int code, const char *message, void *ctx)
{
    (void)task;
    (void)code;
    (void)message;
    (void)ctx;
}

static void play(int count, int depth)
{
    uint32_t seed = number_from("WEFT_TEST_SEED", 1), rounds = number_from("WEFT_TEST_ROUNDS", 40);
    weft_on_unobserved(ignore_failure, NULL);
    slots = (weft_sem)WEFT_SEM(2);
    queue = weft_queue_new(sizeof(int), .capacity = 3);
    pool_count = count;
    for (int i = 0; i < count; i++)
        pools[i] = weft_pool_open(WEFT_THREADS, .workers = i + 1, .backlog = 4);
    for (uint32_t round = 0; round < rounds; round++) {
        weft_future *futures[4];
        for (int i = 0; i < 4; i++)
            futures[i] = weft_start(WEFT_THREADS, work, &((struct job){seed++ * 7919, depth}));
        weft_cancel(futures[3]);
        for (int i = 0; i < 4; i++)
            (void)weft_join(&futures[i], NULL, 0);
        while (atomic_load(&inside) > 0) // dropped tasks, which may still submit
            nap_ms(1);
    }
    for (int i = 0; i < count; i++)
        weft_pool_close(&pools[i]);
    weft_on_unobserved(NULL, NULL);
    weft_queue_free(&queue);
    assert_int_equal(atomic_load(&inside), 0);
}

static void a_random_load_on_one_pool_ends(void **state)
{
    (void)state;
    play(1, 3);
}

static void a_random_load_on_three_pools_ends(void **state)
{
    (void)state;
    play(3, 3);
}

// ---- the shortest way into trouble -----------------------------------------------------

struct rally {
    weft_pool *pool, *other;
    int left;
};

static int play_rally(const struct rally *r, weft_none *none);
WEFT_TASK(play_rally, struct rally, weft_none);

static int play_rally(const struct rally *r, weft_none *none)
{
    (void)none;
    for (int i = 0; i < r->left; i++) {
        struct rally back = {r->other, r->pool, r->left / 4};
        weft_future *f = weft_submit(r->other, play_rally, &back);
        if (!f)
            return weft_error_code();
        int rc = i % 2 ? weft_wait(f, much_later()) : 0; // parks, or may run it in place
        int ended = weft_join(&f, NULL, 0);
        if (rc < 0 || ended < 0)
            return rc < 0 ? rc : ended;
    }
    return 0;
}

// Workers of each pool take the other's lock all the time, to submit and to say that they wait.
static void two_pools_that_submit_to_each_other_end(void **state)
{
    (void)state;
    for (int round = 0; round < 30; round++) {
        weft_pool *a = weft_pool_open(WEFT_THREADS, .workers = 2);
        weft_pool *b = weft_pool_open(WEFT_THREADS, .workers = 2);
        weft_future *futures[8];
        for (int i = 0; i < 8; i++)
            futures[i] = weft_submit(i % 2 ? a : b, play_rally,
                                     &((struct rally){i % 2 ? a : b, i % 2 ? b : a, 8}));
        for (int i = 0; i < 8; i++) {
            assert_int_equal(weft_wait(futures[i], much_later()), 0);
            assert_int_equal(weft_join(&futures[i], NULL, 0), 0);
        }
        weft_pool_close(&a);
        weft_pool_close(&b);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(two_pools_that_submit_to_each_other_end),
    cmocka_unit_test(a_random_load_on_one_pool_ends),
    cmocka_unit_test(a_random_load_on_three_pools_ends),
};
TEST_MAIN(tests)
