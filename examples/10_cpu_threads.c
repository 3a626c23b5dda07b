// SPDX-License-Identifier: MIT
// 10_cpu_threads.c - the same in ten threads at once. Lecture: L28, L30, L31.
//
// Prints the seconds that it took. In Python the ten threads run together, not in order as the
// lecture's comment says, but only the one that holds the interpreter's lock computes: it takes as
// long as 09, or longer. Here nothing is locked and the cores share the work, once there is enough
// of it: starting ten threads costs more than counting to a million, so try
// 10_cpu_threads 500000000.
#include "cpu.h"

int main(int argc, char **argv)
{
    long count = count_from(argc, argv);
    weft_time start_time = weft_now();
    weft_future *threads[10];

    for (int i = 0; i < 10; i++) {
        threads[i] = weft_start(WEFT_THREADS, start, &count);
        if (!threads[i])
            return failed("start");
    }
    for (int i = 0; i < 10; i++)
        if (weft_join(&threads[i], NULL, 0) < 0)
            return failed("join");
    printf("%.6f\n", seconds_since(start_time));
    return 0;
}
