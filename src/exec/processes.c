// SPDX-License-Identifier: MIT
// processes.c - a pool of worker processes: the way in, and the pool's own life. Its workers are in
// crew.c.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/misuse.h"
#include "exec/argument.h"
#include "exec/crew.h"
#include "exec/reasons.h"
#include "os/thread.h"

static struct processes *processes_of(const weft_pool *pool)
{
    return (struct processes *)pool;
}

// ---- tasks come and go ------------------------------------------------------------------

// Its function is in the workers. What is there once is there in all that will be.
static bool is_known(struct processes *t, const struct weft_task *what)
{
    if (wf_load(&t->known, WF_RELAXED) == what)
        return true;
    bool known = wf_family_there(what, what->name) != 0;
    if (known)
        wf_store(&t->known, what, WF_RELAXED);
    return known;
}

static int processes_submit(weft_pool *pool, weft_future *f)
{
    struct processes *t = processes_of(pool);
    struct wf_ended ended = {.first = NULL};
    wf_check_argument(f->what, f->arg);
    if (!is_known(t, f->what))
        return weft_error_code();
    wf_lock(&t->mu);
    int rc = wf_crew_wait_for_room(t);
    if (rc == 0) {
        t->unfinished++;
        t->attention += f->group != NULL;
        wf_crew_be_due(t, f->task.deadline.ns);
        if (t->broken < 0)
            wf_crew_fail(&ended, f, t->broken, t->reason);
        else
            wf_crew_feed(t, f, &ended);
    }
    wf_crew_unlock_and_end(t, &ended);
    if (rc == 0)
        return 0;
    return weft_fail(rc, "pool %s: %s: %s", pool->name, f->what->name,
                     rc == -EPIPE ? "the pool is closing" : wf_why(rc));
}

static bool processes_withdraw(weft_pool *pool, weft_future *f)
{
    struct processes *t = processes_of(pool);
    wf_lock(&t->mu);
    bool queued = f->place == WF_QUEUED;
    bool revoked = f->place == WF_RUNNING && wf_member_revoke(f->seat, f);
    if (queued)
        (void)wf_crew_take_queued(t, f);
    f->place = queued || revoked ? WF_NOWHERE : f->place;
    weft_unlock(&t->mu);
    return queued || revoked;
}

static bool processes_lends(const weft_pool *pool)
{
    (void)pool;
    return false; // a task of a process pool shares nothing with whoever joins it
}

static void processes_ended(weft_pool *pool, weft_future *f)
{
    struct processes *t = processes_of(pool);
    wf_lock(&t->mu);
    t->unfinished--;
    t->attention -= f->group != NULL;
    weft_cond_broadcast(&t->change);
    wf_crew_tell_room(t);
    weft_unlock(&t->mu);
}

static void processes_look(weft_pool *pool, const weft_future *f)
{
    struct processes *t = processes_of(pool);
    struct wf_ended ended = {.first = NULL};
    wf_lock(&t->mu);
    if (f->place == WF_RUNNING) {
        wf_crew_collect(t, f->seat, &ended);
        wf_crew_dispatch(t, &ended);
    }
    wf_crew_unlock_and_end(t, &ended);
}

static void processes_attend(weft_pool *pool, weft_future *f, struct wf_attention *a)
{
    struct processes *t = processes_of(pool);
    struct wf_ended ended = {.first = NULL};
    wf_lock(&t->mu);
    wf_crew_attend(t, f, a, &ended);
    wf_crew_unlock_and_end(t, &ended);
}

static void processes_leave(weft_pool *pool, struct wf_attention *a)
{
    if (!a->seat && !a->counted)
        return;
    struct processes *t = processes_of(pool);
    struct wf_ended ended = {.first = NULL};
    wf_lock(&t->mu);
    wf_crew_leave(t, a, &ended);
    wf_crew_unlock_and_end(t, &ended);
}

static void processes_stop(weft_pool *pool, weft_future *f)
{
    struct processes *t = processes_of(pool);
    wf_guard(&t->mu);
    if (f->place == WF_RUNNING)
        wf_member_stop(f->seat, f);
}

static void processes_kill(weft_pool *pool, weft_future *f)
{
    struct processes *t = processes_of(pool);
    wf_guard(&t->mu);
    struct wf_member *m = f->place == WF_RUNNING ? f->seat : NULL;
    if (m && wf_member_doom(m, f))
        wf_family_signal(m->process, SIGKILL);
}

static void processes_describe(weft_pool *pool, const weft_future *f, struct weft_info *info)
{
    struct processes *t = processes_of(pool);
    wf_guard(&t->mu);
    const struct wf_member *m = f->place == WF_RUNNING ? f->seat : NULL;
    if (!m || !wf_member_has_begun(m, f))
        return;
    info->alive = true;
    info->pid = info->tid = wf_load(&m->process->pid, WF_ACQUIRE);
    wf_name_task(info->name, sizeof info->name, m->process->birth.name, &f->task);
}

