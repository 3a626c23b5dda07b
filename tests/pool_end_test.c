// SPDX-License-Identifier: MIT
// pool_end_test.c - how the work of a pool ends: cancelled, or waited for by its close; and what
// those get who submit meanwhile.
#include "board.h"
#include "exec_helpers.h"

static int count(atomic_int *const *counter, weft_none *none)
{
    (void)none;
    atomic_fetch_add(*counter, 1);
    return 0;
}
WEFT_TASK(count, atomic_int *, weft_none);

static int sleep_for_ever(struct spot *const *spot, weft_none *none)
{
    (void)none;
    arrive(*spot);
    return weft_sleep(WEFT_FOREVER);
}
WEFT_TASK(sleep_for_ever, struct spot *, weft_none);

// ---- cancel ----------------------------------------------------------------------------

static void cancelling_a_pool_reaches_queued_and_running_tasks(void **state)
{
    (void)state;
    only_for_threads();
    struct spot *spot = on_board(struct spot);
    atomic_int *counter = on_board(atomic_int);
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    weft_future *running = weft_submit(pool, sleep_for_ever, &spot);
    await_asleep(spot);
    weft_future *queued[5];
    for (int i = 0; i < 5; i++)
        queued[i] = weft_submit(pool, count, &counter);
    weft_pool_cancel(pool);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(weft_wait(queued[i], much_later()), 0);
        assert_int_equal(weft_join(&queued[i], NULL, 0), -ECANCELED);
        assert_string_equal(weft_error(), "count: its pool was cancelled before it began");
    }
    assert_int_equal(weft_join(&running, NULL, 0), -ECANCELED);
    assert_int_equal(atomic_load(counter), 0);
    weft_future *later = weft_submit(pool, count, &counter); // asked were those in it, not the pool
    assert_non_null(later);
    assert_int_equal(weft_join(&later, NULL, 0), 0);
    weft_pool_close(&pool);
    assert_int_equal(atomic_load(counter), 1);
}

static int cancel_all(weft_pool *const *pool, weft_none *none)
{
    (void)none;
    weft_pool_cancel(*pool);
    return weft_check();
}
WEFT_TASK(cancel_all, weft_pool *, weft_none);

static void a_task_may_cancel_its_own_pool(void **state)
{
    (void)state;
    not_with_processes("a task does not have its pool");
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    weft_future *f = weft_submit(pool, cancel_all, &pool);
    assert_int_equal(weft_wait(f, much_later()), 0);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    weft_pool_close(&pool);
}

// ---- close -----------------------------------------------------------------------------

static void closing_no_pool_does_nothing(void **state)
{
    (void)state;
    weft_pool *pool = NULL;
    weft_pool_close(&pool);
    assert_null(pool);
}

static void closing_waits_for_queued_tasks(void **state)
{
    (void)state;
    struct hold *h = on_board(struct hold);
    atomic_int *counter = on_board(atomic_int);
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    weft_future *busy = hold_a_worker(pool, h), *futures[20];
    for (int i = 0; i < 20; i++)
        futures[i] = weft_submit(pool, count, &counter);
    sem_post(&h->release);
    weft_pool_close(&pool);
    assert_int_equal(atomic_load(counter), 20);
    for (int i = 0; i < 20; i++)
        assert_int_equal(weft_join(&futures[i], NULL, 0), 0);
    assert_int_equal(weft_join(&busy, NULL, 0), 0);
}

struct closer {
    weft_pool *pool;
    struct spot spot;
    int check_after;
};

static int close_it(struct closer *const *arg, weft_none *none)
{
    struct closer *c = *arg;
    (void)none;
    arrive(&c->spot);
    weft_pool_close(&c->pool);
    c->check_after = weft_check();
    return 0;
}
WEFT_TASK(close_it, struct closer *, weft_none);

static void a_cancelled_closer_still_waits(void **state)
{
    (void)state;
    struct hold *h = on_board(struct hold);
    atomic_int *counter = on_board(atomic_int);
    struct closer closer = {.pool = weft_pool_open(KIND, .workers = 1)}, *arg = &closer;
    weft_future *busy = hold_a_worker(closer.pool, h);
    assert_int_equal(weft_spawn(closer.pool, count, &counter), 0);
    weft_future *f = weft_start(WEFT_THREADS, close_it, &arg);
    await_asleep(&closer.spot);
    weft_cancel(f);
    assert_int_equal(let_go(&busy, h), 0); // closing cancels nobody
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_int_equal(atomic_load(counter), 1);
    assert_int_equal(closer.check_after, -ECANCELED);
    assert_null(closer.pool);
}

