// SPDX-License-Identifier: MIT
// clock.c - see clock.h.
#include "os/clock.h"

enum { NS_PER_S = 1000000000 };

int64_t wf_clock_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail for this clock
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

struct timespec wf_clock_timespec(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}
