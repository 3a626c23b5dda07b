// SPDX-License-Identifier: MIT
// crew_room.c - who submits waits while the backlog is full.
//
// Who waits is called once there is room for many, not for one: a sleep and a wake-up cost more
// than ten submits, and whoever is woken wants the lock under which the room is just being made.
// Who comes while others wait waits too; so nobody uses the room up before it is enough to call
// them, and as the workers go on, it will be.
//
// Everything is called with mu held.
#include <errno.h>

#include "exec/crew.h"

// Those that wait in a worker's channel, behind the one that it runs, wait as those in the queue.
static size_t room(const struct processes *t)
{
    size_t waiting = t->queued, backlog = t->base.options.backlog;
    const struct wf_member *m;
    LIST_FOREACH (m, &t->members, link)
        waiting += m->load > 1 ? m->load - 1 : 0;
    return waiting < backlog ? backlog - waiting : 0;
}

// Each result makes room. But where a channel full of tasks is the lesser part, one that runs dry
// is soon enough, and a quarter of all is room for many.
static bool is_small(const struct processes *t)
{
    return t->base.options.backlog < WF_SLOTS;
}

static size_t many(const struct processes *t)
{
    return is_small(t) ? 1 : t->base.options.backlog / 4;
}

// Wherever there may be more room than before. So while somebody waits who was not called, there is
// not room for many.
void wf_crew_tell_room(struct processes *t)
{
    if (t->submitters > 0 && room(t) >= many(t))
        weft_cond_broadcast(&t->room);
}

__attribute__((noinline)) static int await_room(struct processes *t)
{
    int rc = 0, each = is_small(t);
    size_t least = t->submitters > 0 ? many(t) : 1;
    t->submitters++;
    t->attention += each;
    wf_crew_look_and_end(t);
    for (; rc == 0 && !t->closing && room(t) < least; least = 1)
        rc = wf_cond_wait("weft_submit", &t->room, &t->mu, WEFT_FOREVER);
    t->attention -= each;
    t->submitters--;
    return rc == 0 && t->closing ? -EPIPE : rc;
}

int wf_crew_wait_for_room(struct processes *t)
{
    if (t->closing)
        return -EPIPE;
    return room(t) >= (t->submitters > 0 ? many(t) : 1) ? 0 : await_room(t);
}
