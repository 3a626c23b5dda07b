// SPDX-License-Identifier: MIT
// exit.c - the end of the program: started tasks are waited for, daemons asked, and then lost.
#include "scenario.h"

static struct {
    weft_event event;
    int ran, asked;
} s;

static int work(const int *n, int *out)
{
    *out = *n;
    s.ran++;
    return 0;
}
WEFT_TASK(work, int, int);

static void look_at_work(void)
{
    claim(s.ran == 1);
}

static void exit_waits(void *arg)
{
    (void)arg;
    claim(atexit(look_at_work) == 0);
    weft_future *f = weft_start(WEFT_THREADS, work, &(int){1});
    claim(f);
    // Neither joined nor dropped: the program ends with it.
}

#if HAS_FIBERS
static int start_work(const int *n, int *out)
{
    *out = *n;
    return weft_start(*n ? WEFT_THREADS : WEFT_FIBERS, work, n) ? 0 : -ENOMEM;
}
WEFT_TASK(start_work, int, int);

// A fiber, and what it starts: it counts at its home. arg: a thread.
static void exit_waits_for_fibers(void *arg)
{
    claim(atexit(look_at_work) == 0);
    weft_future *f = weft_start(WEFT_FIBERS, start_work, (int *)arg);
    claim(f);
}
#endif

static int wait_for_ever(const int *n, int *out)
{
    *out = *n;
    int rc = weft_event_wait(&s.event, WEFT_FOREVER);
    s.asked += rc == -ECANCELED;
    return rc;
}
WEFT_TASK(wait_for_ever, int, int);

// A daemon, begun or not, does not hold the exit up: it ends, or the grace passes.
static void a_daemon_is_asked(void *arg)
{
    (void)arg;
    weft_future *f = weft_start_as(WEFT_WITH(.kind = WEFT_THREADS, .daemon = true), wait_for_ever,
                                   &(int){1});
    claim(f);
}

static void a_daemon_ends_beside(void *arg)
{
    (void)arg;
    weft_future *f = weft_start_as(WEFT_WITH(.kind = WEFT_THREADS, .daemon = true), work,
                                   &(int){1});
    claim(f);
    weft_drop(&f);
}

static void an_open_pool_is_drained(void *arg)
{
    (void)arg;
    claim(atexit(look_at_work) == 0);
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    claim(weft_spawn(pool, work, &(int){1}) == 0);
}

const struct scenario exit_scenarios[] = {
    {"exit: waits for a started task", exit_waits, .bound = 3, .allows_leaks = true},
#if HAS_FIBERS
    {"exit: waits for a fiber's fiber", exit_waits_for_fibers, .bound = 3, .allows_leaks = true},
    {"exit: waits for a fiber's fiber, delayed stores", exit_waits_for_fibers, .bound = 2,
     .allows_leaks = true, .delayed_stores = true},
    {"exit: waits for a fiber's thread", exit_waits_for_fibers, .arg = 1, .bound = 2,
     .allows_leaks = true},
#endif
    {"exit: a daemon is asked to stop", a_daemon_is_asked, .bound = 2, .allows_leaks = true},
    {"exit: a daemon ends beside it", a_daemon_ends_beside, .bound = 2, .allows_leaks = true},
    {"exit: an open pool is drained", an_open_pool_is_drained, .bound = 2, .allows_leaks = true},
    {.name = NULL},
};
