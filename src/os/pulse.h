// SPDX-License-Identifier: MIT
// pulse.h - what the thread of a loop shows of itself: who has its stack, and that it gets on.
//
// Written by that thread alone, at each switch; read by its own signal handler and by a watchdog.
// Relaxed: who reads it takes it for a hint, and looks for the rest under a lock.
#ifndef WF_OS_PULSE_H
#define WF_OS_PULSE_H

#include <stdint.h>

#include "os/atomic.h"

struct wf_pulse {
    uint32_t beats;   // atomic: one more at each switch away from a fiber
    const void *here; // atomic: whose stack the thread is on; NULL: its own
};

static inline void wf_pulse_beat(struct wf_pulse *pulse)
{
    wf_store(&pulse->beats, wf_load(&pulse->beats, WF_RELAXED) + 1, WF_RELAXED);
}
static inline void wf_pulse_arrive(struct wf_pulse *pulse, const void *here)
{
    wf_store(&pulse->here, here, WF_RELAXED);
}

#endif
