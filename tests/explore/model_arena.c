// SPDX-License-Identifier: MIT
// model_arena.c - core/arena.c for the explorer: all tasks share their memory, and each can be of a
// process of its own.
#include <stdlib.h>
#include <string.h>

#include <weft/shared.h>

#include "core/arena.h"
#include "model.h"
#include "run.h"

static struct wf_kin kin;
static uint64_t of_nobody = WF_KIN_ROOT; // who is no task of a run

uint64_t *xp_kin(void)
{
    return xp_is_running() ? &xp->now->kin : &of_nobody;
}

struct wf_kin *wf_arena_kin(void)
{
    return &kin;
}

void *weft_shared(size_t size)
{
    return calloc(1, size);
}

void weft_shared_free_(void *region)
{
    free(region);
}
