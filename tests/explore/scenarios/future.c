// SPDX-License-Identifier: MIT
// future.c - finish, join, wait, cancel and drop of one task, against each other.
#include "scenario.h"

static struct {
    weft_future *f;
    int data, ran, rc;
    weft_event event;
    int unobserved;
} s;

static int work(const int *n, long *out)
{
    weft_explore_writes(&s.data);
    s.data++;
    s.ran++;
    *out = *n + 1;
    return 0;
}
WEFT_TASK(work, int, long);

static int fail(const int *n, long *out)
{
    (void)n, (void)out;
    return weft_fail(-EDOM, "on purpose");
}
WEFT_TASK(fail, int, long);

static int wait_for_event(const int *n, long *out)
{
    (void)out;
    s.ran++;
    return weft_event_wait(&s.event, *n ? WEFT_FOREVER : sometime());
}
WEFT_TASK(wait_for_event, int, long);

static void join_sees_everything(void *arg)
{
    (void)arg;
    long out = 0;
    s.f = weft_start(WEFT_THREADS, work, &(int){41});
    claim(weft_join_as(&s.f, work, &out) == 0 && out == 42 && !s.f);
    weft_explore_reads(&s.data);
    claim(s.data == 1);
}

static void refused_or_done(void *arg)
{
    (void)arg;
    s.f = weft_start(WEFT_THREADS, work, &(int){41});
    claim(s.f || weft_error_code() == -EAGAIN);
    claim(weft_join(&s.f, NULL, 0) == (s.ran == 1 ? 0 : -EINVAL));
}

static void *wait_for_it(void *arg)
{
    (void)arg;
    claim(weft_wait(s.f, WEFT_FOREVER) == 0);
    claim(weft_done(s.f));
    weft_explore_reads(&s.data);
    claim(s.data == 1);
    return NULL;
}

static void two_wait(void *arg)
{
    (void)arg;
    s.f = weft_start(WEFT_THREADS, work, &(int){1});
    wf_thread other = go(wait_for_it, NULL);
    wait_for_it(NULL);
    wf_thread_join(other);
    claim(weft_join(&s.f, NULL, 0) == 0);
}

static void wait_in_vain(void *arg)
{
    (void)arg;
    s.f = weft_start(WEFT_THREADS, work, &(int){1});
    int rc = weft_wait(s.f, sometime());
    claim(rc == 0 ? weft_done(s.f) : rc == -ETIMEDOUT);
    claim(weft_join(&s.f, NULL, 0) == 0);
    claim(s.ran == 1);
}

static void failures_reach_the_joiner(void *arg)
{
    (void)arg;
    long out = 7;
    s.f = weft_start(WEFT_THREADS, fail, &(int){1});
    claim(weft_join_as(&s.f, fail, &out) == -EDOM && out == 7);
    claim(weft_error_code() == -EDOM && strcmp(weft_error(), "on purpose") == 0);
}

static void count_unobserved(const char *task, int code, const char *message, void *ctx)
{
    (void)task, (void)ctx;
    claim(code == -EDOM && strcmp(message, "on purpose") == 0);
    s.unobserved++;
}

// Whichever end is second reports: exactly one.
static void look_at_reports(void)
{
    claim(s.unobserved == 1);
}

static void drop_against_failure(void *arg)
{
    (void)arg;
    weft_on_unobserved(count_unobserved, NULL);
    claim(atexit(look_at_reports) == 0); // runs after weft has waited for the task
    s.f = weft_start(WEFT_THREADS, fail, &(int){1});
    weft_drop(&s.f);
}

static void drop_against_end(void *arg)
{
    (void)arg;
    s.f = weft_start(WEFT_THREADS, work, &(int){1});
    weft_drop(&s.f);
}

static void cancel_against_end(void *arg)
{
    (void)arg;
    s.f = weft_start(WEFT_THREADS, work, &(int){1});
    weft_cancel(s.f);
    claim(weft_join(&s.f, NULL, 0) == 0 && s.ran == 1); // a started task always runs
}

static void *set_event(void *arg)
{
    (void)arg;
    weft_event_set(&s.event);
    return NULL;
}

static void join_cancel_set(void *arg)
{
    (void)arg;
    s.f = weft_start(WEFT_THREADS, wait_for_event, &(int){1});
    wf_thread other = go(set_event, NULL);
    weft_cancel(s.f);
    int rc = weft_join(&s.f, NULL, 0);
    claim((rc == 0 || rc == -ECANCELED) && s.ran == 1);
    wf_thread_join(other);
}

// ---- in a pool: a task may be run by its joiner, or be taken back -------------------------

static void *cancel_it(void *arg)
{
    weft_cancel(arg);
    return NULL;
}

static void pool_join_against_worker(void *arg)
{
    (void)arg;
    long out = 0;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    s.f = weft_submit(pool, work, &(int){1});
    claim(weft_join_as(&s.f, work, &out) == 0 && out == 2 && s.ran == 1);
    weft_explore_reads(&s.data);
    weft_pool_close(&pool);
}

static void pool_cancel_against_worker_and_join(void *arg)
{
    (void)arg;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    s.f = weft_submit(pool, work, &(int){1});
    wf_thread other = go(cancel_it, s.f);
    claim(weft_wait(s.f, WEFT_FOREVER) == 0);
    wf_thread_join(other);
    int rc = weft_join(&s.f, NULL, 0);
    claim(rc == 0 ? s.ran == 1 : rc == -ECANCELED && s.ran == 0);
    weft_pool_close(&pool);
}

static void pool_deadline_against_worker(void *arg)
{
    (void)arg;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    s.f = weft_submit_until(pool, sometime(), work, &(int){1});
    int rc = weft_join(&s.f, NULL, 0);
    claim(rc == 0 ? s.ran == 1 : rc == -ETIMEDOUT && s.ran == 0);
    weft_pool_close(&pool);
}

static void pool_drop_against_worker(void *arg)
{
    (void)arg;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    s.f = weft_submit(pool, work, &(int){1});
    weft_drop(&s.f);
    weft_pool_close(&pool);
    claim(s.ran <= 1);
}

const struct scenario future_scenarios[] = {
    {"future: join sees everything", join_sees_everything, .bound = 4},
    {"future: join, delayed stores", join_sees_everything, .bound = 3, .delayed_stores = true},
    {"future: no thread to be had", refused_or_done, .bound = 2, .faults = 1},
    {"future: two wait", two_wait, .bound = 2},
    {"future: wait against deadline and end", wait_in_vain, .bound = 3},
    {"future: a failure reaches the joiner", failures_reach_the_joiner, .bound = 3},
    {"future: drop against failure, one report", drop_against_failure, .bound = 3},
    {"future: drop against end", drop_against_end, .bound = 4},
    {"future: cancel against end", cancel_against_end, .bound = 3},
    {"future: join, cancel and wake-up", join_cancel_set, .bound = 2},
    {"future: in a pool, joiner against worker", pool_join_against_worker, .bound = 2},
    {"future: in a pool, delayed stores", pool_join_against_worker, .bound = 1,
     .delayed_stores = true},
    {"future: in a pool, cancel, worker and wait", pool_cancel_against_worker_and_join, .bound = 1},
    {"future: in a pool, cancel, worker and wait, bound 2", pool_cancel_against_worker_and_join,
     .bound = 2, .is_long = true},
    {"future: in a pool, deadline against worker", pool_deadline_against_worker, .bound = 2},
    {"future: in a pool, drop against worker", pool_drop_against_worker, .bound = 2},
    {.name = NULL},
};
