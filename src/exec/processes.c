// SPDX-License-Identifier: MIT
// processes.c - a pool of worker processes.
//
// The pool keeps every task until its result is there: what waits in the channel of a worker that
// dies goes back to the head of the queue, and only what it had begun fails. A worker is given
// tasks ahead, so that it need not ask for each; one that runs dry gets what others have not begun.
//
// Everything lies under one lock. Who submits or waits takes results himself as he comes by; for
// the rest there is the keeper (family.h), whom a worker calls when it has none left, or, while
// somebody waits, for each. A future is ended without the lock, for that runs code of others.
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/misuse.h"
#include "core/mutex.h"
#include "exec/ends.h"
#include "exec/executor.h"
#include "exec/member.h"
#include "os/clock.h"

enum { BIRTHS = 10, RETRY_NS = 20 * 1000000, GRACE_NS = 100 * 1000000 };

struct processes {
    struct weft_pool base; // first: a weft_pool * is a struct processes *
    weft_mutex mu;         // guards everything below
    weft_cond room;        // for submitters: the queue shrank, or the pool closes
    weft_cond change;      // for close and drain: unfinished or alive fell
    struct wf_futures queue, running;
    size_t queued;     // in queue
    size_t unfinished; // in queue, running, and those that are being ended
    struct wf_member *members;
    int alive;         // of them
    int blocked;       // of those, waiting inside a task
    int failures;      // births in a row that came to nothing
    int lacking;       // members that could not be made, and are tried again later
    int attention;     // tasks that wait for one of ours, and groups' tasks
    uint32_t started;  // workers so far, for their names
    int broken;        // why no worker can be had, or what on_start returned
    char reason[WEFT_ERROR_MAX];
    bool closing;
    int64_t due_ns;        // of the watch
    struct wf_watch watch; // deadlines, and births that are tried again
};

// Futures that have ended, or must, once the lock is let go: through next.
struct ended {
    weft_future *first, **end;
};

static struct processes *processes_of(const weft_pool *pool)
{
    return (struct processes *)pool;
}

// Everything up to "tasks come and go" is called with mu held, but for what says otherwise.

static void be_due(struct processes *t, int64_t ns)
{
    if (ns >= t->due_ns)
        return;
    t->due_ns = ns;
    wf_family_watch(&t->watch, ns);
}

// ---- futures end ------------------------------------------------------------------------

static void add_ended(struct ended *ended, weft_future *f)
{
    f->place = WF_NOWHERE;
    f->next = NULL;
    if (!ended->end)
        ended->end = &ended->first;
    *ended->end = f;
    ended->end = &f->next;
}

// Its code and message are set here; its result stays as it is.
static void fail(struct ended *ended, weft_future *f, int code, const char *text)
{
    wf_ends_close(f->what, f->arg); // those that no worker took
    f->code = code;
    f->task.error_code = code;
    f->task.error_text = strdup(text); // without memory the code is still kept
    add_ended(ended, f);
}

// Without mu.
static void end_all(struct ended *ended)
{
    for (weft_future *f = ended->first, *next; f; f = next) {
        next = f->next;
        f->next = NULL;
        wf_future_finish(f);
    }
}

static weft_future *take_queued(struct processes *t, weft_future *f)
{
    wf_futures_remove(&t->queue, f);
    f->place = WF_NOWHERE;
    t->queued--;
    weft_cond_signal(&t->room);
    return f;
}

// ---- members ----------------------------------------------------------------------------

static const struct wf_owner owner;

static void add_member(struct processes *t, struct wf_member *m)
{
    m->prev = NULL;
    m->next = t->members;
    if (t->members)
        t->members->prev = m;
    t->members = m;
    t->alive++;
}

static void take_out(struct processes *t, struct wf_member *m)
{
    if (m->prev)
        m->prev->next = m->next;
    else
        t->members = m->next;
    if (m->next)
        m->next->prev = m->prev;
    t->alive--;
    t->blocked -= m->counted;
}

// 0, or as wf_family_make.
static int make_member(struct processes *t)
{
    const struct weft_pool_options *o = &t->base.options;
    struct wf_member *m = calloc(1, sizeof *m);
    if (!m)
        return weft_fail(-ENOMEM, "pool %s: no memory for a worker", t->base.name);
    struct wf_birth birth = {.on_start = o->on_start, .ctx = o->ctx};
    char name[2 * WF_NAME_MAX];
    (void)snprintf(name, sizeof name, "%s-%u", t->base.name, t->started + 1);
    wf_copy_name(birth.name, name);
    m->left = o->tasks_per_worker > 0 ? o->tasks_per_worker : LONG_MAX;
    m->owner = t;
    m->process = wf_family_new(&birth, &owner, m);
    int rc = m->process ? wf_family_bear(m->process) : weft_error_code();
    if (rc < 0) {
        if (m->process)
            wf_family_discard(m->process);
        free(m);
        return rc;
    }
    t->started++;
    add_member(t, m);
    return 0;
}