// Every way to hand a task over to the pool; how many of them gave -EPIPE, or -1 if one ran.
static int refused_ways(weft_pool *pool)
{
    atomic_int *counter = on_board(atomic_int);
    weft_none none[2];
    atomic_int *counters[2] = {counter, counter};
    int refused = 0;
    weft_future *f = weft_submit(pool, count, &counter);
    refused += !f && weft_error_code() == -EPIPE;
    f = weft_submit_until(pool, much_later(), count, &counter);
    refused += !f && weft_error_code() == -EPIPE;
    refused += weft_spawn(pool, count, &counter) == -EPIPE;
    refused += weft_map(pool, WEFT_FOREVER, count, 2, none, counters) == -EPIPE;
    return atomic_load(counter) == 0 ? refused : -1;
}

struct insider {
    weft_pool *pool;
    struct hold hold;
};

static int try_from_inside(struct insider *const *arg, int *refused)
{
    struct hold *until_closing = &(*arg)->hold;
    (void)hold(&until_closing, NULL);
    *refused = ON_PROCESSES ? 4 : refused_ways((*arg)->pool); // a process does not have its pool
    return 0;
}
WEFT_TASK(try_from_inside, struct insider *, int);

static void what_comes_while_the_pool_closes_is_refused(void **state)
{
    (void)state;
    struct closer closer = {.pool = weft_pool_open(KIND, .workers = 1)}, *closing = &closer;
    struct insider *inside = on_board(struct insider);
    weft_pool *pool = inside->pool = closer.pool;
    hold_init(&inside->hold);
    weft_group *group = weft_group_open(pool);
    atomic_int *counter = NULL;
    weft_future *insider = weft_submit(pool, try_from_inside, &inside);
    sem_take(&inside->hold.started);
    weft_future *f = weft_start(WEFT_THREADS, close_it, &closing);
    await_asleep(&closer.spot);
    assert_int_equal(refused_ways(pool), 4);
    assert_int_equal(weft_group_add(group, 1, count, &counter), -EPIPE);
    weft_group_close(&group); // while the pool is still there
    sem_post(&inside->hold.release);
    assert_int_equal(weft_wait(insider, much_later()), 0);
    int from_inside = 0;
    assert_int_equal(weft_join_as(&insider, try_from_inside, &from_inside), 0);
    assert_int_equal(from_inside, 4);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
}

static weft_pool *ending_pool;
static int late_code;

static void spawn_late(void *value)
{
    (void)value;
    atomic_int *counter = NULL;
    nap_ms(30); // the close is likely to wait for this thread by now
    late_code = weft_spawn(ending_pool, count, &counter);
}

static int leave_a_value(void *ctx)
{
    (void)ctx;
    static weft_local last_word = WEFT_LOCAL(spawn_late);
    return weft_local_set(&last_word, &last_word);
}

static void what_a_worker_submits_as_it_ends_is_refused(void **state)
{
    (void)state;
    not_with_processes("a worker does not have its pool");
    weft_pool *pool = weft_pool_open(KIND, .workers = 1, .on_start = leave_a_value);
    ending_pool = pool;
    weft_pool_close(&pool);
    assert_int_equal(late_code, -EPIPE);
}

struct producer {
    weft_pool *pool;
    struct spot spot;
};

static int submit_to_the_full(struct producer *const *arg, weft_none *none)
{
    atomic_int *counter = NULL;
    (void)none;
    arrive(&(*arg)->spot);
    weft_future *f = weft_submit((*arg)->pool, count, &counter);
    int rc = f ? 0 : weft_error_code();
    weft_drop(&f);
    return rc;
}
WEFT_TASK(submit_to_the_full, struct producer *, weft_none);

static void a_producer_that_is_held_back_hears_of_the_close(void **state)
{
    (void)state;
    struct hold *h = on_board(struct hold);
    atomic_int *counter = on_board(atomic_int);
    struct closer closer = {.pool = weft_pool_open(KIND, .workers = 1, .backlog = 1)};
    struct closer *closing = &closer;
    struct producer producer = {.pool = closer.pool}, *producing = &producer;
    weft_future *busy = hold_a_worker(closer.pool, h);
    assert_int_equal(weft_spawn(closer.pool, count, &counter), 0);
    weft_future *held = weft_start(WEFT_THREADS, submit_to_the_full, &producing);
    await_asleep(&producer.spot);
    weft_future *f = weft_start(WEFT_THREADS, close_it, &closing);
    assert_int_equal(weft_join(&held, NULL, 0), -EPIPE); // before anything made room
    assert_int_equal(let_go(&busy, h), 0);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_int_equal(atomic_load(counter), 1);
}

static void a_task_of_another_pool_may_close_it(void **state)
{
    (void)state;
    atomic_int *counter = on_board(atomic_int);
    weft_pool *outer = weft_pool_open(WEFT_THREADS, .workers = 1);
    struct closer closer = {.pool = weft_pool_open(KIND, .workers = 1)}, *arg = &closer;
    for (int i = 0; i < 10; i++)
        assert_int_equal(weft_spawn(closer.pool, count, &counter), 0);
    weft_future *f = weft_submit(outer, close_it, &arg);
    assert_int_equal(weft_wait(f, much_later()), 0);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_int_equal(atomic_load(counter), 10);
    weft_pool_close(&outer);
}

// ---- misuse ----------------------------------------------------------------------------

