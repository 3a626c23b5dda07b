// SPDX-License-Identifier: MIT
// request_test.c - the request to stop is looked at first.
//
// One table holds every call of weft that can wait, each in a situation where it need not. A task
// that was cancelled, or whose own deadline has passed, goes through the table twice: first each
// call must refuse, without any effect; then, shielded, the same calls must all succeed - which
// they could not if the first round had taken the item, the token or the connection.
#include "exec_helpers.h"

#include <poll.h>

struct ready {
    weft_queue *items, *room;
    weft_sem sem;
    weft_event event;
    weft_mutex mu;
    weft_recursive recursive;
    weft_cond cond;
    weft_waitgroup nothing_left;
    weft_barrier alone;
    weft_pool *pool;
    weft_group *group, *empty_group;
    weft_future *done;
    weft_listener *listener;
    weft_conn *waiting, *ours, *theirs, *line, *line_peer;
    int pipe[2];
    sigset_t signals;
};

static int add_one(const int *n, int *out)
{
    *out = *n + 1;
    return 0;
}
WEFT_TASK(add_one, int, int);

// ---- the calls, none of which has to wait ----------------------------------------------

static int do_sleep(struct ready *r)
{
    (void)r;
    return weft_sleep(WEFT_POLL);
}

static int do_get(struct ready *r)
{
    int item;
    return weft_get(r->items, &item, WEFT_POLL);
}

static int do_put(struct ready *r)
{
    return weft_put(r->room, &(int){1}, WEFT_POLL);
}

static int do_acquire(struct ready *r)
{
    return weft_acquire(&r->sem, WEFT_POLL);
}

static int do_event(struct ready *r)
{
    return weft_event_wait(&r->event, WEFT_POLL);
}

static int do_lock(struct ready *r)
{
    int rc = weft_lock_until(&r->mu, WEFT_POLL);
    if (rc == 0)
        weft_unlock(&r->mu);
    return rc;
}

static int do_recursive(struct ready *r)
{
    int rc = weft_recursive_lock_until(&r->recursive, WEFT_POLL);
    if (rc == 0)
        weft_recursive_unlock(&r->recursive);
    return rc;
}

static bool always(const void *arg)
{
    (void)arg;
    return true;
}

static int do_cond(struct ready *r)
{
    weft_mutex mu = {0};
    weft_lock(&mu);
    int rc = weft_cond_wait_for(&r->cond, &mu, always, NULL, WEFT_POLL);
    weft_unlock(&mu);
    return rc;
}

static int do_waitgroup(struct ready *r)
{
    return weft_waitgroup_wait(&r->nothing_left, WEFT_POLL);
}

static int do_wait(struct ready *r)
{
    return weft_wait(r->done, WEFT_POLL);
}

static int do_submit(struct ready *r)
{
    weft_future *f = weft_submit(r->pool, add_one, &(int){1});
    return f ? weft_join(&f, NULL, 0) : weft_error_code();
}

static int do_spawn(struct ready *r)
{
    return weft_spawn(r->pool, add_one, &(int){1});
}

static int do_map(struct ready *r)
{
    int out[3];
    return weft_map(r->pool, WEFT_FOREVER, add_one, 3, out, (int[]){1, 2, 3});
}

static int do_group_add(struct ready *r)
{
    return weft_group_add(r->group, 2, add_one, &(int){1});
}

static int do_group_next(struct ready *r)
{
    struct weft_outcome o;
    int rc = weft_group_next(r->group, &o, NULL, 0, WEFT_POLL);
    return rc < 0 || o.code < 0 ? (rc < 0 ? rc : o.code) : rc;
}

static int do_group_end(struct ready *r)
{
    struct weft_outcome o;
    return weft_group_next(r->empty_group, &o, NULL, 0, WEFT_POLL);
}

static int do_wait_fd(struct ready *r)
{
    return weft_wait_fd(r->pipe[0], POLLIN, WEFT_POLL);
}

static int do_wait_signal(struct ready *r)
{
    return weft_wait_signal(&r->signals, WEFT_POLL);
}

static int do_block(struct ready *r)
{
    (void)r;
    int out = 0;
    int rc = weft_block(add_one, &out, &(int){1});
    return rc == 0 && out != 2 ? -EIO : rc < 0 && out != 0 ? -EIO : rc;
}

static int do_accept(struct ready *r)
{
    weft_conn *c = weft_accept(r->listener, much_later());
    if (!c)
        return weft_error_code();
    weft_conn_close(&c);
    return 0;
}

static int do_connect(struct ready *r)
{
    weft_conn *c = weft_connect(weft_listener_address(r->listener), much_later());
    if (!c)
        return weft_error_code();
    weft_conn_close(&c);
    return 0;
}

static int do_wait_readable(struct ready *r)
{
    return weft_wait_readable(r->ours, much_later());
}

static int do_read(struct ready *r)
{
    char byte;
    return (int)weft_read(r->ours, &byte, 1, much_later());
}

