// SPDX-License-Identifier: MIT
// 28_children.c - which processes are alive. Lecture: L61.
//
// The first one sleeps for no time at all, so it may have ended when the list is made.
#include "example.h"

static int process(const int *index, weft_none *none)
{
    (void)none;
    int rc = weft_sleep(after_seconds(*index));
    if (rc == 0)
        printf("Process: %d\n", *index);
    return rc;
}
WEFT_TASK(process, int, weft_none);

static void list_children(void)
{
    struct weft_info children[8];
    size_t n = weft_list(WEFT_PROCESSES, children, 8);

    for (size_t i = 0; i < n && i < 8; i++)
        printf("Child process name:%s id:%d\n", children[i].name, (int)children[i].pid);
}

int main(void)
{
    weft_future *processes[5];

    for (int i = 0; i < 5; i++) {
        char name[24];
        (void)snprintf(name, sizeof name, "Process-%d", i + 1);
        processes[i] = weft_start_as(WEFT_WITH(.kind = WEFT_PROCESSES, .name = name), process, &i);
        if (!processes[i])
            return failed("process");
    }
    (void)weft_wait(processes[0], WEFT_FOREVER); // so that four are left, as in the lecture
    printf("CPU number:%d\n", weft_cores());
    list_children();
    printf("Process Ended\n");
    (void)fflush(stdout); // the others write to the same place
    for (int i = 0; i < 5; i++)
        if (weft_join(&processes[i], NULL, 0) < 0)
            return failed("process");
    return 0;
}
