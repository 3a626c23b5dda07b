// SPDX-License-Identifier: MIT
// block.h - small memory for what goes out, used again and again: a broadcast needs two pieces for
// each connection, and gives them all back at once; malloc would return that to the system, page by
// page, each time. Any thread; nothing here waits.
#ifndef WF_NET_BLOCK_H
#define WF_NET_BLOCK_H

enum { WF_BLOCK = 1024 };

void *wf_block_take(void); // WF_BLOCK bytes, as malloc's, or NULL
void wf_block_give(void *given);

#endif
