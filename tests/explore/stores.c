// SPDX-License-Identifier: MIT
// stores.c - stores that wait: each task has a few, which become visible to others one by one.
//
// To one address in their order; a releasing one after all that came before it; relaxed ones past
// each other: SPARC's PSO with release barriers, which is weaker than x86 and close to ARM's
// stores. Reads are not moved. What wrong orders of reads do shows as a race (cells.c).
#include <string.h>

#include "run.h"

uint64_t xp_read(const volatile void *object, unsigned size)
{
    uint64_t value = 0;
    memcpy(&value, (const void *)(uintptr_t)object, size); // little-endian, as all that we run on
    return value;
}

void xp_write(volatile void *object, unsigned size, uint64_t value)
{
    memcpy((void *)(uintptr_t)object, &value, size);
}

void xp_store_later(void *object, unsigned size, uint64_t value, int order,
                    const struct weft_place_ *place)
{
    struct xp_task *self = xp->now;
    struct xp_stored *stored = &self->stores[self->stored++];
    *stored = (struct xp_stored){.place = *place,
                                 .object = object,
                                 .size = size,
                                 .value = value,
                                 .releases = order != __ATOMIC_RELAXED,
                                 .clock = self->clock};
    if (stored->releases)
        xp_tick();
}

// The newest one to the address.
bool xp_find_stored(const struct xp_task *task, const void *object, uint64_t *value)
{
    for (int n = task->stored - 1; n >= 0; n--)
        if (task->stores[n].object == object) {
            *value = task->stores[n].value;
            return true;
        }
    return false;
}

bool xp_may_land(const struct xp_task *task, int n)
{
    if (task->stores[n].releases)
        return n == 0;
    for (int i = 0; i < n; i++)
        if (task->stores[i].object == task->stores[n].object)
            return false;
    return true;
}

void xp_land(struct xp_task *task, int n)
{
    const struct xp_stored stored = task->stores[n];
    if (xp_is_freed(stored.object))
        xp_fail("%s: it lands in memory that was freed", stored.place.what);
    xp_note_values(stored.object, stored.size, xp_read(stored.object, stored.size), stored.value);
    xp_write(stored.object, stored.size, stored.value);
    if (stored.releases)
        xp_release(stored.object, &stored.clock);
    else
        xp_forget_release(stored.object);
    task->stored--;
    for (int i = n; i < task->stored; i++)
        task->stores[i] = task->stores[i + 1];
}