static void give_up(struct processes *t, struct ended *ended, int code, const char *reason)
{
    if (t->broken == 0) {
        t->broken = code;
        (void)snprintf(t->reason, sizeof t->reason, "%s", reason);
    }
    while (t->queued > 0)
        fail(ended, take_queued(t, t->queue.first), t->broken, t->reason);
}

// How many workers there are to be now: those that wait do not count, while others are queued for.
static int wanted(const struct processes *t)
{
    const struct weft_pool_options *o = &t->base.options;
    if (t->broken < 0 || (t->closing && t->unfinished == 0))
        return 0;
    int spares = t->queued > 0 ? t->blocked : 0;
    spares = spares < o->max_spares ? spares : o->max_spares;
    return o->workers + spares;
}

static int willing(const struct processes *t)
{
    int n = 0;
    for (const struct wf_member *m = t->members; m; m = m->next)
        n += m->left > 0;
    return n;
}

static void see_to_members(struct processes *t, struct ended *ended)
{
    int lacking = wanted(t) - willing(t);
    t->lacking = 0;
    while (lacking-- > 0) {
        if (t->failures >= BIRTHS)
            return;
        int rc = make_member(t);
        if (rc == 0)
            continue;
        t->failures++;
        t->lacking = lacking + 1;
        if (t->failures >= BIRTHS && t->alive == 0)
            give_up(t, ended, rc, weft_error());
        else
            be_due(t, wf_clock_now() + RETRY_NS);
        return;
    }
}

// ---- tasks go to members ----------------------------------------------------------------

// Who is to get the next one: the least laden that is set up, else the least laden.
static struct wf_member *choose(const struct processes *t)
{
    struct wf_member *best = NULL;
    for (struct wf_member *m = t->members; m; m = m->next) {
        if (!wf_member_has_room(m) || (m->counted && m->load > 0))
            continue;
        if (!best || m->load < best->load || (m->load == best->load && m->ready && !best->ready))
            best = m;
    }
    return best;
}

static enum wf_tell how_to_tell(const struct processes *t, const struct wf_member *m)
{
    return t->attention > 0 || m->load <= 1 ? WF_TELL_EACH : WF_TELL_DRY;
}

// 0; -EAGAIN: not now; or it has failed, and is among the ended.
static int hand_over(struct processes *t, struct wf_member *m, weft_future *f, struct ended *ended)
{
    int rc = wf_member_push(m, f);
    if (rc == -EAGAIN)
        return rc;
    (void)take_queued(t, f);
    if (rc < 0) {
        fail(ended, f, rc, weft_error());
        return 0;
    }
    wf_futures_append(&t->running, f);
    f->place = WF_RUNNING;
    wf_member_tell(m, how_to_tell(t, m));
    if (m->left == 0)
        wf_member_dismiss(m); // when it has done what it has
    return 0;
}

static void dispatch(struct processes *t, struct ended *ended)
{
    while (t->queued > 0) {
        struct wf_member *m = choose(t);
        if (!m || hand_over(t, m, t->queue.first, ended) < 0)
            break;
    }
    see_to_members(t, ended);
}

// Put one that was sent back at the head of the queue.
static void put_back(struct processes *t, weft_future *f)
{
    wf_futures_remove(&t->running, f);
    wf_futures_prepend(&t->queue, f);
    f->place = WF_QUEUED;
    t->queued++;
}

// The last half of what a member has not begun, or all of it, goes back to the queue.
static void unload(struct processes *t, struct wf_member *m, bool all)
{
    uint32_t keep = all ? 0 : m->load / 2;
    for (uint32_t at = m->tail; at != m->head && m->load > keep; at--) {
        weft_future *f = m->sent[(at - 1) % WF_SLOTS].f;
        if (f && wf_member_revoke(m, f))
            put_back(t, f);
    }
}

// Some have nothing to do, or wait: then no task is to lie behind another that takes long.
static void balance(struct processes *t)
{
    bool idle = false;
    struct wf_member *laden = NULL;
    for (struct wf_member *m = t->members; m; m = m->next) {
        idle = idle || (m->load == 0 && m->ready && m->left > 0);
        if (m->load > 1 && m->counted)
            unload(t, m, true);
        if (m->load > 1 && (!laden || m->load > laden->load))
            laden = m;
    }
    if (idle && t->queued == 0 && laden)
        unload(t, laden, false);
}

