// SPDX-License-Identifier: MIT
// clock.h - the one clock: CLOCK_MONOTONIC, which no jump of the wall clock moves.
#ifndef WF_OS_CLOCK_H
#define WF_OS_CLOCK_H

#include <stdint.h>
#include <time.h>

int64_t wf_clock_now(void); // nanoseconds, always > 0

struct timespec wf_clock_timespec(int64_t ns); // 0 or more

#endif
