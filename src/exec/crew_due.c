// SPDX-License-Identifier: MIT
// crew_due.c - what is done when a time has come: deadlines, workers that do not move, births and
// descriptors that were refused.
#include <errno.h>

#include "exec/crew.h"
#include "os/clock.h"

enum { GRACE_NS = 100 * 1000000, STUCK_NS = 2000000000 };

// Everything is called with mu held, but for what says otherwise.

void wf_crew_be_due(struct processes *t, int64_t ns)
{
    if (ns >= t->due_ns)
        return;
    t->due_ns = ns;
    wf_family_watch(&t->watch, ns);
}

static void expire(struct wf_ended *ended, weft_future *f)
{
    wf_crew_fail_unbegun(ended, f, -ETIMEDOUT, "its deadline passed");
}

// Those in the queue whose deadline has passed end. When is the next due?
static int64_t expire_queued(struct processes *t, int64_t now, struct wf_ended *ended)
{
    int64_t due = WF_NEVER_DUE;
    for (weft_future *f = t->queue.first, *next; f; f = next) {
        next = f->next;
        int64_t deadline = f->task.deadline.ns;
        if (deadline <= now)
            expire(ended, wf_crew_take_queued(t, f));
        else
            due = deadline < due ? deadline : due;
    }
    return due;
}

// The same for one that was sent. It ends if it has not begun; if it has, it is asked to (its own
// calls say so), and after a grace its process is killed. The grace begins when that is seen: a
// deadline may have been long past when it was submitted, or while the program was stopped.
static int64_t expire_sent(struct wf_member *m, weft_future *f, int64_t now, struct wf_ended *ended)
{
    int64_t deadline = f->task.deadline.ns;
    if (deadline > now)
        return deadline; // also "never"
    if (wf_member_revoke(m, f)) {
        expire(ended, f);
        return WF_NEVER_DUE;
    }
    struct wf_sent *sent = &m->sent[f->slot % WF_SLOTS];
    if (sent->late_ns == 0)
        sent->late_ns = now;
    if (sent->late_ns + GRACE_NS > now)
        return sent->late_ns + GRACE_NS;
    if (wf_member_doom(m, f))
        wf_crew_put_down(m, "it ran on past its deadline");
    return WF_NEVER_DUE;
}

static int64_t expire_all_sent(struct wf_member *m, int64_t now, struct wf_ended *ended)
{
    int64_t due = WF_NEVER_DUE;
    uint32_t at = m->head;
    weft_future *f;
    while ((f = wf_member_next(m, &at))) {
        int64_t next_due = expire_sent(m, f, now, ended);
        due = next_due < due ? next_due : due;
    }
    return due;
}

// One that takes nothing of what it was sent, though it is set up, or does not leave, is stopped,
// or in a task that it hides. To end it costs no task.
static void look_for_stuck(struct wf_member *m, int64_t now)
{
    bool idle = m->ready && wf_member_is_idle(m);
    if (!idle || m->idle_ns == 0 || m->idle_at != m->head) {
        m->idle_at = m->head;
        m->idle_ns = idle ? now : 0;
    } else if (now - m->idle_ns > STUCK_NS) {
        wf_crew_put_down(m, "it did not take its tasks");
    }
}

// The keeper's, without mu.
void wf_crew_on_due(struct wf_watch *watch)
{
    struct processes *t = (struct processes *)((char *)watch - offsetof(struct processes, watch));
    struct wf_ended ended = {.first = NULL};
    wf_lock(&t->mu);
    t->due_ns = WF_NEVER_DUE;
    wf_crew_look(t, &ended);
    int64_t now = wf_clock_now();
    int64_t due = expire_queued(t, now, &ended);
    struct wf_member *m;
    LIST_FOREACH (m, &t->members, link) {
        look_for_stuck(m, now);
        int64_t next_due = expire_all_sent(m, now, &ended);
        due = next_due < due ? next_due : due;
    }
    if (t->retry_ns > 0 && t->retry_ns < due)
        due = t->retry_ns;
    wf_crew_be_due(t, due);
    wf_crew_unlock_and_end(t, &ended);
}
