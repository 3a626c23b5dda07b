// SPDX-License-Identifier: MIT
// pool_test.c - a pool of workers: opening, submitting with and without a deadline, spawning, the
// backlog. pool_end_test.c has cancelling and closing, pool_options_test.c options and limits.
#include "board.h"
#include "exec_helpers.h"

#include <stdalign.h>

static int square(const int *n, long *out)
{
    *out = (long)*n * *n;
    return 0;
}
WEFT_TASK(square, int, long);

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
    int rc = weft_sleep(WEFT_FOREVER);
    return weft_fail(rc, "woken from sleep");
}
WEFT_TASK(sleep_for_ever, struct spot *, weft_none);

// ---- open ------------------------------------------------------------------------------

static void the_workers_are_started_at_once_and_named_after_the_pool(void **state)
{
    (void)state;
    char name[] = "resize";
    weft_pool *pool = weft_pool_open(KIND, .workers = 3, .name = name);
    assert_non_null(pool);
    strcpy(name, "xxxxxx");
    while (workers_named("resize-") < 3)
        nap_ms(1);
    assert_int_equal(workers_named("resize-1"), 1);
    assert_int_equal(workers_named("resize-2"), 1);
    assert_int_equal(workers_named("resize-3"), 1);
    weft_pool_close(&pool);
    assert_null(pool);
    while (workers_named("resize-") > 0) // gone with the pool
        nap_ms(1);
}

static void without_a_number_there_is_a_worker_for_each_core(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(KIND, .name = "percore");
    assert_non_null(pool);
    while (workers_named("percore-") < weft_cores())
        nap_ms(1);
    assert_int_equal(workers_named("percore-"), weft_cores());
    weft_pool_close(&pool);
}

static void a_pool_whose_threads_cannot_be_made_is_an_error(void **state)
{
    (void)state;
    not_with_processes("a worker's stack is that of a main thread");
    weft_pool *pool = weft_pool_open(KIND, .workers = 2, .stack_size = (size_t)1 << 46);
    assert_null(pool);
    assert_true(weft_error_code() == -EAGAIN || weft_error_code() == -ENOMEM);
    assert_non_null(strstr(weft_error(), ON_FIBERS ? "2 fibers" : "2 threads"));
    assert_non_null(strstr(weft_error(), " with stacks of 70368744177664 bytes: "));
}

// ---- submit ----------------------------------------------------------------------------

static void results_come_back_through_futures(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(KIND, .workers = 2);
    weft_future *futures[100];
    for (int i = 0; i < 100; i++)
        futures[i] = weft_submit(pool, square, &i);
    for (int i = 99; i >= 0; i--) {
        long out = -1;
        assert_int_equal(weft_join_as(&futures[i], square, &out), 0);
        assert_int_equal(out, i * i);
    }
    weft_pool_close(&pool);
}

static void futures_outlive_their_pool(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(KIND, .workers = 2);
    weft_future *f = weft_submit(pool, square, &(int){12});
    weft_future *unread = weft_submit(pool, square, &(int){13});
    weft_pool_close(&pool);
    assert_true(weft_done(f));
    assert_int_equal(weft_wait(f, WEFT_POLL), 0);
    struct weft_info info;
    weft_inspect(f, &info);
    assert_false(info.alive);
    weft_cancel(f);
    long out = 0;
    assert_int_equal(weft_join_as(&f, square, &out), 0);
    assert_int_equal(out, 144);
    weft_drop(&unread);
}

struct wide {
    alignas(128) char bytes[128];
    int n;
};

static int check_alignment(const struct wide *arg, struct wide *out)
{
    if ((uintptr_t)arg % 128 != 0 || (uintptr_t)out % 128 != 0)
        return weft_fail(-EFAULT, "argument at %p, result at %p", (const void *)arg, (void *)out);
    *out = (struct wide){.n = arg->n + 1};
    return 0;
}
WEFT_TASK(check_alignment, struct wide, struct wide);

static void arguments_and_results_are_aligned_in_a_pool_too(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(KIND, .workers = 2);
    weft_future *futures[30];
    struct wide out = {.n = 0};
    for (int i = 0; i < 30; i++)
        futures[i] = weft_submit(pool, check_alignment, &(struct wide){.n = i});
    for (int i = 0; i < 30; i++) {
        assert_int_equal(weft_join_as(&futures[i], check_alignment, &out), 0);
        assert_int_equal(out.n, i + 1);
    }
    weft_pool_close(&pool);
}