// ---- results come -----------------------------------------------------------------------

static void collect(struct processes *t, struct wf_member *m, struct ended *ended)
{
    bool mad = false;
    weft_future *f;
    do {
        while ((f = wf_member_collect(m, &mad))) {
            wf_futures_remove(&t->running, f);
            add_ended(ended, f);
        }
        if (m->load > 0)
            wf_member_tell(m, how_to_tell(t, m));
    } while (!mad && wf_member_has_result(m)); // after it was told to ring: see channel.h
    if (mad && !m->killed) {
        m->killed = true;
        wf_family_signal(m->process, SIGKILL);
    }
}

static void look_at_phase(struct processes *t, struct wf_member *m, struct ended *ended)
{
    const struct wf_channel *c = m->process->channel;
    uint32_t phase = wf_load(&c->phase, WF_SEQ_CST);
    if (phase == WF_READY && !m->ready) {
        m->ready = true;
        t->failures = 0;
    }
    if (phase != WF_START_FAILED || t->broken < 0)
        return;
    char text[WEFT_ERROR_MAX], reason[2 * WEFT_ERROR_MAX];
    memcpy(text, c->start_text, sizeof text);
    text[sizeof text - 1] = '\0';
    int code = c->start_code < 0 ? c->start_code : -EINVAL;
    (void)snprintf(reason, sizeof reason, "on_start of pool %s: %s", t->base.name, strerror(-code));
    give_up(t, ended, code, text[0] != '\0' ? text : reason);
}

static void look_at_blocked(struct processes *t, struct wf_member *m)
{
    bool waits = m->load > 0 && wf_load(&m->process->channel->blocked, WF_SEQ_CST) == 1;
    t->blocked += waits - m->counted;
    m->counted = waits;
}

static void look_at(struct processes *t, struct wf_member *m, struct ended *ended)
{
    collect(t, m, ended);
    look_at_phase(t, m, ended);
    look_at_blocked(t, m);
    wf_member_let_go_ends(m);
}

static void look_at_all(struct processes *t, struct ended *ended)
{
    for (struct wf_member *m = t->members; m; m = m->next)
        look_at(t, m, ended);
    balance(t);
    dispatch(t, ended);
    for (struct wf_member *m = t->members; m; m = m->next)
        wf_store(&m->process->channel->lacks, t->queued > 0, WF_SEQ_CST);
}

// ---- what the keeper tells --------------------------------------------------------------
// Without mu.

static void look(struct wf_process *process)
{
    struct wf_member *m = process->of;
    struct processes *t = m->owner;
    struct ended ended = {NULL, NULL};
    wf_lock(&t->mu);
    look_at(t, m, &ended);
    balance(t);
    dispatch(t, &ended);
    wf_store(&process->channel->lacks, t->queued > 0, WF_SEQ_CST);
    weft_unlock(&t->mu);
    end_all(&ended);
}

// With mu held.
static void fail_begun(struct ended *ended, const struct wf_member *m, weft_future *f, int died)
{
    char how[WEFT_ERROR_MAX], text[2 * WEFT_ERROR_MAX];
    wf_family_explain(died, how, sizeof how);
    (void)snprintf(text, sizeof text, "%s: its process %s %s%s", f->task.name, m->process->birth.name,
                   how, m->killed ? ", by the pool: it ran on past its deadline" : "");
    text[WEFT_ERROR_MAX - 1] = '\0';
    fail(ended, f, -EOWNERDEAD, text);
}

// With mu held: what lies in it fails if it had begun, and else begins elsewhere, in its old order.
static void inherit(struct processes *t, struct wf_member *m, int died, struct ended *ended)
{
    struct wf_futures waiting = {NULL, NULL};
    weft_future *f;
    bool begun;
    collect(t, m, ended);
    while ((f = wf_member_inherit(m, &begun))) {
        wf_futures_remove(&t->running, f);
        if (begun)
            fail_begun(ended, m, f, died);
        else
            wf_futures_append(&waiting, f);
    }
    while ((f = waiting.last)) {
        wf_futures_remove(&waiting, f);
        wf_futures_prepend(&t->queue, f);
        f->place = WF_QUEUED;
        t->queued++;
    }
}

