// SPDX-License-Identifier: MIT
// model_arena.c - core/arena.c for the explorer: all tasks share their memory, and each can be of a
// process of its own.
#include "model.h" // first: the size of the table

#include <stdlib.h>
#include <string.h>

#include <weft/shared.h>

#include "core/arena.h"
#include "run.h"

static struct wf_kin kin = {.living[WF_KIN_ROOT] = WF_KIN_ROOT};
static uint64_t of_nobody = WF_KIN_ROOT; // who is no task of a run

uint64_t *xp_kin(void)
{
    return xp_is_running() ? &xp->now->kin : &of_nobody;
}

struct wf_kin *wf_arena_kin(void)
{
    return &kin;
}

void xp_kin_add(uint64_t number)
{
    kin.living[number] = number; // before it runs
}

static struct xp_task *task_of(uint64_t number)
{
    for (int i = 0; i < xp->count; i++)
        if (xp->tasks[i].kin == number)
            return &xp->tasks[i];
    return NULL;
}

static bool can_be_killed(const struct xp_task *self)
{
    uint64_t number = self->op.argument;
    return task_of(number) || kin.living[number] == 0;
}

// It makes no step more. What it was about to do is not done; what it did is seen by all.
void xp_kill(uint64_t number)
{
    const struct xp_op blow = {.place = {__FILE__, __LINE__, "kills"},
                               .address = &kin,
                               .writes = true,
                               .ready = can_be_killed,
                               .argument = number,
                               .drains = XP_LANDS_ALL};
    (void)xp_turn(&blow);
    struct xp_task *victim = task_of(number);
    if (!victim)
        return;
    victim->is_done = true;
    xp_join_clock(&xp->now->clock, &victim->clock); // as by waitpid
}

void *weft_shared(size_t size)
{
    return calloc(1, size);
}

void weft_shared_free_(void *region)
{
    free(region);
}
