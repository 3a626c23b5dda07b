// SPDX-License-Identifier: MIT
// exit.h - who is there, so that exit waits for them: pools, and tasks that were started alone.
#ifndef WF_EXEC_EXIT_H
#define WF_EXEC_EXIT_H

#include <weft/pool.h>

#include "core/home.h"

void wf_exit_add_pool(weft_pool *pool);
void wf_exit_remove_pool(weft_pool *pool);

// Atomic: the handler is registered; it waits for what ends.
extern uint32_t wf_exit_is_registered, wf_exit_waits;

// What fibers count they count at home, without a locked instruction: nobody else counts there.
// False: there is no home here.
static inline bool wf_exit_count_at_home(bool over)
{
    struct wf_home *home = wf_home_here();
    if (!home)
        return false;
    unsigned long *count = over ? &home->over : &home->begun;
    wf_store(count, wf_load(count, WF_RELAXED) + 1, WF_RELEASE); // pairs with tasks
    wf_fence_light();
    return true;
}

void wf_exit_add_first(void);
void wf_exit_count(bool daemon, bool over);
void wf_exit_wake(void);

// One that is started alone.
static inline void wf_exit_add_task(bool daemon)
{
    if (__builtin_expect(wf_load(&wf_exit_is_registered, WF_ACQUIRE) == 0, 0))
        wf_exit_add_first();
    if (daemon || !wf_exit_count_at_home(false))
        wf_exit_count(daemon, false);
}

// Whoever ends counts, then looks whether the handler waits; the handler says that it waits, then
// looks at the counts. Between the two lies a fence in each, so one of them sees the other.
static inline void wf_exit_remove_task(bool daemon)
{
    if (daemon || !wf_exit_count_at_home(true))
        wf_exit_count(daemon, true);
    if (__builtin_expect(wf_load(&wf_exit_waits, WF_SEQ_CST) != 0, 0))
        wf_exit_wake();
}
// The same for one whose thread, the caller, ends with it: the thread's last call.
void wf_exit_end_thread(bool daemon);

// A function of the user's, called when wf_fork_count was `fork`, has returned `code`. In a child
// that it forked this does not return: what comes next is the parent's.
void wf_exit_of_child(int code);
static inline void wf_exit_if_forked(uint32_t fork, int code)
{
    if (__builtin_expect(fork != wf_fork_count, 0))
        wf_exit_of_child(code);
}

#endif
