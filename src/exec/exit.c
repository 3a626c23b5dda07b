// SPDX-License-Identifier: MIT
// exit.c - what happens to tasks when the program exits.
//
// The handler runs before those that were registered earlier, so the program's own state is still
// whole. It waits until no started task and no pool has anything unfinished, but for what the
// caller of exit runs itself; a task that ends may have queued another, hence the loop. Then the
// daemons are asked to stop, get GRACE_MS, and are lost: from then on they do not come back from a
// wait, because what they would use is being destroyed.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/misuse.h"
#include "core/mutex.h"
#include "exec/executor.h"
#include "exec/loop.h"
#include "os/thread.h"

enum { GRACE_MS = 100 };

static struct {
    weft_mutex mu;   // guards everything below
    weft_cond fewer; // a count fell
    weft_pool *pools;
    long tasks, daemons; // started alone, not ended
    wf_thread ended;     // the latest thread of a started task to end; see wf_exit_end_thread
    bool any_ended;
    bool is_registered;
    bool waits; // the handler, for fewer
} state;

static long owned; // futures that somebody must still join or drop; atomic

void wf_exit_count_owned(int change)
{
    (void)wf_add(&owned, change, WF_RELAXED);
}

// ---- at exit ----------------------------------------------------------------------------

// Started tasks that the caller runs itself.
static long own_tasks(void)
{
    long n = 0;
    for (const struct wf_task *task = wf_current(); task; task = task->outer)
        n += !task->pooled && task != &wf_self()->own && !task->daemon;
    return n;
}

// With mu held: some pool that still works, with a reference.
static weft_pool *working_pool(void)
{
    for (weft_pool *pool = state.pools; pool; pool = pool->next)
        if (!pool->executor->quiet(pool)) {
            wf_pool_ref(pool);
            return pool;
        }
    return NULL;
}

static void drain(weft_pool *pool)
{
    weft_unlock(&state.mu);
    pool->executor->drain(pool);
    wf_pool_unref(pool);
    wf_lock(&state.mu);
}

static void wait_for_all(void)
{
    for (;;) {
        weft_pool *pool = working_pool();
        if (pool)
            drain(pool);
        else if (state.tasks > own_tasks())
            (void)wf_cond_wait(&state.fewer, &state.mu, WEFT_FOREVER); // shielded
        else
            return;
    }
}

static bool cancel_daemon(const struct wf_parker *parker, struct wf_task *task, void *ctx)
{
    (void)parker, (void)ctx;
    if (task->daemon)
        wf_task_cancel(task);
    return true;
}

static void end_daemons(void)
{
    wf_store(&wf_daemons, WF_DAEMONS_ASKED, WF_RELAXED); // for those who have not begun
    if (state.daemons > 0)
        wf_tasks_visit(cancel_daemon, NULL); // for those who have
    weft_time grace = weft_after_ms(GRACE_MS);
    int rc = 0;
    while (rc == 0 && state.daemons > (wf_current()->daemon ? 1 : 0))
        rc = wf_cond_wait(&state.fewer, &state.mu, grace);
    if (!wf_current()->daemon) // else the rest of exit would not come back either
        wf_store(&wf_daemons, WF_DAEMONS_GONE, WF_RELAXED);
}

static void at_exit(void)
{
    if (wf_is_orphan)
        return; // the child of a fork: the tasks are its parent's
    (void)weft_shield(true);
    wf_lock(&state.mu);
    state.waits = true;
    wait_for_all();
    end_daemons();
    state.waits = false;
    bool any_ended = state.any_ended, lost = state.daemons > 0;
    state.any_ended = false;
    state.is_registered = false; // a later handler may start tasks again, and wait again
    weft_unlock(&state.mu);
    if (!lost && !wf_loop_here()) // else daemons, or we, lie on one of them
        wf_loop_end_defaults();
    if (any_ended) // and all before it: what a thread leaves behind as it ends is left by now
        wf_thread_join(state.ended);
    long leaked = wf_load(&owned, WF_RELAXED);
    if (wf_checking && leaked > 0)
        (void)fprintf(stderr, "weft: %ld futures were neither joined nor dropped\n", leaked);
}

// With mu held.
static void be_registered(void)
{
    if (!state.is_registered && atexit(at_exit) == 0) // else: the program does not wait
        state.is_registered = true;
}

// ---- who is there -----------------------------------------------------------------------

void wf_exit_add_pool(weft_pool *pool)
{
    wf_guard(&state.mu);
    be_registered();
    pool->prev = NULL;
    pool->next = state.pools;
    if (state.pools)
        state.pools->prev = pool;
    state.pools = pool;
}

void wf_exit_remove_pool(weft_pool *pool)
{
    wf_guard(&state.mu);
    if (pool->prev)
        pool->prev->next = pool->next;
    else
        state.pools = pool->next;
    if (pool->next)
        pool->next->prev = pool->prev;
}

// With mu held.
static void count(bool daemon, long change)
{
    be_registered();
    if (daemon)
        state.daemons += change;
    else
        state.tasks += change;
    if (change < 0 && state.waits)
        weft_cond_broadcast(&state.fewer);
}

void wf_exit_add_task(bool daemon)
{
    wf_guard(&state.mu);
    count(daemon, 1);
}

void wf_exit_remove_task(bool daemon)
{
    wf_guard(&state.mu);
    count(daemon, -1);
}

// Each thread joins the one that ended before it, and exit joins the last: nobody keeps a list, and
// a future that is never joined leaves no thread behind.
void wf_exit_end_thread(bool daemon)
{
    wf_lock(&state.mu);
    bool follows = state.any_ended;
    wf_thread before = state.ended;
    state.ended = wf_thread_self();
    state.any_ended = true;
    count(daemon, -1);
    weft_unlock(&state.mu);
    if (follows)
        wf_thread_join(before);
}
