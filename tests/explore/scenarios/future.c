// SPDX-License-Identifier: MIT
// future.c - finish, join, wait, cancel and drop of one task, against each other.
#include "scenario.h"

static struct {
    weft_future *f;
    int data, ran, rc;
    weft_event event;
    int unobserved;
    struct wf_loop *loop;
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
    long out = 0;
    s.f = weft_start(kind_of(arg), work, &(int){41});
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
    s.f = weft_start(kind_of(arg), work, &(int){1});
    struct beside *other = go_as(&s.loop, *(int *)arg & 2, wait_for_it, NULL);
    wait_for_it(NULL);
    join_it(other);
    end_loop(&s.loop);
    claim(weft_join(&s.f, NULL, 0) == 0);
}

static void wait_in_vain(void *arg)
{
    s.f = weft_start(kind_of(arg), work, &(int){1});
    int rc = weft_wait(s.f, sometime());
    claim(rc == 0 ? weft_done(s.f) : rc == -ETIMEDOUT);
    claim(weft_join(&s.f, NULL, 0) == 0);
    claim(s.ran == 1);
}

static void failures_reach_the_joiner(void *arg)
{
    long out = 7;
    s.f = weft_start(kind_of(arg), fail, &(int){1});
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
    weft_on_unobserved(count_unobserved, NULL);
    claim(atexit(look_at_reports) == 0); // runs after weft has waited for the task
    s.f = weft_start(kind_of(arg), fail, &(int){1});
    weft_drop(&s.f);
}

static void drop_against_end(void *arg)
{
    s.f = weft_start(kind_of(arg), work, &(int){1});
    weft_drop(&s.f);
}

static void cancel_against_end(void *arg)
{
    s.f = weft_start(kind_of(arg), work, &(int){1});
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
    s.f = weft_start(kind_of(arg), wait_for_event, &(int){1});
    wf_thread other = go(set_event, NULL);
    weft_cancel(s.f);
    int rc = weft_join(&s.f, NULL, 0);
    claim((rc == 0 || rc == -ECANCELED) && s.ran == 1);
    wf_thread_join(other);
}

#if HAS_FIBERS
// ---- a fiber joins a fiber of its own loop --------------------------------------------------

static int join_another(const int *n, long *out)
{
    weft_future *f = weft_start(*n & 1 ? WEFT_FIBERS : WEFT_THREADS, work, n);
    claim(weft_wait(f, sometime()) != 0 || weft_done(f));
    claim(weft_join_as(&f, work, out) == 0 && *out == *n + 1);
    weft_explore_reads(&s.data);
    claim(s.data == 1);
    return 0;
}
WEFT_TASK(join_another, int, long);

static void a_fiber_joins(void *arg)
{
    long out = 0;
    s.f = weft_start(WEFT_FIBERS, join_another, (int *)arg);
    claim(weft_join_as(&s.f, join_another, &out) == 0 && out == *(int *)arg + 1);
}
#endif

// ---- in a pool: a task may be run by its joiner, or be taken back -------------------------

static void *cancel_it(void *arg)
{
    weft_cancel(arg);
    return NULL;
}

static void pool_join_against_worker(void *arg)
{
    long out = 0;
    weft_pool *pool = weft_pool_open(kind_of(arg), .workers = 1);
    s.f = weft_submit(pool, work, &(int){1});
    claim(weft_join_as(&s.f, work, &out) == 0 && out == 2 && s.ran == 1);
    weft_explore_reads(&s.data);
    weft_pool_close(&pool);
}

static void pool_cancel_against_worker_and_join(void *arg)
{
    weft_pool *pool = weft_pool_open(kind_of(arg), .workers = 1);
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
    weft_pool *pool = weft_pool_open(kind_of(arg), .workers = 1);
    s.f = weft_submit_until(pool, sometime(), work, &(int){1});
    int rc = weft_join(&s.f, NULL, 0);
    claim(rc == 0 ? s.ran == 1 : rc == -ETIMEDOUT && s.ran == 0);
    weft_pool_close(&pool);
}

static int begin_nothing(void *ctx)
{
    (void)ctx;
    return 0;
}

static int wait_in_a_task(const int *n, long *out)
{
    (void)n, (void)out;
    return weft_wait(s.f, WEFT_FOREVER);
}
WEFT_TASK(wait_in_a_task, int, long);

