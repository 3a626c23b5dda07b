// SPDX-License-Identifier: MIT
// pipe_ends_test.c - ends that move with a task: who closes them, whatever becomes of the task.
//
// That an end was closed is seen at the other one: it gets -EPIPE.
#include "exec_helpers.h"

#include "exec/ends.h"

#define TEST(name) static void name(void **state __attribute__((unused)))

struct job {
    int limit;
    weft_end out;
};

static int count(const struct job *job, long *sent)
{
    WEFT_SCOPED(weft_end_close) weft_end out = job->out;
    for (int i = 0; i < job->limit; i++) {
        int rc = weft_send(out, &i, sizeof i, WEFT_FOREVER);
        if (rc < 0)
            return rc;
    }
    *sent = job->limit;
    return 0;
}
WEFT_TASK(count, struct job, long, .ends = {WEFT_END(struct job, out)});

static weft_end in; // the other end of the latest job's

static struct job job_of(int limit)
{
    struct job job = {.limit = limit};
    assert_int_equal(weft_pipe(&in, &job.out), 0);
    return job;
}

static int number_that_came(void)
{
    int number = -1;
    ssize_t n = weft_recv(in, &number, sizeof number, much_later());
    return n == sizeof number ? number : (int)n;
}

static void was_closed(void)
{
    int number;
    assert_int_equal(weft_recv(in, &number, sizeof number, WEFT_POLL), -EPIPE);
    weft_end_close(&in);
}

static void is_still_ours(struct job *job)
{
    int number;
    assert_int_equal(weft_recv(in, &number, sizeof number, WEFT_POLL), -ETIMEDOUT);
    weft_end_close(&job->out);
    was_closed();
}

static void comes_to_its_end(weft_future *f)
{
    long sent = 0;
    assert_non_null(f);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(number_that_came(), i);
    assert_int_equal(number_that_came(), -EPIPE);
    assert_int_equal(weft_join_as(&f, count, &sent), 0);
    assert_int_equal(sent, 1000);
    was_closed();
}

// ---- tasks that run -------------------------------------------------------------------

TEST(a_started_task_streams_through_its_end_and_closes_it)
{
    struct job job = job_of(1000);
    comes_to_its_end(weft_start(WEFT_THREADS, count, &job));
}

TEST(so_does_one_in_a_pool)
{
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 2);
    struct job job = job_of(1000);
    comes_to_its_end(weft_submit(pool, count, &job));
    weft_pool_close(&pool);
}

static int keep(const struct job *job, weft_end *kept)
{
    *kept = job->out;
    return 0;
}
WEFT_TASK(keep, struct job, weft_end, .ends = {WEFT_END(struct job, out)});

TEST(the_end_of_a_task_that_ran_is_its_own_to_keep)
{
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    struct job job = job_of(0);
    weft_end kept = {-1};
    weft_future *f = weft_submit(pool, keep, &job);
    assert_int_equal(weft_join_as(&f, keep, &kept), 0);
    weft_pool_close(&pool);
    assert_int_equal(weft_send(kept, &(int){7}, sizeof(int), WEFT_POLL), 0);
    assert_int_equal(number_that_came(), 7);
    weft_end_close(&kept);
    was_closed();
}

// ---- tasks that never run ---------------------------------------------------------------

// A pool whose only worker is busy, so that what is submitted waits.
struct busy {
    weft_pool *pool;
    weft_future *holder;
    struct hold hold;
};

static void busy_open(struct busy *busy)
{
    busy->pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    assert_non_null(busy->pool);
    busy->holder = hold_a_worker(busy->pool, &busy->hold);
}

static void busy_close(struct busy *busy)
{
    assert_int_equal(let_go(&busy->holder, &busy->hold), 0);
    weft_pool_close(&busy->pool);
}

TEST(one_that_is_cancelled_before_it_began_has_its_end_closed)
{
    struct busy busy;
    busy_open(&busy);
    struct job job = job_of(1);
    weft_future *f = weft_submit(busy.pool, count, &job);
    weft_cancel(f);
    was_closed();
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    busy_close(&busy);
}

TEST(one_that_is_dropped_before_it_began_has_its_end_closed)
{
    struct busy busy;
    busy_open(&busy);
    struct job job = job_of(1);
    weft_future *f = weft_submit(busy.pool, count, &job);
    weft_drop(&f);
    was_closed();
    busy_close(&busy);
}

TEST(one_whose_deadline_passed_before_it_began_has_its_end_closed)
{
    struct busy busy;
    busy_open(&busy);
    struct job job = job_of(1);
    weft_future *f = weft_submit_until(busy.pool, weft_after_ms(1), count, &job);
    assert_int_equal(weft_wait(f, much_later()), 0);
    was_closed();
    assert_int_equal(weft_join(&f, NULL, 0), -ETIMEDOUT);
    // Nobody waits for this one: its worker finds it too late.
    struct job late = job_of(1);
    f = weft_submit_until(busy.pool, weft_after_ms(1), count, &late);
    nap_ms(3);
    busy_close(&busy);
    was_closed();
    assert_int_equal(weft_join(&f, NULL, 0), -ETIMEDOUT);
}

TEST(one_whose_pool_is_cancelled_has_its_end_closed)
{
    struct busy busy;
    busy_open(&busy);
    struct job job = job_of(1);
    assert_int_equal(weft_spawn(busy.pool, count, &job), 0);
    weft_pool_cancel(busy.pool);
    was_closed();
    assert_int_equal(let_go(&busy.holder, &busy.hold), -ECANCELED);
    weft_pool_close(&busy.pool);
}

static int fail_to_start(void *ctx)
{
    (void)ctx;
    return -EIO;
}

