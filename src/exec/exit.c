// SPDX-License-Identifier: MIT
// exit.c - what happens to tasks when the program exits.
//
// The handler runs before those that were registered earlier, so the program's own state is still
// whole. It waits until no started task and no pool has anything unfinished, but for what the
// caller of exit runs itself; a task that ends may have queued another, hence the loop. (For none,
// if it is called by on_start, or by a hook that is told of a failure outside of the task: a
// worker, or the keeper, that stands there would wait for what itself has to do next.) Then the
// daemons are asked to stop, get GRACE_MS, and are lost: from then on they do not come back from a
// wait, because what they would use is being destroyed.
#include <errno.h>
#include <stdlib.h>

#include "core/home.h"
#include "core/misuse.h"
#include "core/mutex.h"
#include "core/park.h"
#include "exec/executor.h"
#include "exec/family.h"
#include "exec/loop.h"
#include "exec/watchdog.h"
#include "os/thread.h"

enum { GRACE_MS = 100 };

static struct {
    weft_mutex mu;                // guards the lists and the next two
    weft_cond fewer;              // a count fell, and the handler waits
    LIST_HEAD(, weft_pool) pools; // the open ones
    wf_thread ended; // the latest thread of a started task to end; see wf_exit_end_thread
    bool any_ended;
    // ---- atomic
    unsigned long begun, over; // tasks that were started alone: by threads. Fibers count at home
    long daemons;              // started alone, not ended
} state;
uint32_t wf_exit_is_registered, wf_exit_waits;

// ---- at exit ----------------------------------------------------------------------------

// Of the tasks that are counted, those that the caller runs itself.
static long own_tasks(void)
{
    long n = 0;
    for (const struct wf_task *task = wf_current(); task; task = task->outer)
        n += !task->pooled && !task->away && task != &wf_self()->own && !task->daemon;
    return n;
}

// Not ended. What is over is counted first: so if both are as many, none was there in between. (A
// task that is seen to be over was seen to begin, and all that it has started.)
static long tasks(void)
{
    unsigned long over = wf_load(&state.over, WF_SEQ_CST) + wf_homes_over();
    return (long)(wf_load(&state.begun, WF_SEQ_CST) + wf_homes_begun() - over);
}

// With mu held: some pool that still works, with a reference.
static weft_pool *working_pool(void)
{
    weft_pool *pool;
    LIST_FOREACH (pool, &state.pools, open) {
        if (!pool->executor->quiet(pool)) {
            wf_pool_ref(pool);
            return pool;
        }
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
        else if (tasks() > own_tasks())
            (void)wf_cond_wait("exit", &state.fewer, &state.mu, WEFT_FOREVER); // shielded
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

static void cancel_daemons(void)
{
    wf_tasks_visit(cancel_daemon, NULL);
    wf_process_cancel_daemons();
}

static void end_daemons(void)
{
    wf_store(&wf_daemons, WF_DAEMONS_ASKED, WF_RELAXED); // for those who have not begun
    if (wf_load(&state.daemons, WF_SEQ_CST) > 0)
        cancel_daemons(); // for those who have
    weft_time grace = weft_after_ms(GRACE_MS);
    int rc = 0;
    while (rc == 0 && wf_load(&state.daemons, WF_SEQ_CST) > (wf_current()->daemon ? 1 : 0))
        rc = wf_cond_wait("exit", &state.fewer, &state.mu, grace);
    if (!wf_current()->daemon) // else the rest of exit would not come back either
        wf_store(&wf_daemons, WF_DAEMONS_GONE, WF_RELAXED);
}

// What fibers of our loop have posted in this turn is sent when it ends, and this may have been its
// last. The loop looks at its timers after that.
static void end_turn(void)
{
    if (wf_loop_here() && !wf_stays())
        (void)weft_sleep(weft_after_ms(1)); // shielded
}

static void at_exit(void)
{
    if (wf_is_orphan)
        return; // the child of a fork: the tasks are its parent's
    bool calls_out = wf_self()->calls_out != NULL;
    (void)weft_shield(true);
    wf_lock(&state.mu);
    wf_store(&wf_exit_waits, 1, WF_SEQ_CST); // see wf_exit_remove_task
    wf_homes_fence();
    if (!calls_out)
        wait_for_all();
    end_daemons();
    weft_unlock(&state.mu);
    end_turn();
    wf_family_end(); // those of the daemons' processes that did not end by themselves, too
    wf_lock(&state.mu);
    wf_store(&wf_exit_waits, 0, WF_RELAXED);
    bool any_ended = state.any_ended, lost = wf_load(&state.daemons, WF_RELAXED) > 0;
    wf_thread ended = state.ended;
    state.any_ended = false;
    // A later handler may start tasks again, and wait again.
    wf_store(&wf_exit_is_registered, 0, WF_RELEASE);
    weft_unlock(&state.mu);
    if (!lost && !calls_out && !wf_loop_here()) { // else daemons, others, or we, lie on one of them
        wf_block_end();
        wf_loop_end_defaults();
    }
    wf_watchdog_end();
    if (any_ended) // and all before it: what a thread leaves behind as it ends is left by now
        wf_thread_join(ended);
    if (wf_checking)
        wf_owned_tell();
}

// With mu held.
static void be_registered(void)
{
    if (wf_load(&wf_exit_is_registered, WF_ACQUIRE) == 0 && atexit(at_exit) == 0)
        wf_store(&wf_exit_is_registered, 1, WF_RELEASE); // else: the program does not wait
}

void wf_exit_of_child(int code)
{
    exit(code < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

// ---- who is there -----------------------------------------------------------------------

void wf_exit_add_pool(weft_pool *pool)
{
    wf_guard(&state.mu);
    be_registered();
    LIST_INSERT_HEAD(&state.pools, pool, open);
}

void wf_exit_remove_pool(weft_pool *pool)
{
    wf_guard(&state.mu);
    LIST_REMOVE(pool, open);
}

void wf_exit_wake(void)
{
    wf_guard(&state.mu);
    weft_cond_broadcast(&state.fewer);
}

void wf_exit_add_first(void)
{
    wf_guard(&state.mu);
    be_registered();
}

void wf_exit_count(bool daemon, bool over)
{
    if (daemon)
        (void)wf_add(&state.daemons, over ? -1 : 1, WF_SEQ_CST);
    else
        (void)wf_add(over ? &state.over : &state.begun, 1, WF_SEQ_CST);
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
    weft_unlock(&state.mu);
    wf_exit_remove_task(daemon);
    if (follows)
        wf_thread_join(before);
}
