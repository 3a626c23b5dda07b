// SPDX-License-Identifier: MIT
// 05_no_join.c - without join. Lecture: L51.
//
// The lecture leaves out the join and concludes that the main thread ends without waiting. Only its
// last line comes earlier: the program, in Python as here, ends when both threads have ended.
#include "target.h"

weft_future *threads[2]; // never joined: leaving main waits, and WEFT_CHECK=1 tells of it

int main(void)
{
    static const int seconds[] = {1, 5};

    main_thread_says("is running");
    for (size_t i = 0; i < 2; i++) {
        threads[i] = weft_start(WEFT_THREADS, target, &seconds[i]);
        if (!threads[i])
            return failed("start");
    }
    main_thread_says("is ended");
    return 0;
}
