// SPDX-License-Identifier: MIT
// pool_deadlock_test.c - no wait of weft deadlocks a pool.
//
// Each test has a pool of one worker and a task in it that waits for something which only another
// task, queued behind it, can bring. Who waits for ever for a *task* may run it in place; all else
// needs a spare worker. The test is that it ends.
#include "exec_helpers.h"

#include <poll.h>
#include <sys/socket.h>

// What the first task waits for and the second brings.
struct errand {
    int (*wait)(struct errand *);
    int (*bring)(struct errand *);
    struct spot spot;
    weft_pool *pool, *other;
    weft_queue *queue;
    weft_sem sem;
    weft_event event;
    weft_mutex mu;
    weft_cond cond;
    weft_waitgroup work;
    weft_barrier barrier;
    weft_rwlock rwlock;
    weft_recursive recursive;
    weft_once once;
    weft_conn *ours, *theirs;
    weft_listener *listener;
    int fds[2];
    bool open;
};

static int first(struct errand *const *s, weft_none *none)
{
    (void)none;
    return (*s)->wait(*s);
}
WEFT_TASK(first, struct errand *, weft_none);

static int second(struct errand *const *s, weft_none *none)
{
    (void)none;
    return (*s)->bring(*s);
}
WEFT_TASK(second, struct errand *, weft_none);

// ---- locks and queues ------------------------------------------------------------------

static int get(struct errand *s)
{
    int item = 0;
    int rc = weft_get(s->queue, &item, WEFT_FOREVER);
    return rc == 0 && item != 5 ? -EIO : rc;
}

static int put(struct errand *s)
{
    return weft_put(s->queue, &(int){5}, WEFT_FOREVER);
}

static int put_two(struct errand *s) // into a queue of one
{
    int rc = put(s);
    return rc < 0 ? rc : put(s);
}

static int get_two(struct errand *s)
{
    int rc = get(s);
    return rc < 0 ? rc : get(s);
}

static int acquire(struct errand *s)
{
    return weft_acquire(&s->sem, WEFT_FOREVER);
}

static int release(struct errand *s)
{
    weft_release(&s->sem, 1);
    return 0;
}

static int await_event(struct errand *s)
{
    return weft_event_wait(&s->event, WEFT_FOREVER);
}

static int await_event_with_deadline(struct errand *s)
{
    return weft_event_wait(&s->event, much_later());
}

static int set_event(struct errand *s)
{
    weft_event_set(&s->event);
    return 0;
}

static int await_cond(struct errand *s)
{
    int rc = 0;
    weft_lock(&s->mu);
    while (!s->open && rc == 0)
        rc = weft_cond_wait(&s->cond, &s->mu, WEFT_FOREVER);
    weft_unlock(&s->mu);
    return rc;
}

static int signal_cond(struct errand *s)
{
    weft_lock(&s->mu);
    s->open = true;
    weft_cond_signal(&s->cond);
    weft_unlock(&s->mu);
    return 0;
}

static int await_work(struct errand *s)
{
    return weft_waitgroup_wait(&s->work, WEFT_FOREVER);
}

static int finish_work(struct errand *s)
{
    weft_waitgroup_done(&s->work);
    return 0;
}

static int meet(struct errand *s)
{
    int rc = weft_barrier_wait(&s->barrier, WEFT_FOREVER);
    return rc < 0 ? rc : 0;
}

// ---- descriptors, signals, connections --------------------------------------------------

static int await_byte(struct errand *s)
{
    char byte;
    int rc = weft_wait_fd(s->fds[0], POLLIN, WEFT_FOREVER);
    return rc < 0 ? rc : read(s->fds[0], &byte, 1) == 1 ? 0 : -EIO;
}

static int send_byte(struct errand *s)
{
    return write(s->fds[1], "x", 1) == 1 ? 0 : -errno;
}

static int read_conn(struct errand *s)
{
    char byte;
    ssize_t n = weft_read(s->ours, &byte, 1, WEFT_FOREVER);
    return n == 1 ? 0 : n < 0 ? (int)n : -EIO;
}

static int read_line(struct errand *s)
{
    char line[8];
    ssize_t n = weft_read_line(s->ours, line, sizeof line, WEFT_FOREVER);
    return n == 1 ? 0 : n < 0 ? (int)n : -EIO;
}

static int write_conn(struct errand *s)
{
    return weft_write(s->theirs, "x\n", 2, WEFT_FOREVER);
}

static char flood[8 << 20]; // more than the sockets' buffers take

static int write_flood(struct errand *s)
{
    return weft_write(s->ours, flood, sizeof flood, WEFT_FOREVER);
}

