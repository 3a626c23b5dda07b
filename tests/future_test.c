// SPDX-License-Identifier: MIT
// future_test.c - waiting for a task, joining it, asking it to stop, forgetting it.
#include "exec_helpers.h"

#include <poll.h>

static int add_one(const int *n, int *out)
{
    *out = *n + 1;
    return 0;
}
WEFT_TASK(add_one, int, int);

static int fail_with(const int *code, weft_none *none)
{
    (void)none;
    return weft_fail(*code, "as it was told");
}
WEFT_TASK(fail_with, int, weft_none);

static weft_future *start_hold(struct hold *h)
{
    hold_init(h);
    weft_future *f = weft_start(WEFT_THREADS, hold, &h);
    assert_non_null(f);
    sem_take(&h->started);
    return f;
}

// ---- wait ------------------------------------------------------------------------------

static void waiting_says_that_it_ended_whatever_it_returned(void **state)
{
    (void)state;
    weft_future *f = weft_start(WEFT_THREADS, fail_with, &(int){-EIO});
    assert_int_equal(weft_wait(f, much_later()), 0);
    assert_true(weft_done(f));
    assert_int_equal(weft_wait(f, WEFT_FOREVER), 0);
    assert_int_equal(weft_wait(f, WEFT_POLL), 0); // done already: the past is soon enough
    assert_int_equal(weft_join(&f, NULL, 0), -EIO);
    assert_string_equal(weft_error(), "as it was told");
}

static void who_stops_waiting_leaves_the_task_running(void **state)
{
    (void)state;
    struct hold h;
    weft_future *f = start_hold(&h);
    assert_int_equal(weft_wait(f, WEFT_POLL), -ETIMEDOUT);
    assert_int_equal(weft_wait(f, weft_after_ms(5)), -ETIMEDOUT);
    assert_int_equal(weft_error_code(), -ETIMEDOUT);
    assert_false(weft_done(f));
    assert_int_equal(let_go(&f, &h), 0); // and nobody asked it to stop
}

struct watch {
    const weft_future *future;
    struct spot spot;
    int rc;
};

static int watch_future(struct watch *const *arg, weft_none *none)
{
    struct watch *w = *arg;
    (void)none;
    arrive(&w->spot);
    w->rc = weft_wait(w->future, WEFT_FOREVER);
    return w->rc < 0 ? w->rc : weft_done(w->future) ? 0 : -EIO;
}
WEFT_TASK(watch_future, struct watch *, weft_none);

static void any_number_of_tasks_may_wait(void **state)
{
    (void)state;
    struct hold h;
    struct watch watches[8];
    weft_future *futures[8], *f = start_hold(&h);
    for (int i = 0; i < 8; i++) {
        watches[i] = (struct watch){.future = f};
        struct watch *arg = &watches[i];
        futures[i] = weft_start(WEFT_THREADS, watch_future, &arg);
    }
    for (int i = 0; i < 8; i++)
        await_asleep(&watches[i].spot);
    sem_post(&h.release);
    for (int i = 0; i < 8; i++)
        assert_int_equal(weft_join(&futures[i], NULL, 0), 0);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
}

static void a_cancelled_waiter_leaves_and_the_task_goes_on(void **state)
{
    (void)state;
    struct hold h;
    struct watch watch = {.future = start_hold(&h)}, *arg = &watch;
    weft_future *f = (weft_future *)(uintptr_t)watch.future;
    weft_future *waiter = weft_start(WEFT_THREADS, watch_future, &arg);
    await_asleep(&watch.spot);
    weft_cancel(waiter);
    assert_int_equal(weft_join(&waiter, NULL, 0), -ECANCELED);
    assert_false(weft_done(f));
    assert_int_equal(let_go(&f, &h), 0);
}

// ---- join ------------------------------------------------------------------------------

static void joining_no_future_is_an_error(void **state)
{
    (void)state;
    weft_future *f = NULL;
    int out = 5;
    assert_int_equal(weft_join_as(&f, add_one, &out), -EINVAL);
    assert_int_equal(weft_error_code(), -EINVAL);
    assert_int_equal(out, 5);
    f = weft_start(WEFT_THREADS, add_one, &(int){1});
    assert_int_equal(weft_join_as(&f, add_one, &out), 0);
    assert_int_equal(weft_join_as(&f, add_one, &out), -EINVAL); // joined already: consumed
    assert_int_equal(out, 2);
}

struct joiner {
    weft_future *future;
    struct spot spot;
    int check_after;
};

static int join_another(struct joiner *const *arg, int *out)
{
    struct joiner *j = *arg;
    arrive(&j->spot);
    int rc = weft_join(&j->future, out, sizeof *out);
    j->check_after = weft_check();
    return rc;
}
WEFT_TASK(join_another, struct joiner *, int);

