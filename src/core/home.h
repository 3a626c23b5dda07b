// SPDX-License-Identifier: MIT
// home.h - whose fibers may have an object for themselves, without locked instructions.
//
// The fibers of a loop take turns by themselves. So an object that only they use needs no lock,
// until the first other thread comes: biased locking (Kawachiya, Koseki and Onodera, "Lock
// Reservation", 2002; Russell and Detlefs, "Eliminating Synchronization-Related Atomic Operations
// with Biased Locking and Bulk Rebiasing", 2006). The object names a home:
//
//     a fiber of that home                         whoever else comes
//     says that he is inside this object           takes the name out, by an exchange
//     light fence                                  heavy fence
//     is the name still there? then the object     waits while somebody is inside it:
//     is his until he is outside again             the object is his now
//
// One of the two sees the other, because of the fences (os/fence.h). Whoever is inside does not
// wait there, nor switch, so that the others wait for a few instructions.
#ifndef WF_CORE_HOME_H
#define WF_CORE_HOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/current.h"
#include "os/atomic.h"
#include "os/fence.h"
#include "os/sanitizer.h"

// Of a loop, or of one after it: their memory is never anything else.
struct wf_home {
    const void *inside; // the name in the object that one of its fibers is inside of, or NULL.
                        // Atomic, written by the loop's thread alone
    uint32_t taken;     // by a loop. Atomic
    // ---- tasks that were started alone: exec/exit.c. Atomic, likewise
    unsigned long begun, over; // that were started from here; that have ended here
    // ---- its own
    uint32_t numbers_left, next_number; // of those that were set aside for names: exec/pool.c
    struct wf_spare *spares;            // blocks for the next futures, all of spare_size
    size_t spare_size;
    unsigned spare_count;
} __attribute__((aligned(64)));

struct wf_home *wf_home_take(void); // NULL: none is left, or there are none here
unsigned long wf_homes_begun(void); // of all, so far
unsigned long wf_homes_over(void);
void wf_home_give(struct wf_home *home); // or NULL
// A heavy fence, for whoever looks at what they order by light ones; none if there was no home yet:
// a program without fibers makes no such system call.
void wf_homes_fence(void);
void wf_homes_forget(void); // in the child of a fork there are none, and none comes

static inline void wf_home_leave(struct wf_home *home)
{
    wf_store(&home->inside, NULL, WF_RELEASE); // pairs with wf_home_evict
}

// The object, which is the caller's, names his home from now on, and he is inside.
static inline void wf_home_settle(struct wf_home *home, struct wf_home **name)
{
    wf_store(&home->inside, name, WF_RELEASE);
    wf_store(name, home, WF_RELEASE); // pairs with wf_home_evict
}

// The caller's home, or NULL: only a fiber has one.
static inline struct wf_home *wf_home_here(void)
{
    const struct wf_parker *self = wf_running;
    return self ? self->home : NULL;
}

// The same, if the object names it, and then he is inside; or NULL.
static inline struct wf_home *wf_home_enter(struct wf_home *const *name)
{
    struct wf_home *home = wf_home_here();
    if (!home || wf_load(name, WF_RELAXED) != home)
        return NULL;
    wf_store(&home->inside, name, WF_RELEASE); // who sees this sees what was left before
    wf_fence_light();
    if (__builtin_expect(wf_load(name, WF_RELAXED) == home, 1))
        return home;
    wf_home_leave(home);
    return NULL;
}

struct wf_spare {
    struct wf_spare *next;
};

// Blocks of malloc's that the caller's home keeps, so that what is started and joined there again
// and again does not go through malloc. To take: one of that size, or NULL. To keep: true, or it is
// still the caller's, to be freed.
static inline void *wf_home_take_block(size_t size)
{
    struct wf_home *home = wf_home_here();
    struct wf_spare *spare = home ? home->spares : NULL;
    if (!spare || home->spare_size != size)
        return NULL;
    home->spares = spare->next;
    home->spare_count--;
    return spare;
}
enum { WF_MOST_SPARES = 16 };
bool wf_home_keep_other(struct wf_home *home); // home.c; for the next alone
static inline bool wf_home_keep_block(void *block, size_t size)
{
    struct wf_home *home = WF_KEEPS_MEMORY ? wf_home_here() : NULL;
    if (!home)
        return false;
    if (home->spare_size != size && home->spares)
        return wf_home_keep_other(home);
    if (home->spare_count == WF_MOST_SPARES)
        return false;
    home->spare_size = size;
    struct wf_spare *spare = block;
    spare->next = home->spares;
    home->spares = spare;
    home->spare_count++;
    return true;
}

// True: it named a home, and is the caller's now. False: it did not, or another came first.
bool wf_home_evict(struct wf_home **name);

#endif
