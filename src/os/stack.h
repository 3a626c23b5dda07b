// SPDX-License-Identifier: MIT
// stack.h - stacks for fibers: reserved together, guarded each, used again.
#ifndef WF_OS_STACK_H
#define WF_OS_STACK_H

#include <stddef.h>

#include "os/context.h"

struct wf_stack {
    struct wf_stack *next; // in the list of the unused
    char *bottom;          // the lowest byte that may be used
    size_t size;           // from there to this record, which lies at the top
};

// Of one, guard and record included. Sanitizers make frames many times as large.
#if defined(WF_ASAN) || defined(WF_TSAN)
enum { WF_STACK_SIZE = 512 << 10 };
#else
enum { WF_STACK_SIZE = 64 << 10 };
#endif

// A stack of at least `size` bytes (0: WF_STACK_SIZE in all), or NULL: no memory, or over 1 GiB.
// Any thread. What lies at its top stays where it is for ever, also when the stack is unused or
// used by another.
struct wf_stack *wf_stack_take(size_t size, size_t record);
void wf_stack_give(struct wf_stack *stack);

#endif