static int add_one_later(struct hold *const *h, int *out)
{
    sem_post(&(*h)->started);
    sem_take(&(*h)->release);
    *out = 41 + 1;
    return weft_check();
}
WEFT_TASK(add_one_later, struct hold *, int);

static void joining_is_not_interrupted(void **state)
{
    (void)state;
    struct hold h, *held = &h;
    hold_init(&h);
    struct joiner joiner = {.future = weft_start(WEFT_THREADS, add_one_later, &held)};
    struct joiner *arg = &joiner;
    weft_future *f = weft_start(WEFT_THREADS, join_another, &arg);
    await_asleep(&joiner.spot);
    weft_cancel(f);
    sem_post(&h.release); // only now can it end with 42
    int out = 0;
    assert_int_equal(weft_join_as(&f, join_another, &out), 0);
    assert_int_equal(out, 42);
    assert_int_equal(joiner.check_after, -ECANCELED); // the request is still there
}

static int join_with_wrong_size(void)
{
    char out[3];
    weft_future *f = weft_start(WEFT_THREADS, add_one, &(int){1});
    return weft_join(&f, out, sizeof out);
}

static int join_failed_with_wrong_size(void)
{
    char out[3];
    weft_future *f = weft_start(WEFT_THREADS, fail_with, &(int){-EIO});
    return weft_join(&f, out, sizeof out);
}

struct mirror {
    sem_t known;
    weft_future *self;
};

static int join_oneself(struct mirror *const *arg, weft_none *none)
{
    (void)none;
    sem_take(&(*arg)->known);
    return weft_join(&(*arg)->self, NULL, 0);
}
WEFT_TASK(join_oneself, struct mirror *, weft_none);

static int run_join_oneself(void)
{
    struct mirror mirror, *arg = &mirror;
    sem_init(&mirror.known, 0, 0);
    mirror.self = weft_start(WEFT_THREADS, join_oneself, &arg);
    sem_post(&mirror.known);
    pause();
    return 0;
}

static int run_join_oneself_in_a_pool(void)
{
    struct mirror mirror, *arg = &mirror;
    sem_init(&mirror.known, 0, 0);
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    mirror.self = weft_submit(pool, join_oneself, &arg);
    sem_post(&mirror.known);
    pause();
    return 0;
}

static void joining_with_a_wrong_size_aborts(void **state)
{
    (void)state;
    assert_aborts("join_with_wrong_size", "weft_join", "3");
    assert_aborts("join_failed_with_wrong_size", "weft_join", "3");
}

static void joining_oneself_aborts(void **state)
{
    (void)state;
    assert_aborts("join_oneself", "weft_join", "itself");
    assert_aborts("join_oneself_in_a_pool", "weft_join", "itself");
}

// ---- done ------------------------------------------------------------------------------

static void done_is_a_claim_about_the_task(void **state)
{
    (void)state;
    struct hold h;
    assert_true(weft_done(NULL));
    weft_future *f = start_hold(&h);
    assert_false(weft_done(f));
    sem_post(&h.release);
    while (!weft_done(f))
        nap_ms(1);
    assert_int_equal(weft_wait(f, WEFT_POLL), 0);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
}

// ---- cancel ----------------------------------------------------------------------------

static void cancelling_what_is_done_or_nothing_is_harmless(void **state)
{
    (void)state;
    weft_cancel(NULL);
    weft_future *f = weft_start(WEFT_THREADS, add_one, &(int){1});
    assert_int_equal(weft_wait(f, WEFT_FOREVER), 0);
    weft_cancel(f);
    weft_cancel(f);
    int out = 0;
    assert_int_equal(weft_join_as(&f, add_one, &out), 0);
    assert_int_equal(out, 2);
}

static void a_queued_task_that_is_cancelled_ends_at_once(void **state)
{
    (void)state;
    struct hold h;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    weft_future *busy = hold_a_worker(pool, &h);
    weft_future *f = weft_submit(pool, add_one, &(int){1});
    assert_false(weft_done(f));
    weft_cancel(f);
    assert_true(weft_done(f)); // though its worker is still busy
    assert_int_equal(weft_wait(f, WEFT_POLL), 0);
    int out = 9;
    assert_int_equal(weft_join_as(&f, add_one, &out), -ECANCELED);
    assert_int_equal(weft_error_code(), -ECANCELED);
    assert_int_equal(out, 9);
    assert_int_equal(let_go(&busy, &h), 0);
    weft_pool_close(&pool);
}

// One wait of each kind, which only the request to stop can end.
struct stuck {
    struct spot spot;
    int (*wait)(struct stuck *);
    weft_queue *empty, *full;
    weft_sem sem;
    weft_event event;
    weft_mutex mu;
    weft_cond cond;
    weft_waitgroup group;
    weft_barrier barrier;
    weft_recursive recursive;
    weft_future *future;
    weft_pool *pool;
    int pipe[2];
};

