// SPDX-License-Identifier: MIT
// 27_process_names.c - what a process knows of itself. Lecture: L60, L62.
//
// What main has printed before is not printed again: a process of weft's begins with the program as
// it is before main, and shares no buffer with it.
#include "example.h"

static int start(const int *number, weft_none *none)
{
    (void)none;
    struct weft_info me;

    int rc = weft_sleep(after_seconds(3));
    if (rc < 0)
        return rc;
    weft_self(&me);
    printf("%d\n%s\n%d\n%s\n%d\n", *number, me.name, (int)me.pid, me.alive ? "True" : "False",
           weft_cores());
    return 0;
}
WEFT_TASK(start, int, weft_none);

int main(void)
{
    printf("start\n");
    weft_future *p1 = weft_start_as(WEFT_WITH(.kind = WEFT_PROCESSES, .name = "p1"), start,
                                    &(int){1});
    if (!p1)
        return failed("p1");
    printf("stop\n");
    (void)fflush(stdout); // another process writes to the same place
    return weft_join(&p1, NULL, 0) < 0 ? failed("p1") : 0;
}
