// SPDX-License-Identifier: MIT
// fork_test.c - the child of a plain fork: no tasks, no starting of any, and no waiting for those
// that stayed with the parent. The parent notices nothing.
#include "net_helpers.h"

static int square(const int *n, long *out)
{
    *out = (long)*n * *n;
    return 0;
}
WEFT_TASK(square, int, long);

// The state that a child finds: tasks that run, are queued and are done, in the middle of it all.
struct parent {
    struct hold held, pooled;
    weft_future *running, *busy, *queued, *done;
    weft_pool *pool;
    weft_group *group;
    struct link link;
};

static void be_busy(struct parent *p)
{
    struct hold *held = &p->held;
    hold_init(held);
    p->running = weft_start(WEFT_THREADS, hold, &held);
    sem_take(&held->started);
    p->pool = weft_pool_open(WEFT_THREADS, .workers = 1, .backlog = 2);
    p->busy = hold_a_worker(p->pool, &p->pooled);
    p->queued = weft_submit(p->pool, square, &(int){4});
    p->group = weft_group_open(p->pool);
    assert_int_equal(weft_group_add(p->group, 1, square, &(int){5}), 0);
    p->done = weft_start(WEFT_THREADS, square, &(int){3});
    assert_int_equal(weft_wait(p->done, WEFT_FOREVER), 0);
    p->link = link_up();
}

// Everything works in the parent as if nothing had happened.
static void finish(struct parent *p)
{
    struct weft_outcome o;
    long out = 0;
    assert_int_equal(let_go(&p->running, &p->held), 0);
    assert_int_equal(let_go(&p->busy, &p->pooled), 0);
    assert_int_equal(weft_join_as(&p->queued, square, &out), 0);
    assert_int_equal(out, 16);
    assert_int_equal(weft_join_as(&p->done, square, &out), 0);
    assert_int_equal(out, 9);
    assert_int_equal(weft_group_next(p->group, &o, &out, sizeof out, WEFT_FOREVER), 1);
    assert_int_equal(out, 25);
    weft_group_close(&p->group);
    weft_pool_close(&p->pool);
    link_down(&p->link);
}

// Forks, runs the function in the child, and expects that it ends with 0.
static void assert_child(int (*child)(struct parent *), struct parent *p, bool by_exit)
{
    int status = -1;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(20);
        int rc = child(p);
        if (by_exit)
            exit(rc);
        _exit(rc);
    }
    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    if (status != 0)
        fail_msg("the child's wait status is %#x", (unsigned)status);
}

// ---- what a child may not do -----------------------------------------------------------

static int start_nothing(struct parent *p)
{
    long out[2];
    CHECK(!weft_start(WEFT_THREADS, square, &(int){1}) && weft_error_code() == -ENOTSUP);
    CHECK(weft_error()[0] != '\0');
    CHECK(!weft_pool_open(WEFT_THREADS, .workers = 1) && weft_error_code() == -ENOTSUP);
    CHECK(!weft_submit(p->pool, square, &(int){1}) && weft_error_code() == -ENOTSUP);
    CHECK(weft_spawn(p->pool, square, &(int){1}) == -ENOTSUP);
    CHECK(weft_map(p->pool, WEFT_FOREVER, square, 2, out, (int[]){1, 2}) == -ENOTSUP);
    CHECK(weft_group_add(p->group, 1, square, &(int){1}) == -ENOTSUP);
    return 0;
}

static void nothing_can_be_started_in_a_child(void **state)
{
    (void)state;
    struct parent p;
    be_busy(&p);
    assert_child(start_nothing, &p, false);
    finish(&p);
}

static int wait_for_nothing(struct parent *p)
{
    weft_future *futures[] = {p->running, p->queued, p->done};
    for (size_t i = 0; i < COUNT(futures); i++) {
        CHECK(weft_wait(futures[i], WEFT_FOREVER) == -ENOTSUP);
        CHECK(weft_wait(futures[i], WEFT_POLL) == -ENOTSUP);
        weft_cancel(futures[i]); // harmless
        CHECK(weft_join(&futures[i], NULL, 0) == -ENOTSUP);
        CHECK(!futures[i]);
    }
    weft_drop(&p->busy);
    CHECK(!p->busy);
    struct weft_outcome o;
    CHECK(weft_group_next(p->group, &o, NULL, 0, WEFT_FOREVER) == -ENOTSUP);
    CHECK(weft_group_next(p->group, &o, NULL, 0, WEFT_POLL) == -ENOTSUP);
    return 0;
}

static void the_parents_futures_are_not_the_childs(void **state)
{
    (void)state;
    struct parent p;
    be_busy(&p);
    assert_child(wait_for_nothing, &p, false);
    finish(&p); // and nobody was cancelled
}

// ---- what a child may do ---------------------------------------------------------------

