// SPDX-License-Identifier: MIT
// memory.h - where libcurl's memory comes from: its read buffers' goes back, all else is malloc's.
#ifndef WEFT_PROGRAMS_FETCH_MEMORY_H
#define WEFT_PROGRAMS_FETCH_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

// curl_global_init, for so many transfers at once, all on one thread; false: it failed.
bool memory_begin(int at_once);
// curl_global_cleanup; no handle is left.
void memory_end(void);

// What libcurl is given in place of malloc, free and realloc. In between begin and end.
void *memory_take(size_t size);
void memory_give(void *at);
void *memory_take_again(void *at, size_t size);

#endif
