// SPDX-License-Identifier: MIT
// home.c - see home.h: who has which home, moving out, and the memory that a home keeps.
#include "core/home.h"

#include <stddef.h>
#include <stdlib.h>

#include "os/futex.h"

enum { MOST_HOMES = 64 };

static struct wf_home homes[MOST_HOMES];
static uint32_t were_taken; // 0: none yet. Atomic

static struct wf_home *take_free(void)
{
    for (size_t i = 0; i < MOST_HOMES; i++)
        if (wf_exchange(&homes[i].taken, 1, WF_ACQUIRE) == 0) // pairs with wf_home_give
            return &homes[i];
    return NULL;
}

struct wf_home *wf_home_take(void)
{
    struct wf_home *home = wf_fence_try() ? take_free() : NULL;
    if (home)
        wf_store(&were_taken, 1, WF_SEQ_CST); // see wf_homes_fence
    return home;
}

void wf_homes_forget(void)
{
    wf_store(&were_taken, 0, WF_RELAXED);
}

// Who finds none taken has said what he says before, in the one order of seq_cst, so that whoever
// takes one afterwards, and what runs there, sees it.
void wf_homes_fence(void)
{
    if (wf_load(&were_taken, WF_SEQ_CST) != 0)
        wf_fence_heavy();
}

static void *pop(struct wf_home *home)
{
    struct wf_spare *spare = home->spares;
    home->spares = spare->next;
    home->spare_count--;
    return spare;
}

// Objects may name it still. Its next loop has them for itself then, as if it were the same.
void wf_home_give(struct wf_home *home)
{
    if (!home)
        return;
    while (home->spares)
        free(pop(home));
    wf_store(&home->taken, 0, WF_RELEASE);
}

// Of a size that is no longer in use one goes.
bool wf_home_keep_other(struct wf_home *home)
{
    free(pop(home));
    return false;
}

unsigned long wf_homes_over(void)
{
    unsigned long sum = 0;
    for (size_t i = 0; i < MOST_HOMES; i++)
        sum += wf_load(&homes[i].over, WF_ACQUIRE); // pairs with wf_exit_remove_task
    return sum;
}

unsigned long wf_homes_begun(void)
{
    unsigned long sum = 0;
    for (size_t i = 0; i < MOST_HOMES; i++)
        sum += wf_load(&homes[i].begun, WF_ACQUIRE);
    return sum;
}

bool wf_home_evict(struct wf_home **name)
{
    struct wf_home *home = wf_exchange(name, NULL, WF_ACQUIRE); // pairs with wf_home_settle
    if (!home)
        return false;
    if (home == wf_home_here())
        return true; // nobody is inside while another fiber of it runs
    wf_fence_heavy();
    unsigned round = 0;
    while (wf_load(&home->inside, WF_ACQUIRE) == name) // pairs with wf_home_leave
        wf_spin(round++);
    return true;
}
