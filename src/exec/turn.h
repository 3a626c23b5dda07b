// SPDX-License-Identifier: MIT
// turn.h - how long a loop's turn is, and what is to be done once when it ends, in the order of its
// coming.
//
// At the end of a turn the loop looks at timers and descriptors, which costs a system call, and
// hands over all that was asked for: the longer the turn, the cheaper each. But they wait for it.
// So after each WF_TURN_RUNS of fibers it ends if it has taken long, and after four times as many
// in any case.
#ifndef WF_EXEC_TURN_H
#define WF_EXEC_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/clock.h"
#include "os/prefetch.h"

enum { WF_TURN_RUNS = 64 };

struct wf_turn_end {
    struct wf_turn_end *next;
    void (*call)(struct wf_turn_end *turn_end); // may add itself again
    const void *touches;                        // by the call, first; or NULL
};

struct wf_turn {
    uint32_t begin, allowed; // at which run of the loop, and so many from there on; 0: it was cut
    int64_t began_ns;
    struct wf_turn_end *first, **last;
};

static inline void wf_turn_new(struct wf_turn *turn)
{
    *turn = (struct wf_turn){.last = &turn->first};
}

// What is to be done at its end stays.
static inline void wf_turn_begin(struct wf_turn *turn, uint32_t run)
{
    turn->begin = run;
    turn->allowed = WF_TURN_RUNS;
    turn->began_ns = wf_clock_now();
}

// To be over whenever somebody asks next.
static inline void wf_turn_cut_if(struct wf_turn *turn, bool cut)
{
    if (cut)
        turn->allowed = 0;
}

static inline bool wf_turn_is_over(struct wf_turn *turn, uint32_t run)
{
    enum { MOST = 4 * WF_TURN_RUNS, LONG_NS = 1000000 };
    if (run - turn->begin < turn->allowed)
        return false;
    bool is_long = turn->allowed == 0 || turn->allowed >= MOST;
    if (is_long || wf_clock_now() - turn->began_ns >= LONG_NS)
        return true;
    turn->allowed += WF_TURN_RUNS;
    return false;
}

static inline void wf_turn_add(struct wf_turn *turn, struct wf_turn_end *turn_end)
{
    turn_end->next = NULL;
    *turn->last = turn_end;
    turn->last = &turn_end->next;
}

static inline void wf_turn_finish(struct wf_turn *turn)
{
    struct wf_turn_end *turn_end = turn->first;
    turn->first = NULL;
    turn->last = &turn->first;
    while (turn_end) {
        struct wf_turn_end *next = turn_end->next; // it may be gone after its call
        if (next) {
            wf_prefetch(next->next);
            wf_prefetch_to_write(next->touches);
        }
        turn_end->call(turn_end);
        turn_end = next;
    }
}

#endif
