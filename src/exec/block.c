// SPDX-License-Identifier: MIT
// block.c - a call that blocks its thread, made so that it blocks only its task.
//
// A thread makes the call itself, and tells its pool that it waits. A fiber hands it to a thread of
// a pool that is opened at first need, and waits for that: its loop goes on with others.
//
// The helpers are few, and a call may hold one for long; so the others stand in line, and who is
// asked to stop leaves it. Name lookups do not come here (net/address.c): they would be in line
// with slow files. A helper is a thread: what it calls in its turn by weft_block is called in
// place; and while it waits as weft sees it, for a fiber that needs a helper, say, its pool starts
// a spare one.
#include <errno.h>

#include <weft/sync.h>
#include <weft/wait.h>

#include "core/error.h"
#include "core/misuse.h"
#include "core/mutex.h"
#include "core/park.h"
#include "exec/argument.h"
#include "exec/ends.h"
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

void wf_block_end(void)
{
    if (wf_self()->host)
        return; // a helper itself has called exit
    wf_lock(&helpers.mu);
    weft_pool *pool = helpers.pool;
    helpers.pool = NULL;
    weft_unlock(&helpers.mu);
    weft_pool_close(&pool);
}

// Until it has ended, or we are asked to stop: then it ends too if it has not begun. Else it is
// told, as it would be in place, and goes on. (Its deadline is ours; and that a pool has no spare
// worker for us is no reason, for the helpers are not that pool's.)
static void stand_in_line(weft_future *f)
{
    int rc = weft_wait(f, WEFT_FOREVER);
    if (rc != -ECANCELED && rc != -ETIMEDOUT)
        return;
    if (f->pool->executor->withdraw(f->pool, f))
        wf_future_end(f, rc, "weft_block: asked to stop before it began");
    else if (rc == -ECANCELED)
        wf_task_cancel(&f->task);
}

static int hand_over(const struct weft_task *task, void *result, const void *arg)
{
    weft_pool *pool = open_helpers();
    if (!pool) {
        wf_ends_drop(task, arg);
        return weft_error_code();
    }
    const struct wf_order order = {.call = "weft_block", .deadline = wf_patience(WEFT_FOREVER)};
    weft_future *f = wf_pool_order(pool, &order, task, arg);
    if (!f) {
        wf_ends_drop(task, arg);
        return weft_error_code();
    }
    stand_in_line(f);
    return weft_join(&f, result, task->result_size); // not interrupted, nor run here by a fiber
}

static void require_both(const struct weft_task *task, const void *result, const void *arg)
{
    wf_require_argument("weft_block", task, arg);
    wf_require(result, "weft_block: no room for the result of %s: NULL", task->name);
}

int weft_block_(const struct weft_task *task, void *result, const void *arg)
{
    require_both(task, result, arg);
    int rc = wf_interrupted();
    if (rc < 0) {
        wf_ends_drop(task, arg);
        return wf_failed("weft_block", rc);
    }
    wf_require(!wf_stays(), "weft_block inside weft_on_thread_stack, where nothing may wait");
    if (wf_self()->parking)
        return hand_over(task, result, arg);
    struct wf_wait wait = {.what = "weft_block", .fd = WF_NO_FD};
    (void)wf_wait_begin(&wait); // does not stop, so it is never refused
    rc = task->run(arg, result);
    wf_wait_end(&wait);
    return wf_failed_in(task->name, rc);
}
