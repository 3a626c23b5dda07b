// SPDX-License-Identifier: MIT
// target.h - the lecture's `target`: it says that it runs, sleeps, and says that it has ended.
//
// Three examples start it and differ only in when they join: 03, 04 and 05. "Treading" is how the
// lecture spells it. Each line is one printf, so that lines of two threads never mix (08).
#ifndef WEFT_EXAMPLE_TARGET_H
#define WEFT_EXAMPLE_TARGET_H

#include "example.h"

static int target(const int *second, weft_none *none)
{
    (void)none;
    struct weft_info me;
    weft_self(&me);
    printf("Treading%s is running\n", me.name);
    printf("Treading%s sleep %ds\n", me.name, *second);
    int rc = weft_sleep(after_seconds(*second));
    if (rc < 0)
        return rc;
    printf("Treading<Thread(%s, started %lld)> ended\n", me.name, (long long)me.id);
    return 0;
}
WEFT_TASK(target, int, weft_none);

static void main_thread_says(const char *what)
{
    struct weft_info me;
    weft_self(&me);
    printf("Treading%s %s\n", me.name, what);
}

#endif
