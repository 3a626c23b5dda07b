// SPDX-License-Identifier: MIT
// pulse.h - in the place of src/os/pulse.h: nobody watches, so a beat is no step to be ordered.
#ifndef WF_OS_PULSE_H
#define WF_OS_PULSE_H

#include <stdint.h>

struct wf_pulse {
    uint32_t beats;
    const void *here;
};

void xp_leave_stack(void); // model_loop.c: a beat is when the next fiber goes on

static inline void wf_pulse_beat(struct wf_pulse *pulse)
{
    pulse->beats++;
    xp_leave_stack();
}
static inline void wf_pulse_arrive(struct wf_pulse *pulse, const void *here)
{
    (void)pulse, (void)here;
}

#endif
