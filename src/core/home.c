// SPDX-License-Identifier: MIT
#include "core/home.h"

#include <stddef.h>

#include "os/futex.h"

enum { MOST_HOMES = 64 };

static struct wf_home homes[MOST_HOMES];

struct wf_home *wf_home_take(void)
{
    for (size_t i = 0; wf_fence_works && i < MOST_HOMES; i++)
        if (wf_exchange(&homes[i].taken, 1, WF_ACQUIRE) == 0) // pairs with wf_home_give
            return &homes[i];
    return NULL;
}

// Objects may name it still. Its next loop has them for itself then, as if it were the same.
void wf_home_give(struct wf_home *home)
{
    if (home)
        wf_store(&home->taken, 0, WF_RELEASE);
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
    wf_fence_heavy();
    unsigned round = 0;
    while (wf_load(&home->inside, WF_ACQUIRE) == name) // pairs with wf_home_leave
        wf_spin(round++);
    return true;
}
