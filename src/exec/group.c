// SPDX-License-Identifier: MIT
// group.c - results as they complete: each task that ends puts its future into the group's list.
//
// A note that it has ended is a task's last touch of the group, with the group's lock held till the
// end of it. So when the last is noted, the group may be freed.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/misuse.h"
#include "core/mutex.h"
#include "exec/executor.h"

// Futures through after and before.
struct members {
    weft_future *first, *last;
};

struct weft_group {
    weft_pool *pool;
    bool cancel_rest;
    weft_mutex mu;    // guards all but what the one who asks has
    weft_cond change; // one more has ended, or was not added after all
    // Each future holds a reference of ours. Those that were asked to stop work still.
    struct members working, asked, ended;
    bool failed; // with cancel_rest: the others, also later ones, are cancelled
    // ---- the one who asks: what it was given last, and its message till it asks again
    weft_future *latest;
    char message[WEFT_ERROR_MAX];
};

static void append(struct members *list, weft_future *f)
{
    f->after = NULL;
    f->before = list->last;
    if (list->last)
        list->last->after = f;
    else
        list->first = f;
    list->last = f;
}

static void take_out(struct members *list, weft_future *f)
{
    if (f->before)
        f->before->after = f->after;
    else
        list->first = f->after;
    if (f->after)
        f->after->before = f->before;
    else
        list->last = f->before;
}

weft_group *weft_group_open_(struct weft_group_options o)
{
    wf_require(o.pool, "weft_group_open: the pool is NULL");
    weft_group *group = calloc(1, sizeof *group);
    if (!group) {
        (void)weft_fail(-ENOMEM, "weft_group_open: out of memory");
        return NULL;
    }
    *group = (struct weft_group){.pool = o.pool, .cancel_rest = o.cancel_rest};
    return group;
}

// ---- members come and end ---------------------------------------------------------------

// With mu held, this and the next two.
static struct members *list_of(weft_group *group, const weft_future *f)
{
    return f->asked ? &group->asked : &group->working;
}

static void ask_to_stop(weft_group *group, weft_future *f)
{
    f->asked = true;
    append(&group->asked, f);
    wf_task_cancel(&f->task);
}

static bool has_working(const weft_group *group)
{
    return group->working.first || group->asked.first;
}

void wf_group_join(weft_group *group, weft_future *f)
{
    wf_guard(&group->mu);
    if (group->failed)
        ask_to_stop(group, f);
    else
        append(&group->working, f);
}

void wf_group_leave(weft_group *group, weft_future *f)
{
    wf_guard(&group->mu);
    take_out(list_of(group, f), f);
    weft_cond_broadcast(&group->change); // it may have been all that somebody waits for
}

// With mu held: the next that was not asked to stop, and is now, with a reference.
static weft_future *next_to_cancel(weft_group *group)
{
    weft_future *f = group->working.first;
    if (!f)
        return NULL;
    take_out(&group->working, f);
    ask_to_stop(group, f);
    return wf_future_ref(f);
}

// Without mu: ending a queued task notes it here.
static void cancel_all(weft_group *group)
{
    wf_lock(&group->mu);
    weft_future *f;
    while ((f = next_to_cancel(group))) {
        weft_unlock(&group->mu);
        weft_cancel(f);
        wf_future_unref(f);
        wf_lock(&group->mu);
    }
    weft_unlock(&group->mu);
}

// True for the first failure of a group that then cancels the rest.
static bool is_first_failure(weft_group *group, const weft_future *f)
{
    wf_guard(&group->mu);
    bool first = group->cancel_rest && f->code < 0 && !group->failed;
    group->failed = group->failed || first;
    return first;
}

void wf_group_note(weft_group *group, weft_future *f)
{
    if (is_first_failure(group, f)) // f has not ended for the group, which stays
        cancel_all(group);
    wf_lock(&group->mu);
    take_out(list_of(group, f), f);
    append(&group->ended, f);
    weft_cond_broadcast(&group->change);
    weft_unlock(&group->mu); // the last touch
}

int weft_group_add_(weft_group *group, int64_t tag, const struct weft_task *what, const void *arg)
{
    wf_require(group, "weft_group_add: the group is NULL");
    const struct wf_order order = {
        .call = "weft_group_add", .deadline = WEFT_FOREVER, .group = group, .tag = tag};
    return wf_pool_order(group->pool, &order, what, arg) ? 0 : weft_error_code();
}

// ---- and go -----------------------------------------------------------------------------

static void forget_latest(weft_group *group)
{
    if (group->latest)
        wf_future_disown(group->latest);
    group->latest = NULL;
}

static void tell(weft_group *group, struct weft_outcome *outcome, void *result)
{
    weft_future *f = group->latest;
    if (f->code >= 0 && result)
        memcpy(result, f->result, f->what->result_size);
    *outcome = (struct weft_outcome){.tag = f->tag, .code = f->code};
    outcome->message = wf_future_message(f, group->message, sizeof group->message);
}

int weft_group_next(weft_group *group, struct weft_outcome *outcome, void *result, size_t size,
                    weft_time deadline)
{
    wf_require(group && outcome, "weft_group_next: the group or the outcome is NULL");
    if (wf_is_orphan)
        return weft_fail(-ENOTSUP, "weft_group_next: the tasks stayed in the forked process");
    forget_latest(group);
    int rc = wf_interrupted();
    wf_lock(&group->mu);
    while (rc == 0 && !group->ended.first && has_working(group))
        rc = wf_cond_wait("weft_group_next", &group->change, &group->mu, deadline);
    weft_future *f = rc == 0 ? group->ended.first : NULL;
    if (f)
        take_out(&group->ended, f);
    weft_unlock(&group->mu);
    if (!f)
        return wf_failed("weft_group_next", rc);
    wf_require(!result || size >= f->what->result_size,
               "weft_group_next: a result of %zu bytes of task %s does not fit into %zu",
               f->what->result_size, f->what->name, size);
    group->latest = f;
    tell(group, outcome, result);
    return 1;
}

void weft_group_cancel(weft_group *group)
{
    wf_require(group, "weft_group_cancel(NULL)");
    if (!wf_is_orphan)
        cancel_all(group);
}

void weft_group_close(weft_group **group)
{
    wf_require(group, "weft_group_close(NULL): pass the address of the group");
    weft_group *g = *group;
    *group = NULL;
    if (!g || wf_is_orphan)
        return;
    cancel_all(g);
    bool was = weft_shield(true);
    wf_lock(&g->mu);
    while (has_working(g))
        (void)wf_cond_wait("weft_group_close", &g->change, &g->mu, WEFT_FOREVER); // shielded
    weft_unlock(&g->mu);
    (void)weft_shield(was);
    forget_latest(g);
    for (weft_future *f = g->ended.first, *after; f; f = after) {
        after = f->after;
        wf_future_disown(f);
    }
    free(g);
}