static int get_nothing(struct stuck *s)
{
    int item;
    return weft_get(s->empty, &item, WEFT_FOREVER);
}

static int put_too_much(struct stuck *s)
{
    return weft_put(s->full, &(int){2}, WEFT_FOREVER);
}

static int acquire_none(struct stuck *s)
{
    return weft_acquire(&s->sem, WEFT_FOREVER);
}

static int lock_held(struct stuck *s)
{
    return weft_lock_until(&s->mu, WEFT_FOREVER);
}

static int lock_recursive(struct stuck *s)
{
    return weft_recursive_lock_until(&s->recursive, WEFT_FOREVER);
}

static int await_event(struct stuck *s)
{
    return weft_event_wait(&s->event, WEFT_FOREVER);
}

static int await_cond(struct stuck *s)
{
    weft_mutex mu = {0};
    weft_lock(&mu);
    int rc = weft_cond_wait(&s->cond, &mu, WEFT_FOREVER);
    weft_unlock(&mu); // held again, whatever was returned
    return rc;
}

static int await_work(struct stuck *s)
{
    return weft_waitgroup_wait(&s->group, WEFT_FOREVER);
}

static int await_parties(struct stuck *s)
{
    return weft_barrier_wait(&s->barrier, WEFT_FOREVER);
}

static int await_future(struct stuck *s)
{
    return weft_wait(s->future, WEFT_FOREVER);
}

static int await_fd(struct stuck *s)
{
    return weft_wait_fd(s->pipe[0], POLLIN, WEFT_FOREVER);
}

static int await_signal(struct stuck *s)
{
    (void)s;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return weft_wait_signal(&set, WEFT_FOREVER);
}

static int await_group(struct stuck *s)
{
    struct weft_outcome o;
    struct hold *h = NULL;
    weft_group *g = weft_group_open(s->pool);
    int rc = weft_group_add(g, 1, hold, &h); // queued behind a busy worker, never started
    if (rc == 0)
        rc = weft_group_next(g, &o, NULL, 0, WEFT_FOREVER);
    weft_group_close(&g);
    return rc;
}

static int await_room(struct stuck *s)
{
    struct hold *h = NULL;
    weft_future *first = weft_submit(s->pool, hold, &h); // fills the backlog of one
    weft_future *second = weft_submit(s->pool, hold, &h);
    int rc = first && !second ? weft_error_code() : -EIO;
    weft_drop(&first);
    weft_drop(&second);
    return rc;
}

static int be_stuck(struct stuck *const *arg, weft_none *none)
{
    (void)none;
    arrive(&(*arg)->spot);
    return (*arg)->wait(*arg);
}
WEFT_TASK(be_stuck, struct stuck *, weft_none);

static void cancelling_ends_a_wait_of_each_kind(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int (*wait)(struct stuck *);
    } waits[] = {
        {"get", get_nothing},     {"put", put_too_much},         {"acquire", acquire_none},
        {"lock", lock_held},      {"recursive", lock_recursive}, {"event", await_event},
        {"cond", await_cond},     {"waitgroup", await_work},     {"barrier", await_parties},
        {"future", await_future}, {"descriptor", await_fd},      {"signal", await_signal},
        {"group", await_group},   {"submit", await_room},
    };
    struct hold started, pooled;
    struct stuck s = {.barrier = WEFT_BARRIER(2)}, *arg = &s;
    s.empty = weft_queue_new(sizeof(int), .capacity = 1);
    s.full = weft_queue_new(sizeof(int), .capacity = 1);
    assert_int_equal(weft_put(s.full, &(int){1}, WEFT_POLL), 0);
    weft_lock(&s.mu);
    weft_recursive_lock(&s.recursive);
    weft_waitgroup_add(&s.group, 1);
    assert_int_equal(pipe2(s.pipe, O_CLOEXEC), 0);
    s.future = start_hold(&started);
    s.pool = weft_pool_open(WEFT_THREADS, .workers = 1, .backlog = 1);
    weft_future *busy = hold_a_worker(s.pool, &pooled);
    for (size_t i = 0; i < COUNT(waits); i++) {
        s.wait = waits[i].wait;
        atomic_store(&s.spot.tid, 0);
        weft_future *f = weft_start(WEFT_THREADS, be_stuck, &arg);
        await_asleep(&s.spot);
        weft_cancel(f);
        int rc = weft_join(&f, NULL, 0);
        if (rc != -ECANCELED)
            fail_msg("%s gave %d", waits[i].name, rc);
    }
    assert_int_equal(let_go(&busy, &pooled), 0);
    weft_pool_close(&s.pool);
    assert_int_equal(let_go(&s.future, &started), 0);
    weft_unlock(&s.mu);
    weft_recursive_unlock(&s.recursive);
    weft_queue_free(&s.empty);
    weft_queue_free(&s.full);
    close(s.pipe[0]);
    close(s.pipe[1]);
}

