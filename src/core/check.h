// SPDX-License-Identifier: MIT
// check.h - what WEFT_CHECK=1 knows of locks: who holds them, and rings of those who wait.
//
// An owner word is the low 31 bits of the holder's id, or 0. Atomic, because searches read it.
#ifndef WF_CORE_CHECK_H
#define WF_CORE_CHECK_H

#include "core/current.h"
#include "core/misuse.h"

enum { WF_NO_OWNER = INT32_MIN }; // this bit in an owner word: it is something else just now

static inline uint32_t wf_owner_id(const struct wf_task *task)
{
    return (uint32_t)task->id & INT32_MAX;
}

// Only while wf_checking. The current task took, gives back a lock that one task holds; giving
// back another's aborts.
void wf_check_took(uint32_t *owner);
void wf_check_gives(uint32_t *owner, const char *call, const char *thing, const void *lock);

// The same for a lock that many hold; and does the current task hold it?
void wf_check_took_shared(const void *lock);
void wf_check_gives_shared(const void *lock, const char *call);
bool wf_check_shares(const void *lock);

#endif
