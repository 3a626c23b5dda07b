// SPDX-License-Identifier: MIT
// store.h - memory for small blocks, of which there may be very many at once: taken in a row, given
// back in any order, by any thread. What was taken is kept for the next, until none is in use.
//
// Whoever takes the first learns that, and so does who gives the last one back: so all blocks that
// are in use may share one reference to something, and none needs its own.
#ifndef WF_OS_STORE_H
#define WF_OS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Alignment: so that two blocks share no cache line, and to clear one crosses none. Larger ones are
// malloc's.
enum { WF_STORE_UNIT = 64, WF_STORE_MOST = 1024 };

struct wf_store_chunk;
struct wf_store_block;
struct wf_store {
    uint32_t busy;                                              // spin bit: guards all
    struct wf_store_block *free[WF_STORE_MOST / WF_STORE_UNIT]; // given back, by size
    struct wf_store_chunk *chunks;                              // the latest is taken from
    size_t left;                                                // in that
    size_t used;                                                // blocks; also malloc's
};

// What is written into a block that is given back.
struct wf_store_block {
    struct wf_store_block *next; // to be given back with it, or NULL
    uint32_t theirs;             // stays as its user left it
    uint32_t size;               // or, of a large one, some large number
};

// A block of that size, to be given back before those behind it.
static inline struct wf_store_block *wf_store_chain(void *memory, size_t size,
                                                    struct wf_store_block *next)
{
    struct wf_store_block *block = memory;
    block->next = next;
    block->size = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
    return block;
}

// Begins as zeros. NULL: no memory; else *first: none was in use.
void *wf_store_take(struct wf_store *store, size_t size, bool *first);
// A chain of some, at least one. True: none is in use, and what others did before they gave theirs
// back has been done.
bool wf_store_give(struct wf_store *store, struct wf_store_block *chain);
void wf_store_end(struct wf_store *store); // none is in use

#endif