struct cache_line {
    alignas(64) int n;
};

static int check_line(const struct cache_line *arg, struct cache_line *out)
{
    *out = (struct cache_line){.n = arg->n + 1};
    return (uintptr_t)arg % 64 == 0 && (uintptr_t)out % 64 == 0 ? 0 : -EFAULT;
}
WEFT_TASK(check_line, struct cache_line, struct cache_line);

static void so_are_small_ones(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(KIND, .workers = 2);
    weft_future *futures[30];
    struct cache_line out = {.n = 0};
    for (int i = 0; i < 30; i++)
        futures[i] = weft_submit(pool, check_line, &(struct cache_line){.n = i});
    for (int i = 0; i < 30; i++) {
        assert_int_equal(weft_join_as(&futures[i], check_line, &out), 0);
        assert_int_equal(out.n, i + 1);
    }
    weft_pool_close(&pool);
}

struct megabyte {
    uint64_t words[1 << 17];
};

static int sum(const struct megabyte *arg, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < COUNT(arg->words); i++)
        *out += arg->words[i];
    return 0;
}
WEFT_TASK(sum, struct megabyte, uint64_t);

static void a_megabyte_is_an_argument_like_any_other(void **state)
{
    (void)state;
    static struct megabyte in;
    weft_pool *pool = weft_pool_open(KIND, .workers = 2);
    weft_future *futures[5];
    for (uint64_t i = 0; i < 5; i++) {
        for (size_t j = 0; j < COUNT(in.words); j++)
            in.words[j] = i + 1;
        futures[i] = weft_submit(pool, sum, &in);
    }
    for (uint64_t i = 0; i < 5; i++) {
        uint64_t out = 0;
        assert_int_equal(weft_join_as(&futures[i], sum, &out), 0);
        assert_int_equal(out, (i + 1) << 17);
    }
    weft_pool_close(&pool);
}

// ---- what a joiner may run in place ----------------------------------------------------

static int who_runs(const weft_none *none, struct weft_info *self)
{
    (void)none;
    (void)weft_fail(-EBADMSG, "dealt with");
    weft_self(self);
    return weft_check(); // whoever runs it: its own request counts
}
WEFT_TASK(who_runs, weft_none, struct weft_info);

static void a_plain_thread_that_joins_a_queued_task_runs_it_in_place(void **state)
{
    (void)state;
    not_with_processes("who joins a task runs it nowhere but in its process");
    struct hold *h = on_board(struct hold);
    struct weft_info ran, self;
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    weft_future *busy = hold_a_worker(pool, h);
    weft_future *f = weft_submit(pool, who_runs, &(weft_none){0});
    weft_self(&self);
    (void)weft_fail(-EXDEV, "mine");
    assert_int_equal(weft_join_as(&f, who_runs, &ran), 0); // or nothing would ever run it
    assert_int_equal(ran.tid, self.tid);
    assert_true(ran.id != self.id); // yet it is a task of its own, with its own last error
    assert_int_equal(weft_error_code(), -EXDEV);
    assert_string_equal(weft_error(), "mine");
    assert_int_equal(let_go(&busy, h), 0);
    weft_pool_close(&pool);
}

static void waiting_for_ever_may_run_it_waiting_with_a_deadline_does_not(void **state)
{
    (void)state;
    not_with_processes("who joins a task runs it nowhere but in its process");
    struct hold *h = on_board(struct hold);
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    weft_future *busy = hold_a_worker(pool, h);
    weft_future *f = weft_submit(pool, who_runs, &(weft_none){0});
    assert_int_equal(weft_wait(f, weft_after_ms(2)), -ETIMEDOUT);
    assert_int_equal(weft_wait(f, WEFT_POLL), -ETIMEDOUT);
    assert_int_equal(weft_wait(f, WEFT_FOREVER), 0);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_int_equal(let_go(&busy, h), 0);
    weft_pool_close(&pool);
}

