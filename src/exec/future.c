// SPDX-License-Identifier: MIT
// future.c - the life of a future: made, run or withdrawn, done, joined or dropped.
//
//     DONE       the task has ended; code, message and result are final
//     ABANDONED  nobody will join it
//
// Both are set while the word is busy, so exactly one of the two ends - the executor's and the
// owner's - is the second, and that one reports an unobserved failure. DONE is stored with release
// and read with acquire: who sees it sees the result. The store that sets DONE is the ender's last
// touch but for its own reference. Of a task that was started alone it is the very last: with DONE
// the executor's reference goes to the owner, unless that has abandoned it before.
#include "exec/future.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/error.h"
#include "core/misuse.h"
#include "core/trace.h"
#include "exec/ends.h"
#include "exec/executor.h"
#include "os/futex.h"
#include "os/thread.h"

enum { DONE = 2, ABANDONED = 4 };

// ---- let go -----------------------------------------------------------------------------

void wf_future_disown(weft_future *f)
{
    if (wf_checking)
        wf_owned_count(f->what, -1);
    wf_future_unref(f);
}

// The owner's reference, and with it the executor's, if that came with DONE.
static void disown_ended(weft_future *f)
{
    if (f->pool) {
        wf_future_disown(f);
        return;
    }
    if (wf_checking)
        wf_owned_count(f->what, -1);
    wf_future_free(f);
}

// ---- done -------------------------------------------------------------------------------

bool wf_future_done(const weft_future *f)
{
    return (wf_load(&f->word_, WF_ACQUIRE) & DONE) != 0; // pairs with publish
}

const char *wf_future_message(const weft_future *f, char *buffer, size_t size)
{
    if (f->code >= 0)
        return "";
    if (f->task.error_text && f->task.error_code == f->code)
        return f->task.error_text;
    (void)snprintf(buffer, size, "%s: %s", f->what->name, wf_strerror(f->code));
    return buffer;
}

static void report(const weft_future *f)
{
    // Whoever cancels a task knows that it was.
    if (f->code >= 0 || f->code == -ECANCELED)
        return;
    char buffer[WEFT_ERROR_MAX], copy[WEFT_ERROR_MAX], name[WF_NAME_MAX];
    // A copy: the hook may be called in the task, and what fails in it has a message of its own.
    (void)snprintf(copy, sizeof copy, "%s", wf_future_message(f, buffer, sizeof buffer));
    wf_pool_report(f->pool, wf_task_name(&f->task, name), f->code, copy);
}

// By who ends it, outside of the task: that it is over is known to nobody yet.
static void report_first(const weft_future *f)
{
    struct wf_parker *self = wf_self();
    const void *before = self->calls_out;
    self->calls_out = f->pool ? (const void *)f->pool : f;
    report(f);
    self->calls_out = before;
    wf_exit_if_forked(f->fork_, f->code);
}

__attribute__((noinline)) static uintptr_t publish_to_line(weft_future *f, uintptr_t flags)
{
    struct weft_waiter *woken = NULL;
    struct weft_waiter **end = &woken;
    uintptr_t value = wf_word_lock(&f->word_);
    uintptr_t before = value;
    while ((flags & DONE) && wf_line_serve(&value, &end))
        continue;
    wf_word_unlock(&f->word_, value | flags);
    wf_signal(woken);
    return before;
}

// Set the flags in the word; what they were before. DONE empties the line. After ABANDONED only the
// executor is left to touch the word: that was its owner's last, and nobody stands in line without
// him.
static inline uintptr_t publish(weft_future *f, uintptr_t flags)
{
    uintptr_t before = wf_load(&f->word_, WF_ACQUIRE); // pairs with the owner's, who abandons it
    if (before == ABANDONED) {
        wf_store(&f->word_, ABANDONED | flags, WF_RELEASE);
        return ABANDONED;
    }
    bool alone = before == 0 && wf_cas(&f->word_, &before, flags, WF_RELEASE);
    return alone ? 0 : publish_to_line(f, flags);
}

// Reported: it was, in the task itself. True: it was abandoned; else one that was started alone is
// the owner's by now.
static bool settle(weft_future *f, int code, bool reported)
{
    f->code = code;
    if (wf_traced())
        wf_trace_ended(&f->task);
    bool abandoned = (publish(f, DONE) & ABANDONED) != 0;
    if (abandoned && !reported)
        report_first(f);
    return abandoned;
}

