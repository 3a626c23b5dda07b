// SPDX-License-Identifier: MIT
// fence.h - a fence that costs all on one side.
//
// Two threads of which each writes, and then reads what the other writes, need a full fence in
// between, or both may miss the other. A full fence takes as long as twenty other instructions.
// Where one of the two passes often and the other seldom, the first has a light fence, which only
// keeps the compiler from moving things, and the second a heavy one, by which the kernel makes
// every thread of the process pass a full fence, wherever it is (membarrier(2): half a
// microsecond). So each light fence is ordered with each heavy one, as if both were full. (Dice,
// Huang and Yang, "Asymmetric Dekker Synchronization", 2001; C++ proposal P1202.)
#ifndef WF_OS_FENCE_H
#define WF_OS_FENCE_H

#include <stdbool.h>

// False: there is no heavy fence here, so a light one is none. Set by a constructor, before which
// those of a program with the static library may run. Not under valgrind or a thread sanitizer, who
// would see races.
extern bool wf_fence_works;
bool wf_fence_try(void); // a heavy one. False: none, for there is none, or a filter came since then

static inline void wf_fence_light(void)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void wf_fence_heavy(void); // only where one worked

#endif