static int join_while_cancelled(weft_pool *const *pool, weft_none *none)
{
    (void)none;
    weft_future *f = weft_submit(*pool, who_runs, &(weft_none){0});
    if (!f)
        return weft_error_code();
    if (weft_sleep(WEFT_FOREVER) != -ECANCELED)
        return -EIO;
    bool before = weft_shield(true);
    int rc = weft_join(&f, NULL, 0);
    weft_shield(before);
    return rc;
}
WEFT_TASK(join_while_cancelled, weft_pool *, weft_none);

static void a_task_run_in_place_has_its_own_request_to_stop(void **state)
{
    (void)state;
    not_with_processes("who joins a task runs it nowhere but in its process");
    only_for_threads();
    struct hold *h = on_board(struct hold);
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    weft_pool *other = weft_pool_open(WEFT_THREADS, .workers = 1);
    weft_future *busy = hold_a_worker(pool, h);
    weft_future *f = weft_submit(other, join_while_cancelled, &pool);
    struct weft_info info = {.tid = 0};
    for (; info.tid == 0; nap_ms(1))
        weft_inspect(f, &info); // until it has begun
    await_asleep_tid(info.tid);
    weft_cancel(f);
    assert_int_equal(weft_wait(f, much_later()), 0);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_int_equal(let_go(&busy, h), 0);
    weft_pool_close(&other);
    weft_pool_close(&pool);
}

static weft_local mark;

static int leave_traces(const int *n, weft_none *none)
{
    (void)none;
    static int value;
    bool first = *n == 0;
    if (weft_local_get(&mark) || weft_error_code() != 0 || weft_check() != 0)
        return weft_fail(-EEXIST, "traces of another task");
    if (weft_shield(true))
        return weft_fail(-EEXIST, "another's shield");
    return first ? weft_fail(-EIO, "the first") : weft_local_set(&mark, &value);
}
WEFT_TASK(leave_traces, int, weft_none);

static void a_task_finds_nothing_of_the_one_before_it(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    for (int i = 0; i < 4; i++) {
        weft_future *f = weft_submit(pool, leave_traces, &i);
        assert_int_equal(weft_wait(f, much_later()), 0);
        assert_int_equal(weft_join(&f, NULL, 0), i == 0 ? -EIO : 0);
    }
    weft_pool_close(&pool);
}

// ---- submit_until ----------------------------------------------------------------------

static void a_queued_task_expires_though_no_worker_is_free(void **state)
{
    (void)state;
    struct hold *h = on_board(struct hold);
    atomic_int *counter = on_board(atomic_int);
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    weft_future *busy = hold_a_worker(pool, h);
    weft_future *joined = weft_submit_until(pool, weft_after_ms(3), count, &counter);
    weft_future *waited = weft_submit_until(pool, weft_after_ms(3), count, &counter);
    weft_future *polled = weft_submit_until(pool, WEFT_POLL, count, &counter);
    assert_int_equal(weft_wait(waited, much_later()), 0);
    assert_int_equal(weft_join(&waited, NULL, 0), -ETIMEDOUT);
    assert_int_equal(weft_join(&joined, NULL, 0), -ETIMEDOUT); // over long ago
    assert_int_equal(weft_error_code(), -ETIMEDOUT);
    assert_string_equal(weft_error(), "count: its deadline passed before it began");
    assert_int_equal(weft_join(&polled, NULL, 0), -ETIMEDOUT);
    assert_int_equal(atomic_load(counter), 0);
    assert_int_equal(let_go(&busy, h), 0);
    weft_pool_close(&pool);
    assert_int_equal(atomic_load(counter), 0);
}

static void a_running_task_expires_at_its_next_wait(void **state)
{
    (void)state;
    struct spot *spot = on_board(struct spot);
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    for (int ms = 10; atomic_load(&spot->tid) == 0; ms *= 2) { // until it began in time
        weft_future *f = weft_submit_until(pool, weft_after_ms(ms), sleep_for_ever, &spot);
        assert_int_equal(weft_wait(f, much_later()), 0);
        int rc = weft_join(&f, NULL, 0);
        if (ON_PROCESSES && rc == -EOWNERDEAD) // it got no core in the 100 ms that it has
            atomic_store(&spot->tid, 0);
        else
            assert_int_equal(rc, -ETIMEDOUT);
        if (atomic_load(&spot->tid) != 0)
            assert_string_equal(weft_error(), "woken from sleep");
    }
    weft_pool_close(&pool);
}

