// SPDX-License-Identifier: MIT
// shared_processes_test.c - shared memory between processes: the root, with its threads and fibers,
// and workers. Nobody dies here; that is shared_faults_test.c.
#include "process_helpers.h"
#include "shared_board.h"

enum { WORKERS = 4, FULL = SANITIZED ? 2000 : 20000 };

// A wait that lasts as long is a wake-up that was lost.
static weft_time patience(void)
{
    return weft_after_ms(20000);
}

// The same task may run anywhere: regions lie at the same address everywhere.
struct job {
    struct board *board;
    weft_shared_queue *in, *out;
    int who, rounds;
};

// ---- regions --------------------------------------------------------------------------------

struct bytes {
    unsigned char *at;
    size_t size;
};

static int invert(const struct bytes *b, weft_none *none)
{
    (void)none;
    for (size_t i = 0; i < b->size; i++)
        b->at[i] = (unsigned char)~b->at[i];
    return 0;
}
WEFT_TASK(invert, struct bytes, weft_none);

static int make(const size_t *size, struct bytes *out)
{
    *out = (struct bytes){weft_shared(*size), *size};
    CHECK(out->at);
    memset(out->at, 0x5a, *size);
    return 0;
}
WEFT_TASK(make, size_t, struct bytes);

static int free_it(const struct bytes *b, weft_none *none)
{
    (void)none;
    unsigned char *at = b->at;
    weft_shared_free(&at);
    return 0;
}
WEFT_TASK(free_it, struct bytes, weft_none);

static bool all_are(unsigned char value, struct bytes b)
{
    return b.at[0] == value && memcmp(b.at, b.at + 1, b.size - 1) == 0;
}

static void a_region_made_after_the_workers_is_seen_by_them(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(2);
    assert_non_null(pool);
    for (size_t i = 1; i <= 40; i++) {
        struct bytes b = {.size = i * i * 700};
        assert_non_null(b.at = weft_shared(b.size));
        weft_future *f = weft_submit(pool, invert, &b);
        assert_int_equal(weft_join(&f, NULL, 0), 0);
        assert_true(all_are(0xff, b));
        f = weft_start(WEFT_PROCESSES, invert, &b); // and one that is younger
        assert_int_equal(weft_join(&f, NULL, 0), 0);
        assert_true(all_are(0, b));
        weft_shared_free(&b.at);
    }
    weft_pool_close(&pool);
}

// It outlives its maker.
static void a_region_made_by_a_worker_is_the_roots_to_use_and_to_free(void **state)
{
    (void)state;
    for (size_t size = 1000; size < 2000000; size *= 3) {
        struct bytes b;
        weft_future *f = weft_start(WEFT_PROCESSES, make, &size);
        assert_int_equal(weft_join_as(&f, make, &b), 0);
        assert_true(all_are(0x5a, b));
        b.at[0] = b.at[size - 1] = 1;
        weft_shared_free(&b.at);
    }
}

static void what_a_worker_frees_is_used_again_and_zeroed(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(2);
    for (int i = 0; i < 200; i++) {
        struct bytes b = {.size = 5000};
        assert_non_null(b.at = weft_shared(b.size));
        assert_true(all_are(0, b));
        memset(b.at, 1, b.size);
        weft_future *f = weft_submit(pool, free_it, &b);
        assert_int_equal(weft_join(&f, NULL, 0), 0);
    }
    weft_pool_close(&pool);
}

static int make_and_free(const int *rounds, weft_none *none)
{
    (void)none;
    for (int i = 1; i <= *rounds; i++) {
        struct bytes b = {.size = (size_t)i * 131 % 20000 + 1};
        CHECK(b.at = weft_shared(b.size));
        CHECK(b.at[0] == 0 && all_are(0, b));
        memset(b.at, i | 1, b.size);
        weft_yield();
        CHECK(all_are((unsigned char)(i | 1), b));
        weft_shared_free(&b.at);
    }
    return 0;
}
WEFT_TASK(make_and_free, int, weft_none);

