// SPDX-License-Identifier: MIT
// cells.c - what is known of each address: who touches it, and what is ordered before what.
//
// An address that only one task touches, or that nobody writes, needs no choice: the order of such
// steps changes nothing. Which ones others touch too is learned on the way (xp_cells_grew: then the
// search begins again) and kept for the whole search.
//
// Each task has a vector clock: how much of each task's past is ordered before its present. A
// release leaves the clock at the address, an acquire takes it up. Two plain accesses race if the
// clock of the second does not cover the first.
#include <stdlib.h>
#include <string.h>

#include "run.h"

enum { CELLS = 1 << 14 };

struct cell {
    const volatile void *address;
    uint32_t run; // which it is of
    int first;    // the task that touched it first
    bool by_many, written;
    struct xp_clock released;
    struct xp_clock reads, writes; // plain ones: when each task did its latest
    struct weft_place_ place[XP_TASKS];
};

static struct {
    struct cell *cells;
    const volatile void **shared;
    uint32_t run;
    int used, shared_count;
    bool grew;
} * all;

bool xp_cells_begin(void)
{
    all = calloc(1, sizeof *all);
    if (!all)
        return false;
    all->cells = calloc(CELLS, sizeof *all->cells);
    all->shared = calloc(CELLS, sizeof *all->shared);
    if (all->cells && all->shared)
        return true;
    xp_cells_end();
    return false;
}

void xp_cells_end(void)
{
    free(all->cells);
    free(all->shared);
    free(all);
    all = NULL;
}

void xp_cells_new_run(void)
{
    all->run++;
    all->used = 0;
}

bool xp_cells_grew(void)
{
    bool grew = all->grew;
    all->grew = false;
    return grew;
}

static size_t hash(const volatile void *address)
{
    return (size_t)((uintptr_t)address * UINT64_C(0x9E3779B97F4A7C15) >> 32) % CELLS;
}

static struct cell *cell_of(const volatile void *address)
{
    size_t i = hash(address);
    while (all->cells[i].run == all->run && all->cells[i].address != address)
        i = (i + 1) % CELLS;
    struct cell *cell = &all->cells[i];
    if (cell->run != all->run) {
        if (++all->used > CELLS / 2)
            xp_fail("more than %d addresses", CELLS / 2);
        *cell = (struct cell){.address = address, .run = all->run, .first = xp->now->index};
    }
    return cell;
}

bool xp_is_shared(const volatile void *address)
{
    size_t i = hash(address);
    while (all->shared[i] && all->shared[i] != address)
        i = (i + 1) % CELLS;
    return all->shared[i] != NULL;
}

static void share(const volatile void *address)
{
    size_t i = hash(address);
    while (all->shared[i] && all->shared[i] != address)
        i = (i + 1) % CELLS;
    if (all->shared[i])
        return;
    if (++all->shared_count > CELLS / 2)
        xp_fail("more than %d shared addresses", CELLS / 2);
    all->shared[i] = address;
    all->grew = true;
}

void xp_touch(const volatile void *address, bool writes)
{
    struct cell *cell = cell_of(address);
    cell->by_many = cell->by_many || cell->first != xp->now->index;
    cell->written = cell->written || writes;
    if (cell->by_many && cell->written)
        share(address);
}

// ---- what is ordered before what --------------------------------------------------------

void xp_join_clock(struct xp_clock *into, const struct xp_clock *from)
{
    for (int i = 0; i < XP_TASKS; i++)
        if (from->at[i] > into->at[i])
            into->at[i] = from->at[i];
}

void xp_tick(void)
{
    xp->now->clock.at[xp->now->index]++;
}

void xp_acquire(const volatile void *address)
{
    xp_join_clock(&xp->now->clock, &cell_of(address)->released);
}

void xp_release(const volatile void *address, const struct xp_clock *clock)
{
    cell_of(address)->released = *clock;
}

void xp_release_too(const volatile void *address, const struct xp_clock *clock)
{
    xp_join_clock(&cell_of(address)->released, clock);
}

void xp_forget_release(const volatile void *address)
{
    memset(&cell_of(address)->released, 0, sizeof(struct xp_clock));
}

static void require_order(const struct cell *cell, const struct xp_clock *others, bool writes,
                          const struct weft_place_ *place)
{
    const struct xp_task *self = xp->now;
    for (int i = 0; i < XP_TASKS; i++)
        if (i != self->index && others->at[i] > self->clock.at[i])
            xp_fail("race: %s (%s:%d) by %s, and %s (%s:%d) by %s, with nothing that orders them",
                    writes ? "write" : "read", place->file, place->line, self->name,
                    cell->place[i].what, cell->place[i].file, cell->place[i].line,
                    xp->tasks[i].name);
}

void xp_plain(const volatile void *address, bool writes, const struct weft_place_ *place)
{
    int self = xp->now->index;
    struct cell *cell = cell_of(address);
    require_order(cell, &cell->writes, writes, place);
    if (writes)
        require_order(cell, &cell->reads, writes, place);
    struct xp_clock *mine = writes ? &cell->writes : &cell->reads;
    mine->at[self] = xp->now->clock.at[self];
    cell->place[self] = *place;
}
