// SPDX-License-Identifier: MIT
// linger.h - before a wait for the other end of a queue: look out, where that has paid.
//
// To be put to sleep and woken takes 10 to 50 us, a hundred times as long as an item takes from one
// core to another. And two on two cores can come to wake each other for every item, so that there
// is never a second one by then. So who would wait looks out first; in vain, it is tried seldom.
//
// Nothing is decided here: all of it are guesses, and the caller looks again.
#ifndef WF_CORE_LINGER_H
#define WF_CORE_LINGER_H

#include <stddef.h>
#include <stdint.h>

// What it was like at this end of the queue. Zeroed at first; atomic.
struct wf_lingering {
    uint32_t vain; // so many looked out in vain since one did not
    uint32_t many; // the last one found more than one item, or place
    uint32_t near; // and only once it had offered the processor: who puts may be on the same
};

// How many items, or places, are there by now. A reason to wait no longer counts as one.
typedef size_t wf_arrived(const void *ctx);

// Called where none was there. Other fibers of the thread run first, and whenever one can; if any
// did, that is all.
void wf_linger(struct wf_lingering *l, wf_arrived *arrived, const void *ctx);

#endif
