// SPDX-License-Identifier: MIT
// weft/trace.h - a timeline of tasks, waits and wake-ups.
//
//     weft_trace_begin("decode");
//     handle(&job);
//     weft_trace_end();
//
// WEFT_TRACE=out.json in the environment records what the tasks of this process do, and writes it
// at exit as Chrome trace JSON, which https://ui.perfetto.dev and chrome://tracing open. Each
// thread and each fiber has a row, with the tasks that it runs, what they wait for in them (the
// public call, and the object), and an arrow from whoever ended the wait. Beside them: how long a
// task was queued, and the tasks of other processes, from their start to their end.
//
// Where WEFT_TRACE is not set, each of these calls is one predictable branch. They never wait and
// never fail: where memory ends, or WEFT_TRACE_MB megabytes are full (64 by default, and where that
// is no number, as stderr is told; an event takes 40 to 80 bytes, a thread at least 32 KiB), events
// are dropped, and at exit one line on stderr says how many. A program that dies by a signal, or
// leaves by _exit, writes nothing; nor does the child of a fork.
#ifndef WEFT_TRACE_H
#define WEFT_TRACE_H

#include <weft/base.h>

WEFT_C_BEGIN

// A span of the current task; they nest, and those that are left open end with the task. The name
// is kept by pointer: use a literal.
void weft_trace_begin(const char *name);
void weft_trace_end(void); // of the latest begin of this task that is open; without one, nothing
void weft_trace_mark(const char *name); // an instant

WEFT_C_END
#endif
