// SPDX-License-Identifier: MIT
// process_fuzz_test.c - workers that write at random over what they share with the root: their
// channel, the file of a map. Whatever they write, the root lives, nobody waits for ever, and tasks
// elsewhere are unharmed. WEFT_TEST_SEED picks the first seed, WEFT_TEST_ROUNDS how many.
#include "process_helpers.h"

#include "channel_file.h"

static uint32_t draw(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static uint32_t number_from(const char *variable, uint32_t otherwise)
{
    const char *text = getenv(variable);
    return text ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

enum { FILL_RANDOM, SPRINKLE, FILL_SMALL, FILL_ZERO, FILL_ONES, HEAD_ONLY, FILLS };
enum { RETURN, DIE, STAY, AFTERS };
// 18: each fill with each end. A process under a sanitizer takes long to start and to end.
enum { ROUNDS = SANITIZED ? 6 : 18, AROUND = SANITIZED ? 4 : 20 };

struct madness {
    uint32_t seed;
    int fill, after;
    bool is_channel;
};

static void scribble(char *at, size_t size, struct madness m)
{
    if (m.fill == HEAD_ONLY)
        size = offsetof(struct wf_channel, slots);
    size_t times = m.fill == SPRINKLE ? 2000 : size;
    for (size_t i = 0; i < times; i++) {
        size_t where = m.fill == SPRINKLE ? draw(&m.seed) % size : i;
        uint32_t byte = m.fill == FILL_ZERO ? 0 : m.fill == FILL_ONES ? 0xff : draw(&m.seed);
        at[where] = (char)(m.fill == FILL_SMALL ? (where % 4 == 0) * byte % 7 : byte);
    }
}

static int go_mad(const struct madness *arg, long *out)
{
    struct madness m = *arg; // it lies where we are going to write
    size_t size;
    char *at = find_file(m.is_channel, &size);
    *out = 0;
    if (!at)
        return -ENOENT;
    scribble(at, size, m);
    if (m.after == DIE)
        raise(SIGKILL);
    while (m.after == STAY)
        pause();
    return 0;
}
WEFT_TASK(go_mad, struct madness, long);

// One that stays, and has not hit what the root looks at, is as any task that takes long.
static weft_future *submit_mad(weft_pool *pool, struct madness m)
{
    weft_future *f = weft_submit_until(pool, weft_after_ms(700), go_mad, &m);
    assert_non_null(f);
    return f;
}

static struct madness madness_of(uint32_t seed, bool is_channel)
{
    int fill = (int)(seed % FILLS), after = (int)((seed + seed / FILLS) % AFTERS);
    return (struct madness){seed * 7919, fill, after, is_channel};
}

static void ends_somehow(weft_future **f, uint32_t seed)
{
    if (weft_wait(*f, weft_after_ms(20000)) != 0)
        fail_msg("seed %u: a task does not end", seed);
    (void)weft_join(f, NULL, 0);
}

static void submit_squares(weft_pool *pool, weft_future *futures[AROUND])
{
    for (int i = 0; i < AROUND; i++)
        assert_non_null(futures[i] = weft_submit(pool, square, &i));
}

static void join_squares(weft_future *futures[AROUND], uint32_t seed)
{
    for (int i = 0; i < AROUND; i++) {
        long out = -1;
        if (weft_wait(futures[i], weft_after_ms(20000)) != 0)
            fail_msg("seed %u: a square does not end", seed);
        int rc = weft_join_as(&futures[i], square, &out);
        if (rc != 0 || out != (long)i * i)
            fail_msg("seed %u: square of %d: %d, %ld (%s)", seed, i, rc, out, weft_error());
    }
}

// Each worker has one task, so there is no other in the channel that goes mad.
static void tasks_in_other_workers_are_unharmed(void **state)
{
    (void)state;
    uint32_t seed = number_from("WEFT_TEST_SEED", 0);
    uint32_t rounds = number_from("WEFT_TEST_ROUNDS", ROUNDS);
    weft_future *before[AROUND], *after[AROUND];
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 2, .tasks_per_worker = 1);
    for (uint32_t end = seed + rounds; seed < end; seed++) {
        submit_squares(pool, before);
        weft_future *mad = submit_mad(pool, madness_of(seed, true));
        submit_squares(pool, after);
        join_squares(before, seed);
        ends_somehow(&mad, seed);
        join_squares(after, seed);
    }
    weft_pool_close(&pool);
}

// What lies in the same channel may be spoilt; but it ends, and so does that worker.
static void a_mad_worker_holds_nobody_up(void **state)
{
    (void)state;
    uint32_t seed = number_from("WEFT_TEST_SEED", 0);
    uint32_t rounds = number_from("WEFT_TEST_ROUNDS", ROUNDS);
    weft_future *more[AROUND];
    for (uint32_t end = seed + rounds; seed < end; seed++) {
        weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 2);
        weft_future *mad = submit_mad(pool, madness_of(seed, true));
        submit_squares(pool, more);
        for (int i = 0; i < AROUND; i++)
            ends_somehow(&more[i], seed);
        ends_somehow(&mad, seed);
        weft_pool_close(&pool);
    }
}

static void an_item_of_a_map_may_go_mad(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 2);
    for (uint32_t seed = 0; seed < ROUNDS; seed++) {
        struct madness in[8];
        long out[8];
        for (uint32_t i = 0; i < COUNT(in); i++)
            in[i] = madness_of(seed + i, false);
        (void)weft_map(pool, weft_after_ms(700), go_mad, COUNT(in), out, in);
        weft_future *squares[AROUND];
        submit_squares(pool, squares);
        join_squares(squares, seed);
    }
    weft_pool_close(&pool);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(tasks_in_other_workers_are_unharmed),
    cmocka_unit_test(a_mad_worker_holds_nobody_up),
    cmocka_unit_test(an_item_of_a_map_may_go_mad),
};

TEST_MAIN(tests)