static bool settle_pooled(weft_future *f, int code, bool reported)
{
    bool abandoned = settle(f, code, reported);
    if (f->group)
        wf_group_note(f->group, f);
    return abandoned;
}

__attribute__((noinline)) static void end_pooled(weft_future *f, int code, bool reported)
{
    weft_pool *pool = f->pool;
    (void)settle_pooled(f, code, reported);
    pool->executor->ended(pool, f);
    wf_future_unref(f);
}

static inline void end(weft_future *f, int code, bool reported)
{
    if (f->pool)
        end_pooled(f, code, reported);
    else if (settle(f, code, reported))
        wf_future_unref(f);
}

int wf_refuse_task(struct wf_task *task, const struct weft_task *what, void *arg, int code)
{
    wf_ends_close(what, arg);
    char name[WF_NAME_MAX];
    return weft_fail(code, "%s: %s before it began", wf_task_name(task, name),
                     code == -ECANCELED ? "cancelled" : "its deadline passed");
}

void wf_future_run(weft_future *f)
{
    struct wf_task *task = &f->task;
    struct wf_parker *self = wf_self();
    wf_store(&f->tid, self->tid, WF_RELAXED);
    wf_task_enter(self, task);
    // A task that was started always runs: its argument may be its own to release.
    int code = task->pooled ? wf_interrupted() : 0;
    if (code == 0)
        code = f->what->run(f->arg, f->result);
    else
        (void)wf_refuse_task(task, f->what, f->arg, code);
    wf_exit_if_forked(f->fork_, code);
    char name[WF_NAME_MAX];
    wf_require(task->held == 0, "task %s returned with %u locks held", wf_task_name(task, name),
               task->held);
    f->code = code;
    if (task->error_call)
        (void)wf_error_text(task); // whoever joins only reads it
    bool abandoned = (wf_load(&f->word_, WF_ACQUIRE) & ABANDONED) != 0;
    if (abandoned)
        report(f);
    wf_task_leave(task);
    wf_exit_if_forked(f->fork_, code); // from the hook, or from what destroys a value
    end(f, code, abandoned);
}

void wf_future_fail(weft_future *f, int code, const char *message)
{
    wf_ends_close(f->what, f->arg);
    f->code = code;
    f->task.error_code = code;
    f->task.error_text = strdup(message); // without memory the code is still kept
    if (f->task.error_text)
        wf_cut_text(f->task.error_text, WEFT_ERROR_MAX);
}

void wf_future_finish(weft_future *f)
{
    end(f, f->code, false);
}

bool wf_future_settle(weft_future *f)
{
    return settle_pooled(f, f->code, true) && f->code < 0;
}

void wf_future_tell(const weft_future *f)
{
    report_first(f);
}

void wf_future_end(weft_future *f, int code, const char *message)
{
    wf_future_fail(f, code, message);
    wf_future_finish(f);
}

void wf_say_unbegun(char text[WEFT_ERROR_MAX], const weft_future *f, const char *what)
{
    (void)snprintf(text, WEFT_ERROR_MAX, "%s: %s before it began", f->what->name, what);
}

void wf_future_end_unbegun(weft_future *f, int code, const char *what)
{
    char text[WEFT_ERROR_MAX];
    wf_say_unbegun(text, f, what);
    wf_future_end(f, code, text);
}

// Take it back from its pool, if it has not begun.
static bool withdraw(weft_future *f)
{
    return f->pool && f->pool->executor->withdraw(f->pool, f);
}

// Nobody will join it: its failure is reported when it ends. True: it has ended.
static bool abandon(weft_future *f)
{
    bool done = (publish(f, ABANDONED) & DONE) != 0;
    if (done)
        report(f);
    return done;
}

void wf_future_begin_abandoned(weft_future *f)
{
    f->word_ = ABANDONED;
    f->refs = 1;
    if (wf_checking)
        wf_owned_count(f->what, -1);
}

// ---- waiting ----------------------------------------------------------------------------

static bool stand_in_line(weft_future *f, struct weft_waiter *node)
{
    uintptr_t value = wf_word_lock(&f->word_);
    bool done = (value & DONE) != 0;
    wf_word_unlock(&f->word_, done ? value : wf_line_append(value, node));
    return !done;
}