static int close_own_pool(weft_pool *const *pool, weft_none *none)
{
    (void)none;
    weft_pool *own = *pool;
    weft_pool_close(&own);
    return 0;
}
WEFT_TASK(close_own_pool, weft_pool *, weft_none);

static int run_close_own_pool(void)
{
    weft_pool *pool = weft_pool_open(KIND, .workers = 1, .name = "ouroboros");
    if (weft_spawn(pool, close_own_pool, &pool) != 0)
        return 1;
    pause();
    return 0;
}

static weft_pool *told_pool;

static void close_when_told(const char *task, int code, const char *message, void *ctx)
{
    (void)task, (void)code, (void)message, (void)ctx;
    weft_pool_close(&told_pool);
}

static int fail_at_once(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    return -ENOLCK;
}
WEFT_TASK(fail_at_once, weft_none, weft_none);

static int run_close_in_on_error(void)
{
    told_pool = weft_pool_open(KIND, .workers = 1, .on_error = close_when_told);
    if (!told_pool || weft_spawn(told_pool, fail_at_once, &(weft_none){0}) != 0)
        return 1;
    pause();
    return 0;
}

static int run_negative_workers(void)
{
    weft_pool *pool = weft_pool_open(KIND, .workers = -1);
    weft_pool_close(&pool);
    return 0;
}

static int run_negative_spares(void)
{
    weft_pool *pool = weft_pool_open(KIND, .max_spares = -3);
    weft_pool_close(&pool);
    return 0;
}

static int run_negative_tasks_per_worker(void)
{
    weft_pool *pool = weft_pool_open(KIND, .tasks_per_worker = -4);
    weft_pool_close(&pool);
    return 0;
}

static int run_submit_nowhere(void)
{
    atomic_int *counter = NULL;
    weft_future *f = weft_submit(NULL, count, &counter);
    weft_drop(&f);
    return 0;
}

static int run_spawn_nowhere(void)
{
    atomic_int *counter = NULL;
    return weft_spawn(NULL, count, &counter);
}

static int run_map_nowhere(void)
{
    weft_none out[1];
    return weft_map(NULL, WEFT_FOREVER, count, 1, out, (atomic_int *[]){NULL});
}

static int run_group_nowhere(void)
{
    weft_group *g = weft_group_open(NULL);
    weft_group_close(&g);
    return 0;
}

static void closing_a_pool_from_its_own_task_aborts(void **state)
{
    (void)state;
    not_with_processes("a task does not have its pool");
    assert_aborts("close_own_pool", "weft_pool_close", "");
}

static void closing_a_pool_from_its_own_on_error_aborts(void **state)
{
    (void)state;
    assert_aborts("close_in_on_error", "weft_pool_close", "on_error");
}

static void a_negative_number_in_the_options_aborts(void **state)
{
    (void)state;
    assert_aborts("negative_workers", "weft_pool_open", "-1");
    assert_aborts("negative_spares", "weft_pool_open", "-3");
    assert_aborts("negative_tasks_per_worker", "weft_pool_open", "-4");
}

static void submitting_without_a_pool_aborts(void **state)
{
    (void)state;
    assert_aborts("submit_nowhere", "weft_submit", "NULL");
    assert_aborts("spawn_nowhere", "weft_spawn", "NULL");
    assert_aborts("map_nowhere", "weft_map", "NULL");
    assert_aborts("group_nowhere", "weft_group_open", "NULL");
}

static const struct scene scenes[] = {
    {"close_own_pool", run_close_own_pool},
    {"close_in_on_error", run_close_in_on_error},
    {"negative_workers", run_negative_workers},
    {"negative_spares", run_negative_spares},
    {"negative_tasks_per_worker", run_negative_tasks_per_worker},
    {"submit_nowhere", run_submit_nowhere},
    {"spawn_nowhere", run_spawn_nowhere},
    {"map_nowhere", run_map_nowhere},
    {"group_nowhere", run_group_nowhere},
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(cancelling_a_pool_reaches_queued_and_running_tasks),
    cmocka_unit_test(a_task_may_cancel_its_own_pool),
    cmocka_unit_test(closing_no_pool_does_nothing),
    cmocka_unit_test(closing_waits_for_queued_tasks),
    cmocka_unit_test(a_cancelled_closer_still_waits),
    cmocka_unit_test(what_comes_while_the_pool_closes_is_refused),
    cmocka_unit_test(what_a_worker_submits_as_it_ends_is_refused),
    cmocka_unit_test(a_producer_that_is_held_back_hears_of_the_close),
    cmocka_unit_test(a_task_of_another_pool_may_close_it),
    cmocka_unit_test(closing_a_pool_from_its_own_task_aborts),
    cmocka_unit_test(closing_a_pool_from_its_own_on_error_aborts),
    cmocka_unit_test(a_negative_number_in_the_options_aborts),
    cmocka_unit_test(submitting_without_a_pool_aborts),
};
TEST_MAIN_WITH_SCENES(tests, scenes)
