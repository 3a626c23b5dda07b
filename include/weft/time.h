// SPDX-License-Identifier: MIT
// weft/time.h - deadlines.
//
//     weft_time patience = weft_after_ms(500);
//     while (weft_get(queue, &job, patience) == 0) // half a second for all of them
//         handle(&job);
//
// A call that waits takes one absolute deadline: last, or before the task if it is given one
// (weft_map). Absolute, because a loop that retries must not start its patience over. A struct, so
// that a bare number of nobody-knows-what cannot be passed by mistake. weft_lock, the recursive and
// the read-write lock and weft_once_do take none: they protect moments. Nor do joining, closing and
// weft_block, which last as long as the task (weft_wait has a deadline: call it before you join).
// Nor does handing over a task, which may wait for room in its pool's backlog: the deadline of
// weft_submit_until is the task's. Other calls without a deadline do not wait, unless they say so.
//
// A call that has to wait may give two errors more than it names. A task of a pool, -EAGAIN: all
// its workers wait, and there is no spare (max_spares in pool.h); but not for a descriptor. A
// fiber, until a deadline or for a descriptor, -ENOMEM: no memory for the timer; and for a
// descriptor -ENOSPC: no watch left (max_user_watches).
#ifndef WEFT_TIME_H
#define WEFT_TIME_H

#include <weft/base.h>

WEFT_C_BEGIN

typedef struct {
    int64_t ns;
} weft_time; // CLOCK_MONOTONIC nanoseconds

#define WEFT_FOREVER WEFT_VALUE_(weft_time, INT64_MAX)
#define WEFT_POLL WEFT_VALUE_(weft_time, 0) // do it now or return -ETIMEDOUT

weft_time weft_now(void);
// So long from now; less than 0 counts as now, a sum too large as for ever.
weft_time weft_after_ns(int64_t ns);
weft_time weft_after_ms(int64_t ms);
static inline weft_time weft_sooner(weft_time a, weft_time b)
{
    return a.ns < b.ns ? a : b;
}

WEFT_C_END
#endif