static bool is_past(weft_time t)
{
    return t.ns != INT64_MAX && weft_now().ns >= t.ns;
}

// Wait for its end. A waiter also ends it at its deadline if it has not begun: no timer does. But
// where there is no memory to be woken then, nobody does: who joins must not return before its end.
static int stand_by(weft_future *f, struct wf_wait *wait, weft_time deadline)
{
    weft_time expires = f->task.deadline;
    struct weft_waiter node;
    wf_waiter_begin(&node, 0);
    while (stand_in_line(f, &node)) {
        int rc = wf_line_wait(&f->word_, &node, wait, weft_sooner(deadline, expires), 0);
        if (rc == 0)
            break;
        bool no_timer = rc == -ENOMEM && expires.ns < deadline.ns; // a fiber's
        if (!no_timer && (rc != -ETIMEDOUT || is_past(deadline)))
            return rc;
        if (wait->stops && (rc = wf_interrupted()) < 0)
            return rc;
        expires = WEFT_FOREVER;
        if (!no_timer && withdraw(f))
            wf_future_end_unbegun(f, -ETIMEDOUT, "its deadline passed");
        wf_waiter_begin(&node, 0);
    }
    return 0;
}

static bool is_attended(const weft_future *f)
{
    return f->pool && f->pool->executor->attend;
}

// What another process does is often done in less time than a sleep and a wake-up take. Not for
// fibers: their thread has others to run.
static void look_briefly(const weft_future *f, struct wf_attention *a)
{
    enum { LOOK_NS = 16000 };
    struct wf_glance glance = {.for_ns = LOOK_NS};
    while (!wf_future_done(f) && wf_load(a->state, WF_ACQUIRE) != a->done && wf_glance(&glance))
        continue;
    a->sleeps = true;
}

// The same for a task of a process. Its result lies in memory that nobody else may look at in time:
// so whoever waits looks himself, when he begins, and whenever the worker says that there is more.
static int attend(weft_future *f, struct wf_wait *wait, weft_time deadline)
{
    const struct wf_executor *executor = f->pool->executor;
    struct wf_attention a = {.seat = NULL};
    int rc = -EALREADY;
    while (rc == -EALREADY) {
        executor->attend(f->pool, f, &a);
        if (a.state) {
            look_briefly(f, &a);
            continue;
        }
        wait->words = &a.shared;
        wait->word_count = a.shared.word ? 1 : 0;
        rc = stand_by(f, wait, deadline);
        wait->words = NULL;
        wait->word_count = 0;
        a.sleeps = false;
    }
    executor->leave(f->pool, &a);
    return rc;
}

static int await(weft_future *f, struct wf_wait *wait, weft_time deadline)
{
    if (wf_future_done(f))
        return 0;
    return is_attended(f) ? attend(f, wait, deadline) : stand_by(f, wait, deadline);
}

// Run one of a pool's here, if it has not begun and may run here.
static void help(weft_future *f)
{
    if (f->pool->executor->lends(f->pool) && withdraw(f))
        wf_future_run(f); // our own reference keeps it
}

// The caller is inside of it. He has his parker before he looks: one that he gets only then may be
// that of a thread which has run the task and ended in between.
static bool runs_here(const weft_future *f)
{
    const struct wf_parker *self = wf_self();
    return wf_load(&f->task.parker, WF_RELAXED) == self;
}

// False: the future stayed behind in the process that was forked. One from a later fork cannot be:
// that was written over a future which is gone, and somebody still has a copy of its pointer.
static bool is_here(const weft_future *f, const char *call)
{
    wf_require(f->fork_ <= wf_fork_count, "%s: the future was joined or dropped before", call);
    return f->fork_ == wf_fork_count;
}

// The same, with the error set.
static bool is_ours(const weft_future *f, const char *call)
{
    if (is_here(f, call))
        return true;
    (void)weft_fail(-ENOTSUP, "%s: the task belongs to the process that was forked", call);
    return false;
}