static int read_flood(struct errand *s)
{
    static char buf[1 << 16];
    size_t got = 0;
    while (got < sizeof flood) {
        ssize_t n = weft_read(s->theirs, buf, sizeof buf, WEFT_FOREVER);
        if (n <= 0)
            return n < 0 ? (int)n : -EIO;
        got += (size_t)n;
    }
    return 0;
}

static int accept_one(struct errand *s)
{
    weft_conn *c = weft_accept(s->listener, WEFT_FOREVER);
    if (!c)
        return weft_error_code();
    weft_conn_close(&c);
    return 0;
}

static int connect_one(struct errand *s)
{
    weft_conn *c = weft_connect(weft_listener_address(s->listener), WEFT_FOREVER);
    if (!c)
        return weft_error_code();
    weft_conn_close(&c);
    return 0;
}

static int await_signal(struct errand *s)
{
    (void)s;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    int rc = weft_wait_signal(&set, WEFT_FOREVER);
    return rc < 0 ? rc : 0;
}

static int raise_signal(struct errand *s)
{
    (void)s;
    return kill(getpid(), SIGUSR1) == 0 ? 0 : -errno;
}

static int read_byte(const int *fd, char *byte)
{
    return read(*fd, byte, 1) == 1 ? 0 : -EIO;
}
WEFT_TASK(read_byte, int, char);

static int block_on_byte(struct errand *s)
{
    char byte;
    return weft_block(read_byte, &byte, &s->fds[0]);
}

// ---- pools inside pools ----------------------------------------------------------------

static int join_queued(struct errand *s)
{
    weft_future *f = weft_submit(s->pool, second, &s);
    return f ? weft_join(&f, NULL, 0) : weft_error_code();
}

static int wait_for_queued(struct errand *s) // with a deadline, so it cannot run it in place
{
    weft_future *f = weft_submit(s->pool, second, &s);
    if (!f)
        return weft_error_code();
    int rc = weft_wait(f, much_later()), ended = weft_join(&f, NULL, 0);
    return rc < 0 ? rc : ended;
}

static int group_of_queued(struct errand *s)
{
    struct weft_outcome o;
    weft_group *g = weft_group_open(s->pool);
    int rc = g ? 0 : weft_error_code(), ended = 0;
    for (int i = 0; rc == 0 && i < 5; i++)
        rc = weft_group_add(g, i, second, &s);
    while (rc == 0 && weft_group_next(g, &o, NULL, 0, WEFT_FOREVER) > 0)
        ended += o.code == 0;
    weft_group_close(&g);
    return rc == 0 && ended != 5 ? -EIO : rc;
}

static int map_queued(struct errand *s)
{
    weft_none out[5];
    struct errand *in[5] = {s, s, s, s, s};
    return weft_map(s->pool, WEFT_FOREVER, second, 5, out, in);
}

static int map_queued_with_deadline(struct errand *s)
{
    weft_none out[5];
    struct errand *in[5] = {s, s, s, s, s};
    return weft_map(s->pool, much_later(), second, 5, out, in);
}

static int close_pool_whose_task_waits(struct errand *s)
{
    weft_pool *inner = weft_pool_open(WEFT_THREADS, .workers = 1);
    if (!inner)
        return weft_error_code();
    s->wait = await_event; // what `first` does from now on
    int rc = weft_spawn(inner, first, &s);
    weft_pool_close(&inner);
    return rc;
}

// ---- the stage -------------------------------------------------------------------------

static int just_end(struct errand *s)
{
    (void)s;
    return 0;
}

static const struct act {
    const char *name;
    int (*wait)(struct errand *), (*bring)(struct errand *);
} acts[] = {
    {"get", get, put},
    {"put", put_two, get_two},
    {"acquire", acquire, release},
    {"event", await_event, set_event},
    {"event with a deadline", await_event_with_deadline, set_event},
    {"condition", await_cond, signal_cond},
    {"waitgroup", await_work, finish_work},
    {"barrier", meet, meet},
    {"descriptor", await_byte, send_byte},
    {"read", read_conn, write_conn},
    {"read line", read_line, write_conn},
    {"write", write_flood, read_flood},
    {"accept", accept_one, connect_one},
    {"signal", await_signal, raise_signal},
    {"block", block_on_byte, send_byte},
    {"join", join_queued, just_end},
    {"wait", wait_for_queued, just_end},
    {"group", group_of_queued, just_end},
    {"map", map_queued, just_end},
    {"map with a deadline", map_queued_with_deadline, just_end},
    {"close", close_pool_whose_task_waits, set_event},
};

