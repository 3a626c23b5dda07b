// SPDX-License-Identifier: MIT
// barrier.c - a mutex, a condition, and the visits of those who wait.
//
// Whoever ends a round - the last to arrive, an abort, a reset - writes into each visit how it
// ended. A slow waiter reads that, and not the barrier, which may be rounds ahead by then.
#include <errno.h>

#include "core/error.h"
#include "core/misuse.h"
#include "core/mutex.h"
#include "core/waiters.h"

struct weft_visit_ {
    struct weft_visit_ *next;
    bool over;
    int outcome; // 0 or -EPIPE, once over
};

// What a fork left behind is nobody's. All of it is made fresh in one step, for others may come in
// right after.
static void adopt(weft_barrier *b)
{
    if (!wf_adopt_begin(&b->mu_.fork_))
        return;
    wf_store(&b->mu_.word_, 0, WF_RELAXED);
    b->arrived_ = 0;
    b->here_ = NULL;
    wf_adopt_end(&b->mu_.fork_);
}

// Lock it.
static void enter(weft_barrier *b, const char *call)
{
    wf_require(b, "%s(NULL)", call);
    wf_require(b->parties > 0, "%s(%p): a barrier without parties", call, (void *)b);
    if (wf_is_stale(&b->mu_))
        adopt(b);
    wf_lock(&b->mu_);
}

// With mu_ held, here and below.
static void end_round(weft_barrier *b, int outcome)
{
    for (struct weft_visit_ *visit = b->here_; visit; visit = visit->next) {
        visit->outcome = outcome;
        visit->over = true;
    }
    b->here_ = NULL;
    b->arrived_ = 0;
    weft_cond_broadcast(&b->all_);
}

static void break_it(weft_barrier *b)
{
    b->broken_ = true;
    end_round(b, -EPIPE);
}

static int wait_for_all(weft_barrier *b, weft_time deadline)
{
    if (b->broken_)
        return -EPIPE;
    int place = (int)b->arrived_++;
    if (b->arrived_ == b->parties) {
        end_round(b, 0);
        return place;
    }
    struct weft_visit_ visit = {.next = b->here_};
    b->here_ = &visit;
    int rc = 0;
    while (rc == 0 && !visit.over)
        rc = wf_cond_wait("weft_barrier_wait", &b->all_, &b->mu_, deadline);
    if (visit.over) // also if we were about to give up: the round has decided
        return visit.outcome < 0 ? visit.outcome : place;
    break_it(b);
    return rc;
}

int weft_barrier_wait(weft_barrier *b, weft_time deadline)
{
    int rc = wf_interrupted();
    enter(b, "weft_barrier_wait");
    if (rc < 0)
        break_it(b); // the others wait in vain
    else
        rc = wait_for_all(b, deadline);
    weft_unlock(&b->mu_);
    if (rc == -EPIPE)
        return weft_fail(rc, "weft_barrier_wait: the barrier is broken, or was reset");
    return wf_failed("weft_barrier_wait", rc);
}

void weft_barrier_abort(weft_barrier *b)
{
    enter(b, "weft_barrier_abort");
    break_it(b);
    weft_unlock(&b->mu_);
}

void weft_barrier_reset(weft_barrier *b)
{
    enter(b, "weft_barrier_reset");
    end_round(b, -EPIPE);
    b->broken_ = false;
    weft_unlock(&b->mu_);
}
