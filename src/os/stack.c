// SPDX-License-Identifier: MIT
// stack.c - one mapping for many stacks.
//
//     | guard | ............ stack grows down ............ | record | guard | ...
//
// Neighbours in one NORESERVE mapping: a stack costs the pages that it has touched, and no line in
// the process's table of mappings (vm.max_map_count, by default 65,530). The guard is a page that
// the kernel marks without splitting the mapping (MADV_GUARD_INSTALL, Linux 6.13). Where it cannot,
// mprotect, which does split, for half of the table: the rest is the program's own. Beyond that a
// stack has no guard, but a canary at its floor, which costs it one more page; the page that would
// be the guard takes the first 4 KiB of an overflow, before it reaches the neighbour's record. Huge
// pages are refused: one would back 32 stacks at their first touch.
//
// Stacks come in classes: the usual ones, and larger ones by powers of two, so that one that fits
// is found at once. Of the unused ones the latest stay warm, 16 MiB in all; the others give all
// their memory back, records too, and are remembered in an array. (A list through their records,
// which we had, kept a page of each for ever: 400 MB after 100,000 fibers.)
#define _GNU_SOURCE // MAP_NORESERVE
#include "os/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/futex.h"

#ifdef WF_VALGRIND
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(begin, end) ((void)(begin), (void)(end), 0u)
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum { GUARD = WF_GUARD_SIZE, CHUNK = 1024, LARGEST = 1 << 30, MOST_WARM = 16 << 20 };
enum { NO_SUCH_ADVICE = 0x7ffffff0, USUAL_MAPPINGS = 65530, SLACK = 1000 };
enum { USUAL = 0, CLASSES = 31 }; // else the exponent of two

// The unused of one class.
struct pool {
    struct wf_stack *warm;
    uintptr_t *cold; // addresses, with the kind of guard in their low bits; room for all there are
    size_t cold_count, made, room;
};

static uint32_t busy; // a spin bit: guards the rest, for a few instructions or a mapping
static struct pool pools[CLASSES];
static size_t warm; // bytes
static char *chunk; // stacks of WF_STACK_SIZE that nobody has used yet
static size_t chunk_left;
static enum wf_guard best_guard = WF_GUARD_ADVICE;
static bool is_advice_tested;
static long protections, most_protections = -1;

static char *map(size_t size)
{
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    (void)madvise(memory, size, MADV_NOHUGEPAGE); // EINVAL: a kernel without them
    return memory;
}

// ---- guards -----------------------------------------------------------------------------

void wf_stack_guard_by(enum wf_guard best, long most)
{
    wf_spin_lock(&busy);
    best_guard = best;
    most_protections = most;
    wf_spin_unlock(&busy);
}

static long read_most_mappings(void)
{
    char text[32] = "";
    int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return USUAL_MAPPINGS;
    ssize_t n = read(fd, text, sizeof text - 1);
    (void)close(fd); // only read
    long most = n > 0 ? strtol(text, NULL, 10) : 0;
    return most > 0 ? most : USUAL_MAPPINGS;
}

// Each splits a mapping, and so takes two lines of the table.
static bool may_protect(void)
{
    if (most_protections < 0) {
        most_protections = (read_most_mappings() / 2 - SLACK) / 2;
        most_protections = most_protections > 0 ? most_protections : 0;
    }
    return protections < most_protections;
}

// Who accepts any advice, as qemu-user does, follows none.
static bool is_marked(char *page)
{
    if (!is_advice_tested && madvise(page, GUARD, NO_SUCH_ADVICE) == 0)
        best_guard = WF_GUARD_PROTECTION;
    is_advice_tested = true;
    if (best_guard != WF_GUARD_ADVICE)
        return false;
    if (madvise(page, GUARD, MADV_GUARD_INSTALL) == 0)
        return true;
    if (errno == EINVAL) // an older kernel, or memory that is locked: so it will be for the others
        best_guard = WF_GUARD_PROTECTION;
    return false;
}

static enum wf_guard guard(char *page)
{
    if (best_guard == WF_GUARD_ADVICE && is_marked(page))
        return WF_GUARD_ADVICE;
    if (best_guard == WF_GUARD_CANARY || !may_protect() || mprotect(page, GUARD, PROT_NONE) < 0)
        return WF_GUARD_CANARY;
    protections++;
    return WF_GUARD_PROTECTION;
}

// ---- classes and layout -----------------------------------------------------------------

static int class_for(size_t size, size_t record)
{
    if (size + GUARD + record + 64 <= WF_STACK_SIZE)
        return USUAL;
    return size <= 1 ? 0 : 64 - __builtin_clzl(size - 1); // the next power of two
}

static int class_of(const struct wf_stack *stack)
{
    return stack->size < WF_STACK_SIZE ? USUAL : 63 - __builtin_clzl(stack->size);
}

