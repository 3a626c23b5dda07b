// SPDX-License-Identifier: MIT
// ring.h - the queue of small items, the oldest first, whose two ends are apart.
//
// Who puts and who gets take a word each, in a cache line each, and look at the other end only when
// what they saw of it the last time is used up. So two cores hand each other a line once a batch,
// and not once an item.
#ifndef WF_CORE_RING_H
#define WF_CORE_RING_H

#include <weft/time.h>

#include "core/home.h"
#include "core/linger.h"
#include "core/waiters.h"

enum { WF_LINE = 64 };

// So many items the fibers of a loop put until it has the ring for itself. (One, where the explorer
// has the ring.)
#ifndef WF_RING_SETTLES
#define WF_RING_SETTLES 64
#endif

struct wf_ring {
    // ---- who puts
    uintptr_t word_;  // who waits, to put or to get; guards what follows
    bool closed;      // never reset; set with both words. Atomic
    size_t tail;      // so many were put. Atomic: read by who gets
    size_t tail_at;   // the slot of the next
    size_t head_seen; // at most head. Atomic
    struct wf_lingering putting;
    // ---- who gets
    uintptr_t taking __attribute__((aligned(WF_LINE))); // only its bit: guards what follows
    size_t head;       // so many were got. Atomic: read by who puts
    size_t head_at;    // the slot of the next
    size_t tail_seen;  // at most tail
    bool putters_wait; // set with both words: a getter sees to the line too
    struct wf_lingering getting;
    // ---- stays as it is
    unsigned char *slots __attribute__((aligned(WF_LINE)));
    size_t capacity, item_size;
    uint32_t fork_;
    struct wf_home *home; // who has both words for good. Atomic
    // ---- until it has one, or is found not to. Atomic, but they only guide
    struct wf_home *seen; // who put so far
    uint32_t settles;     // so many puts more; 0: it is decided
};

// As in weft/queue.h.
int wf_ring_put(struct wf_ring *ring, const void *item, weft_time deadline);
int wf_ring_get(struct wf_ring *ring, void *item, weft_time deadline);
void wf_ring_close(struct wf_ring *ring);
size_t wf_ring_length(struct wf_ring *ring);

#endif