static void set_the_stage(struct errand *s, const struct act *act)
{
    *s = (struct errand){.wait = act->wait, .bring = act->bring, .barrier = WEFT_BARRIER(2)};
    s->queue = weft_queue_new(sizeof(int), .capacity = 1);
    weft_waitgroup_add(&s->work, 1);
    s->listener = weft_listen("127.0.0.1:0");
    s->ours = weft_connect(weft_listener_address(s->listener), much_later());
    s->theirs = weft_accept(s->listener, much_later());
    assert_true(s->ours && s->theirs);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s->fds), 0);
}

static void clear_the_stage(struct errand *s)
{
    weft_queue_free(&s->queue);
    weft_conn_close(&s->ours);
    weft_conn_close(&s->theirs);
    weft_listener_close(&s->listener);
    close(s->fds[0]);
    close(s->fds[1]);
}

static void a_task_may_wait_for_what_a_queued_task_brings(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(acts); i++) {
        struct errand errand, *s = &errand;
        if (getenv("WEFT_TEST_TRACE"))
            print_message("%s\n", acts[i].name);
        set_the_stage(s, &acts[i]);
        s->pool = weft_pool_open(WEFT_THREADS, .workers = 1);
        weft_future *f = weft_submit(s->pool, first, &s);
        weft_future *g = weft_submit(s->pool, second, &s);
        assert_int_equal(weft_wait(f, much_later()), 0); // run by the pool, not by us
        assert_int_equal(weft_wait(g, much_later()), 0);
        int one = weft_join(&f, NULL, 0), two = weft_join(&g, NULL, 0);
        if (one != 0 || two != 0)
            fail_msg("%s: %d, %d: %s", acts[i].name, one, two, weft_error());
        weft_pool_close(&s->pool);
        clear_the_stage(s);
    }
}

// ---- locks that take no deadline -------------------------------------------------------

static int lock_mutex(struct errand *s)
{
    arrive(&s->spot);
    weft_lock(&s->mu);
    weft_unlock(&s->mu);
    return 0;
}

static int lock_recursive(struct errand *s)
{
    arrive(&s->spot);
    weft_recursive_lock(&s->recursive);
    weft_recursive_unlock(&s->recursive);
    return 0;
}

static int lock_to_read(struct errand *s)
{
    arrive(&s->spot);
    weft_read_lock(&s->rwlock);
    weft_read_unlock(&s->rwlock);
    return 0;
}

static int lock_to_write(struct errand *s)
{
    arrive(&s->spot);
    weft_write_lock(&s->rwlock);
    weft_write_unlock(&s->rwlock);
    return 0;
}

// The test holds the locks; the task behind sets the event that the test waits for.
static void who_waits_for_a_lock_leaves_its_worker_to_others(void **state)
{
    (void)state;
    static int (*const locks[])(struct errand *) = {lock_mutex, lock_recursive, lock_to_read,
                                                    lock_to_write};
    for (size_t i = 0; i < COUNT(locks); i++) {
        struct errand errand = {.wait = locks[i], .bring = set_event}, *s = &errand;
        weft_lock(&s->mu);
        weft_recursive_lock(&s->recursive);
        weft_write_lock(&s->rwlock);
        weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
        weft_future *f = weft_submit(pool, first, &s);
        await_asleep(&s->spot);
        weft_future *g = weft_submit(pool, second, &s);
        assert_int_equal(weft_event_wait(&s->event, WEFT_FOREVER), 0);
        assert_false(weft_done(f));
        weft_unlock(&s->mu);
        weft_recursive_unlock(&s->recursive);
        weft_write_unlock(&s->rwlock);
        assert_int_equal(weft_join(&f, NULL, 0), 0);
        assert_int_equal(weft_join(&g, NULL, 0), 0);
        weft_pool_close(&pool);
    }
}

static int finish_once(void *arg)
{
    struct errand *s = arg;
    arrive(&s->spot);
    return weft_event_wait(&s->event, WEFT_FOREVER);
}

static int do_once(struct errand *s)
{
    return weft_once_do(&s->once, finish_once, s);
}

