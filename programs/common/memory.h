// SPDX-License-Identifier: MIT
// memory.h - how malloc deals with a server that needs much, gives it back, and needs it again.
#ifndef WEFT_PROGRAMS_MEMORY_H
#define WEFT_PROGRAMS_MEMORY_H

// Keep what is freed for the next who asks, up to 2 MiB in each of malloc's arenas, rather than
// give it to the system at once. Early in the program, before there is a second thread. Where
// malloc cannot be told (it is not glibc's) all stays as it was.
void keep_freed_memory(void);

// All that is free, wherever it lies, back to the system. Blocks who uses malloc meanwhile; some
// 10 ms for 100 MB.
void give_back_freed_memory(void);

#endif
