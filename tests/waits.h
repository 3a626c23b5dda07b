// SPDX-License-Identifier: MIT
// waits.h - for waits_test.c: what a row of its table says of a call, and what the calls work on.
// The rows are in waits_*.h.
#ifndef WEFT_TESTS_WAITS_H
#define WEFT_TESTS_WAITS_H

#include "bad_days.h"

struct wait {
    const char *name; // as it stands in its header
    void (*set_up)(void);
    int (*call)(weft_time deadline); // 0: it got what it waits for
    void (*feed)(void);              // let it come. NULL: never
    void (*tear_down)(void);
    int (*leaves)(void);      // looks at what is left after one was fed and one call got it: 0
    bool forgets;             // what comes while nobody waits is gone
    int (*breaks)(weft_time); // gives -EPIPE after an interruption. NULL: it had no effect
    void (*mend)(void);       // until this; or what must be done before the next call
    bool no_deadline;         // it takes none, or ends well by it
    bool never_waits;         // looks at the request, and goes on
};

// clang-format off
#define ROW(called, sets_up, calls, feeds, tears_down, ...) \
    {.name = called, .set_up = sets_up, .call = calls, .feed = feeds, .tear_down = tears_down, \
     __VA_ARGS__}
// clang-format on

// What the rows use; each sets up what it needs.
static struct {
    weft_mutex mu;
    weft_recursive recursive;
    weft_cond cond;
    bool ready;
    weft_sem sem;
    weft_event event;
    weft_waitgroup waitgroup;
    weft_barrier barrier;
    weft_queue *queue;
    weft_future *task, *other;
    weft_pool *pool;
    weft_group *group;
    struct hold hold;
    weft_listener *listener;
    struct link link;
    weft_end ends[2];
    weft_tls *tls;
    pthread_t drainer;
    int pipe[2], deaf, knocking[8], guest;
    char address[64];
} w;

SHARED void clear(void)
{
    memset(&w, 0, sizeof w);
}

SHARED void nothing(void)
{
}

#endif