static int do_read_line(struct ready *r)
{
    char line[16];
    return (int)weft_read_line(r->line, line, sizeof line, much_later());
}

static int do_write_nothing(struct ready *r)
{
    return weft_write(r->ours, "", 0, WEFT_POLL);
}

static int do_flush(struct ready *r)
{
    return weft_flush(r->ours, WEFT_POLL);
}

static int do_shutdown(struct ready *r)
{
    return weft_shutdown(r->ours, WEFT_POLL);
}

static int do_barrier(struct ready *r)
{
    return weft_barrier_wait(&r->alone, WEFT_POLL);
}

static const struct {
    const char *name;
    int (*call)(struct ready *);
} calls[] = {
    {"weft_sleep", do_sleep},
    {"weft_get", do_get},
    {"weft_put", do_put},
    {"weft_acquire", do_acquire},
    {"weft_event_wait", do_event},
    {"weft_lock_until", do_lock},
    {"weft_recursive_lock_until", do_recursive},
    {"weft_cond_wait_for", do_cond},
    {"weft_waitgroup_wait", do_waitgroup},
    {"weft_wait", do_wait},
    {"weft_submit", do_submit},
    {"weft_spawn", do_spawn},
    {"weft_map", do_map},
    {"weft_group_next", do_group_next},
    {"weft_group_add", do_group_add},
    {"weft_group_next at the end", do_group_end},
    {"weft_wait_fd", do_wait_fd},
    {"weft_wait_signal", do_wait_signal},
    {"weft_block", do_block},
    {"weft_accept", do_accept},
    {"weft_connect", do_connect},
    {"weft_wait_readable", do_wait_readable},
    {"weft_read", do_read},
    {"weft_read_line", do_read_line},
    {"weft_write of nothing", do_write_nothing},
    {"weft_flush", do_flush},
    {"weft_shutdown", do_shutdown},
};

// ---- the two rounds --------------------------------------------------------------------

// The first call that gave something else, or -1. Expecting 0 means: any success.
static int first_other_than(struct ready *r, int expected, int *got)
{
    for (size_t i = 0; i < COUNT(calls); i++) {
        *got = calls[i].call(r);
        if (expected < 0 ? *got != expected || weft_error_code() != expected : *got < 0)
            return (int)i;
    }
    return -1;
}

static int not_interrupted(struct ready *r)
{
    static weft_mutex mu;
    static weft_rwlock rw;
    weft_lock(&mu);
    weft_unlock(&mu);
    weft_read_lock(&rw);
    weft_read_unlock(&rw);
    weft_write_lock(&rw);
    weft_write_unlock(&rw);
    weft_future *f = weft_start(WEFT_THREADS, add_one, &(int){1}); // never waits
    int out = 0;
    if (weft_join_as(&f, add_one, &out) != 0 || out != 2)
        return weft_fail(-EIO, "weft_start");
    int rc = weft_post(r->theirs, "x", 1); // never waits
    return rc < 0 ? weft_fail(rc, "weft_post: %s", strerror(-rc)) : 0;
}

static int two_rounds(struct ready *r, int expected)
{
    int got = 0, bad = first_other_than(r, expected, &got);
    if (bad >= 0)
        return weft_fail(-EIO, "%s gave %d instead of %d", calls[bad].name, got, expected);
    int rc = not_interrupted(r);
    if (rc < 0)
        return weft_fail(-EIO, "what is not interrupted: %s", weft_error());
    weft_shield(true);
    bad = first_other_than(r, 0, &got);
    if (bad >= 0)
        return weft_fail(-EIO, "shielded, %s gave %d: %s", calls[bad].name, got, weft_error());
    weft_shield(false);
    return weft_check() == expected ? 0 : weft_fail(-EIO, "the request was lost");
}

struct attempt {
    struct ready *ready;
    atomic_bool ran;
};

static int after_cancellation(struct attempt *const *arg, weft_none *none)
{
    (void)none;
    atomic_store(&(*arg)->ran, true);
    if (weft_sleep(WEFT_FOREVER) != -ECANCELED)
        return weft_fail(-EIO, "the sleep was not cancelled");
    return two_rounds((*arg)->ready, -ECANCELED);
}
WEFT_TASK(after_cancellation, struct attempt *, weft_none);

static int after_its_deadline(struct attempt *const *arg, weft_none *none)
{
    (void)none;
    atomic_store(&(*arg)->ran, true);
    if (weft_sleep(WEFT_FOREVER) != -ETIMEDOUT)
        return weft_fail(-EIO, "the sleep outlasted the deadline");
    return two_rounds((*arg)->ready, -ETIMEDOUT);
}
WEFT_TASK(after_its_deadline, struct attempt *, weft_none);

static weft_conn *connected(weft_listener *l, weft_conn **other)
{
    weft_conn *c = weft_connect(weft_listener_address(l), much_later());
    assert_non_null(c);
    *other = weft_accept(l, much_later());
    assert_non_null(*other);
    return c;
}