// With mu held.
static void note_failed_birth(struct processes *t, int died, struct ended *ended)
{
    char how[WEFT_ERROR_MAX], text[2 * WEFT_ERROR_MAX];
    if (++t->failures < BIRTHS)
        return;
    wf_family_explain(died, how, sizeof how);
    (void)snprintf(text, sizeof text, "pool %s: %d workers in a row came to nothing; the last %s",
                   t->base.name, BIRTHS, how);
    text[WEFT_ERROR_MAX - 1] = '\0';
    if (t->alive == 0 || died >= 0)
        give_up(t, ended, died < 0 ? died : -EOWNERDEAD, text);
}

static void died(struct wf_process *process, int died)
{
    struct wf_member *m = process->of;
    struct processes *t = m->owner;
    struct ended ended = {NULL, NULL};
    wf_lock(&t->mu);
    look_at_phase(t, m, &ended);
    inherit(t, m, died, &ended);
    take_out(t, m);
    if (!m->ready && t->broken == 0)
        note_failed_birth(t, died, &ended);
    if (died < 0 && t->broken == 0)
        be_due(t, wf_clock_now() + RETRY_NS); // the system may have room then
    else
        look_at_all(t, &ended);
    if (t->broken < 0)
        give_up(t, &ended, t->broken, t->reason);
    weft_cond_broadcast(&t->change);
    weft_unlock(&t->mu);
    free(m);
    end_all(&ended);
}

static const struct wf_owner owner = {look, died};

// ---- deadlines --------------------------------------------------------------------------

// With mu held: those in the queue whose deadline has passed end. When is the next due?
static int64_t expire_queued(struct processes *t, int64_t now, struct ended *ended)
{
    int64_t due = WF_NEVER_DUE;
    for (weft_future *f = t->queue.first, *next; f; f = next) {
        next = f->next;
        int64_t deadline = f->task.deadline.ns;
        if (deadline <= now)
            fail(ended, take_queued(t, f), -ETIMEDOUT, "its deadline passed before it began");
        else
            due = deadline < due ? deadline : due;
    }
    return due;
}

// With mu held: the same for one that was sent. It ends if it has not begun; if it has, it is asked
// to (its own calls say so), and after a grace its process is killed.
static int64_t expire_sent(struct processes *t, weft_future *f, int64_t now, struct ended *ended)
{
    int64_t deadline = f->task.deadline.ns;
    struct wf_member *m = f->seat;
    if (deadline > now)
        return deadline; // also "never"
    if (wf_member_revoke(m, f)) {
        wf_futures_remove(&t->running, f);
        fail(ended, f, -ETIMEDOUT, "its deadline passed before it began");
        return WF_NEVER_DUE;
    }
    if (deadline + GRACE_NS > now)
        return deadline + GRACE_NS;
    if (!m->killed && !wf_member_has_result(m)) {
        m->killed = true;
        wf_family_signal(m->process, SIGKILL);
    }
    return WF_NEVER_DUE;
}

// The keeper's.
static void on_due(struct wf_watch *watch)
{
    struct processes *t =
        (struct processes *)((char *)watch - offsetof(struct processes, watch));
    struct ended ended = {NULL, NULL};
    wf_lock(&t->mu);
    t->due_ns = WF_NEVER_DUE;
    look_at_all(t, &ended);
    int64_t now = wf_clock_now();
    int64_t due = expire_queued(t, now, &ended);
    for (weft_future *f = t->running.first, *next; f; f = next) {
        next = f->next;
        int64_t next_due = expire_sent(t, f, now, &ended);
        due = next_due < due ? next_due : due;
    }
    if (t->lacking > 0 && now + RETRY_NS < due)
        due = now + RETRY_NS;
    be_due(t, due);
    weft_unlock(&t->mu);
    end_all(&ended);
}

// ---- tasks come and go ------------------------------------------------------------------

static int wait_for_room(struct processes *t)
{
    int rc = 0;
    while (rc == 0 && !t->closing && t->queued >= t->base.options.backlog)
        rc = wf_cond_wait(&t->room, &t->mu, WEFT_FOREVER);
    return rc == 0 && t->closing ? -EPIPE : rc;
}

