// SPDX-License-Identifier: MIT
// 03_join_in_loop.c - join at once, and there is no concurrency. Lecture: L50, L52.
//
// The lecture joins each thread in the loop that starts it: the second begins when the first has
// ended, and 1 s and 5 s take 6 s. This is the lecture's program as it stands; 04 starts both
// first.
#include "target.h"

int main(void)
{
    static const int seconds[] = {1, 5};

    main_thread_says("is running");
    for (size_t i = 0; i < 2; i++) {
        weft_future *t = weft_start(WEFT_THREADS, target, &seconds[i]);
        if (!t || weft_join(&t, NULL, 0) < 0)
            return failed("target");
    }
    main_thread_says("is ended");
    return 0;
}