static int close_all(struct parent *p)
{
    struct weft_outcome o;
    weft_pool_cancel(p->pool);
    weft_group_cancel(p->group);
    CHECK(weft_group_next(p->group, &o, NULL, 0, WEFT_FOREVER) <= 0);
    weft_group_close(&p->group);
    CHECK(!p->group);
    weft_pool_close(&p->pool);
    CHECK(!p->pool);
    return 0;
}

static void closing_in_the_child_does_not_hang(void **state)
{
    (void)state;
    struct parent p;
    be_busy(&p);
    assert_child(close_all, &p, false);
    assert_child(close_all, &p, true);
    finish(&p);
}

static int do_what_needs_no_task(struct parent *p)
{
    struct weft_info self, infos[8];
    char buf[8];
    static weft_mutex mu;
    weft_self(&self);
    CHECK(self.pid == getpid() && self.tid == gettid() && self.alive && self.id != 0);
    CHECK(weft_list(WEFT_THREADS, infos, COUNT(infos)) == 1); // the caller; no tasks
    CHECK(infos[0].id == self.id);
    CHECK(weft_check() == 0 && weft_sleep(weft_after_ms(1)) == 0);
    weft_yield();
    weft_lock(&mu);
    weft_unlock(&mu);
    CHECK(weft_fail(-EIO, "own") == -EIO && weft_error_code() == -EIO);
    CHECK(weft_cores() >= 1);
    weft_queue *q = weft_queue_new(sizeof(int), .capacity = 1);
    CHECK(q && weft_put(q, &(int){3}, WEFT_POLL) == 0);
    CHECK(weft_put(q, &(int){3}, weft_after_ms(1)) == -ETIMEDOUT);
    weft_queue_free(&q);
    CHECK(weft_write(p->link.ours, "child", 5, WEFT_FOREVER) == 0);
    CHECK(read_arrived(2, p->link.ours, buf, sizeof buf, WEFT_FOREVER) == 2);
    weft_listener *l = weft_listen("127.0.0.1:0");
    CHECK(l && !weft_accept(l, weft_after_ms(2)) && weft_error_code() == -ETIMEDOUT);
    weft_listener_close(&l);
    weft_conn_close(&p->link.ours);
    return 0;
}

static void whatever_needs_no_task_works_in_a_child(void **state)
{
    (void)state;
    struct parent p;
    char buf[8];
    be_busy(&p);
    raw_say(p.link.peer, "ok");
    assert_child(do_what_needs_no_task, &p, true);
    assert_int_equal(raw_receive(p.link.peer, buf, 5), 5);
    assert_memory_equal(buf, "child", 5);
    finish(&p);
}

static int just_leave(struct parent *p)
{
    (void)p;
    return 0;
}

static void a_child_that_exits_does_not_wait_for_the_parents_tasks(void **state)
{
    (void)state;
    struct parent p;
    be_busy(&p);
    assert_child(just_leave, &p, true);
    assert_child(just_leave, &p, false);
    finish(&p);
}

static int fork_again(struct parent *p)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0)
        exit(start_nothing(p) || do_what_needs_no_task(p));
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    return status != 0;
}

static void a_childs_child_is_no_better_off(void **state)
{
    (void)state;
    struct parent p;
    be_busy(&p);
    raw_say(p.link.peer, "ok");
    assert_child(fork_again, &p, true);
    finish(&p);
}

// ---- forks from inside a task ----------------------------------------------------------

static int fork_in_a_task(struct parent *const *p, weft_none *none)
{
    (void)none;
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(20);
        int rc = start_nothing(*p) || wait_for_nothing(*p);
        if (SANITIZED)
            _exit(rc); // what only the stacks of other threads hold would count as leaked
        exit(rc);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return status == 0 ? weft_check() : -EIO;
}
WEFT_TASK(fork_in_a_task, struct parent *, weft_none);

static void a_task_may_fork(void **state)
{
    (void)state;
    struct parent p, *arg = &p;
    be_busy(&p);
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    weft_future *f = weft_start(WEFT_THREADS, fork_in_a_task, &arg);
    weft_future *g = weft_submit(pool, fork_in_a_task, &arg);
    assert_int_equal(weft_wait(g, much_later()), 0);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_int_equal(weft_join(&g, NULL, 0), 0);
    weft_pool_close(&pool);
    finish(&p);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(nothing_can_be_started_in_a_child),
    cmocka_unit_test(the_parents_futures_are_not_the_childs),
    cmocka_unit_test(closing_in_the_child_does_not_hang),
    cmocka_unit_test(whatever_needs_no_task_works_in_a_child),
    cmocka_unit_test(a_child_that_exits_does_not_wait_for_the_parents_tasks),
    cmocka_unit_test(a_childs_child_is_no_better_off),
    cmocka_unit_test(a_task_may_fork),
};
TEST_MAIN(tests)
