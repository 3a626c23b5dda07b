// SPDX-License-Identifier: MIT
// stack.h - stacks for fibers: reserved together, guarded each, used again.
//
// Each loop has a store of its own, so that loops do not stand in each other's way. Stacks come
// from regions, 64 MiB of reserved addresses each; a region belongs to one store at a time, and
// when that store ends, to the next that needs one. It is never unmapped: see records.
#ifndef WF_OS_STACK_H
#define WF_OS_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/guard.h"
#include "os/sanitizer.h"

struct wf_region;
struct wf_stacks;

struct wf_stack {
    struct wf_stack *next; // in a list of the unused
    char *bottom;          // the lowest byte that may be used
    size_t size;           // from there to this record, which lies at the top
    enum wf_guard guard;
    unsigned known; // valgrind's name for it
    struct wf_region *region;
};

// Of one, guard and record included. Sanitizers make frames many times as large.
#if defined(WF_ASAN) || defined(WF_TSAN)
enum { WF_STACK_SIZE = 512 << 10 };
#else
enum { WF_STACK_SIZE = 64 << 10 };
#endif

// A store of stacks whose records have so many bytes, at most a page. NULL: no memory. It reserves
// nothing before the first is taken.
struct wf_stacks *wf_stacks_new(size_t record);
// NULL is fine. All its stacks were given back, and no call on it is under way.
void wf_stacks_free(struct wf_stacks *stacks);

// A stack of at least `size` bytes (0: WF_STACK_SIZE in all), or NULL: no memory, or over 1 GiB.
// Any thread. The record stays where it is for ever, also when the stack is unused or used by
// another, or its store has ended. But while it is unused the record may turn into zeros, with the
// rest of the stack: what others may still touch in it must be as good as new when it is zero.
struct wf_stack *wf_stack_take(struct wf_stacks *stacks, size_t size);
// To the store that it is from. Any thread.
void wf_stack_give(struct wf_stack *stack);

// False: it has no guard, and something was written beyond its floor.
static inline bool wf_stack_is_whole(const struct wf_stack *stack)
{
    return __builtin_expect(stack->guard != WF_GUARD_CANARY, 1) ||
           *(const uint64_t *)(const void *)stack->bottom == WF_CANARY;
}

#endif