TEST(one_whose_pool_failed_has_its_end_closed)
{
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1, .on_start = fail_to_start);
    struct job job = job_of(1);
    weft_future *f = weft_submit(pool, count, &job);
    assert_int_equal(weft_join(&f, NULL, 0), -EIO);
    was_closed();
    weft_pool_close(&pool);
}

// ---- not handed over ----------------------------------------------------------------------

struct attempt {
    weft_pool *pool;
    const struct job *job;
};

static int submit_when_cancelled(const struct attempt *attempt, weft_none *none)
{
    (void)none;
    while (weft_check() == 0)
        nap_ms(1);
    return weft_submit(attempt->pool, count, attempt->job) ? 0 : weft_error_code();
}
WEFT_TASK(submit_when_cancelled, struct attempt, weft_none);

TEST(if_handing_over_failed_the_end_is_still_the_senders)
{
    struct busy busy;
    busy_open(&busy);
    struct job job = job_of(1);
    weft_future *f = weft_start(WEFT_THREADS, submit_when_cancelled,
                                &(struct attempt){.pool = busy.pool, .job = &job});
    assert_non_null(f);
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    is_still_ours(&job);
    busy_close(&busy);
}

// ---- many at once ---------------------------------------------------------------------------

static int fail_after_closing(const struct job *job, weft_none *none)
{
    (void)none;
    weft_end out = job->out;
    weft_end_close(&out);
    return job->limit;
}
WEFT_TASK(fail_after_closing, struct job, weft_none, .ends = {WEFT_END(struct job, out)});

TEST(a_map_that_fails_leaves_no_end_open)
{
    enum { ITEMS = 40 };
    struct job jobs[ITEMS];
    weft_end others[ITEMS];
    weft_none none[ITEMS];
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 2);
    for (int bad = 0; bad < ITEMS; bad += 13) {
        for (int i = 0; i < ITEMS; i++) {
            jobs[i] = job_of(i == bad ? -EIO : 0);
            others[i] = in;
        }
        assert_int_equal(weft_map(pool, WEFT_FOREVER, fail_after_closing, ITEMS, none, jobs), -EIO);
        for (int i = 0; i < ITEMS; i++) {
            in = others[i];
            was_closed();
        }
    }
    weft_pool_close(&pool);
}

TEST(a_map_that_runs_lets_each_item_close_its_own)
{
    struct job jobs[2] = {job_of(0)};
    weft_end first = in;
    weft_none none[2];
    jobs[1] = job_of(0);
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 2);
    assert_int_equal(weft_map(pool, WEFT_FOREVER, fail_after_closing, 2, none, jobs), 0);
    weft_pool_close(&pool);
    was_closed();
    in = first;
    was_closed();
}

// ---- what an executor does with them (exec/ends.h) --------------------------------------------

struct __attribute__((packed)) parcel {
    char label[3];
    weft_end first, none, last;
};

static int open_parcel(const struct parcel *parcel, weft_none *none)
{
    (void)parcel, (void)none;
    return 0;
}
WEFT_TASK(open_parcel, struct parcel, weft_none,
          .ends = {WEFT_END(struct parcel, first), WEFT_END(struct parcel, none),
                   WEFT_END(struct parcel, last)});

TEST(ends_are_collected_and_written_wherever_they_lie)
{
    struct parcel parcel = {"ab", {5}, {-1}, {9}};
    int fds[WEFT_ENDS_MAX];
    assert_int_equal(wf_ends_collect(&open_parcel_task, &parcel, fds), 2);
    assert_int_equal(fds[0], 5);
    assert_int_equal(fds[1], 9);
    assert_false(wf_ends_write(&open_parcel_task, &parcel, (int[]){1}, 1));
    assert_false(wf_ends_write(&open_parcel_task, &parcel, (int[]){1, 2, 3}, 3));
    assert_int_equal(parcel.first.fd, 5);
    assert_true(wf_ends_write(&open_parcel_task, &parcel, (int[]){11, 12}, 2));
    assert_int_equal(parcel.first.fd, 11);
    assert_int_equal(parcel.none.fd, -1);
    assert_int_equal(parcel.last.fd, 12);
    assert_string_equal(parcel.label, "ab");
}

TEST(ends_are_closed_once)
{
    struct parcel parcel = {"ab", {-1}, {-1}, {dup(0)}};
    int fd = parcel.last.fd, fds[WEFT_ENDS_MAX];
    wf_ends_close(&open_parcel_task, &parcel);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(parcel.last.fd, -1);
    assert_int_equal(wf_ends_collect(&open_parcel_task, &parcel, fds), 0);
    wf_ends_close(&open_parcel_task, &parcel);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_started_task_streams_through_its_end_and_closes_it),
    cmocka_unit_test(so_does_one_in_a_pool),
    cmocka_unit_test(the_end_of_a_task_that_ran_is_its_own_to_keep),
    cmocka_unit_test(one_that_is_cancelled_before_it_began_has_its_end_closed),
    cmocka_unit_test(one_that_is_dropped_before_it_began_has_its_end_closed),
    cmocka_unit_test(one_whose_deadline_passed_before_it_began_has_its_end_closed),
    cmocka_unit_test(one_whose_pool_is_cancelled_has_its_end_closed),
    cmocka_unit_test(one_whose_pool_failed_has_its_end_closed),
    cmocka_unit_test(if_handing_over_failed_the_end_is_still_the_senders),
    cmocka_unit_test(a_map_that_fails_leaves_no_end_open),
    cmocka_unit_test(a_map_that_runs_lets_each_item_close_its_own),
    cmocka_unit_test(ends_are_collected_and_written_wherever_they_lie),
    cmocka_unit_test(ends_are_closed_once),
};

TEST_MAIN(tests)
