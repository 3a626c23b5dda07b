// SPDX-License-Identifier: MIT
// block.h - memory for what goes out at the end of a turn, which a loop's thread has for itself.
//
// A broadcast takes a block for each receiver and gives them all back a moment later. malloc would
// give that memory back to the system, and the next broadcast fault it in again; or put what stays
// for long in between, so that it could never be given back.
#ifndef WF_OS_BLOCK_H
#define WF_OS_BLOCK_H

#include <stddef.h>
#include <stdint.h>

// NULL: no memory. By the thread that took it it is given back, and soon.
void *wf_block_take(size_t size);
void wf_block_give(void *block);

// Between the two this thread has 32 MiB of its own; others, and beyond, take malloc's.
void wf_blocks_begin(void);
void wf_blocks_end(void);
// The system gets what was not needed for 0.1 s. When to ask again; INT64_MAX: nothing is left.
int64_t wf_blocks_tidy(int64_t now);

#endif
