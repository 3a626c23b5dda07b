// SPDX-License-Identifier: MIT
// engine.c - which engine, and what all have in common.
#include "os/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/atomic.h"
#include "os/clock.h"
#include "os/fault.h"
#include "os/poll.h"
#include "os/valgrind.h"

// A ring spares a request its system calls, and asks more of the memory for each: below this many
// nanoseconds a call that costs more than it saves.
enum { DEAR_NS = 250, CALLS = 32, TRIES = 4 };

// The quickest of some tries: what disturbs one only makes it slower.
static bool calls_are_dear(void)
{
    int64_t least = INT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        int64_t begin = wf_clock_now();
        for (int call = 0; call < CALLS; call++)
            (void)getppid(); // which libc does not answer by itself
        int64_t took = wf_clock_now() - begin;
        least = took < least ? took : least;
    }
    return least > (int64_t)CALLS * DEAR_NS;
}

// It may be there again when the next loop begins.
static bool is_lacking(int refused)
{
    return refused == ENOMEM || refused == EMFILE || refused == ENFILE || refused == EAGAIN;
}

// Both are asked once: the next loops do as the first. (But for one that got no ring because
// something was lacking: this says nothing of the next.) Where there is no ring nothing is timed: a
// filter of system calls that refuses it may end who makes a call that it does not know.
static int make_what_is_cheaper(int bell, struct wf_engine **engine, int *refused)
{
    enum { UNKNOWN, EPOLL, URING };
    static uint32_t cheaper; // atomic
    uint32_t which = wf_load(&cheaper, WF_RELAXED);
    *refused = which == EPOLL ? 0 : -wf_uring_new(bell, engine);
    if (which == UNKNOWN && !is_lacking(*refused)) {
        which = !*refused && calls_are_dear() ? URING : EPOLL;
        wf_store(&cheaper, which, WF_RELAXED);
        if (which == EPOLL && !*refused) {
            (*engine)->ops->free(*engine);
            *engine = NULL; // the caller frees what there is, and epoll may be refused
        }
    }
    return which == EPOLL || *refused ? wf_epoll_new(bell, engine) : 0;
}

// Under valgrind epoll: 3.19 keeps its one lock while a thread sleeps in io_uring_enter, so that no
// other thread goes on.
static int make(int bell, struct wf_engine **engine, int *refused)
{
    const char *asked = getenv("WEFT_IO");
    bool chosen = asked && *asked;
    bool epoll = chosen ? strcmp(asked, "epoll") == 0 : RUNNING_ON_VALGRIND > 0;
    if (!chosen && !epoll)
        return make_what_is_cheaper(bell, engine, refused);
    if (!epoll && strcmp(asked, "uring") != 0)
        return -EINVAL;
    *refused = epoll ? 0 : -wf_uring_new(bell, engine);
    return epoll || *refused ? wf_epoll_new(bell, engine) : 0;
}

int wf_engine_new(struct wf_engine **engine, int *refused)
{
    int bell = wf_bell_new();
    int rc = bell < 0 ? bell : make(bell, engine, refused);
    if (rc < 0)
        wf_bell_free(bell);
    return rc;
}

void wf_engine_free(struct wf_engine *engine)
{
    int bell = engine->bell;
    engine->ops->free(engine);
    wf_bell_free(bell);
}

void wf_engine_ring(struct wf_engine *engine)
{
    if (wf_bell_ring(engine->bell) == -EBADF)
        wf_engine_lost("eventfd", EBADF);
}

void wf_engine_lost(const char *what, int error)
{
    char line[256];
    int n = snprintf(line, sizeof line,
                     "weft: %s, by which fibers wait, fails since they began (%s): was a filter "
                     "of system calls loaded, or were their descriptors closed?\n",
                     what, strerror(error));
    wf_say(line, (unsigned long)n);
    abort();
}
