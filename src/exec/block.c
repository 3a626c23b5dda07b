// SPDX-License-Identifier: MIT
// block.c - a call that blocks its thread, made so that it blocks only its task.
//
// A thread makes the call itself, and tells its pool that it waits. A fiber hands it to a thread of
// a pool that is opened at first need, and waits for that: its loop goes on with others.
#include <errno.h>

#include <weft/sync.h>
#include <weft/wait.h>

#include "core/error.h"
#include "core/mutex.h"
#include "core/park.h"
#include "exec/executor.h"

enum { HELPERS = 4 };

static struct {
    weft_mutex mu; // guards the other
    weft_pool *pool;
} helpers;

static weft_pool *open_helpers(void)
{
    wf_guard(&helpers.mu);
    if (!helpers.pool)
        helpers.pool = weft_pool_open(WEFT_THREADS, .workers = HELPERS, .name = "weft-block");
    return helpers.pool;
}

static int hand_over(const struct weft_task *task, void *result, const void *arg)
{
    weft_pool *pool = open_helpers();
    if (!pool)
        return weft_error_code();
    const struct wf_order order = {.call = "weft_block", .deadline = WEFT_FOREVER};
    weft_future *f = wf_pool_order(pool, &order, task, arg);
    if (!f)
        return weft_error_code();
    return weft_join(&f, result, task->result_size); // not interrupted, nor run here by a fiber
}

int weft_block_(const struct weft_task *task, void *result, const void *arg)
{
    int rc = wf_interrupted();
    if (rc < 0)
        return wf_failed("weft_block", rc);
    if (wf_self()->parking)
        return hand_over(task, result, arg);
    struct wf_wait wait = {.what = "weft_block", .fd = WF_NO_FD};
    (void)wf_wait_begin(&wait); // does not stop, so it is never refused
    rc = task->run(arg, result);
    wf_wait_end(&wait);
    return rc;
}
