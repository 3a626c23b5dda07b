// SPDX-License-Identifier: MIT
// 09_cpu_sequential.c - count to a million, ten times. Lecture: L28, L29.
//
// Prints the seconds that it took, like the lecture's first form, which is commented out there.
// Compare with 10.
//
// Different here: the clock is the one that cannot jump. 09_cpu_sequential 500000000 counts that
// far, for a figure that means something.
#include "cpu.h"

int main(int argc, char **argv)
{
    long count = count_from(argc, argv);
    weft_time start_time = weft_now();

    for (int i = 0; i < 10; i++)
        (void)start(&count, &(weft_none){0}); // always 0
    printf("%.6f\n", seconds_since(start_time));
    return 0;
}
