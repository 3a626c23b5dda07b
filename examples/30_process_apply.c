// SPDX-License-Identifier: MIT
// 30_process_apply.c - one call, made by a process of a pool; and what a crash costs. Lecture: L64.
//
// apply submits and joins at once, so there is nothing in parallel. What Python does not have is in
// the second half: a process that dies takes its own task with it, and no other.
#include <signal.h>

#include "example.h"

static int square(const int *n, int *out)
{
    if (*n < 0)
        (void)raise(SIGKILL); // a bug, or the kernel was short of memory
    *out = *n * *n;
    return 0;
}
WEFT_TASK(square, int, int);

static int apply(weft_pool *pool, int n, int *out)
{
    weft_future *f = weft_submit(pool, square, &n);
    return f ? weft_join_as(&f, square, out) : weft_error_code();
}

int main(void)
{
    int out = 0;
    WEFT_SCOPED(weft_pool_close) weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 4);

    if (!pool || apply(pool, 10, &out) < 0)
        return failed("square");
    printf("Pool     : %d\n", out);
    if (apply(pool, -1, &out) < 0)
        (void)fprintf(stderr, "lost: %s\n", weft_error());
    return apply(pool, 11, &out) == 0 && out == 121 ? 0 : failed("square");
}
