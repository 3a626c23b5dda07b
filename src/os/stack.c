// SPDX-License-Identifier: MIT
// stack.c - one mapping for many stacks.
//
//     | guard | ............ stack grows down ............ | record | guard | ...
//
// Neighbours in one NORESERVE mapping: a stack costs the pages that it has touched, and no line in
// the process's table of mappings, of which there are 65,530. The guard is a page that the kernel
// marks without splitting the mapping (MADV_GUARD_INSTALL, Linux 6.13); where it cannot, mprotect,
// which does split, for half of the table; beyond that a stack has none. Huge pages are refused:
// one would back 32 stacks at their first touch.
#define _GNU_SOURCE // MAP_NORESERVE
#include "os/stack.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/futex.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum { CHUNK = 1024, GUARD = 4096, MPROTECT_BUDGET = 16000, LARGEST = 1 << 30 };

static uint32_t busy; // a spin bit: guards the rest, for a few instructions or a mapping
static struct wf_stack *unused;
static char *chunk; // stacks of WF_STACK_SIZE that nobody has used yet
static size_t chunk_left;
static bool guards_by_protection;
static long protections;

static char *map(size_t size)
{
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    (void)madvise(memory, size, MADV_NOHUGEPAGE); // EINVAL: a kernel without them
    return memory;
}

static void guard(char *page)
{
    if (!guards_by_protection && madvise(page, GUARD, MADV_GUARD_INSTALL) == 0)
        return;
    guards_by_protection = true;
    if (protections < MPROTECT_BUDGET && mprotect(page, GUARD, PROT_NONE) == 0)
        protections++;
}

// The record at the top, where it stays.
static struct wf_stack *lay_out(char *memory, size_t size, size_t record)
{
    size_t room = (record + 63) / 64 * 64;
    struct wf_stack *stack = (struct wf_stack *)(void *)(memory + size - room);
    stack->bottom = memory + GUARD;
    stack->size = size - GUARD - room;
    guard(memory);
    return stack;
}

static struct wf_stack *new_stack(size_t record)
{
    if (chunk_left == 0) {
        chunk = map((size_t)CHUNK * WF_STACK_SIZE);
        if (!chunk)
            return NULL;
        chunk_left = CHUNK;
    }
    char *memory = chunk;
    chunk += WF_STACK_SIZE;
    chunk_left--;
    return lay_out(memory, WF_STACK_SIZE, record);
}

// The first in the list that is large enough; most are alike.
static struct wf_stack *reuse(size_t size)
{
    for (struct wf_stack **at = &unused; *at; at = &(*at)->next)
        if ((*at)->size >= size) {
            struct wf_stack *stack = *at;
            *at = stack->next;
            return stack;
        }
    return NULL;
}

static struct wf_stack *large_stack(size_t size, size_t record)
{
    size_t whole = (size + GUARD + record + 64 + GUARD - 1) / GUARD * GUARD;
    char *memory = whole > size ? map(whole) : NULL;
    return memory ? lay_out(memory, whole, record) : NULL;
}

struct wf_stack *wf_stack_take(size_t size, size_t record)
{
    if (size > LARGEST)
        return NULL;
    bool is_large = size + GUARD + record + 64 > WF_STACK_SIZE;
    wf_spin_lock(&busy);
    struct wf_stack *stack = reuse(size);
    if (!stack)
        stack = is_large ? large_stack(size, record) : new_stack(record);
    wf_spin_unlock(&busy);
    return stack;
}

void wf_stack_give(struct wf_stack *stack)
{
    wf_spin_lock(&busy);
    stack->next = unused;
    unused = stack;
    wf_spin_unlock(&busy);
}
