// SPDX-License-Identifier: MIT
// timers.h - deadlines of one loop, the soonest first. No lock: they are the loop's own.
#ifndef WF_EXEC_TIMERS_H
#define WF_EXEC_TIMERS_H

#include <stdint.h>

enum { WF_NO_TIMER = -1 };

struct wf_timer {
    int64_t deadline; // CLOCK_MONOTONIC; not to be changed while it is set
    long place;       // in the heap, or WF_NO_TIMER: not set
};

// A binary heap (Williams 1964). Zeroed: empty.
struct wf_timers {
    struct wf_timer **heap;
    long count, room;
};

int wf_timer_set(struct wf_timers *timers, struct wf_timer *timer);  // 0 or -ENOMEM
void wf_timer_end(struct wf_timers *timers, struct wf_timer *timer); // if it is set
void wf_timers_free(struct wf_timers *timers);                       // none is set
static inline struct wf_timer *wf_timers_first(const struct wf_timers *timers)
{
    return timers->count > 0 ? timers->heap[0] : (struct wf_timer *)0;
}

#endif
