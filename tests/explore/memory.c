// SPDX-License-Identifier: MIT
// memory.c - the memory of a run: handed out in order, never used twice, gone at its end.
//
// Each task has a region of its own, so that an address depends on what the task did before, and
// not on what others did meanwhile. What was freed is filled with a pattern and stays: a touch by
// an atomic operation is found at once, a plain write at the end of the run.
//
// The program's global variables are put back before each run: everything between __data_start and
// _edata, and between __bss_start and _end. They were copied when the search began.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "memory.h"
#include "run.h"

enum { REGION = 1 << 20, ALIGN = 64, FREED = 0xDD };

struct block { // before the memory
    size_t size;
    bool is_freed;
    char pad_[ALIGN - sizeof(size_t) - sizeof(bool)];
};

struct memory {
    char *base;
    size_t used[XP_TASKS]; // of each task's region
    char *data, *bss;      // copies
    bool is_first;
};

static struct memory *memory;

extern char __data_start[], _edata[], __bss_start[], _end[];

#if defined(__SANITIZE_ADDRESS__)
#define NOT_SANITIZED __attribute__((no_sanitize_address, noinline))
#else
#define NOT_SANITIZED __attribute__((noinline))
#endif

// Not memcpy: under a sanitizer that looks at what lies between two variables.
NOT_SANITIZED static void copy(char *to, const char *from, size_t size)
{
    size_t i = 0;
    for (; i + sizeof(uint64_t) <= size; i += sizeof(uint64_t)) {
        uint64_t word;
        __builtin_memcpy(&word, from + i, sizeof word);
        __builtin_memcpy(to + i, &word, sizeof word);
    }
    for (; i < size; i++)
        to[i] = from[i];
}

bool xp_memory_begin(void)
{
    size_t data = (size_t)(_edata - __data_start), bss = (size_t)(_end - __bss_start);
    struct memory *new = calloc(1, sizeof *new);
    if (!new)
        return false;
    new->base = mmap(NULL, (size_t)XP_TASKS * REGION, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    new->data = malloc(data + 1);
    new->bss = malloc(bss + 1);
    new->is_first = true;
    memory = new; // first: it is among what is copied
    if (new->base == MAP_FAILED || !new->data || !new->bss) {
        xp_memory_end();
        return false;
    }
    copy(new->data, __data_start, data);
    copy(new->bss, __bss_start, bss);
    return true;
}

static void put_back(void)
{
    copy(__data_start, memory->data, (size_t)(_edata - __data_start));
    copy(__bss_start, memory->bss, (size_t)(_end - __bss_start));
}

void xp_memory_end(void)
{
    if (!memory->is_first)
        put_back();
    if (memory->base != MAP_FAILED)
        (void)munmap(memory->base, (size_t)XP_TASKS * REGION);
    free(memory->data);
    free(memory->bss);
    free(memory);
    memory = NULL;
}

void xp_memory_new_run(void)
{
    if (!memory->is_first)
        put_back();
    memory->is_first = false;
    for (int i = 0; i < XP_TASKS; i++) {
        memset(memory->base + (size_t)i * REGION, 0, memory->used[i]);
        memory->used[i] = 0;
    }
}

// ---- blocks -----------------------------------------------------------------------------

static bool is_ours(const volatile void *p)
{
    return memory && (const volatile char *)p >= memory->base &&
           (const volatile char *)p < memory->base + (size_t)XP_TASKS * REGION;
}

static struct block *block_at(char *p)
{
    return (struct block *)(void *)p;
}

static size_t span_of(const struct block *block)
{
    return ALIGN + (block->size + ALIGN - 1) / ALIGN * ALIGN;
}

bool xp_is_freed(const volatile void *address)
{
    if (!is_ours(address))
        return false;
    size_t offset = (size_t)((const volatile char *)address - memory->base);
    char *region = memory->base + offset / REGION * REGION;
    size_t used = memory->used[offset / REGION];
    for (size_t at = 0; at < used; at += span_of(block_at(region + at)))
        if ((const volatile char *)address < region + at + span_of(block_at(region + at)))
            return block_at(region + at)->is_freed;
    return false;
}

void *xp_calloc(size_t n, size_t size)
{
    if (!xp_is_running())
        return calloc(n, size);
    int task = xp->now->index;
    size_t *used = &memory->used[task];
    size_t bytes = n * size;
    if (bytes > REGION - ALIGN * 2 - *used)
        xp_fail("a run has more than %d KiB of memory for each task", REGION / 1024);
    struct block *block = block_at(memory->base + (size_t)task * REGION + *used);
    *block = (struct block){.size = bytes};
    *used += span_of(block);
    return block + 1;
}

void *xp_malloc(size_t size)
{
    return xp_calloc(1, size);
}

void *xp_aligned_alloc(size_t align, size_t size)
{
    return align <= ALIGN ? xp_calloc(1, size) : NULL;
}

void *xp_realloc(void *old, size_t size)
{
    if (old && !is_ours(old))
        return realloc(old, size);
    void *new = xp_calloc(1, size);
    if (old && new) {
        const struct block *block = (const struct block *)old - 1;
        memcpy(new, old, block->size < size ? block->size : size);
        xp_free(old);
    }
    return new;
}

char *xp_strdup(const char *text)
{
    char *copied = xp_malloc(strlen(text) + 1);
    return copied ? strcpy(copied, text) : NULL;
}

static bool stores_into(const struct xp_task *task, const struct block *block)
{
    const char *begin = (const char *)(block + 1);
    for (int i = 0; i < task->stored; i++) {
        const char *object = task->stores[i].object;
        if (object >= begin && object < begin + block->size)
            return true;
    }
    return false;
}

// Whoever gets the memory next gets it by way of the allocator, after what the one before wrote.
// Only stores of others may still be on their way into it.
static void land_own_stores(const struct block *block)
{
    while (xp_is_running() && stores_into(xp->now, block))
        xp_land(xp->now, 0);
}

void xp_free(void *p)
{
    if (!p)
        return;
    if (!is_ours(p)) {
        free(p);
        return;
    }
    struct block *block = (struct block *)p - 1;
    if (block->is_freed)
        xp_fail("memory is freed twice");
    land_own_stores(block);
    block->is_freed = true;
    memset(p, FREED, block->size);
}

static bool is_intact(const struct block *block)
{
    const unsigned char *bytes = (const unsigned char *)(block + 1);
    for (size_t i = 0; i < block->size; i++)
        if (bytes[i] != FREED)
            return false;
    return true;
}

static bool all_tasks_ended(void)
{
    for (int i = 1; i < xp->count; i++)
        if (!xp->tasks[i].is_done)
            return false;
    return true;
}

const char *xp_memory_fault(bool allows_leaks)
{
    bool looks_for_leaks = !allows_leaks && all_tasks_ended();
    for (int i = 0; i < XP_TASKS; i++) {
        char *region = memory->base + (size_t)i * REGION;
        for (size_t at = 0; at < memory->used[i]; at += span_of(block_at(region + at))) {
            const struct block *block = block_at(region + at);
            if (block->is_freed && !is_intact(block))
                return "memory was written after it was freed";
            if (!block->is_freed && looks_for_leaks) {
                (void)snprintf(xp->failure, sizeof xp->failure,
                               "%zu bytes that %s asked for were not freed", block->size,
                               xp->tasks[i].name);
                return xp->failure;
            }
        }
    }
    return NULL;
}