static void all_make_and_free_at_once(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(WORKERS);
    weft_future *futures[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        assert_non_null(futures[i] = weft_submit(pool, make_and_free, &(int){1000}));
    assert_int_equal(make_and_free(&(int){1000}, NULL), 0);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(weft_join(&futures[i], NULL, 0), 0);
    weft_pool_close(&pool);
}

// ---- many on one object -----------------------------------------------------------------------

static int count_up(const struct job *job, weft_none *none)
{
    (void)none;
    struct board *b = job->board;
    for (int i = 0; i < job->rounds; i++) {
        CHECK(weft_shared_lock(&b->mu, patience()) == 0);
        b->total++;
        if (i % 64 == 0)
            weft_yield(); // with the lock held, so that others must wait
        weft_shared_unlock(&b->mu);
        weft_shared_add(&b->counter, 2);
        weft_shared_add(&b->counter, -1);
    }
    return 0;
}
WEFT_TASK(count_up, struct job, weft_none);

static int pass_through(const struct job *job, weft_none *none)
{
    (void)none;
    struct board *b = job->board;
    for (int i = 0; i < job->rounds; i++) {
        CHECK(weft_shared_acquire(&b->sem, patience()) == 0);
        CHECK(weft_shared_add(&b->counter, 1) <= 3);
        if (i % 32 == 0)
            weft_yield();
        weft_shared_add(&b->counter, -1);
        weft_shared_release(&b->sem, 1);
    }
    return 0;
}
WEFT_TASK(pass_through, struct job, weft_none);

enum { CROWD = 3 * WORKERS };

// The same task in all workers, threads and fibers at once.
#define start_crowd(futures, pool, task, ...) \
    do { \
        for (int i_ = 0; i_ < CROWD; i_++) { \
            struct job job_ = __VA_ARGS__; \
            job_.who = i_; \
            (futures)[i_] = i_ % 3 == 0   ? weft_submit(pool, task, &job_) \
                            : i_ % 3 == 1 ? weft_start(WEFT_THREADS, task, &job_) \
                                          : weft_start(WEFT_FIBERS, task, &job_); \
            assert_non_null((futures)[i_]); \
        } \
    } while (0)

static void join_crowd(weft_future **futures)
{
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(weft_join(&futures[i], NULL, 0), 0);
}

static void what_all_count_under_the_mutex_adds_up(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(WORKERS);
    weft_future *futures[CROWD];
    struct board *b = board_new();
    start_crowd(futures, pool, count_up, {.board = b, .rounds = FULL / 10});
    join_crowd(futures);
    assert_int_equal(b->total, CROWD * (FULL / 10));
    assert_int_equal(weft_shared_value(&b->counter), CROWD * (FULL / 10));
    weft_shared_free(&b);
    weft_pool_close(&pool);
}

static void no_more_are_inside_than_there_are_units(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(WORKERS);
    weft_future *futures[CROWD];
    struct board *b = board_new();
    weft_shared_release(&b->sem, 3);
    start_crowd(futures, pool, pass_through, {.board = b, .rounds = FULL / 20});
    join_crowd(futures);
    for (int i = 0; i < 3; i++)
        assert_int_equal(weft_shared_acquire(&b->sem, WEFT_POLL), 0);
    assert_int_equal(weft_shared_acquire(&b->sem, WEFT_POLL), -ETIMEDOUT);
    weft_shared_free(&b);
    weft_pool_close(&pool);
}

static int await_event(const struct job *job, weft_none *none)
{
    (void)none;
    return weft_shared_event_wait(&job->board->event, patience());
}
WEFT_TASK(await_event, struct job, weft_none);

static void await_asleep_all(weft_future **futures)
{
    for (int i = 0; i < CROWD; i++)
        await_asleep_tid(await_begun(futures[i]).tid);
}

static void a_set_wakes_all_also_if_it_is_cleared_at_once(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(WORKERS);
    weft_future *futures[CROWD];
    struct board *b = board_new();
    for (int round = 0; round < 5; round++) {
        start_crowd(futures, pool, await_event, {.board = b});
        await_asleep_all(futures);
        weft_shared_event_set(&b->event);
        weft_shared_event_clear(&b->event);
        join_crowd(futures);
        assert_int_equal(weft_shared_event_wait(&b->event, WEFT_POLL), -ETIMEDOUT);
    }
    weft_shared_free(&b);
    weft_pool_close(&pool);
}

// ---- queues -----------------------------------------------------------------------------------

enum { PUTTERS = 6, EACH = FULL / 10 };

struct item {
    int who, serial;
};

struct ledger {
    weft_shared_counter seen[PUTTERS][EACH];
};

static int put_all(const struct job *job, weft_none *none)
{
    (void)none;
    for (int i = 0; i < job->rounds; i++) {
        struct item item = {job->who / 2, i};
        CHECK(weft_shared_put(job->out, &item, patience()) == 0);
    }
    return 0;
}

static int get_all(const struct job *job, weft_none *none)
{
    (void)none;
    struct ledger *ledger = (struct ledger *)(void *)job->board;
    int last[PUTTERS], rc;
    memset(last, -1, sizeof last);
    struct item item;
    while ((rc = weft_shared_get(job->in, &item, patience())) == 0) {
        CHECK(last[item.who] < item.serial);
        last[item.who] = item.serial;
        weft_shared_add(&ledger->seen[item.who][item.serial], 1);
    }
    CHECK(rc == -EPIPE);
    return 0;
}

// Every other one puts. Of either there is one in each kind.
static int put_or_get(const struct job *job, weft_none *none)
{
    return job->who % 2 == 0 ? put_all(job, none) : get_all(job, none);
}
WEFT_TASK(put_or_get, struct job, weft_none);

static void each_item_comes_once_and_each_putters_in_order(void **state)
{
    (void)state;
    const size_t capacities[] = {1, 3, 200};
    weft_pool *pool = pool_of(WORKERS);
    for (size_t c = 0; c < COUNT(capacities); c++) {
        weft_future *futures[CROWD];
        struct ledger *ledger = weft_shared(sizeof *ledger);
        weft_shared_queue *q = weft_shared_queue_new(sizeof(struct item), capacities[c]);
        assert_true(ledger && q);
        start_crowd(futures, pool, put_or_get,
                    {.board = (struct board *)(void *)ledger, .in = q, .out = q, .rounds = EACH});
        for (int i = 0; i < CROWD; i += 2) // the putters
            assert_int_equal(weft_join(&futures[i], NULL, 0), 0);
        weft_shared_queue_close(q);
        for (int i = 1; i < CROWD; i += 2)
            assert_int_equal(weft_join(&futures[i], NULL, 0), 0);
        for (int who = 0; who < PUTTERS; who++)
            for (int i = 0; i < EACH; i++)
                assert_int_equal(weft_shared_value(&ledger->seen[who][i]), 1);
        weft_shared_queue_free(&q);
        weft_shared_free(&ledger);
    }
    weft_pool_close(&pool);
}

static int answer(const struct job *job, weft_none *none)
{
    (void)none;
    int item;
    for (int i = 0; i < job->rounds; i++) {
        CHECK(weft_shared_get(job->in, &item, patience()) == 0 && item == i);
        CHECK(weft_shared_put(job->out, &item, patience()) == 0);
    }
    return 0;
}
WEFT_TASK(answer, struct job, weft_none);

static int ask(const struct job *job, weft_none *none)
{
    (void)none;
    int item = -1;
    for (int i = 0; i < job->rounds; i++) {
        CHECK(weft_shared_put(job->out, &i, patience()) == 0);
        CHECK(weft_shared_get(job->in, &item, patience()) == 0 && item == i);
    }
    return 0;
}
WEFT_TASK(ask, struct job, weft_none);

static void no_wake_up_is_lost_from(enum weft_kind kind, int rounds)
{
    weft_shared_queue *there = weft_shared_queue_new(sizeof(int), 1);
    weft_shared_queue *back = weft_shared_queue_new(sizeof(int), 1);
    assert_true(there && back);
    struct job asks = {.out = there, .in = back, .rounds = rounds};
    struct job answers = {.out = back, .in = there, .rounds = rounds};
    weft_future *asker = weft_start(kind, ask, &asks);
    weft_future *answerer = weft_start(WEFT_PROCESSES, answer, &answers);
    assert_int_equal(weft_join(&asker, NULL, 0), 0);
    assert_int_equal(weft_join(&answerer, NULL, 0), 0);
    weft_shared_queue_free(&there);
    weft_shared_queue_free(&back);
}

static void no_wake_up_is_lost_on_the_way_there_and_back(void **state)
{
    (void)state;
    no_wake_up_is_lost_from(WEFT_PROCESSES, FULL);
    no_wake_up_is_lost_from(WEFT_THREADS, FULL / 2);
    no_wake_up_is_lost_from(WEFT_FIBERS, FULL / 4);
}

// ---- waits in a worker end early --------------------------------------------------------------

static int acquire_for_ever(const struct job *job, weft_none *none)
{
    (void)none;
    return weft_shared_acquire(&job->board->sem, WEFT_FOREVER);
}
WEFT_TASK(acquire_for_ever, struct job, weft_none);

static void a_worker_that_waits_is_asked_to_stop_and_eats_no_unit(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(1);
    struct job job = {.board = board_new()};
    for (int i = 0; i < 20; i++) {
        weft_future *f = weft_submit(pool, acquire_for_ever, &job);
        if (i % 2 == 0)
            await_asleep_tid(await_begun(f).tid);
        weft_cancel(f);
        assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    }
    int rc = -EOWNERDEAD; // if so, it got no core in the 100 ms that it has
    for (int tries = 0; rc == -EOWNERDEAD && tries < 10; tries++) {
        weft_future *f = weft_submit_until(pool, weft_after_ms(50), acquire_for_ever, &job);
        rc = weft_join(&f, NULL, 0);
    }
    assert_int_equal(rc, -ETIMEDOUT);
    weft_shared_release(&job.board->sem, 1);
    weft_future *f = weft_submit(pool, acquire_for_ever, &job);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    weft_shared_free(&job.board);
    weft_pool_close(&pool);
}

// ---- under WEFT_CHECK=1 -----------------------------------------------------------------------

static int add_one(struct board *const *board, weft_none *none)
{
    (void)none;
    weft_shared_add(&(*board)->counter, 1);
    return 0;
}
WEFT_TASK(add_one, struct board *, weft_none);

// It means something everywhere.
static int scene_of_a_region(void)
{
    struct board *b = weft_shared(sizeof *b);
    CHECK(b);
    weft_future *f = weft_start(WEFT_PROCESSES, add_one, &b);
    CHECK(weft_join(&f, NULL, 0) == 0);
    CHECK(weft_shared_value(&b->counter) == 1);
    weft_shared_free(&b);
    return 0;
}

static void an_address_of_a_region_is_a_good_argument(void **state)
{
    (void)state;
    expect_clean_end(scene_of_a_region);
}

static const struct scene scenes[] = {SCENE(scene_of_a_region)};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_region_made_after_the_workers_is_seen_by_them),
    cmocka_unit_test(a_region_made_by_a_worker_is_the_roots_to_use_and_to_free),
    cmocka_unit_test(what_a_worker_frees_is_used_again_and_zeroed),
    cmocka_unit_test(all_make_and_free_at_once),
    cmocka_unit_test(what_all_count_under_the_mutex_adds_up),
    cmocka_unit_test(no_more_are_inside_than_there_are_units),
    cmocka_unit_test(a_set_wakes_all_also_if_it_is_cleared_at_once),
    cmocka_unit_test(each_item_comes_once_and_each_putters_in_order),
    cmocka_unit_test(no_wake_up_is_lost_on_the_way_there_and_back),
    cmocka_unit_test(a_worker_that_waits_is_asked_to_stop_and_eats_no_unit),
    cmocka_unit_test(an_address_of_a_region_is_a_good_argument),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