static int processes_submit(weft_pool *pool, weft_future *f)
{
    struct processes *t = processes_of(pool);
    struct ended ended = {NULL, NULL};
    if (wf_family_there(f->what, f->what->name) == 0)
        return weft_error_code();
    wf_lock(&t->mu);
    int rc = wait_for_room(t);
    if (rc == 0) {
        t->unfinished++;
        t->queued++;
        t->attention += f->group != NULL;
        wf_futures_append(&t->queue, f);
        f->place = WF_QUEUED;
        be_due(t, f->task.deadline.ns);
        if (t->broken < 0)
            give_up(t, &ended, t->broken, t->reason);
        else
            look_at_all(t, &ended);
    }
    weft_unlock(&t->mu);
    end_all(&ended);
    if (rc == 0)
        return 0;
    return weft_fail(rc, "pool %s: %s: %s", pool->name, f->what->name,
                     rc == -EPIPE ? "the pool is closing" : strerror(-rc));
}

static bool processes_withdraw(weft_pool *pool, weft_future *f)
{
    struct processes *t = processes_of(pool);
    wf_lock(&t->mu);
    bool queued = f->place == WF_QUEUED;
    bool revoked = f->place == WF_RUNNING && wf_member_revoke(f->seat, f);
    if (queued)
        (void)take_queued(t, f);
    if (revoked)
        wf_futures_remove(&t->running, f);
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
    weft_unlock(&t->mu);
}

static void processes_attend(weft_pool *pool, weft_future *f, int change)
{
    struct processes *t = processes_of(pool);
    struct ended ended = {NULL, NULL};
    wf_lock(&t->mu);
    t->attention += change;
    if (change >= 0 && f->place == WF_RUNNING) {
        collect(t, f->seat, &ended); // and tells it to ring
        dispatch(t, &ended);
    }
    weft_unlock(&t->mu);
    end_all(&ended);
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
    if (f->place == WF_RUNNING)
        wf_family_signal(((struct wf_member *)f->seat)->process, SIGKILL);
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
    char text[2 * WF_NAME_MAX + 4];
    (void)snprintf(text, sizeof text, "%s (%s)", m->process->birth.name, f->task.name);
    wf_copy_name(info->name, text);
}

static void processes_cancel(weft_pool *pool)
{
    struct processes *t = processes_of(pool);
    struct ended ended = {NULL, NULL};
    wf_lock(&t->mu);
    for (struct wf_member *m = t->members; m; m = m->next)
        unload(t, m, true);
    while (t->queued > 0) {
        weft_future *f = take_queued(t, t->queue.first);
        wf_task_cancel(&f->task);
        fail(&ended, f, -ECANCELED, "the pool was cancelled before it began");
    }
    for (weft_future *f = t->running.first; f; f = f->next) {
        wf_task_cancel(&f->task);
        wf_member_stop(f->seat, f);
    }
    weft_unlock(&t->mu);
    end_all(&ended);
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
    struct ended ended = {NULL, NULL};
    look_at_all(t, &ended);
    weft_unlock(&t->mu);
    end_all(&ended);
    wf_lock(&t->mu);
    while (t->unfinished > 0)
        (void)wf_cond_wait(&t->change, &t->mu, WEFT_FOREVER); // shielded by the caller
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
    t->closing = true;
    weft_cond_broadcast(&t->room);
    await_all(t);
    for (struct wf_member *m = t->members; m; m = m->next)
        wf_member_dismiss(m);
    while (t->alive > 0)
        (void)wf_cond_wait(&t->change, &t->mu, WEFT_FOREVER); // likewise
}

static void processes_close(weft_pool *pool)
{
    struct processes *t = processes_of(pool);
    wf_lock(&t->mu);
    dismiss_all(t);
    weft_unlock(&t->mu);
    wf_family_unwatch(&t->watch);
}

static void processes_free(weft_pool *pool)
{
    free(processes_of(pool));
}

static int make_all(struct processes *t)
{
    int rc = 0;
    wf_lock(&t->mu);
    while (rc == 0 && t->alive < t->base.options.workers)
        rc = make_member(t);
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
    struct processes *t = calloc(1, sizeof *t);
    if (!t)
        return weft_fail(-ENOMEM, "weft_pool_open: out of memory");
    *t = (struct processes){.base = *base, .due_ns = WF_NEVER_DUE,
                             .watch = {.due_ns = WF_NEVER_DUE, .ring = on_due}};
    int rc = make_all(t);
    if (rc < 0) {
        char why[WEFT_ERROR_MAX];
        (void)snprintf(why, sizeof why, "%s", weft_error());
        wf_family_unwatch(&t->watch);
        free(t);
        return weft_fail(rc, "weft_pool_open: %s", why);
    }
    *pool = &t->base;
    return 0;
}

const struct wf_executor wf_processes = {
    .open = processes_open,
    .submit = processes_submit,
    .withdraw = processes_withdraw,
    .lends = processes_lends,
    .ended = processes_ended,
    .attend = processes_attend,
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
