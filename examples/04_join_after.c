// SPDX-License-Identifier: MIT
// 04_join_after.c - start all, then join all. Lecture: L50, put right.
//
// Two threads that sleep 1 s and 5 s at the same time take 5 s, not 6, and the main thread's last
// line is still the last. Joining in the order of starting costs nothing: whoever ended early is
// joined at once.
#include "target.h"

int main(void)
{
    static const int seconds[] = {1, 5};
    weft_future *threads[2];

    main_thread_says("is running");
    for (size_t i = 0; i < 2; i++) {
        threads[i] = weft_start(WEFT_THREADS, target, &seconds[i]);
        if (!threads[i])
            return failed("start");
    }
    for (size_t i = 0; i < 2; i++)
        if (weft_join(&threads[i], NULL, 0) < 0)
            return failed("join");
    main_thread_says("is ended");
    return 0;
}
