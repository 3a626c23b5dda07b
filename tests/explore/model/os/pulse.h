// SPDX-License-Identifier: MIT
// pulse.h - in the place of src/os/pulse.h: nobody watches, so there is no step to be ordered.
#ifndef WF_OS_PULSE_H
#define WF_OS_PULSE_H

#include <stdint.h>

struct wf_pulse {
    uint32_t beats;
    const void *here;
};

static inline void wf_pulse_beat(struct wf_pulse *pulse)
{
    pulse->beats++;
}
static inline void wf_pulse_arrive(struct wf_pulse *pulse, const void *here)
{
    (void)pulse, (void)here;
}

#endif
