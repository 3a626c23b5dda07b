// SPDX-License-Identifier: MIT
// pool.c - what all kinds of pool have in common: options, and the way in.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/home.h"
#include "core/misuse.h"
#include "core/trace.h"
#include "exec/argument.h"
#include "exec/executor.h"
#include "os/thread.h"

enum { DEFAULT_SPARES = 256, FIBER_SPARES = 1 << 20, BACKLOG_PER_WORKER = 1024 };

// By enum weft_kind.
static const struct wf_executor *const executors[] = {
    [WEFT_FIBERS] = &wf_threads,
    [WEFT_THREADS] = &wf_threads,
    [WEFT_PROCESSES] = &wf_processes,
};

static void require_kind(enum weft_kind kind, const char *call)
{
    wf_require((unsigned)kind < sizeof executors / sizeof *executors, "%s: there is no kind %d",
               call, (int)kind);
}

// False, with the error set, in a child whose parent had started tasks before the fork. Else this
// process counts as one that has started tasks, for children that it forks from now on.
static bool may_start_tasks(const char *call)
{
    wf_store(&wf_starts_tasks, 1, WF_RELAXED);
    if (!wf_is_orphan)
        return true;
    (void)weft_fail(-ENOTSUP, "%s: in the child of a fork no task can be started", call);
    return false;
}

// ---- open and close ---------------------------------------------------------------------

weft_pool *weft_pool_open_(struct weft_pool_options o)
{
    wf_require(o.workers >= 0 && o.max_spares >= 0,
               "weft_pool_open: %d workers, %d spares: less than none", o.workers, o.max_spares);
    wf_require(o.tasks_per_worker >= 0, "weft_pool_open: %d tasks a worker", o.tasks_per_worker);
    require_kind(o.kind, "weft_pool_open");
    if (!may_start_tasks("weft_pool_open"))
        return NULL;
    const struct wf_executor *executor = executors[o.kind];
    o.workers = o.workers > 0 ? o.workers : wf_thread_cores();
    if (o.max_spares == 0)
        o.max_spares = o.kind == WEFT_FIBERS ? FIBER_SPARES : DEFAULT_SPARES;
    o.backlog = o.backlog > 0 ? o.backlog : (size_t)o.workers * BACKLOG_PER_WORKER;
    struct weft_pool base = {.executor = executor, .options = o, .refs = 1};
    wf_copy_name(base.name, o.name ? o.name : "weft");
    weft_pool *pool = NULL;
    if (executor->open(&base, &pool) < 0)
        return NULL;
    wf_exit_add_pool(pool);
    return pool;
}

void wf_pool_ref(weft_pool *pool)
{
    (void)wf_add(&pool->refs, 1, WF_RELAXED); // the caller has one, or the exit's list
}

void wf_pool_unref(weft_pool *pool)
{
    if (wf_sub(&pool->refs, 1, WF_ACQ_REL) == 1)
        pool->executor->free(pool);
}

void weft_pool_cancel(weft_pool *pool)
{
    wf_require(pool, "weft_pool_cancel(NULL)");
    if (!wf_is_orphan)
        pool->executor->cancel(pool);
}

static bool is_in(const weft_pool *pool)
{
    const struct wf_parker *self = wf_self();
    bool in = false;
    for (const struct wf_task *task = self->task; task && !in; task = task->outer)
        if (task->pooled && !task->away)
            in = ((const weft_future *)((const char *)task - offsetof(weft_future, task)))->pool ==
                 pool;
    return in || self->pool == pool || self->calls_out == pool;
}

void weft_pool_close(weft_pool **pool)
{
    wf_require(pool, "weft_pool_close(NULL): pass the address of the pool");
    weft_pool *p = *pool;
    *pool = NULL;
    if (!p || wf_is_orphan) // its workers stayed behind
        return;
    wf_require(!is_in(p),
               "weft_pool_close: a task of pool %s, its on_start or its on_error closes it",
               p->name);
    bool was = weft_shield(true);
    p->executor->close(p);
    (void)weft_shield(was);
    wf_exit_remove_pool(p);
    wf_pool_unref(p);
}

// ---- the way in -------------------------------------------------------------------------

