// SPDX-License-Identifier: MIT
// 35_process_setup.c - what a worker process knows at its start, and on_start, which tells it more.
// Lecture: L70.
//
// A worker is not a copy of the program as it is now: its globals have their initial values,
// whatever the program has written since. What its tasks need is set up by on_start, once in each
// worker. The pointer that it is given must mean something there: one to shared memory does.
#include <errno.h>

#include "example.h"

struct settings {
    int factor;
};

static int factor = 1; // each process has its own

static int set_up(void *ctx)
{
    const struct settings *settings = ctx;
    factor = settings->factor;
    return factor > 0 ? 0 : weft_fail(-EINVAL, "a factor of %d", factor);
}

static int scale(const int *n, int *out)
{
    *out = *n * factor;
    return 0;
}
WEFT_TASK(scale, int, int);

// 7 times the factor, in a worker of a pool that is set up so, or not at all.
static int show(const char *what, int (*on_start)(void *ctx), struct settings *settings)
{
    WEFT_SCOPED(weft_pool_close)
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1, .on_start = on_start,
                                     .ctx = settings);
    int out;
    weft_future *f = weft_submit(pool, scale, &(int){7});
    if (!f)
        return failed(what);
    if (weft_join_as(&f, scale, &out) < 0)
        printf("%s: %s\n", what, weft_error());
    else
        printf("%s: %d\n", what, out);
    return 0;
}

int main(void)
{
    struct settings *settings = weft_shared(sizeof *settings);
    if (!settings)
        return failed("shared memory");
    factor = 3; // here, and in no worker
    settings->factor = 6;
    int rc = show("without on_start", NULL, settings);
    if (rc == 0)
        rc = show("with on_start", set_up, settings);
    settings->factor = -1;
    if (rc == 0)
        rc = show("with one that fails", set_up, settings);
    weft_shared_free(&settings);
    return rc;
}
