// SPDX-License-Identifier: MIT
// pool.c - close against submit, spare workers, backlog: everything that was accepted ends.
#include "scenario.h"

static struct {
    weft_pool *pool;
    int ran, refused;
    weft_event event;
    weft_mutex mu;
    weft_queue *q;
} s;

static int work(const int *n, int *out)
{
    s.ran++;
    *out = *n;
    return 0;
}
WEFT_TASK(work, int, int);

static void *submit_one(void *arg)
{
    (void)arg;
    weft_future *f = weft_submit(s.pool, work, &(int){1});
    if (!f) {
        claim(weft_error_code() == -EPIPE || weft_error_code() == -EAGAIN);
        s.refused++;
    } else {
        claim(weft_join(&f, NULL, 0) == 0);
    }
    return NULL;
}

static void close_waits_for_what_is_queued(void *arg)
{
    (void)arg;
    s.pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    claim(weft_spawn(s.pool, work, &(int){1}) == 0);
    claim(weft_spawn(s.pool, work, &(int){2}) == 0);
    weft_pool_close(&s.pool);
    claim(s.ran == 2);
}

static void two_submitters(void *arg)
{
    (void)arg;
    s.pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    wf_thread other = go(submit_one, NULL);
    submit_one(NULL);
    wf_thread_join(other);
    weft_pool_close(&s.pool);
    claim(s.ran == 2 && s.refused == 0);
}

static void a_full_backlog(void *arg)
{
    (void)arg;
    s.pool = weft_pool_open(WEFT_THREADS, .workers = 1, .backlog = 1);
    for (int i = 0; i < 3; i++)
        claim(weft_spawn(s.pool, work, &i) == 0);
    weft_pool_close(&s.pool);
    claim(s.ran == 3);
}

static void cancelled(void *arg)
{
    (void)arg;
    s.pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    weft_future *f = weft_submit(s.pool, work, &(int){1});
    weft_pool_cancel(s.pool);
    int rc = weft_join(&f, NULL, 0);
    claim(rc == 0 ? s.ran == 1 : rc == -ECANCELED && s.ran == 0);
    weft_pool_close(&s.pool);
}

// ---- spares: one worker, and tasks that wait for each other -------------------------------

static int wait_for_event(const int *n, int *out)
{
    *out = *n;
    return weft_event_wait(&s.event, WEFT_FOREVER);
}
WEFT_TASK(wait_for_event, int, int);

static int set_event(const int *n, int *out)
{
    *out = *n;
    weft_event_set(&s.event);
    return 0;
}
WEFT_TASK(set_event, int, int);

// A submit may come while the pool is being closed, but not when it is gone: a task of the pool
// lasts until the submit has returned.
static void *submit_while_closing(void *arg)
{
    weft_future *f = weft_submit(arg, work, &(int){1});
    claim(f || weft_error_code() == -EPIPE);
    weft_event_set(&s.event);
    if (f)
        claim(weft_join(&f, NULL, 0) == 0 && s.ran == 1);
    return NULL;
}

static void close_against_submit(void *arg)
{
    (void)arg;
    s.pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    claim(weft_spawn(s.pool, wait_for_event, &(int){1}) == 0);
    wf_thread other = go(submit_while_closing, s.pool);
    weft_pool_close(&s.pool);
    wf_thread_join(other);
}

static void a_waiting_worker_is_replaced(void *arg)
{
    (void)arg;
    s.pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    claim(weft_spawn(s.pool, wait_for_event, &(int){1}) == 0);
    claim(weft_spawn(s.pool, set_event, &(int){1}) == 0);
    weft_pool_close(&s.pool);
}

static void no_thread_for_a_spare(void *arg)
{
    (void)arg;
    s.pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    if (!s.pool) {
        claim(weft_error_code() == -EAGAIN);
        return;
    }
    weft_future *a = weft_submit(s.pool, wait_for_event, &(int){1});
    weft_future *b = a ? weft_submit(s.pool, set_event, &(int){1}) : NULL;
    if (!b) // refused: then we must do what it would have done
        weft_event_set(&s.event);
    if (b)
        claim(weft_join(&b, NULL, 0) == 0);
    if (a) {
        int rc = weft_join(&a, NULL, 0);
        claim(rc == 0 || rc == -EAGAIN);
    }
    weft_pool_close(&s.pool);
}

static int take_lock(const int *n, int *out)
{
    *out = *n;
    weft_lock(&s.mu);
    weft_unlock(&s.mu);
    return 0;
}
WEFT_TASK(take_lock, int, int);

// The only spare makes room for one of two and waits at once, so that one may be refused: the room
// is the other's then.
static void room_after_a_refusal(void *arg)
{
    (void)arg;
    s.pool = weft_pool_open(WEFT_THREADS, .workers = 1, .max_spares = 1, .backlog = 1);
    weft_lock(&s.mu);
    weft_future *a = weft_submit(s.pool, wait_for_event, &(int){1});
    weft_future *b = weft_submit(s.pool, take_lock, &(int){1});
    claim(a && b);
    wf_thread first = go(submit_one, NULL), second = go(submit_one, NULL);
    weft_event_set(&s.event);
    weft_unlock(&s.mu);
    wf_thread_join(first);
    wf_thread_join(second);
    int rc = weft_join(&a, NULL, 0);
    claim(rc == 0 || rc == -EAGAIN);
    claim(weft_join(&b, NULL, 0) == 0);
    weft_pool_close(&s.pool);
    claim(s.ran + s.refused == 2);
}

static int join_inside(const int *n, int *out);
WEFT_TASK(join_inside, int, int);

static int join_inside(const int *n, int *out)
{
    if (*n == 0)
        return *out = 0;
    weft_future *f = weft_submit(s.pool, join_inside, &(int){*n - 1});
    return f ? weft_join_as(&f, join_inside, out) : weft_error_code();
}

static void joins_inside_one_worker(void *arg)
{
    (void)arg;
    s.pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    weft_future *f = weft_submit(s.pool, join_inside, &(int){1});
    claim(weft_join(&f, NULL, 0) == 0);
    weft_pool_close(&s.pool);
}

const struct scenario pool_scenarios[] = {
    {"pool: close waits for what is queued", close_waits_for_what_is_queued, .bound = 2},
    {"pool: close against submit", close_against_submit, .bound = 1},
    {"pool: close against submit, bound 2", close_against_submit, .bound = 2, .is_long = true},
    {"pool: two submitters", two_submitters, .bound = 1},
    {"pool: two submitters, drawn", two_submitters, .search = WEFT_RANDOM, .seconds = 1},
    {"pool: a full backlog", a_full_backlog, .bound = 1},
    {"pool: cancel against the worker", cancelled, .bound = 2},
    {"pool: a worker that waits is replaced", a_waiting_worker_is_replaced, .bound = 1},
    {"pool: a worker that waits is replaced, bound 2", a_waiting_worker_is_replaced, .bound = 2,
     .is_long = true},
    {"pool: no thread for a spare", no_thread_for_a_spare, .bound = 1, .faults = 1},
    {"pool: no thread for a spare, bound 2", no_thread_for_a_spare, .bound = 2, .faults = 1,
     .is_long = true},
    {"pool: room after a refusal, drawn", room_after_a_refusal, .search = WEFT_PCT, .bound = 3,
     .seconds = 1},
    {"pool: joins inside one worker", joins_inside_one_worker, .bound = 1},
    {"pool: delayed stores", close_waits_for_what_is_queued, .bound = 1, .delayed_stores = true},
    {.name = NULL},
};