static void a_deadline_that_does_not_come_changes_nothing(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    long out = 0;
    weft_future *f = weft_submit_until(pool, much_later(), square, &(int){9});
    assert_int_equal(weft_join_as(&f, square, &out), 0);
    assert_int_equal(out, 81);
    weft_pool_close(&pool);
}

// ---- spawn -----------------------------------------------------------------------------

static void spawned_tasks_run_before_the_pool_is_closed(void **state)
{
    (void)state;
    atomic_int *counter = on_board(atomic_int);
    weft_pool *pool = weft_pool_open(KIND, .workers = 2);
    for (int i = 0; i < 200; i++)
        assert_int_equal(weft_spawn(pool, count, &counter), 0);
    weft_pool_close(&pool);
    assert_int_equal(atomic_load(counter), 200);
}

// ---- the backlog -----------------------------------------------------------------------

struct producer {
    weft_pool *pool;
    struct spot spot;
    atomic_int ran;
    int submitted;
};

static int submit_one_more(struct producer *const *arg, weft_none *none)
{
    struct producer *p = *arg;
    atomic_int *counter = &p->ran;
    (void)none;
    arrive(&p->spot);
    weft_future *f = weft_submit(p->pool, count, &counter);
    if (!f)
        return weft_error_code();
    p->submitted = 1;
    return weft_join(&f, NULL, 0);
}
WEFT_TASK(submit_one_more, struct producer *, weft_none);

// One worker, which is busy, and two tasks in a backlog of two.
static weft_pool *open_full(struct hold *h, weft_future **busy, struct producer *p)
{
    atomic_int *counter = &p->ran;
    weft_pool *pool = weft_pool_open(KIND, .workers = 1, .backlog = 2);
    *busy = hold_a_worker(pool, h);
    p->pool = pool;
    for (int i = 0; i < 2; i++)
        assert_int_equal(weft_spawn(pool, count, &counter), 0);
    return pool;
}

static void a_full_backlog_holds_the_producer_back(void **state)
{
    (void)state;
    struct hold *h = on_board(struct hold);
    weft_future *busy;
    struct producer *p = on_board(struct producer);
    weft_pool *pool = open_full(h, &busy, p);
    weft_future *f = weft_start(WEFT_THREADS, submit_one_more, &p);
    await_asleep(&p->spot);
    assert_false(weft_done(f));
    assert_int_equal(let_go(&busy, h), 0);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_int_equal(p->submitted, 1);
    weft_pool_close(&pool);
    assert_int_equal(atomic_load(&p->ran), 3);
}

static void a_producer_that_is_held_back_may_be_cancelled_or_run_out_of_time(void **state)
{
    (void)state;
    struct hold *h = on_board(struct hold);
    weft_future *busy;
    struct producer *p = on_board(struct producer);
    weft_pool *pool = open_full(h, &busy, p);
    weft_future *f = weft_start(WEFT_THREADS, submit_one_more, &p);
    await_asleep(&p->spot);
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    weft_pool *other = weft_pool_open(WEFT_THREADS, .workers = 1);
    atomic_store(&p->spot.tid, 0);
    for (int ms = 10; atomic_load(&p->spot.tid) == 0; ms *= 2) {
        f = weft_submit_until(other, weft_after_ms(ms), submit_one_more, &p);
        assert_int_equal(weft_wait(f, much_later()), 0);
        assert_int_equal(weft_join(&f, NULL, 0), -ETIMEDOUT);
    }
    weft_pool_close(&other);
    assert_int_equal(p->submitted, 0);
    assert_int_equal(let_go(&busy, h), 0);
    weft_pool_close(&pool);
    assert_int_equal(atomic_load(&p->ran), 2);
}

static void a_cancelled_task_makes_room_in_the_backlog(void **state)
{
    (void)state;
    struct hold *h = on_board(struct hold);
    atomic_int *counter = on_board(atomic_int);
    weft_pool *pool = weft_pool_open(KIND, .workers = 1, .backlog = 1);
    weft_future *busy = hold_a_worker(pool, h);
    for (int i = 0; i < 10; i++) {
        weft_future *f = weft_submit(pool, count, &counter);
        assert_non_null(f);
        weft_cancel(f);
        assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    }
    assert_int_equal(let_go(&busy, h), 0);
    weft_pool_close(&pool);
    assert_int_equal(atomic_load(counter), 0);
}

