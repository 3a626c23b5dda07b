// SPDX-License-Identifier: MIT
// 06_daemon.c - a thread that the program does not wait for. Lecture: L53, L55.
//
// The lecture's daemon sleeps a second, and the program is over before it has printed anything:
// `start`, `stop`. In Python the daemon is then destroyed where it stands. Here it is cancelled
// first: its sleep returns -ECANCELED, so it leaves by its own door and what it deferred is run
// (the line on stderr), for which it gets 100 ms.
//
// Different here: Python calls the lecture's setDaemon() deprecated; `.daemon` is an option.
#include "example.h"

static void clean_up(void *what)
{
    (void)fprintf(stderr, "%s: cleaned up\n", (const char *)what);
}

static int start(const int *num, weft_none *none)
{
    (void)none;
    struct weft_info me;
    weft_self(&me);
    weft_defer(clean_up, me.name);

    int rc = weft_sleep(after_seconds(*num));
    if (rc < 0)
        return rc;
    printf("%s\n", me.name);
    printf("%s\n", me.alive ? "True" : "False");
    printf("%lld\n", (long long)me.id);
    return 0;
}
WEFT_TASK(start, int, weft_none);

weft_future *thread; // a daemon: nobody joins it

int main(void)
{
    printf("start\n");
    thread = weft_start_as(
        WEFT_WITH(.kind = WEFT_THREADS, .name = "my first thread", .daemon = true), start,
        &(int){1});
    if (!thread)
        return failed("start");
    printf("stop\n");
    return 0;
}
