// SPDX-License-Identifier: MIT
// kin.h - which processes of the program live: a table in memory that all of them see (arena.h).
//
// A process is a number, which no other ever is. Whoever finds a number in a shared object can ask
// whether that process still lives; and whoever sleeps on a shared object sleeps on `deaths` too,
// so that each death wakes all of them, and they look again. So a wake-up that went to one who died
// of something else on the way is not lost, and no list of who waits where is needed.
//
// A number is taken out of the table when the process can touch no memory any more: it was waited
// for by its parent, or its last thread has given up its descriptors.
#ifndef WF_CORE_KIN_H
#define WF_CORE_KIN_H

#include <stdbool.h>
#include <stdint.h>

enum { WF_KIN_ROOT = 1 };
#ifndef WF_KIN_MAX       // the explorer has few
#define WF_KIN_MAX 65536 // alive at once
#endif

struct wf_kin {
    uint64_t last;               // number that was given; who has processes made changes it
    uint32_t deaths;             // so far; atomic, a futex
    uint64_t living[WF_KIN_MAX]; // by the number's remainder; 0: nobody. Atomic
};

#ifndef wf_kin_number // the explorer has one for each of its tasks
extern uint64_t wf_kin_number;
#endif
// Of this process; 0 in the child of a plain fork.
static inline uint64_t wf_kin_self(void)
{
    return wf_kin_number;
}

// ---- who has processes made, one at a time ----------------------------------------------
uint64_t wf_kin_new(void); // the number of one to be, alive from now on; 0: no memory is shared
void wf_kin_bury(uint64_t number);
void wf_kin_bury_all(void); // but the root: nobody else is left

void wf_kin_become(uint64_t number);
void wf_kin_leave(void); // in the child of a plain fork: what is shared is its parent's

// ---- everybody --------------------------------------------------------------------------
bool wf_kin_lives(uint64_t number);
// To sleep on. Load it (acquire) before the look at what is waited for.
const uint32_t *wf_kin_deaths(void);

#endif
