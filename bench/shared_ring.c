// SPDX-License-Identifier: MIT
// shared_ring.c - the least that it can cost: a ring for one who puts and one who gets, who spin.
// No lock, no sleep, no deadline, and who dies in it wedges the other. shared_ring ROW prints
// nanoseconds.
#include <stdatomic.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define HAS_NO_LOCK
#include "shared.h"

static struct ring {
    _Alignas(64) atomic_ulong puts;
    unsigned long seen_gets;
    _Alignas(64) atomic_ulong gets;
    unsigned long seen_puts;
    _Alignas(64) struct item items[ROOM];
} * rings;

static void open_all(void)
{
    rings = mmap(NULL, 2 * sizeof *rings, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                 0);
    if (rings == MAP_FAILED)
        (void)die("mmap");
}

static void start_child(int what)
{
    if (fork() == 0) {
        child_runs(what);
        _exit(0);
    }
}

static void end_child(void)
{
    (void)wait(NULL);
}

static void put(int queue, const struct item *item)
{
    struct ring *r = &rings[queue];
    unsigned long at = atomic_load_explicit(&r->puts, memory_order_relaxed);
    for (unsigned spins = 0; at - r->seen_gets == ROOM; spins++) {
        r->seen_gets = atomic_load_explicit(&r->gets, memory_order_acquire);
        if (spins > 10000)
            sched_yield();
    }
    r->items[at % ROOM] = *item;
    atomic_store_explicit(&r->puts, at + 1, memory_order_release);
}

static void get(int queue, struct item *item)
{
    struct ring *r = &rings[queue];
    unsigned long at = atomic_load_explicit(&r->gets, memory_order_relaxed);
    for (unsigned spins = 0; at == r->seen_puts; spins++) {
        r->seen_puts = atomic_load_explicit(&r->puts, memory_order_acquire);
        if (spins > 10000)
            sched_yield();
    }
    *item = r->items[at % ROOM];
    atomic_store_explicit(&r->gets, at + 1, memory_order_release);
}
