// SPDX-License-Identifier: MIT
// watchdog.h - under WEFT_CHECK=1 a fiber that computes for a second without waiting is named.
#ifndef WF_EXEC_WATCHDOG_H
#define WF_EXEC_WATCHDOG_H

#include <stdint.h>
#include <sys/queue.h>

#include "os/pulse.h"

// A loop that is watched.
struct wf_watched {
    const struct wf_pulse *pulse; // NULL: it is not
    LIST_ENTRY(wf_watched) link;
    uint32_t beats; // at the last look
    uint32_t looks; // in a row that found it so, on the stack of one fiber
};

// While checking: from its start, and before its end, for which it must have no fiber any more. Who
// is watched first starts the watchdog, a thread, and the last one ends it.
void wf_watchdog_add(struct wf_watched *watched, const struct wf_pulse *pulse);
void wf_watchdog_remove(struct wf_watched *watched);
// At exit: end it, though loops are left. The next to be added starts it again.
void wf_watchdog_end(void);

extern uint32_t wf_watchdog_ms; // how long is too long. Set by tests, before it starts

#endif
