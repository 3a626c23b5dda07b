// SPDX-License-Identifier: MIT
// time.c - deadlines.
#include <weft/time.h>

#include "os/clock.h"

enum { NS_PER_MS = 1000000 };

weft_time weft_now(void)
{
    return (weft_time){wf_clock_now()};
}

weft_time weft_after_ns(int64_t ns)
{
    int64_t now = wf_clock_now();
    if (ns <= 0)
        return (weft_time){now};
    return ns > INT64_MAX - now ? WEFT_FOREVER : (weft_time){now + ns};
}

weft_time weft_after_ms(int64_t ms)
{
    return weft_after_ns(ms > INT64_MAX / NS_PER_MS ? INT64_MAX : ms <= 0 ? 0 : ms * NS_PER_MS);
}
