// SPDX-License-Identifier: MIT
// shared_event.c - a flag, and how often it was set, in one word: see shared.h for how they wait.
//
// Who began to wait before a set sees another number after it, also if the flag is clear again.
#include <errno.h>

#include "core/misuse.h"
#include "core/shared.h"
#include "os/futex.h"

enum { WAITED = 1, SET = 2, ONE = 4 };

void weft_shared_event_set(weft_shared_event *e)
{
    wf_require(e, "weft_shared_event_set(NULL)");
    uint32_t word = wf_load(&e->word_, WF_RELAXED);
    uint32_t after;
    do
        after = ((word & ~(uint32_t)(WAITED | SET)) + ONE) | SET;
    while (!wf_cas(&e->word_, &word, after, WF_RELEASE)); // the last touch
    if (word & WAITED)
        wf_futex_wake_some_shared(&e->word_, UINT32_MAX);
}

void weft_shared_event_clear(weft_shared_event *e)
{
    wf_require(e, "weft_shared_event_clear(NULL)");
    uint32_t word = wf_load(&e->word_, WF_RELAXED);
    while ((word & SET) && !wf_cas(&e->word_, &word, word & ~(uint32_t)SET, WF_RELAXED))
        continue;
}

bool weft_shared_event_is_set(const weft_shared_event *e)
{
    wf_require(e, "weft_shared_event_is_set(NULL)");
    return (wf_load(&e->word_, WF_ACQUIRE) & SET) != 0; // pairs with weft_shared_event_set
}

struct vigil {
    weft_shared_event *event;
    uint32_t since;
};

static bool is_over(void *ctx, struct wf_nap *nap)
{
    const struct vigil *vigil = ctx;
    weft_shared_event *e = vigil->event;
    uint32_t word = wf_load(&e->word_, WF_ACQUIRE); // pairs with weft_shared_event_set
    for (;;) {
        if ((word & SET) || (word & ~(uint32_t)WAITED) != vigil->since)
            return true;
        if ((word & WAITED) || wf_cas(&e->word_, &word, word | WAITED, WF_ACQUIRE))
            break;
        word = wf_load(&e->word_, WF_ACQUIRE);
    }
    nap->word = &e->word_;
    nap->expected = word | WAITED;
    return false;
}

int weft_shared_event_wait(weft_shared_event *e, weft_time deadline)
{
    wf_require(e, "weft_shared_event_wait(NULL)");
    struct vigil vigil = {e, wf_load(&e->word_, WF_ACQUIRE) & ~(uint32_t)WAITED};
    return wf_shared_call("weft_shared_event_wait", e, deadline, is_over, &vigil);
}
