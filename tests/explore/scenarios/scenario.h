// SPDX-License-Identifier: MIT
// scenario.h - a small test of two or three tasks, and how it is explored.
//
// A scenario's threads are bare ones, as a program starts them without weft: so nothing is in the
// way but what is tested. What they share lies in variables of the file, which each run finds as
// they were, or in memory that a wrong touch of is noticed.
#ifndef XP_SCENARIO_H
#define XP_SCENARIO_H

#include <errno.h>
#include <weft/explore.h>
#include <weft/weft.h>

#include "os/thread.h"
#include "run.h"

struct scenario {
    const char *name; // "mutex: exclusion, 2 tasks x 1"
    void (*run)(void *arg);
    int arg; // fn is given its address
    enum weft_search search;
    int bound;
    bool delayed_stores;
    int faults;
    bool allows_leaks;
    double seconds; // a drawn one's budget; else it must be exhausted
    bool is_long;   // not in the short form
};

// Each file's table; ends with a name of NULL.
extern const struct scenario park_scenarios[], mutex_scenarios[], cond_scenarios[],
    sync_scenarios[], queue_scenarios[], future_scenarios[], group_scenarios[], pool_scenarios[],
    exit_scenarios[], fiber_scenarios[], fiber_wait_scenarios[], shared_scenarios[];

// Threads beside the main task.
static inline wf_thread go(void *(*run)(void *), void *arg)
{
    const struct wf_thread_options options = {.run = run, .arg = arg};
    wf_thread thread = 0;
    while (wf_thread_start(&options, &thread) != 0) // refused on purpose
        continue;
    return thread;
}

// An address sanitizer would have to be told of stacks on stacks: no fibers under it.
#if defined(__SANITIZE_ADDRESS__)
#define HAS_FIBERS 0
#else
#define HAS_FIBERS 1
#endif

// The same, or a fiber of the scenario's one loop.
struct beside {
    bool is_fiber;
    wf_thread thread;
    void *(*run)(void *arg);
    void *arg;
    weft_event over; // a fiber's
};
struct wf_loop;
struct beside *go_as(struct wf_loop **loop, bool is_fiber, void *(*run)(void *), void *arg);
void join_it(struct beside *b);
void end_loop(struct wf_loop **loop); // that go_as made, if it did

enum weft_kind kind_of(void *arg); // whose lowest bit says that it is a fiber

#define claim weft_explore_check

// It comes when nothing else can happen, or earlier if the explorer wants it to.
static inline weft_time sometime(void)
{
    return (weft_time){INT64_C(2000000000)};
}

// Plain data that something must guard: a race, or another one inside, breaks the run.
struct guarded {
    int inside, count;
};

static inline void visit(struct guarded *g)
{
    weft_explore_writes(&g->inside);
    claim(g->inside++ == 0);
    weft_explore_writes(&g->inside);
    g->inside--;
    g->count++;
}

int xp_fd_new(int n);
void xp_fd_ready(int fd);

#endif
