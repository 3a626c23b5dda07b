// SPDX-License-Identifier: MIT
// no_trace.c - in the explorer nothing is recorded: its own table of steps says more, and what
// looks at a clock would not be the same in the next run. (wf_tracing is false there, see
// model.h.)
#include "core/trace.h"

void wf_trace_queued(struct wf_task *task)
{
    (void)task;
}
void wf_trace_begins(struct wf_parker *parker, struct wf_task *task)
{
    (void)parker, (void)task;
}
void wf_trace_ends(struct wf_parker *parker, struct wf_task *task)
{
    (void)parker, (void)task;
}
void wf_trace_ended(struct wf_task *task)
{
    (void)task;
}
void wf_trace_waits(struct wf_parker *self, const struct wf_wait *wait)
{
    (void)self, (void)wait;
}
void wf_trace_goes_on(struct wf_parker *self, const struct wf_wait *wait)
{
    (void)self, (void)wait;
}
void wf_trace_wakes(struct wf_parker *parker)
{
    (void)parker;
}
void wf_trace_thread_ends(void)
{
}
void wf_trace_forget(void)
{
}

// A test may call these as its program does.
void weft_trace_begin(const char *name)
{
    (void)name;
}
void weft_trace_end(void)
{
}
void weft_trace_mark(const char *name)
{
    (void)name;
}
