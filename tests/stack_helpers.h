// SPDX-License-Identifier: MIT
// stack_helpers.h - many stacks of one store at once.
#ifndef WEFT_TESTS_STACK_HELPERS_H
#define WEFT_TESTS_STACK_HELPERS_H

#include "unit.h"

#include "os/stack.h"

enum { RECORD = 512 };

SHARED struct wf_stacks *new_stacks(void)
{
    struct wf_stacks *stacks = wf_stacks_new(RECORD);
    assert_non_null(stacks);
    return stacks;
}

// In use until the scene ends.
SHARED struct wf_stacks *stacks_of_scene(void)
{
    enum { MOST = 16 };
    static struct wf_stacks *all[MOST]; // or a sanitizer calls them lost
    static atomic_int count;
    int mine = atomic_fetch_add(&count, 1);
    assert_true(mine < MOST);
    return all[mine] = new_stacks();
}

SHARED void take_many(struct wf_stacks *stacks, struct wf_stack **taken, size_t n, size_t size)
{
    for (size_t i = 0; i < n; i++) {
        taken[i] = wf_stack_take(stacks, size);
        assert_non_null(taken[i]);
    }
}

SHARED void give_many(struct wf_stack **taken, size_t n)
{
    for (size_t i = 0; i < n; i++)
        wf_stack_give(taken[i]);
}

SHARED void fill(struct wf_stack **some, size_t n)
{
    for (size_t i = 0; i < n; i++)
        memset(some[i]->bottom, 0xaa, some[i]->size);
}

#endif
