// SPDX-License-Identifier: MIT
// crew_end.c - futures whose results were taken end, in that order.
//
// Two threads may take results of one worker, one behind the other, and let the lock go. So who
// finds another at it leaves him what he has. Nothing that is done meanwhile waits for long, or for
// somebody who may wait for one of those that are left: the hook for errors, which is the program's
// own code, is called when that is over. They count as unfinished until then, so the pool lives.
#include "exec/crew.h"
#include "os/futex.h"

// ---- which ones, with mu held -----------------------------------------------------------

static void append(struct wf_ended *all, const struct wf_ended *more)
{
    if (!more->first)
        return;
    if (!all->end)
        all->end = &all->first;
    *all->end = more->first;
    all->end = more->end;
}

void wf_crew_add_ended(struct wf_ended *ended, weft_future *f)
{
    f->place = WF_NOWHERE;
    f->next = NULL;
    append(ended, &(struct wf_ended){.first = f, .end = &f->next});
}

void wf_crew_fail(struct wf_ended *ended, weft_future *f, int code, const char *text)
{
    wf_future_fail(f, code, text);
    wf_crew_add_ended(ended, f);
}

void wf_crew_fail_unbegun(struct wf_ended *ended, weft_future *f, int code, const char *what)
{
    char text[WEFT_ERROR_MAX];
    wf_say_unbegun(text, f, what);
    wf_crew_fail(ended, f, code, text);
}

// Those that are to be ended now, by the caller; NULL: none, or another does so.
static weft_future *begin_ending(struct processes *t)
{
    weft_future *first = t->ending ? NULL : t->ended.first;
    if (first)
        t->ended = (struct wf_ended){.first = NULL};
    t->ending = t->ending || first;
    return first;
}

static void finish(struct processes *t, size_t count)
{
    t->unfinished -= count;
    if (t->unfinished == 0)
        weft_cond_broadcast(&t->change);
}

// ---- their ends, without mu --------------------------------------------------------------

// What nobody will join goes into *untold if it failed. The next ones, or NULL.
static weft_future *end_batch(struct processes *t, weft_future *f, weft_future **untold)
{
    size_t count = 0;
    int of_groups = 0;
    struct wf_store_block *gone = NULL;
    for (weft_future *next; f; f = next) {
        next = f->next;
        f->next = NULL;
        of_groups += f->group != NULL;
        if (wf_future_settle(f)) {
            f->next = *untold;
            *untold = f;
        } else {
            count++;
            wf_future_let_go(f, &gone);
        }
    }
    if (gone)
        t->base.executor->give(&t->base, gone); // all at once. They are unfinished: the pool stays
    wf_guard(&t->mu);
    t->attention -= of_groups;
    t->ending = false;
    f = begin_ending(t);
    wf_crew_tell_room(t);
    finish(t, count);
    return f;
}

static void tell_all(struct processes *t, weft_future *f)
{
    size_t count = 0;
    for (weft_future *next; f; f = next, count++) {
        next = f->next;
        wf_future_tell(f);
        wf_future_unref(f);
    }
    wf_guard(&t->mu);
    finish(t, count);
}

static void unlock_and_wake(struct processes *t, const uint32_t *sleeper)
{
    weft_unlock(&t->mu);
    if (sleeper)
        wf_futex_wake_shared(sleeper);
}

// Apart, so that who has nothing to end saves no registers.
__attribute__((noinline)) static void unlock_and_end_some(struct processes *t,
                                                          struct wf_ended *ended)
{
    weft_future *untold = NULL;
    append(&t->ended, ended);
    weft_future *batch = begin_ending(t);
    unlock_and_wake(t, ended->sleeper);
    while (batch)
        batch = end_batch(t, batch, &untold);
    if (untold)
        tell_all(t, untold);
}

void wf_crew_unlock_and_end(struct processes *t, struct wf_ended *ended)
{
    if (ended->first || t->ended.first)
        unlock_and_end_some(t, ended);
    else
        unlock_and_wake(t, ended->sleeper);
}
