// SPDX-License-Identifier: MIT
// threads.c - a pool of threads, or of fibers: one lock, one queue, workers that sleep on a
// condition.
//
// A worker is a thread, or a fiber on one of the pool's loops, of which there are as many as
// workers were asked for. Nothing else differs: a fiber that waits inside a task brings a spare one
// too, which costs a stack.
//
// Plain on purpose: everything that can go wrong is decided under one lock. A worker that begins to
// wait inside a task says so (blocked), and when it was the last that could take a queued task, a
// spare worker is started. With `alive` threads of which `blocked` wait, every queued task is
// taken sooner or later as long as blocked < alive: the others are on their way to the queue, or
// sleep there and are woken by each submit. Both who queues and who blocks look at this under the
// lock, so one of the two starts the spare.
//
// When blocked ones go on, more than `workers` may run for a while; who finishes a task then does
// not take another, and a spare that had nothing to do for a second ends.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/misuse.h"
#include "core/mutex.h"
#include "exec/executor.h"
#include "exec/loop.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/thread.h"

enum { SPARE_IDLE_MS = 1000 };

struct threads {
    struct weft_pool base; // first: a weft_pool * is a struct threads *
    weft_mutex mu;         // guards everything below
    weft_cond work;        // for sleeping workers: a task to take, or the end
    weft_cond room;        // for submitters: the queue shrank, or the pool closes
    weft_cond change;      // for close and drain: unfinished or alive fell
    struct wf_futures queue, running;
    size_t queued;     // in queue
    size_t unfinished; // in queue and running
    int alive;         // worker threads
    int sleeping;      // of those, in `work`
    int busy;          // with a task
    int blocked;       // of the busy ones, waiting inside it
    uint32_t started;  // workers so far, for their names; atomic
    int broken;        // what on_start returned, if it failed
    char reason[WEFT_ERROR_MAX];
    wf_thread ended; // the latest worker that ended; it has joined the one before
    bool any_ended;
    bool closing, stop;
    struct wf_loop **loops; // of fibers; set before the first worker
    int loop_count;
    uint32_t next_loop; // for the next worker that is started from outside
};

static struct threads *threads_of(const weft_pool *pool)
{
    return (struct threads *)pool;
}

// ---- workers ----------------------------------------------------------------------------
// Everything here is called with mu held, but for what says otherwise.

static void *work(void *arg);
static void work_as_fiber(void *arg);

static bool has_loop(const struct threads *t, const struct wf_loop *loop)
{
    for (int i = 0; i < t->loop_count; i++)
        if (t->loops[i] == loop)
            return true;
    return false;
}

// A spare beside the one that waits; the first ones spread out.
static int start_fiber(struct threads *t)
{
    struct wf_loop *loop = wf_loop_here();
    if (!has_loop(t, loop))
        loop = t->loops[t->next_loop++ % (uint32_t)t->loop_count];
    return wf_loop_start(loop, t->base.options.stack_size, work_as_fiber, t);
}

static int start_thread(struct threads *t)
{
    const struct wf_thread_options options = {
        .run = work, .arg = t, .stack_size = t->base.options.stack_size};
    wf_thread thread; // joined by way of t->ended
    return wf_thread_start(&options, &thread);
}

static int start_worker(struct threads *t)
{
    int rc = t->loops ? start_fiber(t) : start_thread(t);
    if (rc == 0)
        t->alive++;
    return rc;
}

// A task waits to be taken: see that somebody will. -EBUSY: max_spares; else as start_worker.
static int see_to_queue(struct threads *t)
{
    const struct weft_pool_options *o = &t->base.options;
    if (t->sleeping > 0)
        weft_cond_signal(&t->work);
    if (t->alive > t->blocked)
        return 0;
    if (t->alive - o->workers >= o->max_spares)
        return -EBUSY;
    return start_worker(t);
}

static bool is_surplus(const struct threads *t)
{
    return t->busy - t->blocked >= t->base.options.workers;
}

static weft_future *take(struct threads *t, weft_future *f)
{
    wf_futures_remove(&t->queue, f);
    wf_futures_append(&t->running, f);
    f->place = WF_RUNNING;
    t->queued--;
    weft_cond_signal(&t->room);
    return f;
}

// The next task; NULL: this worker ends.
static weft_future *next_task(struct threads *t)
{
    while (!t->stop && (t->queued == 0 || is_surplus(t))) {
        bool spare = t->alive > t->base.options.workers;
        t->sleeping++;
        int rc = wf_cond_wait("weft_pool", &t->work, &t->mu,
                              spare ? weft_after_ms(SPARE_IDLE_MS) : WEFT_FOREVER);
        t->sleeping--;
        // It had nothing to do for long; or a fiber has no memory to wait for just so long.
        if (rc < 0 && t->alive > t->base.options.workers && (t->queued == 0 || is_surplus(t)))
            return NULL;
    }
    return t->stop ? NULL : take(t, t->queue.first);
}

