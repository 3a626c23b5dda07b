// SPDX-License-Identifier: MIT
// mutex.h - weft_lock under other names, and the library's own locks, of which no pool is told.
#ifndef WF_CORE_MUTEX_H
#define WF_CORE_MUTEX_H

#include <weft/sync.h>

#include "core/waiters.h"

// weft_lock (stops: weft_lock_until) under the name of another call. Own: see wf_lock.
int wf_mutex_lock(weft_mutex *m, const char *call, weft_time deadline, bool stops, bool own);
// For the library's own locks, which are held for a few lines and never across a wait: as weft_lock
// and weft_cond_wait, the latter under the name of the public call that waits; but taking the mutex
// is told to no pool. A pool that is told takes its own lock; two pools, each told of a wait for
// the other's, would wait for each other.
void wf_lock(weft_mutex *m);
int wf_cond_wait(const char *call, weft_cond *c, weft_mutex *m, weft_time deadline);
static inline weft_mutex *wf_guard_take(weft_mutex *m)
{
    wf_lock(m);
    return m;
}
#define wf_guard(m) \
    __attribute__((cleanup(weft_guard_leave_), unused)) weft_mutex *wf_guarded_ = wf_guard_take(m)

// For finding misuse: locked, and under WEFT_CHECK=1 by nobody else.
bool wf_mutex_is_held(weft_mutex *m);

// For what is built on one: after wf_adopt_begin(&m->fork_) has said so, it is free, or the
// caller's, and fresh.
void wf_mutex_renew(weft_mutex *m, bool held);

#endif
