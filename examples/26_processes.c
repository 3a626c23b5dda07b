// SPDX-License-Identifier: MIT
// 26_processes.c - five processes. Lecture: L59.
//
// A process is started as a thread is; another kind is asked for, and nothing else changes. The
// program waits for them at its end. Which of them speaks first is chance.
#include "example.h"

static int process(const int *index, weft_none *none)
{
    (void)none;
    printf("Process:%d\n", *index);
    return 0;
}
WEFT_TASK(process, int, weft_none);

int main(void)
{
    weft_future *processes[5];

    for (int i = 0; i < 5; i++) {
        processes[i] = weft_start(WEFT_PROCESSES, process, &i);
        if (!processes[i])
            return failed("process");
    }
    for (int i = 0; i < 5; i++)
        if (weft_join(&processes[i], NULL, 0) < 0)
            return failed("process");
    return 0;
}