// Without mu.
static void run(struct threads *t, weft_future *f, int broken)
{
    if (broken < 0)
        wf_future_end(f, broken, t->reason); // written before broken was, and only once
    else
        wf_future_run(f);
}

static int set_up(struct threads *t)
{
    const struct weft_pool_options *o = &t->base.options;
    weft_unlock(&t->mu);
    uint32_t fork = wf_fork_count;
    wf_self()->calls_out = &t->base;
    int rc = o->on_start ? o->on_start(o->ctx) : 0;
    wf_self()->calls_out = NULL;
    wf_exit_if_forked(fork, rc);
    wf_lock(&t->mu);
    if (rc >= 0 || t->broken < 0)
        return t->broken;
    if (weft_error_code() == rc)
        (void)snprintf(t->reason, sizeof t->reason, "%s", weft_error());
    else
        (void)snprintf(t->reason, sizeof t->reason, "on_start of pool %s: %s", t->base.name,
                       wf_strerror(rc));
    t->broken = rc;
    return rc;
}

// A worker ends. Each joins the one that ended before it, and close joins the last: so when close
// returns every thread is gone, and nobody keeps a list. Leaves mu; the last touch of the pool.
static void retire(struct threads *t)
{
    bool follows = t->any_ended;
    wf_thread before = t->ended;
    if (!t->loops) { // a fiber leaves no thread to be joined
        t->ended = wf_thread_self();
        t->any_ended = true;
    }
    t->alive--;
    weft_cond_broadcast(&t->change);
    weft_unlock(&t->mu);
    if (follows)
        wf_thread_join(before);
}

static const struct wf_host host;

static void work_as_fiber(void *arg)
{
    (void)work(arg);
}

static void *work(void *arg)
{
    struct threads *t = arg;
    char name[2 * WF_NAME_MAX];
    uint32_t number = wf_add(&t->started, 1, WF_RELAXED) + 1;
    (void)snprintf(name, sizeof name, "%s-%u", t->base.name, number);
    name[WF_NAME_MAX - 1] = '\0';
    wf_self_is_worker(name, &host, t);
    wf_lock(&t->mu);
    (void)set_up(t);
    weft_future *f;
    while ((f = next_task(t))) {
        t->busy++;
        int broken = t->broken;
        weft_unlock(&t->mu);
        run(t, f, broken);
        wf_lock(&t->mu);
        t->busy--;
    }
    retire(t);
    return NULL;
}

// ---- what the seam tells ----------------------------------------------------------------

// `more` begin to wait: see to a spare, if a task is queued.
static int see_to_spare(struct threads *t, int more)
{
    wf_lock(&t->mu);
    t->blocked += more;
    int rc = t->queued > 0 ? see_to_queue(t) : 0;
    weft_unlock(&t->mu);
    return rc;
}

// A wait that cannot fail would keep the pool waiting for want of a thread that the system lacks
// for a moment. So it asks again, up to 20 times in 0.2 s, as Go's runtime does when it starts one.
static int ask_again(struct threads *t, int rc)
{
    enum { TRIES = 20, LONGER_NS = 1000000 }; // each pause by so much
    uint32_t nobody = 0;
    for (int tries = 1; tries <= TRIES && (rc == -EAGAIN || rc == -ENOMEM); tries++) {
        (void)wf_futex_wait(&nobody, 0, wf_clock_now() + (int64_t)tries * LONGER_NS);
        rc = see_to_spare(t, 0);
    }
    return rc;
}

static int blocked(void *pool, const struct wf_wait *wait)
{
    struct threads *t = pool;
    int rc = see_to_spare(t, 1);
    if (rc == 0)
        return 0;
    if (!wait->stops || wait->fd != WF_NO_FD) {
        (void)ask_again(t, rc);
        return 0; // whom it waits for may be outside: the pool rests till then
    }
    return wf_explain(-EAGAIN, "%s: all workers of pool %s wait, and it has no spare left (%s)",
                      wait->what, t->base.name, rc == -EBUSY ? "max_spares" : strerror(-rc));
}

static void unblocked(void *pool)
{
    struct threads *t = pool;
    wf_lock(&t->mu);
    t->blocked--;
    weft_unlock(&t->mu);
}

static const struct wf_host host = {blocked, unblocked};

// ---- tasks come and go ------------------------------------------------------------------

