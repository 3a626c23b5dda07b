// SPDX-License-Identifier: MIT
// timers.c - see timers.h. Each timer knows its place: one that ends early leaves from the middle.
#include "exec/timers.h"

#include <errno.h>
#include <stdlib.h>

static void put(struct wf_timers *timers, long at, struct wf_timer *timer)
{
    timers->heap[at] = timer;
    timer->place = at;
}

static void sift_up(struct wf_timers *timers, long at, struct wf_timer *timer)
{
    for (; at > 0 && timer->deadline < timers->heap[(at - 1) / 2]->deadline; at = (at - 1) / 2)
        put(timers, at, timers->heap[(at - 1) / 2]);
    put(timers, at, timer);
}

static void sift_down(struct wf_timers *timers, long at, struct wf_timer *timer)
{
    struct wf_timer **heap = timers->heap;
    for (long child; (child = 2 * at + 1) < timers->count; at = child) {
        if (child + 1 < timers->count && heap[child + 1]->deadline < heap[child]->deadline)
            child++;
        if (timer->deadline <= heap[child]->deadline)
            break;
        put(timers, at, heap[child]);
    }
    put(timers, at, timer);
}

int wf_timer_set(struct wf_timers *timers, struct wf_timer *timer)
{
    if (timers->count == timers->room) {
        long room = timers->room > 0 ? 2 * timers->room : 64;
        struct wf_timer **heap = realloc(timers->heap, (size_t)room * sizeof(struct wf_timer *));
        if (!heap)
            return -ENOMEM;
        timers->heap = heap;
        timers->room = room;
    }
    timers->count++;
    sift_up(timers, timers->count - 1, timer);
    return 0;
}

void wf_timer_end(struct wf_timers *timers, struct wf_timer *timer)
{
    long at = timer->place;
    if (at == WF_NO_TIMER)
        return;
    timer->place = WF_NO_TIMER;
    struct wf_timer *last = timers->heap[--timers->count];
    if (last == timer)
        return;
    if (at > 0 && last->deadline < timers->heap[(at - 1) / 2]->deadline)
        sift_up(timers, at, last);
    else
        sift_down(timers, at, last);
}

void wf_timers_free(struct wf_timers *timers)
{
    free(timers->heap);
}
