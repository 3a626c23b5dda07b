// SPDX-License-Identifier: MIT
// store.h - memory for small blocks, of which there may be very many at once: taken in a row, given
// back in any order, by any thread. What was taken is kept for the next, until none is in use.
#ifndef WF_OS_STORE_H
#define WF_OS_STORE_H

#include <stddef.h>
#include <stdint.h>

enum { WF_STORE_UNIT = 32, WF_STORE_MOST = 1024 }; // alignment; larger blocks are malloc's

struct wf_store_chunk;
struct wf_store {
    uint32_t busy;                             // spin bit: guards all
    void *free[WF_STORE_MOST / WF_STORE_UNIT]; // given back, by size
    struct wf_store_chunk *chunks;             // the latest is taken from
    size_t left;                               // in that
    size_t used;                               // blocks
};

// Begins as zeros.
void *wf_store_take(struct wf_store *store, size_t size);             // NULL: no memory
void wf_store_give(struct wf_store *store, void *block, size_t size); // of that size
void wf_store_end(struct wf_store *store);                            // none is in use

#endif
