// SPDX-License-Identifier: MIT
// time.c - deadlines, and the wait for nothing but one.
#include <weft/time.h>

#include "core/error.h"
#include "core/park.h"
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

int weft_sleep(weft_time until)
{
    struct wf_wait wait = {.what = "weft_sleep", .fd = WF_NO_FD, .stops = true};
    wait.passes = !wf_self()->parking; // a fiber's spare costs little, and its loop is idle
    int rc = wf_interrupted();
    if (rc < 0)
        return wf_failed(wait.what, rc);
    rc = wf_wait_begin(&wait);
    while (rc == 0 && (rc = wf_interrupted()) == 0 && wf_clock_now() < until.ns)
        (void)wf_park(&wait, wf_patience(until)); // the clock decides, not how it ended
    wf_wait_end(&wait);
    return wf_failed(wait.what, rc);
}
