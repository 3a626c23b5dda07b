// SPDX-License-Identifier: MIT
// model_loop.c - src/os/poller.c and src/os/stack.c for the second copy of the library: what a loop
// of fibers waits for, and their stacks, which are a run's memory.
#include <string.h>

#include "memory.h"
#include "os/poller.h"
#include "os/stack.h"
#include "run.h"

// ---- pollers: a loop's bell, and descriptors ---------------------------------------------

enum { FIRST_POLLER = 3000, POLLERS = 4 };

static struct xp_poller *poller_of(int poller)
{
    return &xp->pollers[poller - FIRST_POLLER];
}

int wf_poller_new(void)
{
    if (xp->poller_count == POLLERS)
        xp_fail("more than %d loops", POLLERS);
    xp->pollers[xp->poller_count] = (struct xp_poller){.bell = -1};
    return FIRST_POLLER + xp->poller_count++;
}

void wf_poller_free(int poller)
{
    (void)poller;
}

int wf_poller_watch(int poller, int fd, short events)
{
    struct xp_poller *p = poller_of(poller);
    if (fd < FIRST_FD) {
        p->bell = fd;
        p->bell_is_watched = true;
    } else {
        p->events[fd - FIRST_FD] = events;
    }
    return 0;
}

static bool has_something(const struct xp_task *task)
{
    const struct xp_poller *p = poller_of((int)task->op.argument);
    bool any = p->bell_is_watched && *xp_rings_of(p->bell) > 0;
    for (int i = 0; i < FDS; i++)
        any = any || (p->events[i] != 0 && xp->fds[i]);
    return any;
}

static int tell(struct xp_poller *p, struct wf_ready *ready)
{
    int n = 0;
    if (p->bell_is_watched && *xp_rings_of(p->bell) > 0) {
        ready[n++] = (struct wf_ready){p->bell, 1};
        p->bell_is_watched = false;
    }
    for (int i = 0; i < FDS; i++)
        if (p->events[i] != 0 && xp->fds[i]) {
            ready[n++] = (struct wf_ready){FIRST_FD + i, p->events[i]};
            p->events[i] = 0;
        }
    return n;
}

int wf_poller_wait(int poller, struct wf_ready *ready, int most, int64_t deadline_ns)
{
    struct xp_poller *p = poller_of(poller);
    (void)most;
    xp_touch(xp_rings_of(p->bell), false);
    struct xp_op op = {.place = HERE("polls for its fibers"),
                       .address = xp_rings_of(p->bell),
                       .argument = (uint64_t)poller,
                       .drains = XP_LANDS_ALL};
    if (deadline_ns > 0) {
        op.ready = has_something;
        op.deadline = deadline_ns;
    }
    (void)xp_turn(&op);
    return tell(p, ready);
}

// ---- stacks of fibers: a run's memory, gone when it is given back; the records stay --------

enum { FIBER_STACK = 24 << 10, RECORDS = 64 };

static _Alignas(64) char records[RECORDS][1024]; // not a run's memory: they are never gone

struct wf_stack *wf_stack_take(size_t size, size_t record)
{
    (void)size;
    struct wf_stack *stack = xp->records;
    if (stack)
        xp->records = stack->next;
    else if (record > sizeof records[0] || xp->record_count == RECORDS)
        xp_fail("more than %d records of fibers, or larger than %zu bytes", RECORDS,
                sizeof records[0]);
    else
        stack = memset(records[xp->record_count++], 0, sizeof records[0]);
    stack->bottom = xp_calloc(1, FIBER_STACK);
    stack->size = FIBER_STACK;
    return stack;
}

void wf_stack_give(struct wf_stack *stack)
{
    xp_free(stack->bottom);
    stack->next = xp->records;
    xp->records = stack;
}
