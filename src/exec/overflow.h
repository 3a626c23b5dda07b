// SPDX-License-Identifier: MIT
// overflow.h - a fiber that has overflowed its stack is named before the program dies of it.
#ifndef WF_EXEC_OVERFLOW_H
#define WF_EXEC_OVERFLOW_H

#include "core/current.h"
#include "core/text.h"
#include "os/pulse.h"
#include "os/stack.h"

// For the thread of a loop, around its life; the fiber whose stack it is on is the one whose parker
// is pulse->here. What the second takes.
void *wf_overflow_watch(const struct wf_pulse *pulse);
void wf_overflow_unwatch(void *watch);

// For a stack without a guard, at each switch away from it.
_Noreturn void wf_overflow_found(const struct wf_parker *parker);
static inline void wf_overflow_check(const struct wf_parker *parker, const struct wf_stack *stack)
{
    if (__builtin_expect(!wf_stack_is_whole(stack), 0))
        wf_overflow_found(parker);
}

// "client-7 (task handler)". With the parker's busy bit, or on its own stack.
void wf_name_fiber(struct wf_text *text, const struct wf_parker *parker);

#endif
