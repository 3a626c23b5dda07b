// SPDX-License-Identifier: MIT
// 07_daemon_wait.c - wait for a daemon, but not for ever. Lecture: L54.
//
// To let its daemon finish, the lecture has the main thread sleep for 20 seconds and hopes that
// this is enough. It prints the same here, but the main thread waits for the thread itself, at
// most 20 seconds: `stop` comes after one.
#include "example.h"

static int start(const int *num, weft_none *none)
{
    (void)none;
    int rc = weft_sleep(after_seconds(*num));
    if (rc < 0)
        return rc;

    struct weft_info me;
    weft_self(&me);
    printf("%s\n", me.name);
    printf("%s\n", me.alive ? "True" : "False");
    printf("%lld\n", (long long)me.id);
    return 0;
}
WEFT_TASK(start, int, weft_none);

int main(void)
{
    printf("start\n");
    WEFT_SCOPED(weft_drop)
    weft_future *thread = weft_start_as(
        WEFT_WITH(.kind = WEFT_THREADS, .name = "my first thread", .daemon = true), start,
        &(int){1});
    if (!thread)
        return failed("start");
    if (weft_wait(thread, after_seconds(20)) < 0)
        return failed("my first thread");
    printf("stop\n");
    return 0;
}
