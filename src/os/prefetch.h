// SPDX-License-Identifier: MIT
// prefetch.h - a cache line is brought here while other things are done.
#ifndef WF_OS_PREFETCH_H
#define WF_OS_PREFETCH_H

static inline void wf_prefetch(const void *line)
{
    __builtin_prefetch(line);
}

// As one's own, to be written: any locked instruction waits for all lines that were written before
// it, and one that another core was at takes as long as ten of them. __builtin_prefetch would ask
// for a copy to read, which helps little, unless the compiler is told of a newer processor than
// x86-64 is. One that does not know the instruction does nothing.
static inline void wf_prefetch_to_write(const void *line)
{
#if defined(__x86_64__)
    __asm__ volatile("prefetchw %0" ::"m"(*(const char *)line));
#else
    __builtin_prefetch(line, 1);
#endif
}

#endif
