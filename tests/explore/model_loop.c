// SPDX-License-Identifier: MIT
// model_loop.c - src/os/engine.c, stack.c, block.c and fault.c for the second copy of the library:
// what a loop of fibers waits for, and their stacks, which are a run's memory.
#include <errno.h>
#include <string.h>

#include "memory.h"
#include "os/block.h"
#include "os/engine.h"
#include "os/fault.h"
#include "os/poll.h"
#include "os/stack.h"
#include "run.h"

// ---- engines: a loop's bell, and descriptors; no transfers -------------------------------

struct engine {
    struct wf_engine base; // first
    struct wf_io *first;   // what is asked for: a list through beside
};

static bool is_ready(const struct wf_io *io)
{
    return xp->fds[io->fd - FIRST_FD];
}

static int ask(struct wf_engine *engine, struct wf_io *io)
{
    struct engine *e = (struct engine *)engine;
    for (const struct wf_io *asked = e->first; asked; asked = asked->beside)
        if (asked == io)
            xp_fail("a loop asks for what its engine still has");
    io->state = WF_IO_ASKED;
    io->beside = e->first;
    e->first = io;
    engine->asked++;
    return 0;
}

static void take_out(struct engine *e, struct wf_io *io, enum wf_io_state state)
{
    struct wf_io **at = &e->first;
    while (*at != io)
        at = &(*at)->beside;
    *at = io->beside;
    io->state = state;
    e->base.asked--;
}

static bool forget(struct wf_engine *engine, struct wf_io *io)
{
    take_out((struct engine *)engine, io, WF_IO_NONE);
    return true;
}

static bool has_something(const struct xp_task *task)
{
    const struct engine *e = (const struct engine *)(uintptr_t)task->op.argument;
    bool any = *xp_rings_of(e->base.bell) > 0;
    for (const struct wf_io *io = e->first; io; io = io->beside)
        any = any || is_ready(io);
    return any;
}

static void look(struct wf_engine *engine, int64_t deadline_ns)
{
    struct engine *e = (struct engine *)engine;
    int *rings = xp_rings_of(engine->bell);
    xp_touch(rings, false);
    struct xp_op op = {.place = HERE("looks around for its fibers"),
                       .address = rings,
                       .argument = (uint64_t)(uintptr_t)e,
                       .drains = XP_LANDS_ALL};
    if (deadline_ns > 0) {
        op.ready = has_something;
        op.deadline = deadline_ns;
    }
    (void)xp_turn(&op);
    if (*rings > 0)
        wf_bell_answer(engine->bell);
    for (struct wf_io *io = e->first, *next; io; io = next) {
        next = io->beside;
        if (!is_ready(io))
            continue;
        take_out(e, io, WF_IO_DONE);
        io->result = io->events;
        io->told(io);
    }
}

static void end(struct wf_engine *engine)
{
    (void)engine;
}

int wf_engine_new(struct wf_engine **engine, int *refused)
{
    static const struct wf_engine_ops ops = {
        .ask = ask, .forget = forget, .look = look, .end = end};
    struct engine *e = xp_calloc(1, sizeof *e);
    if (!e)
        return -ENOMEM;
    e->base = (struct wf_engine){.ops = &ops, .bell = wf_bell_new()};
    *engine = &e->base;
    *refused = 0;
    return 0;
}

void wf_engine_free(struct wf_engine *engine)
{
    wf_bell_free(engine->bell);
    xp_free(engine);
}

void wf_engine_ring(struct wf_engine *engine)
{
    wf_bell_ring(engine->bell);
}

// ---- stacks of fibers: a run's memory, gone when it is given back; the records stay --------

enum { FIBER_STACK = 24 << 10, RECORDS = 64 };

static _Alignas(64) char records[RECORDS][1024]; // not a run's memory: they are never gone

struct wf_stacks {
    size_t record;
};

struct wf_stacks *wf_stacks_new(size_t record)
{
    struct wf_stacks *stacks = xp_calloc(1, sizeof *stacks);
    if (stacks)
        stacks->record = record;
    return stacks;
}

void wf_stacks_free(struct wf_stacks *stacks)
{
    xp_free(stacks);
}

struct wf_stack *wf_stack_take(struct wf_stacks *stacks, size_t size)
{
    (void)size;
    struct wf_stack *stack = xp->records;
    if (stack)
        xp->records = stack->next;
    else if (stacks->record > sizeof records[0] || xp->record_count == RECORDS)
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
    memset(stack, 0, sizeof records[0]); // as one that is cold
    stack->next = xp->records;
    xp->records = stack;
}

static bool is_on_a_stack(const void *object)
{
    uintptr_t at = (uintptr_t)object;
    for (int i = 0; i < xp->record_count; i++) {
        const struct wf_stack *stack = (const void *)records[i];
        uintptr_t bottom = (uintptr_t)stack->bottom;
        if (bottom != 0 && at - bottom < stack->size)
            return true;
    }
    return false;
}

// A fiber hands over to the next. On the same thread a stack is always as it was left, and the next
// one's plain writes there come after what was stored before, which plain memory here cannot know.
void xp_leave_stack(void)
{
    if (!xp_is_running())
        return;
    struct xp_task *self = xp->now;
    int left = 0;
    for (int n = 0; n < self->stored; n++)
        if (is_on_a_stack(self->stores[n].object))
            left = n + 1;
    for (; left > 0; left--)
        xp_land(self, 0);
}

// ---- blocks: nothing goes out here ---------------------------------------------------------

void wf_blocks_begin(void)
{
}

void wf_blocks_end(void)
{
}

int64_t wf_blocks_tidy(int64_t now)
{
    (void)now;
    return INT64_MAX;
}

// ---- a fiber's overflow: stacks in a run's memory have no guard ----------------------------

void *wf_fault_begin(wf_fault_teller *teller)
{
    (void)teller;
    return NULL;
}

void wf_fault_end(void *stack)
{
    (void)stack;
}

void wf_say(const char *text, unsigned long size)
{
    xp_fail("%.*s", (int)size, text);
}