int weft_wait(const weft_future *f, weft_time deadline)
{
    wf_require(f, "weft_wait(NULL)");
    weft_future *mine = (weft_future *)f; // waiting stands in its line
    if (!is_ours(f, "weft_wait"))
        return -ENOTSUP;
    wf_require(!runs_here(f), "weft_wait: task %s waits for itself", f->what->name);
    int rc = wf_interrupted();
    if (rc < 0 || wf_future_done(f))
        return wf_failed("weft_wait", rc);
    if (f->pool && deadline.ns == INT64_MAX)
        help(mine);
    struct wf_wait wait = {
        .what = "weft_wait", .thing = "task", .object = f, .fd = WF_NO_FD, .stops = true};
    wait.owner = deadline.ns == INT64_MAX ? &f->id : NULL;
    return wf_failed("weft_wait", await(mine, &wait, deadline));
}

__attribute__((noinline)) static int take_failure(const weft_future *f)
{
    char buffer[WEFT_ERROR_MAX];
    return weft_fail(f->code, "%s", wf_future_message(f, buffer, sizeof buffer));
}

static int take_result(const weft_future *f, void *result)
{
    if (f->code < 0)
        return take_failure(f);
    if (result)
        memcpy(result, f->result, f->what->result_size);
    return f->code;
}

// Does not stop, has no deadline.
__attribute__((noinline)) static void await_for_ever(weft_future *f)
{
    struct wf_wait wait = {
        .what = "weft_join", .thing = "task", .object = f, .fd = WF_NO_FD, .owner = &f->id};
    (void)await(f, &wait, WEFT_FOREVER);
}

static void see_to_end(weft_future *f)
{
    if (f->pool)
        help(f);
    else if (f->kind == WEFT_FIBERS)
        (void)wf_give_way();
    if (!wf_future_done(f))
        await_for_ever(f);
}

int weft_join(weft_future **future, void *result, size_t size)
{
    wf_require(future, "weft_join(NULL): pass the address of the future");
    weft_future *f = *future;
    if (!f)
        return weft_fail(-EINVAL, "weft_join: there is no future");
    *future = NULL;
    if (!is_ours(f, "weft_join"))
        return -ENOTSUP;
    wf_require(!result || size == f->what->result_size,
               "weft_join of %s: a result of %zu bytes, asked for %zu", f->what->name,
               f->what->result_size, size);
    wf_require(!runs_here(f), "weft_join: task %s joins itself", f->what->name);
    if (!wf_future_done(f))
        see_to_end(f);
    int rc = take_result(f, result);
    disown_ended(f);
    return rc;
}

// ---- and the rest -----------------------------------------------------------------------

bool weft_done(const weft_future *f)
{
    if (!f || wf_future_done(f))
        return true;
    if (f->fork_ == wf_fork_count && is_attended(f))
        f->pool->executor->look(f->pool, f);
    return wf_future_done(f);
}

// It runs, and in another process, which must be told.
static void stop_elsewhere(weft_future *f)
{
    if (f->kind != WEFT_PROCESSES || wf_future_done(f))
        return;
    if (f->pool)
        f->pool->executor->stop(f->pool, f);
    else
        wf_process_stop(f);
}

void weft_cancel(weft_future *f)
{
    if (!f || !is_here(f, "weft_cancel"))
        return;
    wf_task_cancel(&f->task);
    if (withdraw(f))
        wf_future_end_unbegun(f, -ECANCELED, "cancelled");
    else
        stop_elsewhere(f);
}

int weft_kill(weft_future *f)
{
    wf_require(f, "weft_kill(NULL)");
    if (f->kind != WEFT_PROCESSES)
        return weft_fail(-ENOTSUP, "weft_kill: %s runs in this process; cancel it", f->what->name);
    if (!is_ours(f, "weft_kill"))
        return -ENOTSUP;
    if (wf_future_done(f))
        return 0;
    if (withdraw(f))
        wf_future_end_unbegun(f, -EOWNERDEAD, "killed");
    else if (f->pool)
        f->pool->executor->kill(f->pool, f);
    else
        wf_process_kill(f);
    return 0;
}

void weft_drop(weft_future **future)
{
    wf_require(future, "weft_drop(NULL): pass the address of the future");
    weft_future *f = *future;
    *future = NULL;
    if (!f || !is_here(f, "weft_drop"))
        return;
    weft_cancel(f);
    if (abandon(f))
        disown_ended(f);
    else
        wf_future_disown(f);
}