static int explain_the_end(struct spot *const *spot, weft_none *none)
{
    (void)none;
    arrive(*spot);
    int rc = weft_sleep(WEFT_FOREVER);
    return weft_fail(rc, "put down the pen");
}
WEFT_TASK(explain_the_end, struct spot *, weft_none);

static void a_cancelled_tasks_own_message_travels(void **state)
{
    (void)state;
    struct spot spot = {0};
    weft_future *f = weft_start(WEFT_THREADS, explain_the_end, &(struct spot *){&spot});
    await_asleep(&spot);
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    assert_string_equal(weft_error(), "put down the pen");
}

// ---- kill and drop ---------------------------------------------------------------------

static void a_thread_cannot_be_killed(void **state)
{
    (void)state;
    struct hold h;
    weft_future *f = start_hold(&h);
    assert_int_equal(weft_kill(f), -ENOTSUP);
    assert_int_equal(weft_error_code(), -ENOTSUP);
    assert_false(weft_done(f));
    assert_int_equal(let_go(&f, &h), 0); // nor was it asked to stop
}

struct farewell {
    struct spot spot;
    sem_t said;
    int rc;
};

static int say_farewell(struct farewell *const *arg, weft_none *none)
{
    struct farewell *f = *arg;
    (void)none;
    arrive(&f->spot);
    f->rc = weft_sleep(WEFT_FOREVER);
    sem_post(&f->said);
    return f->rc;
}
WEFT_TASK(say_farewell, struct farewell *, weft_none);

static void a_dropped_task_is_cancelled_and_not_waited_for(void **state)
{
    (void)state;
    static struct farewell farewell; // outlives the drop
    struct farewell *arg = &farewell;
    sem_init(&farewell.said, 0, 0);
    weft_future *f = weft_start(WEFT_THREADS, say_farewell, &arg);
    await_asleep(&farewell.spot);
    weft_drop(&f);
    assert_null(f);
    sem_take(&farewell.said);
    assert_int_equal(farewell.rc, -ECANCELED);
}

static void dropping_does_not_wait(void **state)
{
    (void)state;
    struct hold h;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    weft_future *f = hold_a_worker(pool, &h), *queued = weft_submit(pool, add_one, &(int){1});
    weft_drop(&f); // it can only end after this line
    weft_drop(&queued);
    assert_null(f);
    assert_null(queued);
    sem_post(&h.release);
    weft_pool_close(&pool);
}

static void dropping_what_is_done_or_nothing_is_harmless(void **state)
{
    (void)state;
    weft_future *f = NULL;
    weft_drop(&f);
    f = weft_start(WEFT_THREADS, add_one, &(int){1});
    assert_int_equal(weft_wait(f, WEFT_FOREVER), 0);
    weft_drop(&f);
    assert_null(f);
}

static const struct scene scenes[] = {
    {"join_with_wrong_size", join_with_wrong_size},
    {"join_failed_with_wrong_size", join_failed_with_wrong_size},
    {"join_oneself", run_join_oneself},
    {"join_oneself_in_a_pool", run_join_oneself_in_a_pool},
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(waiting_says_that_it_ended_whatever_it_returned),
    cmocka_unit_test(who_stops_waiting_leaves_the_task_running),
    cmocka_unit_test(any_number_of_tasks_may_wait),
    cmocka_unit_test(a_cancelled_waiter_leaves_and_the_task_goes_on),
    cmocka_unit_test(joining_no_future_is_an_error),
    cmocka_unit_test(joining_is_not_interrupted),
    cmocka_unit_test(joining_with_a_wrong_size_aborts),
    cmocka_unit_test(joining_oneself_aborts),
    cmocka_unit_test(done_is_a_claim_about_the_task),
    cmocka_unit_test(cancelling_what_is_done_or_nothing_is_harmless),
    cmocka_unit_test(a_queued_task_that_is_cancelled_ends_at_once),
    cmocka_unit_test(cancelling_ends_a_wait_of_each_kind),
    cmocka_unit_test(a_cancelled_tasks_own_message_travels),
    cmocka_unit_test(a_thread_cannot_be_killed),
    cmocka_unit_test(a_dropped_task_is_cancelled_and_not_waited_for),
    cmocka_unit_test(dropping_does_not_wait),
    cmocka_unit_test(dropping_what_is_done_or_nothing_is_harmless),
};
TEST_MAIN_WITH_SCENES(tests, scenes)
