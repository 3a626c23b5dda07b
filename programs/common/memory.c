// SPDX-License-Identifier: MIT
// memory.c - see memory.h.
//
// A word to a room takes a queue for each member, for as long as its loop's turn. glibc gives the
// end of an arena back as soon as 128 KiB of it are free, so each of these turns began by faulting
// in the pages that the one before had given away: two thirds of the server's time for 100 members
// with 32 texts under way, and with 4 MiB kept four fifths of it for 1,000 of them: 1.7 us of CPU a
// delivery, 0.32 with 16 MiB. With 64 it is 0.25; but then what 10,000 need who come in lies among
// what they keep, and stays: 12 KiB for each, and 9 with 16.
#include "common/memory.h"

#include <malloc.h>

void keep_freed_memory(void)
{
#ifdef M_TRIM_THRESHOLD
    enum { KEPT = 16 << 20, AT_ONCE = 1 << 20 };
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
