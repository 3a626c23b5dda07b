// SPDX-License-Identifier: MIT
// 01_thread.c - a thread with a name, and who waits for it. Lecture: L46, L48, L49.
//
// The lecture starts a thread that sleeps a second and then prints its name, whether it is alive,
// and its number. Nobody joins it, and yet its lines appear: a program ends when its threads have
// ended. "It starts only after the main thread" is what the lecture reads from this; it starts at
// once, and sleeps.
//
// Different here: the argument is an int, not a tuple, and the compiler checks it against the
// function. The number is weft's own, 1 and up; gdb and `ps -L` show the name.
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

weft_future *thread; // never joined: leaving main waits, and WEFT_CHECK=1 tells of it

int main(void)
{
    printf("start\n");
    thread = weft_start_as(WEFT_WITH(.kind = WEFT_THREADS, .name = "my first thread"), start,
                           &(int){1});
    if (!thread)
        return failed("start");
    printf("stop\n");
    return 0;
}