// It runs in its worker alone. Whoever waits without a deadline is told of none.
static void pool_deadline_against_request(void *arg)
{
    weft_pool *pool = weft_pool_open(kind_of(arg), .workers = 1, .on_start = begin_nothing);
    s.f = weft_submit_until(pool, sometime(), work, &(int){1});
    weft_future *waits = weft_start(WEFT_THREADS, wait_in_a_task, &(int){1});
    weft_cancel(waits);
    int rc = weft_join(&waits, NULL, 0);
    claim(rc == 0 || rc == -ECANCELED);
    weft_drop(&s.f);
    weft_pool_close(&pool);
}

static void pool_drop_against_worker(void *arg)
{
    weft_pool *pool = weft_pool_open(kind_of(arg), .workers = 1);
    s.f = weft_submit(pool, work, &(int){1});
    weft_drop(&s.f);
    weft_pool_close(&pool);
    claim(s.ran <= 1);
}

// Whoever lists the tasks looks at them, while they end and are freed.
static void *start_and_join(void *arg)
{
    weft_future *f = weft_start(kind_of(arg), work, &(int){41});
    claim(weft_join(&f, NULL, 0) == 0);
    return NULL;
}

// arg: a fiber joins one of its loop; else a thread joins a thread.
static void list_beside_a_join(void *arg)
{
    struct weft_info infos[4];
    struct beside *b = go_as(&s.loop, kind_of(arg) == WEFT_FIBERS, start_and_join, arg);
    size_t count = weft_list(kind_of(arg), infos, 4);
    claim(count <= 4);
    for (size_t i = 0; i < count; i++)
        claim(infos[i].kind == kind_of(arg) && infos[i].id > 0 && infos[i].id < 1000);
    join_it(b);
    end_loop(&s.loop);
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
    {"future: in a pool, deadline against request", pool_deadline_against_request, .bound = 2},
    {"future: in a pool, drop against worker", pool_drop_against_worker, .bound = 2},
    {"future: a list beside a join", list_beside_a_join, .bound = 2},
    {"future: a list beside a join, delayed stores", list_beside_a_join, .bound = 1,
     .delayed_stores = true},
#if HAS_FIBERS
    {"future: a list beside a fiber's join", list_beside_a_join, .arg = 1, .bound = 2},
    {"future: a list beside a fiber's join, delayed stores", list_beside_a_join, .arg = 1,
     .bound = 2, .delayed_stores = true},
    // ---- of fibers; who waits is a thread, if nothing else is said
    {"future: a fiber's, join", join_sees_everything, .arg = 1, .bound = 3},
    {"future: a fiber's, join, delayed stores", join_sees_everything, .arg = 1, .bound = 2,
     .delayed_stores = true},
    {"future: a thread's, fiber and thread wait", two_wait, .arg = 2, .bound = 1},
    {"future: a fiber's, fiber and thread wait", two_wait, .arg = 3, .bound = 1},
    {"future: a thread's, both wait, bound 2", two_wait, .arg = 2, .bound = 2, .is_long = true},
    {"future: a fiber's, both wait, bound 2", two_wait, .arg = 3, .bound = 2, .is_long = true},
    {"future: a fiber's, two threads wait", two_wait, .arg = 1, .bound = 2},
    {"future: a fiber joins a fiber", a_fiber_joins, .arg = 1, .bound = 3},
    {"future: a fiber joins a thread", a_fiber_joins, .arg = 2, .bound = 2},
    {"future: a fiber's, wait against deadline", wait_in_vain, .arg = 1, .bound = 3},
    {"future: a fiber's failure reaches the joiner", failures_reach_the_joiner, .arg = 1,
     .bound = 3},
    {"future: a fiber's drop against failure", drop_against_failure, .arg = 1, .bound = 3},
    {"future: a fiber's drop against end", drop_against_end, .arg = 1, .bound = 3},
    {"future: a fiber's cancel against end", cancel_against_end, .arg = 1, .bound = 3},
    {"future: a fiber's join, cancel and wake-up", join_cancel_set, .arg = 1, .bound = 2},
    {"future: a pool of fibers, cancel, worker, wait", pool_cancel_against_worker_and_join,
     .arg = 1, .bound = 1},
    {"future: a pool of fibers, deadline, worker", pool_deadline_against_worker, .arg = 1,
     .bound = 2},
    {"future: a pool of fibers, drop, worker", pool_drop_against_worker, .arg = 1, .bound = 2},
#endif
    {.name = NULL},
};