static int wait_for_room(struct threads *t)
{
    bool own = wf_self()->pool == t;
    int rc = 0;
    while (rc == 0 && !own && !t->closing && t->queued >= t->base.options.backlog)
        rc = wf_cond_wait("weft_submit", &t->room, &t->mu, WEFT_FOREVER);
    return rc == 0 && t->closing ? -EPIPE : rc;
}

static int enqueue(struct threads *t, weft_future *f)
{
    int rc = wait_for_room(t);
    if (rc < 0)
        return rc;
    wf_futures_append(&t->queue, f);
    f->place = WF_QUEUED;
    t->queued++;
    rc = see_to_queue(t);
    if (rc < 0) {
        wf_futures_remove(&t->queue, f);
        f->place = WF_NOWHERE;
        t->queued--;
        weft_cond_signal(&t->room); // we were called for this place, and others wait for it
        return rc;
    }
    t->unfinished++;
    return 0;
}

static int threads_submit(weft_pool *pool, weft_future *f)
{
    struct threads *t = threads_of(pool);
    wf_lock(&t->mu);
    int rc = enqueue(t, f);
    weft_unlock(&t->mu);
    if (rc == 0)
        return 0;
    const char *why = rc == -EPIPE   ? "the pool is closing"
                      : rc == -EBUSY ? "all workers wait, and there is no spare left"
                                     : wf_why(rc);
    return weft_fail(rc == -EBUSY ? -EAGAIN : rc, "pool %s: %s: %s", pool->name, f->what->name,
                     why);
}

static bool threads_withdraw(weft_pool *pool, weft_future *f)
{
    struct threads *t = threads_of(pool);
    wf_lock(&t->mu);
    bool queued = f->place == WF_QUEUED;
    if (queued)
        (void)take(t, f);
    weft_unlock(&t->mu);
    return queued;
}

static bool threads_lends(const weft_pool *pool)
{
    if (wf_self()->parking)
        return false; // a fiber's stack is small, and a spare one costs little
    return !pool->options.on_start || wf_self()->pool == pool;
}

static void threads_ended(weft_pool *pool, weft_future *f)
{
    struct threads *t = threads_of(pool);
    wf_lock(&t->mu);
    wf_futures_remove(&t->running, f);
    f->place = WF_NOWHERE;
    t->unfinished--;
    weft_cond_broadcast(&t->change);
    weft_unlock(&t->mu);
}

static void threads_cancel(weft_pool *pool)
{
    struct threads *t = threads_of(pool);
    wf_lock(&t->mu);
    // As many as there are now: who goes on submitting cannot keep us here.
    for (size_t n = t->queued; n > 0 && t->queued > 0; n--) {
        weft_future *f = take(t, t->queue.first);
        wf_task_cancel(&f->task);
        weft_unlock(&t->mu);
        wf_future_end_unbegun(f, -ECANCELED, "its pool was cancelled");
        wf_lock(&t->mu);
    }
    for (weft_future *f = t->running.first; f; f = f->next)
        wf_task_cancel(&f->task);
    weft_unlock(&t->mu);
}

// ---- the pool's own life ----------------------------------------------------------------

static size_t own_tasks(const struct threads *t)
{
    size_t n = 0;
    for (const struct wf_task *task = wf_current(); task; task = task->outer)
        for (const weft_future *f = t->running.first; f; f = f->next)
            n += &f->task == task;
    return n;
}

static bool threads_quiet(weft_pool *pool)
{
    struct threads *t = threads_of(pool);
    wf_lock(&t->mu);
    bool quiet = t->unfinished <= own_tasks(t);
    weft_unlock(&t->mu);
    return quiet;
}

static void threads_drain(weft_pool *pool)
{
    struct threads *t = threads_of(pool);
    wf_lock(&t->mu);
    while (t->unfinished > own_tasks(t))
        (void)wf_cond_wait("exit", &t->change, &t->mu, WEFT_FOREVER); // shielded by the caller
    weft_unlock(&t->mu);
}

static void stop_workers(struct threads *t)
{
    t->stop = true;
    weft_cond_broadcast(&t->work);
    while (t->alive > 0)
        (void)wf_cond_wait("weft_pool_close", &t->change, &t->mu, WEFT_FOREVER); // shielded
    bool any_ended = t->any_ended;
    wf_thread ended = t->ended;
    weft_unlock(&t->mu); // what a thread calls as it ends, for its values, may ask for it
    if (any_ended)
        wf_thread_join(ended);
    wf_lock(&t->mu);
}

static void end_loops(struct threads *t)
{
    while (t->loop_count > 0)
        wf_loop_free(t->loops[--t->loop_count]);
    free(t->loops);
    t->loops = NULL;
}

