// SPDX-License-Identifier: MIT
// lookout.h - one thread that sleeps on words of other processes, for the fibers of this one.
#ifndef WF_CORE_LOOKOUT_H
#define WF_CORE_LOOKOUT_H

#include <sys/queue.h>

#include "core/park.h"

enum { WF_SLICE_MS = 5 }; // between two looks at what nobody can sleep on

// A fiber's watch; lies on its stack.
struct wf_lookout {
    LIST_ENTRY(wf_lookout) link;
    struct wf_parker *parker;
    const struct wf_wait *wait;
    bool stands; // in the list; guarded by the list's spin bit
};

// From now on the parker is given a token once one of wait->words is not as expected. False: there
// is no thread to look out; end is due all the same.
bool wf_lookout_begin(struct wf_lookout *lookout, struct wf_parker *parker,
                      const struct wf_wait *wait);
void wf_lookout_end(struct wf_lookout *lookout);

#endif
