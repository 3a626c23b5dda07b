// SPDX-License-Identifier: MIT
// stack.h - stacks for fibers: reserved together, guarded each, used again.
#ifndef WF_OS_STACK_H
#define WF_OS_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/context.h"

// What lies below a stack, the best first: a page that the kernel marks in the mapping, a page that
// is protected, and so splits it, or nothing, but a word at the stack's floor that tells.
enum wf_guard { WF_GUARD_ADVICE, WF_GUARD_PROTECTION, WF_GUARD_CANARY };
#define WF_CANARY UINT64_C(0x9d3f6c21b75ae048) // no address, no small number, no text

struct wf_stack {
    struct wf_stack *next; // in a list of the unused
    char *bottom;          // the lowest byte that may be used
    size_t size;           // from there to this record, which lies at the top
    enum wf_guard guard;
    unsigned known; // valgrind's name for it
};

// Of one, guard and record included. Sanitizers make frames many times as large.
#if defined(WF_ASAN) || defined(WF_TSAN)
enum { WF_STACK_SIZE = 512 << 10 };
#else
enum { WF_STACK_SIZE = 64 << 10 };
#endif
enum { WF_GUARD_SIZE = 4096 };

// A stack of at least `size` bytes (0: WF_STACK_SIZE in all), or NULL: no memory, or over 1 GiB.
// Any thread. The record, of at most a page, stays where it is for ever, also when the stack is
// unused or used by another. But while it is unused the record may turn into zeros, with the rest
// of the stack: what others may still touch in it must be as good as new when it is zero.
struct wf_stack *wf_stack_take(size_t size, size_t record);
void wf_stack_give(struct wf_stack *stack);

// False: it has no guard, and something was written beyond its floor.
static inline bool wf_stack_is_whole(const struct wf_stack *stack)
{
    return __builtin_expect(stack->guard != WF_GUARD_CANARY, 1) ||
           *(const uint64_t *)(const void *)stack->bottom == WF_CANARY;
}

// For tests: guard new ones by this or what is worse; so many by protection (< 0: as many as the
// system's table of mappings leaves room for).
void wf_stack_guard_by(enum wf_guard best, long most_protections);

#endif
