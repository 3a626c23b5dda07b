// SPDX-License-Identifier: MIT
// store.c - small blocks from large pages.
//
// malloc takes its memory from the kernel by pages of 4 KiB, and each one's first touch is a fault:
// 100,000 futures at once are 8,000 of them, which take from 1 us each to 17 (a virtual machine in
// another), more than all else that is done with the futures. So after a small first chunk this
// takes 2 MiB at a time, and asks for a page of that size.
#include "os/store.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "os/futex.h"
#include "os/sanitizer.h"

enum { FIRST = 64 << 10, LARGE = 2 << 20 };

struct wf_store_chunk {
    _Alignas(WF_STORE_UNIT) struct wf_store_chunk *next;
    size_t size;
};

static size_t round_up(size_t size)
{
    return (size + WF_STORE_UNIT - 1) / WF_STORE_UNIT * WF_STORE_UNIT;
}

static bool is_kept(size_t size)
{
    return WF_KEEPS_MEMORY && size > 0 && size <= WF_STORE_MOST;
}

// Aligned to its size, as a large page has to be: twice of it, less what is too much.
static void *map_aligned(size_t size)
{
    char *at = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    size_t before = size - (uintptr_t)at % size;
    (void)munmap(at, before);
    (void)munmap(at + before + size, size - before);
    return at + before;
}

static struct wf_store_chunk *chunk_new(bool is_first)
{
    size_t size = is_first ? FIRST : LARGE;
    struct wf_store_chunk *chunk = map_aligned(size);
    if (!chunk)
        return NULL;
    if (!is_first)
        (void)madvise(chunk, size, MADV_HUGEPAGE); // a kernel without gives small ones
    chunk->size = size;
    return chunk;
}

static void free_chunks(struct wf_store_chunk *chunk)
{
    for (struct wf_store_chunk *next; chunk; chunk = next) {
        next = chunk->next;
        (void)munmap(chunk, chunk->size);
    }
}

static void free_blocks(struct wf_store_block *block)
{
    for (struct wf_store_block *next; block; block = next) {
        next = block->next;
        free(block);
    }
}

// While busy.
static void use(struct wf_store *s, struct wf_store_chunk *chunk)
{
    s->left = chunk->size - sizeof *chunk;
}

// While busy, which it is not during the call of the kernel. False: no memory.
static bool grow(struct wf_store *s)
{
    bool is_first = !s->chunks;
    wf_spin_unlock(&s->busy);
    struct wf_store_chunk *chunk = chunk_new(is_first);
    wf_spin_lock(&s->busy);
    if (!chunk)
        return false;
    chunk->next = s->chunks;
    s->chunks = chunk;
    use(s, chunk);
    return true;
}

// While busy: the next of the latest chunk.
static void *take_new(struct wf_store *s, size_t size)
{
    while (s->left < size)
        if (!grow(s))
            return NULL;
    s->left -= size;
    return (char *)s->chunks + s->chunks->size - s->left - size;
}

// While busy, to its end: counted; or NULL.
static void *count(struct wf_store *s, void *block, bool *first)
{
    *first = s->used == 0;
    s->used += block != NULL;
    wf_spin_unlock(&s->busy);
    return block;
}

static void *take_from_malloc(struct wf_store *s, size_t size, bool *first)
{
    void *block = aligned_alloc(WF_STORE_UNIT, size);
    wf_spin_lock(&s->busy);
    return count(s, block, first);
}

void *wf_store_take(struct wf_store *store, size_t size, bool *first)
{
    size = round_up(size);
    if (!is_kept(size))
        return take_from_malloc(store, size, first);
    struct wf_store_block **list = &store->free[size / WF_STORE_UNIT - 1];
    wf_spin_lock(&store->busy);
    struct wf_store_block *block = *list; // one that was given back
    if (!block)
        return count(store, take_new(store, size), first);
    *list = block->next;
    return count(store, block, first);
}

// While busy: all chunks but one, whose blocks are as if never taken.
static struct wf_store_chunk *start_again(struct wf_store *s)
{
    struct wf_store_chunk *rest = s->chunks->next;
    for (size_t i = 0; i < sizeof s->free / sizeof *s->free; i++)
        s->free[i] = NULL;
    s->chunks->next = NULL;
    use(s, s->chunks);
    return rest;
}

// While busy. What is malloc's goes into a chain instead.
static void give(struct wf_store *s, struct wf_store_block *block, struct wf_store_block **others)
{
    size_t size = round_up(block->size);
    struct wf_store_block **list = is_kept(size) ? &s->free[size / WF_STORE_UNIT - 1] : others;
    block->next = *list;
    *list = block;
    s->used--;
}

bool wf_store_give(struct wf_store *store, struct wf_store_block *chain)
{
    struct wf_store_chunk *rest = NULL;
    struct wf_store_block *others = NULL;
    wf_spin_lock(&store->busy);
    for (struct wf_store_block *block = chain, *next; block; block = next) {
        next = block->next;
        give(store, block, &others);
    }
    bool last = store->used == 0;
    if (last && store->chunks && store->chunks->next)
        rest = start_again(store);
    wf_spin_unlock(&store->busy);
    free_chunks(rest);
    free_blocks(others);
    return last;
}

void wf_store_end(struct wf_store *store)
{
    free_chunks(store->chunks);
    store->chunks = NULL;
}
