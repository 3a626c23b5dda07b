// SPDX-License-Identifier: MIT
// linger.c - see linger.h. Each look takes a cache line away from the other end. Where items come
// one by one it looks often; where they come as fast as they can be put, it lets some gather: they
// then pass without another look.
//
// Who puts may be on the same core, and get it when it is offered. Then it is offered sooner the
// next time; but not at once, for only looks before that can tell that he is on another by now.
//
// A fiber that looks out holds up its loop. So while it does, the loop looks now and then at what
// others wait for, as it would if the fiber lay down; and once another can run, that is all.
#include "core/linger.h"

#include "core/park.h"
#include "os/atomic.h"
#include "os/futex.h"

enum { LOOK_NS = 25000 };
enum { TRIES = 4, BETWEEN_TRIES = 32 };
// In pauses of the processor, of 10 to 50 ns.
enum { OFTEN = 8, SELDOM = 64, AROUND = 64, SOON = 32 };

static bool others_can_run(void)
{
    struct wf_parker *self = wf_self();
    return self->parking && self->parking->yield(self, true);
}

static size_t look_out(struct wf_lingering *l, wf_arrived *arrived, const void *ctx)
{
    unsigned pauses = wf_load(&l->many, WF_RELAXED) ? SELDOM : OFTEN;
    bool near = wf_load(&l->near, WF_RELAXED) != 0;
    struct wf_glance glance = {.for_ns = LOOK_NS, .round = near ? WF_OFFERS - SOON : 0};
    size_t found = 0;
    while (found == 0 && wf_glance(&glance)) {
        if (glance.round % pauses == 0)
            found = arrived(ctx);
        bool looks_around = glance.round % AROUND == AROUND - OFTEN; // before each offer, too
        if (found == 0 && looks_around && others_can_run())
            return 0;
    }
    if (found > 0)
        wf_store(&l->near, glance.round % WF_OFFERS == 0, WF_RELAXED);
    return found;
}

void wf_linger(struct wf_lingering *l, wf_arrived *arrived, const void *ctx)
{
    const struct wf_parker *self = wf_self();
    if (self->parking && !wf_may_give_way(self))
        return; // others of its loop may be ready now, and it cannot let them run
    if (wf_give_way() || arrived(ctx) > 0)
        return;
    uint32_t vain = wf_load(&l->vain, WF_RELAXED);
    bool tries = vain < TRIES || vain % BETWEEN_TRIES == 0;
    size_t found = tries ? look_out(l, arrived, ctx) : 0;
    wf_store(&l->vain, found > 0 ? 0 : vain + 1, WF_RELAXED);
    if (found > 0)
        wf_store(&l->many, found > 1, WF_RELAXED);
}
