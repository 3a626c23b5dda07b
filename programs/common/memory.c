// SPDX-License-Identifier: MIT
// memory.c - see memory.h.
//
// glibc gives the end of an arena back as soon as 128 KiB of it are free, and who needs as much
// again and again faults the pages in each time. What goes out at the end of a turn has memory of
// its own (the library's), and the rest is served by 2 MiB; with 16 MiB no word goes out faster,
// and what 10,000 need who come in lies among what they keep, and stays: 6.8 KiB for each, not 5.8.
#include "common/memory.h"

#include <malloc.h>

void keep_freed_memory(void)
{
#ifdef M_TRIM_THRESHOLD
    enum { KEPT = 2 << 20, AT_ONCE = 1 << 20 };
    (void)mallopt(M_TRIM_THRESHOLD, KEPT); // refused, it is slower and nothing else
    (void)mallopt(M_TOP_PAD, AT_ONCE);
    (void)mallopt(M_MMAP_THRESHOLD, AT_ONCE); // which no longer adapts: a large block is this large
#endif
}

void give_back_freed_memory(void)
{
#ifdef M_TRIM_THRESHOLD
    (void)malloc_trim(0); // whether there was any
#endif
}
