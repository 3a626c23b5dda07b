// SPDX-License-Identifier: MIT
// cpu.h - the work that 09 and 10 do: the lecture's loop of a million additions.
//
// A compiler would replace the loop by its result, and give each place that it is inlined into
// another layout, so that two programs would not compare the same thing. Hence one function, never
// inlined, aligned to a cache line, with an empty asm that the compiler cannot see through: one
// turn of the loop stays one turn.
#ifndef WEFT_EXAMPLE_CPU_H
#define WEFT_EXAMPLE_CPU_H

#include "example.h"

__attribute__((noinline, aligned(64))) static int start(const long *count, weft_none *none)
{
    (void)none;
    for (long i = 0; i < *count; i++)
        __asm__ volatile("" : "+r"(i));
    return 0;
}
WEFT_TASK(start, long, weft_none);

// How far each of the ten counts: the first argument, else a million as in the lecture.
static long count_from(int argc, char **argv)
{
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : 0;

    return count > 0 ? count : 1000000;
}

#endif
