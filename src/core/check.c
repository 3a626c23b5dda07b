// SPDX-License-Identifier: MIT
// check.c - WEFT_CHECK=1 finds a deadlock: a ring of tasks, each waiting for the next.
//
// Each wait without a deadline for a lock or for a task's end names the task that must act first.
// Before it sleeps, a task follows these names from itself. Every wait is noted before its check,
// and checks come one at a time, so whoever closes the ring last sees all of it. A wait that ends
// by a deadline is no part of a ring; one that a cancellation could end is, unless it was asked
// for already, because nobody in the ring will ask for it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/park.h"
#include "os/atomic.h"
#include "os/futex.h"

enum { REPORT = 448, LONGEST_RING = 1000, SHARES = 8 };

// ---- who holds what ---------------------------------------------------------------------

void wf_check_took(uint32_t *owner)
{
    struct wf_task *task = wf_current();
    if (task->id == 0)
        return; // a worker between two tasks
    task->held++;
    wf_store(owner, wf_owner_id(task), WF_RELAXED);
}

void wf_check_gives(uint32_t *owner, const char *call, const char *thing, const void *lock)
{
    struct wf_task *task = wf_current();
    uint32_t holder = wf_load(owner, WF_RELAXED);
    if (holder == 0 || (holder & (uint32_t)WF_NO_OWNER))
        return; // free (the unlock itself will say so), or a worker's
    char name[WF_NAME_MAX];
    wf_require(holder == wf_owner_id(task), "%s(%p) by %s: the %s is held by task %u", call, lock,
               wf_task_name(task, name), thing, holder);
    task->held--;
    wf_store(owner, 0, WF_RELAXED);
}

static const void **shared_slot(struct wf_task *task, const void *lock)
{
    for (size_t i = 0; task->shares && i < SHARES; i++)
        if (task->shares[i] == lock)
            return &task->shares[i];
    return NULL;
}

void wf_check_took_shared(const void *lock)
{
    struct wf_task *task = wf_current();
    task->held++;
    if (!task->shares)
        task->shares = calloc(SHARES, sizeof *task->shares);
    const void **slot = shared_slot(task, NULL);
    if (slot) // else it holds too many to remember: counted all the same
        *slot = lock;
}

void wf_check_gives_shared(const void *lock, const char *call)
{
    struct wf_task *task = wf_current();
    char name[WF_NAME_MAX];
    wf_require(task->held > 0, "%s(%p) by %s: it is held by others only", call, lock,
               wf_task_name(task, name));
    task->held--;
    const void **slot = shared_slot(task, lock);
    if (slot)
        *slot = NULL;
}

bool wf_check_shares(const void *lock)
{
    return shared_slot(wf_current(), lock) != NULL;
}

// ---- rings ------------------------------------------------------------------------------

// One step of the search: what does the parker of this task wait for?
struct step {
    uint32_t task; // its owner id
    char name[WF_NAME_MAX];
    const struct wf_parker *parker; // NULL: no such task
    const char *what;               // of its wait; NULL: it does not wait for a task
    const char *thing;
    const void *object;
    uint32_t owner; // whom it waits for
};

static uint32_t owner_now(const struct wf_wait *wait)
{
    uint32_t owner = wf_load(wait->owner, WF_RELAXED);
    return owner & (uint32_t)WF_NO_OWNER ? 0 : owner;
}

static bool look(const struct wf_parker *parker, struct wf_task *task, void *ctx)
{
    struct step *step = ctx;
    if (wf_owner_id(task) != step->task)
        return true;
    const struct wf_wait *wait = parker->wait;
    step->parker = parker;
    char name[WF_NAME_MAX];
    wf_copy_name(step->name, wf_task_name(task, name));
    bool ends = wait && wait->stops &&
                wf_load(&wf_load(&parker->task, WF_ACQUIRE)->cancelled, WF_RELAXED) != 0;
    if (wait && wait->owner && !ends) {
        step->what = wait->what;
        step->thing = wait->thing;
        step->object = wait->object;
        step->owner = owner_now(wait);
    }
    return false;
}

static struct step step_of(uint32_t task)
{
    struct step step = {.task = task};
    wf_tasks_visit(look, &step);
    return step;
}

static bool waits(const struct step *step)
{
    return step->what && step->owner != 0;
}

static bool closes_ring(const struct wf_parker *self, uint32_t task)
{
    for (int i = 0; i < LONGEST_RING; i++) {
        struct step step = step_of(task);
        if (step.parker == self)
            return true;
        if (!step.parker || !waits(&step))
            return false;
        task = step.owner;
    }
    return false;
}

// "left waits in weft_lock for mutex 0x1 of right; right waits in ..."
static void report(const struct wf_parker *self, uint32_t first)
{
    char text[REPORT] = "";
    size_t used = 0;
    struct step step = step_of(first), next;
    do {
        next = step_of(step.owner);
        int n = snprintf(text + used, sizeof text - used, "%s%s waits in %s for %s %p of %s",
                         used > 0 ? "; " : "", step.name, step.what, step.thing, step.object,
                         next.name);
        used += n > 0 ? (size_t)n : 0;
        step = next;
    } while (used < sizeof text && step.parker != self);
    wf_misuse("deadlock: %s", text);
}

void wf_check_deadlock(const struct wf_wait *wait)
{
    static uint32_t searching; // one search at a time; not a mutex, whose waits would be searched
    const struct wf_parker *self = wf_self();
    uint32_t owner = owner_now(wait);
    if (owner == 0)
        return;
    wf_spin_lock(&searching);
    if (closes_ring(self, owner))
        report(self, wf_owner_id(wf_current()));
    wf_spin_unlock(&searching);
}
