// SPDX-License-Identifier: MIT
// block.c - blocks out of slabs: 64 KiB each and aligned to that, so that a block knows its slab.
//
// Not each from malloc: those of a broadcast would lie between what the connections keep, and when
// they are free again no page in there could go back to the system. A slab whose blocks are all
// free goes back, if there are enough without it.
//
// The lock is held for a few instructions, and never while its holder waits: so the end of a turn
// may spin for it.
#include "net/block.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "core/mutex.h"
#include "os/context.h"
#include "os/futex.h"

// None where a sanitizer is to see who uses what he gave back.
#if defined(WF_ASAN) || defined(WF_TSAN)

void *wf_block_take(void)
{
    return malloc(WF_BLOCK);
}

void wf_block_give(void *given)
{
    free(given);
}

#else

enum { SLAB = 64 << 10, EACH = SLAB / WF_BLOCK - 1, MOST = 4096 }; // free blocks: 4 MiB

struct block {
    struct block *next;
};

struct slab {                 // in the room of its first block
    LIST_ENTRY(slab) in_open; // while it has a free block
    struct block *first;      // that was given back
    int begun, used;          // taken ever; taken now
};

_Static_assert(sizeof(struct slab) <= WF_BLOCK, "a slab's record is one block");

static struct {
    weft_mutex mu; // guards all
    LIST_HEAD(, slab) open;
    int free; // blocks in slabs
} blocks;

static void lock(void)
{
    for (unsigned round = 0; !weft_trylock(&blocks.mu); round++)
        wf_spin(round);
}

static struct slab *slab_of(void *block)
{
    return (struct slab *)(void *)((char *)block - (uintptr_t)block % SLAB);
}

// With mu held.
static void *take_from(struct slab *slab)
{
    void *taken = slab->first;
    if (taken)
        slab->first = slab->first->next;
    else
        taken = (char *)slab + (size_t)WF_BLOCK * (size_t)++slab->begun;
    blocks.free--;
    if (++slab->used == EACH)
        LIST_REMOVE(slab, in_open);
    return taken;
}

// With mu held: what is open now, if there was nothing.
static struct slab *add(struct slab *slab)
{
    slab->first = NULL;
    slab->begun = slab->used = 0;
    LIST_INSERT_HEAD(&blocks.open, slab, in_open);
    blocks.free += EACH;
    return slab;
}

static void *take(struct slab *more)
{
    lock();
    struct slab *slab = LIST_FIRST(&blocks.open);
    if (more)
        slab = add(more);
    void *block = slab ? take_from(slab) : NULL;
    weft_unlock(&blocks.mu);
    return block;
}

void *wf_block_take(void)
{
    void *block = take(NULL);
    if (block)
        return block;
    struct slab *more = aligned_alloc(SLAB, SLAB);
    return more ? take(more) : NULL;
}

// With mu held. True: the slab is nobody's now.
static bool give_to(struct slab *slab, struct block *block)
{
    block->next = slab->first;
    slab->first = block;
    blocks.free++;
    if (slab->used-- == EACH)
        LIST_INSERT_HEAD(&blocks.open, slab, in_open);
    if (slab->used > 0 || blocks.free - EACH < MOST)
        return false;
    LIST_REMOVE(slab, in_open);
    blocks.free -= EACH;
    return true;
}

void wf_block_give(void *given)
{
    if (!given)
        return;
    struct slab *slab = slab_of(given);
    lock();
    bool is_over = give_to(slab, given);
    weft_unlock(&blocks.mu);
    if (is_over)
        free(slab);
}

#endif