static void processes_cancel(weft_pool *pool)
{
    struct processes *t = processes_of(pool);
    struct wf_ended ended = {.first = NULL};
    struct wf_member *m;
    wf_lock(&t->mu);
    LIST_FOREACH (m, &t->members, link)
        wf_crew_unload(t, m, true);
    while (t->queued > 0) {
        weft_future *f = wf_crew_take_queued(t, t->queue.first);
        wf_task_cancel(&f->task);
        wf_crew_fail_unbegun(&ended, f, -ECANCELED, "its pool was cancelled");
    }
    LIST_FOREACH (m, &t->members, link)
        wf_member_stop_all(m);
    wf_crew_unlock_and_end(t, &ended);
}

// ---- the pool's own life ----------------------------------------------------------------

static bool processes_quiet(weft_pool *pool)
{
    struct processes *t = processes_of(pool);
    wf_guard(&t->mu);
    return t->unfinished == 0;
}

// With mu held.
static void await_all(struct processes *t)
{
    t->attention++;
    wf_crew_look_and_end(t);
    while (t->unfinished > 0)
        (void)wf_cond_wait("weft_pool_close", &t->change, &t->mu, WEFT_FOREVER); // shielded
    t->attention--;
}

static void processes_drain(weft_pool *pool)
{
    struct processes *t = processes_of(pool);
    wf_lock(&t->mu);
    await_all(t);
    weft_unlock(&t->mu);
}

static void dismiss_all(struct processes *t)
{
    struct wf_member *m;
    t->closing = true;
    weft_cond_broadcast(&t->room);
    await_all(t);
    LIST_FOREACH (m, &t->members, link)
        wf_member_dismiss(m);
    t->attention++;
    wf_crew_look_and_end(t);
    while (t->alive > 0)
        (void)wf_cond_wait("weft_pool_close", &t->change, &t->mu, WEFT_FOREVER); // likewise
}

static void processes_close(weft_pool *pool)
{
    struct processes *t = processes_of(pool);
    wf_lock(&t->mu);
    dismiss_all(t);
    weft_unlock(&t->mu);
    wf_family_unwatch(&t->watch);
}

_Static_assert((int)WF_KEPT_ALIGN <= (int)WF_STORE_UNIT, "as the table promises");

// All futures in use have one reference together: when each counted in the pool's word, to which
// whoever submits writes and whoever ends some, that took 20 ns of a submit. Who takes the first
// adds it before he gives his back, so who gives the last back finds it there (the store's lock
// orders them). And whoever takes one has the pool open, which is another.
static void *processes_take(weft_pool *pool, size_t size)
{
    bool first = false;
    void *memory = wf_store_take(&processes_of(pool)->store, size, &first);
    if (memory && first)
        wf_pool_ref(pool);
    return memory;
}

static void processes_give(weft_pool *pool, struct wf_store_block *chain)
{
    if (wf_store_give(&processes_of(pool)->store, chain))
        wf_pool_unref(pool);
}

static void processes_free(weft_pool *pool)
{
    wf_store_end(&processes_of(pool)->store);
    free(processes_of(pool));
}

static int make_all(struct processes *t)
{
    int rc = 0;
    wf_lock(&t->mu);
    while (rc == 0 && t->alive < t->base.options.workers)
        rc = wf_crew_hire(t);
    if (rc < 0) {
        bool was = weft_shield(true);
        dismiss_all(t);
        (void)weft_shield(was);
    }
    weft_unlock(&t->mu);
    return rc;
}

static int processes_open(const struct weft_pool *base, weft_pool **pool)
{
    int code = wf_reasons_against_stack(base->options.stack_size);
    struct processes *t = code == 0 ? calloc(1, sizeof *t) : NULL;
    if (!t)
        return code < 0 ? code : weft_fail(-ENOMEM, "weft_pool_open: out of memory");
    *t = (struct processes){.base = *base,
                            .spins = wf_thread_cores() > 1,
                            .due_ns = WF_NEVER_DUE,
                            .watch = {.due_ns = WF_NEVER_DUE, .ring = wf_crew_on_due}};
    int rc = make_all(t);
    if (rc < 0) {
        char why[WEFT_ERROR_MAX];
        (void)snprintf(why, sizeof why, "%s", weft_error());
        wf_family_unwatch(&t->watch);
        free(t);
        return weft_fail(rc, "weft_pool_open: %s", why);
    }
    if (base->options.on_start)
        wf_check_ctx(base->name, base->options.ctx);
    *pool = &t->base;
    return 0;
}

const struct wf_executor wf_processes = {
    .open = processes_open,
    .take = processes_take,
    .give = processes_give,
    .submit = processes_submit,
    .withdraw = processes_withdraw,
    .lends = processes_lends,
    .ended = processes_ended,
    .look = processes_look,
    .attend = processes_attend,
    .leave = processes_leave,
    .stop = processes_stop,
    .kill = processes_kill,
    .describe = processes_describe,
    .map = wf_process_map,
    .cancel = processes_cancel,
    .quiet = processes_quiet,
    .drain = processes_drain,
    .close = processes_close,
    .free = processes_free,
};
