// SPDX-License-Identifier: MIT
// waiters.c - see waiters.h: the line, the waits in it, and what a fork leaves of both.
#include "core/waiters.h"

#include <errno.h>

#include "os/futex.h"

uintptr_t wf_word_lock_slowly(uintptr_t *word)
{
    unsigned round = 0;
    for (;;) {
        uintptr_t value = wf_load(word, WF_RELAXED);
        if (!(value & WF_BUSY) && wf_cas(word, &value, value | WF_BUSY, WF_ACQUIRE))
            return value;
        wf_spin(round++);
    }
}

// ---- the line ---------------------------------------------------------------------------

static uintptr_t with_first(uintptr_t value, struct weft_waiter *first)
{
    return (value & WF_FLAGS) | (uintptr_t)first;
}

uintptr_t wf_line_append(uintptr_t value, struct weft_waiter *waiter)
{
    struct weft_waiter *first = wf_line_first(value);
    if (!first) {
        waiter->next = waiter->prev = waiter;
        return with_first(value, waiter);
    }
    waiter->next = first;
    waiter->prev = first->prev;
    first->prev->next = waiter;
    first->prev = waiter;
    return value;
}

uintptr_t wf_line_prepend(uintptr_t value, struct weft_waiter *waiter)
{
    return with_first(wf_line_append(value, waiter), waiter); // a ring: before the first is last
}

static uintptr_t line_remove(uintptr_t value, struct weft_waiter *waiter)
{
    struct weft_waiter *first = wf_line_first(value);
    if (waiter->next == waiter)
        return with_first(value, NULL);
    waiter->next->prev = waiter->prev;
    waiter->prev->next = waiter->next;
    return waiter == first ? with_first(value, waiter->next) : value;
}

static inline uintptr_t remove_first(uintptr_t value, struct weft_waiter *first)
{
    value = line_remove(value, first);
    first->next = NULL;
    return value;
}

static inline void add_to_chain(struct weft_waiter ***chain_end, struct weft_waiter *taken)
{
    **chain_end = taken;
    *chain_end = &taken->next;
}

uintptr_t wf_line_take(uintptr_t value, struct weft_waiter ***chain_end)
{
    struct weft_waiter *first = wf_line_first(value);
    value = remove_first(value, first);
    wf_store(&first->state, WF_TAKEN, WF_RELAXED); // see leave
    add_to_chain(chain_end, first);
    return value;
}

// It is a fiber of the caller's thread, and so does not run now. Nor is it halfway out of the line:
// it does not switch there.
static inline bool is_beside(const struct weft_waiter *waiter)
{
    const struct wf_parker *self = wf_running; // only a fiber has a home
    return self && self->home && self->home == waiter->parker->home;
}

// False: it leaves. Relaxed, here and in leave: what goes with it is done while the word is busy.
static inline bool win(struct weft_waiter *waiter)
{
    uint32_t state = WF_WAITING;
    if (!is_beside(waiter))
        return wf_cas(&waiter->state, &state, WF_TAKEN, WF_RELAXED);
    wf_store(&waiter->state, WF_TAKEN, WF_RELAXED);
    return true;
}

bool wf_line_try(uintptr_t *value, struct weft_waiter ***chain_end)
{
    struct weft_waiter *first = wf_line_first(*value);
    if (!win(first))
        return false;
    *value = remove_first(*value, first);
    add_to_chain(chain_end, first);
    return true;
}

struct weft_waiter *wf_line_serve_first(uintptr_t *value, struct weft_waiter ***chain_end)
{
    struct weft_waiter *first = wf_line_first(*value);
    *value = remove_first(*value, first); // also one who leaves: see there
    while (__builtin_expect(!win(first), 0)) {
        first = wf_line_first(*value);
        if (!first)
            return NULL;
        *value = remove_first(*value, first);
    }
    add_to_chain(chain_end, first);
    return first;
}

void wf_signal_all(struct weft_waiter *chain)
{
    while (chain) {
        struct weft_waiter *next = chain->next;
        struct wf_parker *parker = chain->parker;
        wf_store(&chain->state, WF_SIGNALLED, WF_RELEASE); // pairs with wf_line_wait
        wf_unpark(parker);                                 // the node may be gone by now
        chain = next;
    }
}