static void make_ready(struct ready *r)
{
    *r = (struct ready){.sem = WEFT_SEM(1), .alone = WEFT_BARRIER(1)};
    r->items = weft_queue_new(sizeof(int), .capacity = 1);
    r->room = weft_queue_new(sizeof(int), .capacity = 1);
    assert_int_equal(weft_put(r->items, &(int){1}, WEFT_POLL), 0);
    weft_event_set(&r->event);
    r->pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    r->group = weft_group_open(r->pool);
    r->empty_group = weft_group_open(r->pool);
    assert_int_equal(weft_group_add(r->group, 1, add_one, &(int){1}), 0);
    r->done = weft_submit(r->pool, add_one, &(int){1}); // and the one before it: one worker
    assert_int_equal(weft_wait(r->done, much_later()), 0);
    assert_int_equal(pipe2(r->pipe, O_CLOEXEC), 0);
    assert_int_equal(write(r->pipe[1], "x", 1), 1);
    r->listener = weft_listen("127.0.0.1:0");
    assert_non_null(r->listener);
    r->ours = connected(r->listener, &r->theirs);
    r->line = connected(r->listener, &r->line_peer);
    assert_int_equal(weft_write(r->theirs, "abc", 3, much_later()), 0);
    assert_int_equal(weft_write(r->line_peer, "a line\n", 7, much_later()), 0);
    r->waiting = weft_connect(weft_listener_address(r->listener), much_later());
    assert_non_null(r->waiting);
    sigemptyset(&r->signals);
    sigaddset(&r->signals, SIGUSR1);
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
}

static void release(struct ready *r)
{
    weft_queue_free(&r->items);
    weft_queue_free(&r->room);
    weft_group_close(&r->group);
    weft_group_close(&r->empty_group);
    assert_int_equal(weft_join(&r->done, NULL, 0), 0);
    weft_pool_close(&r->pool);
    weft_conn_close(&r->ours);
    weft_conn_close(&r->theirs);
    weft_conn_close(&r->line);
    weft_conn_close(&r->line_peer);
    weft_conn_close(&r->waiting);
    weft_listener_close(&r->listener);
    close(r->pipe[0]);
    close(r->pipe[1]);
}

static void assert_joined(weft_future **f)
{
    int rc = weft_join(f, NULL, 0);
    if (rc < 0)
        fail_msg("%s", weft_error());
}

static void a_cancelled_task_is_refused_before_anything_happens(void **state)
{
    (void)state;
    struct ready r;
    make_ready(&r);
    struct attempt attempt = {.ready = &r}, *arg = &attempt;
    weft_future *f = weft_start(WEFT_THREADS, after_cancellation, &arg);
    while (!atomic_load(&attempt.ran))
        nap_ms(1);
    weft_cancel(f);
    assert_joined(&f);
    release(&r);
}

static void so_is_one_whose_own_deadline_has_passed(void **state)
{
    (void)state;
    struct ready r;
    make_ready(&r);
    struct attempt attempt = {.ready = &r}, *arg = &attempt;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    for (int ms = 20; !atomic_load(&attempt.ran); ms *= 2) { // it may be over before it starts
        weft_future *f = weft_submit_until(pool, weft_after_ms(ms), after_its_deadline, &arg);
        assert_non_null(f);
        assert_int_equal(weft_wait(f, much_later()), 0);
        if (atomic_load(&attempt.ran))
            assert_joined(&f);
        weft_drop(&f);
    }
    weft_pool_close(&pool);
    release(&r);
}

// Barriers break when one of those who wait is cancelled, so they have a test of their own.
static int wait_at_the_barrier(struct attempt *const *arg, weft_none *none)
{
    (void)none;
    atomic_store(&(*arg)->ran, true);
    (void)weft_sleep(WEFT_FOREVER); // until cancelled
    return do_barrier((*arg)->ready);
}
WEFT_TASK(wait_at_the_barrier, struct attempt *, weft_none);

static void a_cancelled_task_does_not_pass_a_barrier(void **state)
{
    (void)state;
    struct ready r = {.alone = WEFT_BARRIER(1)};
    struct attempt attempt = {.ready = &r}, *arg = &attempt;
    weft_future *f = weft_start(WEFT_THREADS, wait_at_the_barrier, &arg);
    while (!atomic_load(&attempt.ran))
        nap_ms(1);
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_cancelled_task_is_refused_before_anything_happens),
    cmocka_unit_test(so_is_one_whose_own_deadline_has_passed),
    cmocka_unit_test(a_cancelled_task_does_not_pass_a_barrier),
};

int main(void)
{
    sigset_t set; // for weft_wait_signal: blocked before there is any other thread
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    prepare_tests();
    return end_tests(cmocka_run_group_tests(tests, NULL, NULL));
}