weft_future *wf_pool_order(weft_pool *pool, const struct wf_order *order,
                           const struct weft_task *what, const void *arg)
{
    wf_require(pool, "%s: the pool is NULL", order->call);
    wf_require_argument(order->call, what, arg);
    if (!may_start_tasks(order->call))
        return NULL;
    int rc = wf_interrupted();
    if (rc < 0) {
        (void)weft_fail(rc, "%s: the caller was asked to stop", order->call);
        return NULL;
    }
    weft_future *f = wf_future_new(what, arg, pool);
    if (!f)
        return NULL;
    if (order->name)
        wf_copy_name(f->task.name, order->name);
    f->task.deadline = order->deadline;
    f->task.pooled = true;
    f->task.inherits = order->inherits;
    f->group = order->group;
    f->tag = order->tag;
    f->kind = pool->options.kind;
    if (order->unjoined)
        wf_future_begin_abandoned(f);
    if (order->group)
        wf_group_join(order->group, f);
    if (wf_traced())
        wf_trace_queued(&f->task);
    if (pool->executor->submit(pool, f) < 0) {
        wf_trace_ended(&f->task);
        if (order->group)
            wf_group_leave(order->group, f);
        wf_future_unref(f);
        if (!order->unjoined)
            wf_future_disown(f);
        return NULL;
    }
    return f;
}

weft_future *weft_submit_(weft_pool *pool, weft_time deadline, const struct weft_task *what,
                          const void *arg)
{
    const struct wf_order order = {.call = "weft_submit", .deadline = deadline};
    return wf_pool_order(pool, &order, what, arg);
}

int weft_spawn_(weft_pool *pool, const struct weft_task *what, const void *arg)
{
    const struct wf_order order = {
        .call = "weft_spawn", .deadline = WEFT_FOREVER, .unjoined = true};
    return wf_pool_order(pool, &order, what, arg) ? 0 : weft_error_code();
}

void wf_pool_report(const weft_pool *pool, const char *task, int code, const char *message)
{
    if (pool && pool->options.on_error)
        pool->options.on_error(task, code, message, pool->options.ctx);
    else
        wf_report_unobserved(task, code, message);
}

// ---- alone ------------------------------------------------------------------------------

// A home sets some aside: then what its fibers start takes no locked instruction.
static uint32_t new_number(uint32_t *last, struct wf_home *home)
{
    enum { AT_ONCE = 32 };
    if (!home)
        return wf_add(last, 1, WF_RELAXED) + 1;
    if (home->numbers_left == 0) {
        home->next_number = wf_add(last, AT_ONCE, WF_RELAXED) + 1;
        home->numbers_left = AT_ONCE;
    }
    home->numbers_left--;
    return home->next_number++;
}

static void name_alone(weft_future *f, const char *name)
{
    static struct {
        const char *name;
        uint32_t last; // atomic
    } series[] = {[WEFT_FIBERS] = {"Fiber-", 0},
                  [WEFT_THREADS] = {"Thread-", 0},
                  [WEFT_PROCESSES] = {"Process-", 0}};
    if (name) {
        wf_copy_name(f->task.name, name);
        return;
    }
    struct wf_home *home = f->kind == WEFT_FIBERS ? wf_home_here() : NULL;
    f->task.series = series[f->kind].name;
    f->task.number = new_number(&series[f->kind].last, home);
}

static int refuse_alone(const weft_future *f, size_t stack_size, int rc)
{
    const char *kind = f->kind == WEFT_FIBERS ? "fiber" : "thread";
    if (stack_size > 0)
        return weft_fail(rc, "weft_start(%s): no %s with a stack of %zu bytes: %s", f->what->name,
                         kind, stack_size, strerror(-rc));
    return weft_fail(rc, "weft_start(%s): no %s: %s", f->what->name, kind, strerror(-rc));
}

// 0, or with the error set.
static int run_alone(weft_future *f, size_t stack_size)
{
    if (f->kind == WEFT_PROCESSES)
        return wf_process_start(f, stack_size);
    int rc = wf_run_alone(f, stack_size);
    return rc == 0 ? 0 : refuse_alone(f, stack_size, rc);
}

weft_future *weft_start_(struct weft_start_options o, const struct weft_task *what, const void *arg)
{
    require_kind(o.kind, "weft_start");
    wf_require_argument("weft_start", what, arg);
    if (!may_start_tasks("weft_start"))
        return NULL;
    weft_future *f = wf_future_new_alone(what, arg);
    if (!f)
        return NULL;
    f->kind = o.kind;
    f->task.daemon = o.daemon;
    name_alone(f, o.name);
    wf_exit_add_task(o.daemon);
    if (wf_traced())
        wf_trace_queued(&f->task);
    if (run_alone(f, o.stack_size) == 0)
        return f;
    wf_trace_ended(&f->task);
    wf_exit_remove_task(f->task.daemon);
    wf_future_unref(f);
    wf_future_disown(f);
    return NULL;
}