// Guard and record included; the record's page is its own.
static size_t whole_size(int class)
{
    return class == USUAL ? WF_STACK_SIZE : ((size_t)1 << class) + (size_t)2 * GUARD;
}

// One past the last byte of its memory.
static char *end_of(struct wf_stack *stack)
{
    char *record = (char *)stack;
    return record + (GUARD - (uintptr_t)record % GUARD);
}

static struct wf_stack *lay_out(struct wf_stack *stack, int class, enum wf_guard kind)
{
    stack->bottom = end_of(stack) - whole_size(class) + GUARD;
    stack->size = (size_t)((char *)stack - stack->bottom);
    stack->guard = kind;
    return stack;
}

// The record at the top, where it stays.
static struct wf_stack *begin_stack(char *memory, int class, size_t record)
{
    size_t room = (record + 63) / 64 * 64;
    char *at = memory + whole_size(class) - room;
    return lay_out((struct wf_stack *)(void *)at, class, guard(memory));
}

// ---- new ones ---------------------------------------------------------------------------

// So many more there are: whatever happens, there will be room to note them when they are cold.
static bool make_room(struct pool *pool, size_t more)
{
    if (pool->made + more > pool->room) {
        size_t room = 2 * pool->room + more;
        uintptr_t *cold = realloc(pool->cold, room * sizeof *cold);
        if (!cold)
            return false;
        pool->cold = cold;
        pool->room = room;
    }
    pool->made += more;
    return true;
}

static bool new_chunk(void)
{
    char *memory = map((size_t)CHUNK * WF_STACK_SIZE);
    if (memory && !make_room(&pools[USUAL], CHUNK)) {
        (void)munmap(memory, (size_t)CHUNK * WF_STACK_SIZE); // our own, whole
        return false;
    }
    chunk = memory;
    chunk_left = memory ? CHUNK : 0;
    return memory != NULL;
}

static struct wf_stack *new_usual(size_t record)
{
    if (chunk_left == 0 && !new_chunk())
        return NULL;
    char *memory = chunk;
    chunk += WF_STACK_SIZE;
    chunk_left--;
    return begin_stack(memory, USUAL, record);
}

static struct wf_stack *new_large(int class, size_t record)
{
    char *memory = map(whole_size(class));
    if (memory && !make_room(&pools[class], 1)) {
        (void)munmap(memory, whole_size(class)); // our own, whole
        return NULL;
    }
    return memory ? begin_stack(memory, class, record) : NULL;
}

// ---- unused ones ------------------------------------------------------------------------

static struct wf_stack *take_unused(int class)
{
    struct pool *pool = &pools[class];
    struct wf_stack *stack = pool->warm;
    if (stack) {
        pool->warm = stack->next;
        warm -= stack->size;
        return stack;
    }
    if (pool->cold_count == 0)
        return NULL;
    uintptr_t noted = pool->cold[--pool->cold_count], kind = noted % 64;
    return lay_out((struct wf_stack *)(noted - kind), class, (enum wf_guard)kind);
}

static bool keep_warm(struct wf_stack *stack)
{
    struct pool *pool = &pools[class_of(stack)];
    if (warm + stack->size > MOST_WARM)
        return false;
    warm += stack->size;
    stack->next = pool->warm;
    pool->warm = stack;
    return true;
}

// Without the lock the stack is still ours. Refused (it is locked): then zeros are not written
// either, and it is used again as it is.
static void give_back(struct wf_stack *stack)
{
    struct pool *pool = &pools[class_of(stack)];
    uintptr_t noted = (uintptr_t)stack + stack->guard;
    (void)madvise(stack->bottom, (size_t)(end_of(stack) - stack->bottom), MADV_DONTNEED);
    wf_spin_lock(&busy);
    pool->cold[pool->cold_count++] = noted;
    wf_spin_unlock(&busy);
}

struct wf_stack *wf_stack_take(size_t size, size_t record)
{
    if (size > LARGEST)
        return NULL;
    int class = class_for(size, record);
    wf_spin_lock(&busy);
    struct wf_stack *stack = take_unused(class);
    if (!stack)
        stack = class == USUAL ? new_usual(record) : new_large(class, record);
    wf_spin_unlock(&busy);
    if (!stack)
        return NULL;
    if (stack->guard == WF_GUARD_CANARY)
        *(uint64_t *)(void *)stack->bottom = WF_CANARY;
    stack->known = VALGRIND_STACK_REGISTER(stack->bottom, stack);
    return stack;
}

void wf_stack_give(struct wf_stack *stack)
{
    VALGRIND_STACK_DEREGISTER(stack->known);
    wf_spin_lock(&busy);
    bool kept = keep_warm(stack);
    wf_spin_unlock(&busy);
    if (!kept)
        give_back(stack);
}