static void who_waits_for_a_once_leaves_its_worker_to_others(void **state)
{
    (void)state;
    struct errand errand = {.wait = do_once, .bring = set_event}, *s = &errand;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    weft_future *futures[3];
    for (int i = 0; i < 3; i++) // one runs it and waits, two wait for the one
        futures[i] = weft_submit(pool, first, &s);
    weft_future *g = weft_submit(pool, second, &s);
    assert_int_equal(weft_wait(g, much_later()), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(weft_join(&futures[i], NULL, 0), 0);
    assert_int_equal(weft_join(&g, NULL, 0), 0);
    weft_pool_close(&pool);
}

// ---- more than two ---------------------------------------------------------------------

static void a_barrier_of_five_meets_on_one_worker(void **state)
{
    (void)state;
    struct errand errand = {.wait = meet, .barrier = WEFT_BARRIER(5)}, *s = &errand;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    for (int i = 0; i < 5; i++)
        assert_int_equal(weft_spawn(pool, first, &s), 0);
    weft_pool_close(&pool);
    assert_int_equal(errand.barrier.broken_, 0);
}

struct chain {
    weft_pool *pool, *next;
    int left;
    bool park; // wait with a deadline, which nobody can do by running the other in place
};

static int descend(const struct chain *c, int *depth);
WEFT_TASK(descend, struct chain, int);

static int descend(const struct chain *c, int *depth)
{
    *depth = 0;
    if (c->left == 0)
        return 0;
    weft_future *f = weft_submit(c->next, descend,
                                 &(struct chain){c->next, c->pool, c->left - 1, c->park});
    if (!f)
        return weft_error_code();
    int rc = c->park ? weft_wait(f, much_later()) : 0;
    int ended = weft_join_as(&f, descend, depth);
    *depth += 1;
    return rc < 0 ? rc : ended;
}

static void descend_between(weft_pool *pool, weft_pool *next, int depth, bool park)
{
    int out = 0;
    weft_future *f = weft_submit(pool, descend, &(struct chain){pool, next, depth, park});
    assert_non_null(f);
    assert_int_equal(weft_wait(f, much_later()), 0);
    assert_int_equal(weft_join_as(&f, descend, &out), 0);
    assert_int_equal(out, depth);
}

static void two_hundred_nested_joins_end(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    descend_between(pool, pool, 200, false);
    descend_between(pool, pool, 200, true);
    weft_pool_close(&pool);
}

static void joins_back_and_forth_between_two_pools_end(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    weft_pool *next = weft_pool_open(WEFT_THREADS, .workers = 1);
    for (int depth = 1; depth <= 40; depth += 13) {
        descend_between(pool, next, depth, false);
        descend_between(pool, next, depth, true);
    }
    weft_pool_close(&pool);
    weft_pool_close(&next);
}

static int no_preparation(void *ctx)
{
    (void)ctx;
    return 0;
}

static void they_end_too_where_on_start_forbids_strangers(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1, .on_start = no_preparation);
    weft_pool *next = weft_pool_open(WEFT_THREADS, .workers = 1, .on_start = no_preparation);
    descend_between(pool, pool, 30, false);
    descend_between(pool, next, 30, false);
    descend_between(pool, next, 30, true);
    weft_pool_close(&pool);
    weft_pool_close(&next);
}

// ---- a producer held back --------------------------------------------------------------

static int nothing(const weft_none *none, weft_none *out)
{
    (void)none;
    (void)out;
    return 0;
}
WEFT_TASK(nothing, weft_none, weft_none);

static int submit_to_other(struct errand *s)
{
    for (int i = 0; i < 3; i++) // whose backlog has room for one
        if (weft_spawn(s->other, nothing, &(weft_none){0}) != 0)
            return weft_error_code();
    return 0;
}

static void a_full_backlog_of_another_pool_does_not_deadlock(void **state)
{
    (void)state;
    struct errand errand = {.wait = submit_to_other, .bring = set_event}, *s = &errand;
    s->pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    s->other = weft_pool_open(WEFT_THREADS, .workers = 1, .backlog = 1);
    struct hold h;
    weft_future *busy = hold_a_worker(s->other, &h);
    weft_future *f = weft_submit(s->pool, first, &s);
    weft_future *g = weft_submit(s->pool, second, &s);
    assert_int_equal(weft_wait(g, much_later()), 0); // while the first is held back
    assert_int_equal(let_go(&busy, &h), 0);
    assert_int_equal(weft_wait(f, much_later()), 0);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_int_equal(weft_join(&g, NULL, 0), 0);
    weft_pool_close(&s->pool);
    weft_pool_close(&s->other);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_task_may_wait_for_what_a_queued_task_brings),
    cmocka_unit_test(who_waits_for_a_lock_leaves_its_worker_to_others),
    cmocka_unit_test(who_waits_for_a_once_leaves_its_worker_to_others),
    cmocka_unit_test(a_barrier_of_five_meets_on_one_worker),
    cmocka_unit_test(two_hundred_nested_joins_end),
    cmocka_unit_test(joins_back_and_forth_between_two_pools_end),
    cmocka_unit_test(they_end_too_where_on_start_forbids_strangers),
    cmocka_unit_test(a_full_backlog_of_another_pool_does_not_deadlock),
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
