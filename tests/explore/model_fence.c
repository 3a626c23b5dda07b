// SPDX-License-Identifier: MIT
// model_fence.c - src/os/fence.c for the second copy of the library. A light fence needs nothing:
// reads are not moved here, and stores that wait are what a heavy one is about.
#include "os/fence.h"
#include "run.h"

bool wf_fence_works = true;

bool wf_fence_try(void)
{
    return true; // it orders nothing yet
}

static bool all_have_landed(const struct xp_task *task)
{
    (void)task;
    for (int t = 0; t < xp->count; t++)
        for (int n = 0; n < xp->tasks[t].stored; n++)
            if (xp->tasks[t].stores[n].is_awaited)
                return false;
    return true;
}

// Every store that was made before is seen by all after it.
void wf_fence_heavy(void)
{
    if (!xp_is_running())
        return;
    for (int t = 0; t < xp->count; t++)
        for (int n = 0; n < xp->tasks[t].stored; n++)
            xp->tasks[t].stores[n].is_awaited = true;
    const struct xp_op fence = {.place = HERE("passes a heavy fence"),
                                .ready = all_have_landed,
                                .deadline = INT64_MAX,
                                .drains = XP_LANDS_ALL};
    (void)xp_turn(&fence);
}
