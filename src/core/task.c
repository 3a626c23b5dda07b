// SPDX-License-Identifier: MIT
// task.c - what a task does with itself: looks at the request to stop, hides from it, lets others
// run, sleeps.
#include <weft/task.h>

#include "core/error.h"
#include "core/park.h"
#include "os/clock.h"
#include "os/thread.h"

int weft_check(void)
{
    return wf_failed("weft_check", wf_interrupted());
}

bool weft_shield(bool on)
{
    struct wf_task *task = wf_current();
    bool was = task->shielded;
    task->shielded = on;
    return was;
}

void weft_yield(void)
{
    struct wf_parker *self = wf_self();
    if (self->parking)
        (void)self->parking->yield(self, false);
    else
        wf_thread_yield();
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