static void threads_close(weft_pool *pool)
{
    struct threads *t = threads_of(pool);
    wf_lock(&t->mu);
    t->closing = true;
    weft_cond_broadcast(&t->room);
    while (t->unfinished > 0)
        (void)wf_cond_wait("weft_pool_close", &t->change, &t->mu, WEFT_FOREVER); // likewise
    stop_workers(t);
    weft_unlock(&t->mu);
    end_loops(t);
}

static void threads_free(weft_pool *pool)
{
    free(threads_of(pool));
}

static int start_all(struct threads *t)
{
    int rc = 0;
    wf_lock(&t->mu);
    while (rc == 0 && t->alive < t->base.options.workers)
        rc = start_worker(t);
    if (rc < 0) {
        bool was = weft_shield(true);
        stop_workers(t);
        (void)weft_shield(was);
    }
    weft_unlock(&t->mu);
    return rc;
}

static int start_loops(struct threads *t)
{
    t->loops = calloc((size_t)t->base.options.workers, sizeof(struct wf_loop *));
    int rc = t->loops ? 0 : -ENOMEM;
    while (rc == 0 && t->loop_count < t->base.options.workers) {
        char name[2 * WF_NAME_MAX];
        (void)snprintf(name, sizeof name, "%s-%d", t->base.name, t->loop_count + 1);
        rc = wf_loop_new(name, &t->loops[t->loop_count]);
        t->loop_count += rc == 0;
    }
    return rc;
}

// What the system says of a stack for which there is no room does not name it.
static int refuse(const struct weft_pool_options *o, int rc)
{
    const char *workers = o->kind == WEFT_FIBERS ? "fibers" : "threads";
    if (o->stack_size == 0)
        return weft_fail(rc, "weft_pool_open: %d %s: %s", o->workers, workers, strerror(-rc));
    return weft_fail(rc, "weft_pool_open: %d %s with stacks of %zu bytes: %s", o->workers, workers,
                     o->stack_size, strerror(-rc));
}

static int threads_open(const struct weft_pool *base, weft_pool **pool)
{
    struct threads *t = calloc(1, sizeof *t);
    if (!t)
        return weft_fail(-ENOMEM, "weft_pool_open: out of memory");
    *t = (struct threads){.base = *base};
    int rc = base->options.kind == WEFT_FIBERS ? start_loops(t) : 0;
    if (rc == 0)
        rc = start_all(t);
    if (rc < 0) {
        end_loops(t);
        free(t);
        return refuse(&base->options, rc);
    }
    *pool = &t->base;
    return 0;
}

const struct wf_executor wf_threads = {
    .open = threads_open,
    .submit = threads_submit,
    .withdraw = threads_withdraw,
    .lends = threads_lends,
    .ended = threads_ended,
    .cancel = threads_cancel,
    .quiet = threads_quiet,
    .drain = threads_drain,
    .close = threads_close,
    .free = threads_free,
};

// ---- a thread, or a fiber, for one task ---------------------------------------------------

static void *run_alone(void *arg)
{
    weft_future *f = arg;
    bool daemon = f->task.daemon; // f may be gone once it was run
    char text[WF_NAME_MAX], name[WF_NAME_MAX];
    wf_copy_name(name, wf_task_name(&f->task, text));
    wf_self_is_worker(name, NULL, NULL);
    wf_future_run(f);
    wf_exit_end_thread(daemon);
    return NULL;
}

// A fiber goes by its task's name, and is a worker between two tasks since it was made.
static void run_alone_as_fiber(void *arg)
{
    weft_future *f = arg;
    bool daemon = f->task.daemon;
    wf_future_run(f);
    wf_exit_remove_task(daemon);
}

static int start_alone(weft_future *f, size_t stack_size)
{
    const struct wf_thread_options options = {.run = run_alone, .arg = f, .stack_size = stack_size};
    wf_thread thread; // joined by wf_exit_end_thread of another, or at exit
    return wf_thread_start(&options, &thread);
}

static int start_by_default(weft_future *f, size_t stack_size)
{
    struct wf_loop *loop;
    int rc = wf_loop_default(&loop);
    return rc < 0 ? rc : wf_loop_start_task(loop, stack_size, run_alone_as_fiber, f, &f->task);
}

int wf_run_alone(weft_future *f, size_t stack_size)
{
    if (f->kind != WEFT_FIBERS)
        return start_alone(f, stack_size);
    int rc = wf_loop_start_here(stack_size, run_alone_as_fiber, f, &f->task);
    return rc != -ESRCH ? rc : start_by_default(f, stack_size);
}
