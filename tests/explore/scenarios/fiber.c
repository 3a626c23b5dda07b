// SPDX-License-Identifier: MIT
// fiber.c - fibers and threads on the same objects: a wake-up finds its fiber, wherever it is.
#include "core/park.h"
#include "exec/loop.h"
#include "os/atomic.h"
#include "scenario.h"

#if !defined(__SANITIZE_ADDRESS__) // it would have to be told of stacks on stacks
static struct {
    struct wf_loop *loop;
    struct wf_parker *parker;
    uint32_t flag;
    int data, rc, ended;
    weft_mutex mu;
    weft_event event;
    weft_queue *q;
    struct guarded g;
} s;

static void begin(void)
{
    claim(wf_loop_new("loop", &s.loop) == 0);
}

static void on_loop(void (*fn)(void *), void *arg)
{
    claim(wf_loop_start(s.loop, 0, fn, arg) == 0);
}

static void end(void)
{
    wf_loop_free(s.loop);
}

// ---- park and unpark ----------------------------------------------------------------------

static void park_until_flag(void *arg)
{
    struct wf_wait wait = {.what = "scenario", .fd = WF_NO_FD};
    const weft_time *deadline = arg;
    wf_store(&s.parker, wf_self(), WF_SEQ_CST); // one of the two sees the other
    int rc = 0;
    while (rc == 0 && wf_load(&s.flag, WF_SEQ_CST) == 0)
        rc = wf_park(&wait, *deadline);
    s.rc = rc;
    if (rc == 0) {
        weft_explore_reads(&s.data);
        claim(s.data == 7);
    }
    s.ended++;
}

static void raise_flag(void)
{
    weft_explore_writes(&s.data);
    s.data = 7;
    wf_store(&s.flag, 1, WF_SEQ_CST);
    struct wf_parker *parker = wf_load(&s.parker, WF_SEQ_CST);
    if (parker)
        wf_unpark(parker);
}

static void a_thread_wakes_a_fiber(void *arg)
{
    static const weft_time forever = {INT64_MAX}, once = {2000000000};
    begin();
    on_loop(park_until_flag, (void *)(uintptr_t)(*(int *)arg ? &once : &forever));
    raise_flag();
    end();
    claim(s.ended == 1 && (s.rc == 0 || (*(int *)arg && s.rc == -ETIMEDOUT)));
}

static void raise_from_fiber(void *arg)
{
    (void)arg;
    raise_flag();
}

static void a_fiber_wakes_a_fiber(void *arg)
{
    static const weft_time forever = {INT64_MAX};
    (void)arg;
    begin();
    on_loop(park_until_flag, (void *)(uintptr_t)&forever);
    on_loop(raise_from_fiber, NULL);
    end();
    claim(s.ended == 1 && s.rc == 0);
}

static void set_event(void *arg)
{
    (void)arg;
    weft_explore_writes(&s.data);
    s.data = 7;
    weft_event_set(&s.event);
}

static void a_fiber_wakes_a_thread(void *arg)
{
    (void)arg;
    begin();
    on_loop(set_event, NULL);
    claim(weft_event_wait(&s.event, WEFT_FOREVER) == 0);
    weft_explore_reads(&s.data);
    claim(s.data == 7);
    end();
}

static void read_data(void *arg)
{
    (void)arg;
    weft_explore_reads(&s.data);
    claim(s.data == 7);
    s.ended++;
}

// What was written before the start is seen by the fiber.
static void a_start_publishes(void *arg)
{
    (void)arg;
    begin();
    weft_explore_writes(&s.data);
    s.data = 7;
    on_loop(read_data, NULL);
    end();
    claim(s.ended == 1);
}

static void wait_for_event(void *arg)
{
    (void)arg;
    claim(weft_event_wait(&s.event, WEFT_FOREVER) == 0);
    s.ended++;
}

static void *set_event_from_thread(void *arg)
{
    set_event(arg);
    return NULL;
}