// False: a waker was faster, and its signal is on the way. If it was before we said that we leave,
// the object may be gone. If after (wf_line_take), we are one who comes back to it.
static bool leave(uintptr_t *word, struct weft_waiter *waiter, const struct wf_wait *wait,
                  uintptr_t drop)
{
    uint32_t waiting = WF_WAITING;
    if (!wf_cas(&waiter->state, &waiting, WF_LEAVES, WF_RELAXED))
        return false;
    uintptr_t value = wait->lock ? wait->lock(wait->object) : wf_word_lock(word);
    bool leaves = wf_load(&waiter->state, WF_RELAXED) == WF_LEAVES;
    if (leaves && waiter->next) // else it was taken out of the line by a waker
        value = line_remove(value, waiter) & ~drop;
    wf_word_unlock(word, value);
    return leaves;
}

// A taken waiter stays until it is signalled, whatever happens: its node is in the waker's hands.
// Then it must not touch the word again either, since the object may be gone.
static void wait_for_signal(struct weft_waiter *waiter, const struct wf_wait *wait)
{
    bool stays = wf_stays();
    for (unsigned round = 0; wf_load(&waiter->state, WF_ACQUIRE) != WF_SIGNALLED; round++)
        if (stays)
            wf_spin(round); // wf_signal is on its way, on another thread
        else
            (void)wf_park(wait, WEFT_FOREVER); // without a descriptor it can only return early
}

int wf_line_wait(uintptr_t *word, struct weft_waiter *waiter, struct wf_wait *wait,
                 weft_time deadline, uintptr_t drop)
{
    int rc = wf_wait_begin(wait);
    while (wf_load(&waiter->state, WF_ACQUIRE) != WF_SIGNALLED) { // pairs with wf_signal
        if (rc == 0 && wait->stops)
            rc = wf_interrupted();
        if (rc == 0 && wf_words_changed(wait))
            rc = -EALREADY;
        if (rc == 0) {
            rc = wf_park(wait, wait->stops ? wf_patience(deadline) : deadline);
            continue;
        }
        if (leave(word, waiter, wait, drop))
            break;
        wait_for_signal(waiter, wait);
        rc = 0;
    }
    if (wf_load(&waiter->state, WF_RELAXED) == WF_SIGNALLED)
        rc = 0;
    wf_wait_end(wait);
    return rc;
}

// ---- after a fork -----------------------------------------------------------------------

uintptr_t wf_after_fork_free(uintptr_t value, uint32_t value_)
{
    (void)value, (void)value_;
    return 0;
}

// Threads of the child may find the object at once: the one that turns fork_ into `adopting` resets
// it, the others wait for that. If another forks meanwhile, its child finds there that of a fork
// before, which is as stale as any: who began stayed behind.
bool wf_adopt_begin(uint32_t *fork)
{
    const uint32_t adopting = wf_fork_count | UINT32_C(1) << 31;
    unsigned round = 0;
    for (;;) {
        uint32_t seen = wf_load(fork, WF_ACQUIRE);
        if (seen == wf_fork_count)
            return false;
        if (seen != adopting && wf_cas(fork, &seen, adopting, WF_ACQUIRE))
            return true;
        wf_spin(round++);
    }
}

void wf_adopt_end(uint32_t *fork)
{
    wf_store(fork, wf_fork_count, WF_RELEASE); // pairs with wf_is_stale
}

bool wf_adopt(uintptr_t *word, uint32_t *fork, const uint32_t *value_, wf_after_fork *after)
{
    if (!wf_adopt_begin(fork))
        return true;
    uintptr_t value = wf_load(word, WF_RELAXED) & ~(uintptr_t)WF_BUSY;
    wf_store(word, after(value, *value_), WF_RELAXED);
    wf_adopt_end(fork);
    return true;
}

bool wf_adopt_held(uintptr_t *word, uint32_t *fork, uintptr_t flags)
{
    if (!wf_adopt_begin(fork))
        return true;
    bool held = (wf_load(word, WF_RELAXED) & flags) != 0;
    wf_store(word, 0, WF_RELAXED);
    wf_adopt_end(fork);
    return held;
}