static int submit_many(struct producer *const *arg, weft_none *none)
{
    struct producer *p = *arg;
    atomic_int *counter = &p->ran;
    (void)none;
    for (int i = 0; i < 100; i++)
        if (weft_spawn(p->pool, count, &counter) != 0)
            return weft_error_code();
    return atomic_load(&p->ran) == 0 ? 0 : -EIO; // the only worker is here
}
WEFT_TASK(submit_many, struct producer *, weft_none);

static void a_pools_own_task_is_not_held_back(void **state)
{
    (void)state;
    not_with_processes("a task does not have its pool");
    struct producer *p = on_board(struct producer);
    p->pool = weft_pool_open(KIND, .workers = 1, .backlog = 1);
    weft_future *f = weft_submit(p->pool, submit_many, &p);
    assert_int_equal(weft_wait(f, much_later()), 0);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    weft_pool_close(&p->pool);
    assert_int_equal(atomic_load(&p->ran), 100);
}

// ---- many at once ----------------------------------------------------------------------

static int submit_and_join(weft_pool *const *pool, long *out)
{
    *out = 0;
    for (int round = 0; round < 25; round++) {
        weft_future *futures[8];
        for (int i = 0; i < 8; i++)
            if (!(futures[i] = weft_submit(*pool, square, &i)))
                return weft_error_code();
        for (int i = 0; i < 8; i++) {
            long n;
            int rc = weft_join_as(&futures[i], square, &n);
            if (rc < 0)
                return rc;
            *out += n;
        }
    }
    return 0;
}
WEFT_TASK(submit_and_join, weft_pool *, long);

static void many_submit_and_join_at_once(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(KIND, .workers = 2, .backlog = 4);
    weft_future *futures[6];
    for (int i = 0; i < 6; i++) // three from outside, three in the pool itself, where that is known
        futures[i] = i < 3 || ON_PROCESSES ? weft_start(WEFT_THREADS, submit_and_join, &pool)
                                           : weft_submit(pool, submit_and_join, &pool);
    for (int i = 0; i < 6; i++) {
        long out = 0;
        assert_int_equal(weft_join_as(&futures[i], submit_and_join, &out), 0);
        assert_int_equal(out, 25 * 140);
    }
    weft_pool_close(&pool);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_workers_are_started_at_once_and_named_after_the_pool),
    cmocka_unit_test(without_a_number_there_is_a_worker_for_each_core),
    cmocka_unit_test(a_pool_whose_threads_cannot_be_made_is_an_error),
    cmocka_unit_test(results_come_back_through_futures),
    cmocka_unit_test(futures_outlive_their_pool),
    cmocka_unit_test(arguments_and_results_are_aligned_in_a_pool_too),
    cmocka_unit_test(so_are_small_ones),
    cmocka_unit_test(a_megabyte_is_an_argument_like_any_other),
    cmocka_unit_test(a_plain_thread_that_joins_a_queued_task_runs_it_in_place),
    cmocka_unit_test(waiting_for_ever_may_run_it_waiting_with_a_deadline_does_not),
    cmocka_unit_test(a_task_run_in_place_has_its_own_request_to_stop),
    cmocka_unit_test(a_task_finds_nothing_of_the_one_before_it),
    cmocka_unit_test(a_queued_task_expires_though_no_worker_is_free),
    cmocka_unit_test(a_running_task_expires_at_its_next_wait),
    cmocka_unit_test(a_deadline_that_does_not_come_changes_nothing),
    cmocka_unit_test(spawned_tasks_run_before_the_pool_is_closed),
    cmocka_unit_test(a_full_backlog_holds_the_producer_back),
    cmocka_unit_test(a_producer_that_is_held_back_may_be_cancelled_or_run_out_of_time),
    cmocka_unit_test(a_cancelled_task_makes_room_in_the_backlog),
    cmocka_unit_test(a_pools_own_task_is_not_held_back),
    cmocka_unit_test(many_submit_and_join_at_once),
};
TEST_MAIN(tests)