// The loop is freed as soon as its last fiber has ended, while its waker may still be at it.
static void a_waker_may_be_late(void *arg)
{
    (void)arg;
    begin();
    on_loop(wait_for_event, NULL);
    wf_thread other = go(set_event_from_thread, NULL);
    end();
    claim(s.ended == 1);
    wf_thread_join(other);
}

// ---- both kinds on one object -------------------------------------------------------------

static void lock_once(void *arg)
{
    (void)arg;
    weft_lock(&s.mu);
    visit(&s.g);
    weft_unlock(&s.mu);
}

static void both_lock(void *arg)
{
    (void)arg;
    begin();
    on_loop(lock_once, NULL);
    on_loop(lock_once, NULL);
    lock_once(NULL);
    end();
    claim(s.g.count == 3 && s.mu.word_ == 0);
}

static void lock_in_time(void *arg)
{
    (void)arg;
    if (weft_lock_until(&s.mu, sometime()) == 0) {
        visit(&s.g);
        weft_unlock(&s.mu);
    }
    s.ended++;
}

static void a_fiber_gives_up(void *arg)
{
    (void)arg;
    begin();
    on_loop(lock_in_time, NULL);
    lock_once(NULL);
    end();
    claim(s.ended == 1 && s.mu.word_ == 0);
}

static void get_and_count(void *arg)
{
    int item;
    (void)arg;
    claim(weft_get(s.q, &item, WEFT_FOREVER) == 0);
    s.g.count += item;
}

static void a_thread_puts_two_fibers_get(void *arg)
{
    (void)arg;
    s.q = weft_queue_new(sizeof(int), .capacity = 1);
    begin();
    on_loop(get_and_count, NULL);
    on_loop(get_and_count, NULL);
    for (int i = 1; i <= 2; i++)
        claim(weft_put(s.q, &i, WEFT_FOREVER) == 0);
    end();
    claim(s.g.count == 3);
    weft_queue_free(&s.q);
}

// ---- tasks ----------------------------------------------------------------------------------

static int work(const int *n, int *out)
{
    weft_explore_writes(&s.data);
    s.data++;
    *out = *n + 1;
    return 0;
}
WEFT_TASK(work, int, int);

static void a_pool_of_fibers(void *arg)
{
    int out = 0;
    (void)arg;
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 1);
    weft_future *f = weft_submit(pool, work, &(int){1});
    claim(weft_join_as(&f, work, &out) == 0 && out == 2);
    weft_explore_reads(&s.data);
    weft_pool_close(&pool);
}

static void cancel_against_start(void *arg)
{
    (void)arg;
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 1);
    weft_future *f = weft_submit(pool, work, &(int){1});
    weft_cancel(f);
    int rc = weft_join(&f, NULL, 0);
    claim(rc == 0 ? s.data == 1 : rc == -ECANCELED && s.data == 0);
    weft_pool_close(&pool);
}

const struct scenario fiber_scenarios[] = {
    {"fiber: a thread wakes a fiber", a_thread_wakes_a_fiber, .bound = 3},
    {"fiber: a thread wakes a fiber, delayed stores", a_thread_wakes_a_fiber, .bound = 2,
     .delayed_stores = true},
    {"fiber: wake-up against deadline", a_thread_wakes_a_fiber, .arg = 1, .bound = 3},
    {"fiber: a fiber wakes a fiber", a_fiber_wakes_a_fiber, .bound = 3},
    {"fiber: a fiber wakes a thread", a_fiber_wakes_a_thread, .bound = 3},
    {"fiber: a start publishes what was written", a_start_publishes, .bound = 3},
    {"fiber: a waker may be late", a_waker_may_be_late, .bound = 2},
    {"fiber: a mutex of fibers and a thread", both_lock, .bound = 2},
    {"fiber: giving up a mutex of both", a_fiber_gives_up, .bound = 2},
    {"fiber: a queue of fibers and a thread", a_thread_puts_two_fibers_get, .bound = 2},
    {"fiber: a pool, joiner against fiber", a_pool_of_fibers, .bound = 2},
    {"fiber: a pool, cancel against start", cancel_against_start, .bound = 2},
    {.name = NULL},
};
#else
const struct scenario fiber_scenarios[] = {{NULL}};
#endif
