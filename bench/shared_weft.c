// SPDX-License-Identifier: MIT
// shared_weft.c - what weft's shared memory costs: shared_weft ROW prints nanoseconds.
#include <weft/weft.h>

#include "shared.h"

static struct all {
    weft_shared_queue *queues[2];
    weft_shared_mutex *mu;
    int what;
} all;
static weft_future *child;

static int run_child(const struct all *from, weft_none *none)
{
    (void)none;
    all = *from;
    child_runs(all.what);
    return 0;
}
WEFT_TASK(run_child, struct all, weft_none);

static void open_all(void)
{
    all.mu = weft_shared(sizeof *all.mu);
    for (int i = 0; i < 2; i++)
        all.queues[i] = weft_shared_queue_new(sizeof(struct item), ROOM);
    if (!all.mu || !all.queues[0] || !all.queues[1])
        (void)die(weft_error());
}

static void start_child(int what)
{
    all.what = what;
    child = weft_start(WEFT_PROCESSES, run_child, &all);
    if (!child)
        (void)die(weft_error());
}

static void end_child(void)
{
    if (weft_join(&child, NULL, 0) < 0)
        (void)die(weft_error());
}

static void put(int queue, const struct item *item)
{
    if (weft_shared_put(all.queues[queue], item, WEFT_FOREVER) < 0)
        (void)die(weft_error());
}

static void get(int queue, struct item *item)
{
    if (weft_shared_get(all.queues[queue], item, WEFT_FOREVER) < 0)
        (void)die(weft_error());
}

static void lock(void)
{
    if (weft_shared_lock(all.mu, WEFT_FOREVER) < 0)
        (void)die(weft_error());
}

static void unlock(void)
{
    weft_shared_unlock(all.mu);
}
