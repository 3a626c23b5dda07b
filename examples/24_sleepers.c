// SPDX-License-Identifier: MIT
// 24_sleepers.c - ten thousand fibers asleep at once, on one thread. Lecture: L57.
//
//     24_sleepers [HOW_MANY]
//
// The lecture needs a thread for each job that sleeps, and takes ten times as long with a pool of
// ten. A sleeping fiber is an entry among its loop's timers and a stack of which a page or two were
// touched. What a fiber starts runs beside it, on the same loop: so all of these are on one thread,
// which is where the first of them runs.
#include <errno.h>

#include "example.h"

static pid_t thread_here(void)
{
    struct weft_info me;
    weft_self(&me);
    return me.tid;
}

static int sleep_till(const weft_time *morning, pid_t *thread)
{
    *thread = thread_here();
    return weft_sleep(*morning);
}
WEFT_TASK(sleep_till, weft_time, pid_t);

struct count {
    long woke, elsewhere; // elsewhere: on another thread than who started them
};

static void wait_for(weft_future **sleeper, struct count *count)
{
    pid_t thread = 0;
    if (weft_join_as(sleeper, sleep_till, &thread) < 0)
        return;
    count->woke++;
    count->elsewhere += thread != thread_here();
}

static int keep_house(const long *n, struct count *count)
{
    weft_future **sleepers = calloc((size_t)*n, sizeof(weft_future *));
    if (!sleepers)
        return weft_fail(-ENOMEM, "out of memory for %ld sleepers", *n);
    weft_defer(free, sleepers);
    weft_time morning = after_seconds(3); // one moment for all of them

    *count = (struct count){0, 0};
    for (long i = 0; i < *n; i++)
        sleepers[i] = weft_start(WEFT_FIBERS, sleep_till, &morning); // NULL: did not wake
    for (long i = 0; i < *n; i++)
        wait_for(&sleepers[i], count);
    return 0;
}
WEFT_TASK(keep_house, long, struct count);

int main(int argc, char **argv)
{
    long n = argc > 1 ? strtol(argv[1], NULL, 10) : 10000;
    struct count count;
    weft_future *house = weft_start(WEFT_FIBERS, keep_house, &n);
    if (weft_join_as(&house, keep_house, &count) < 0)
        return failed("24_sleepers");
    printf("%ld fibers woke, %ld of them on another thread than the first\n", count.woke,
           count.elsewhere);
    return count.woke == n ? EXIT_SUCCESS : EXIT_FAILURE;
}
