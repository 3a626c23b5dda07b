// SPDX-License-Identifier: MIT
// mutex.c - a lock in one word: free is 0, held is LOCKED, and the rest only while somebody waits.
//
//     LOCKED   somebody holds it
//     WAKING   a waiter was taken out of the line and has not tried yet: wake no second one
//     BARRED   a waiter has lost too often: nobody but it may take the lock
//
// An unlock does not hand the lock over. It wakes the first in line, and whoever comes first gets
// it, because a hand-over would leave the lock idle for the time of a wake-up, at each unlock. A
// waiter that lost goes back to the front; after LOSSES defeats or a millisecond it bars the rest.
// (The scheme of nsync's mu.c, with the line's own spin bit.)
//
// Exclusion: LOCKED is set only by a compare-and-swap from a word that is neither LOCKED nor busy,
// or while the word is busy and LOCKED is clear. No lost wake-up: a waiter enters the line while
// the word is busy and LOCKED is set, so an unlock follows; that unlock takes one out of the line
// or finds WAKING, and the waking one clears WAKING in the same step in which it takes the lock or
// sees it LOCKED by another, whose unlock follows. Whoever set BARRED is first in line, or was
// taken and will come: the lock cannot be free with nobody on the way to it. Freeing after the last
// unlock is safe: see waiters.h.
//
// Under WEFT_CHECK=1 value_ says who holds it (check.h).
#include "core/mutex.h"

#include <errno.h>

#include "core/check.h"
#include "core/error.h"
#include "os/clock.h"
#include "os/futex.h"

enum { LOCKED = 2, WAKING = 4, BARRED = 8 };
enum { LOSSES = 3, PATIENCE_NS = 1000000 };

// ---- lock -------------------------------------------------------------------------------

// Nothing is left to look at but the word: mostly so, and then a lock or an unlock is one
// compare-and-swap, and calls nothing.
static bool is_plain(const weft_mutex *m)
{
    return __builtin_expect(m != NULL && !wf_is_stale(m) && !wf_checking, 1);
}

// Past those who wait, unless one of `bars` is set.
static bool take_past(weft_mutex *m, uintptr_t bars)
{
    uintptr_t value = 0;
    while (!(value & bars))
        if (wf_cas(&m->word_, &value, value | LOCKED, WF_ACQUIRE)) // pairs with give
            return true;
    return false;
}

static bool take_free(weft_mutex *m)
{
    return take_past(m, LOCKED | BARRED | WF_BUSY);
}

// Else the holder may be another fiber of this thread, which waits. One of the library's own locks
// is held for a few lines, also by a fiber.
static bool is_held_briefly(bool own)
{
    return own || !wf_self()->parking;
}

// A holder that runs on another core is often done within a few instructions, and so is one that
// took it while who was woken for it was on the way.
static void wait_briefly(const weft_mutex *m, bool own)
{
    bool spins = is_held_briefly(own);
    for (unsigned round = 0; spins && wf_spin_briefly(round); round++)
        if (!(wf_load(&m->word_, WF_RELAXED) & LOCKED))
            return;
}

static bool take_soon(weft_mutex *m, bool own)
{
    bool spins = is_held_briefly(own);
    for (unsigned round = 0; spins && wf_spin_briefly(round); round++) {
        if (wf_load(&m->word_, WF_RELAXED) & ~(uintptr_t)LOCKED)
            return false; // somebody waits already
        if (take_free(m))
            return true;
    }
    return false;
}

// For who cannot stand in line, in weft_on_thread_stack, but must have a lock of the library's own:
// past all, also past one who bars the rest, for that may be a fiber of his loop, which cannot come
// before he is through. Whoever holds it is on another thread, and done in a moment; or a fiber of
// this loop, which holds it while it waits for a second one (a pool of processes takes the family's
// with its own): then nobody gets on, and WEFT_CHECK=1 says so.
static void take_past_all(weft_mutex *m)
{
    for (unsigned round = 0; !take_past(m, LOCKED | WF_BUSY); round++)
        wf_spin(round);
}

// One who waits for the lock, from try to try.
struct attempt {
    struct weft_waiter node;
    int losses;
    int64_t since;
    bool woken, barring;
};

static bool must_bar(struct attempt *a)
{
    if (a->losses == 1)
        a->since = wf_clock_now();
    return a->losses >= LOSSES || (a->losses > 1 && wf_clock_now() - a->since >= PATIENCE_NS);
}

// True: taken. False: in line.
static bool take_or_stand_in_line(weft_mutex *m, struct attempt *a)
{
    uintptr_t value = wf_word_lock(&m->word_);
    if (a->woken)
        value &= ~(uintptr_t)WAKING;
    if (!(value & LOCKED) && (a->barring || !(value & BARRED))) {
        value = (value | LOCKED) & ~(a->barring ? (uintptr_t)BARRED : 0);
        wf_word_unlock(&m->word_, value);
        return true;
    }
    wf_waiter_begin(&a->node, 0);
    if (a->woken) {
        a->losses++;
        a->barring = a->barring || must_bar(a);
        value = wf_line_prepend(value, &a->node) | (a->barring ? BARRED : 0);
    } else {
        value = wf_line_append(value, &a->node);
    }
    wf_word_unlock(&m->word_, value);
    return false;
}

static int lock_slowly(weft_mutex *m, struct wf_wait *wait, weft_time deadline)
{
    if (deadline.ns > 0 && take_soon(m, wait->passes)) // with WEFT_POLL not even for a moment
        return 0;
    if (wait->passes && wf_stays()) {
        take_past_all(m);
        return 0;
    }
    struct attempt a = {.losses = 0};
    while (!take_or_stand_in_line(m, &a)) {
        int rc = wf_line_wait(&m->word_, &a.node, wait, deadline, a.barring ? BARRED : 0);
        if (rc < 0)
            return rc;
        a.woken = true;
        wait_briefly(m, wait->passes);
    }
    return 0;
}

// Another has it, or somebody waits.
static int lock_held(weft_mutex *m, const char *call, weft_time deadline, bool stops, bool own)
{
    struct wf_wait wait = {
        .what = call, .thing = "mutex", .object = m, .fd = WF_NO_FD, .stops = stops, .passes = own};
    if (deadline.ns == INT64_MAX && !own)
        wait.owner = &m->value_;
    return lock_slowly(m, &wait, deadline);
}

int wf_mutex_lock(weft_mutex *m, const char *call, weft_time deadline, bool stops, bool own)
{
    wf_require(m, "%s(NULL)", call);
    (void)wf_fresh(m, wf_after_fork_free);
    int rc = stops ? wf_interrupted() : 0;
    if (rc == 0 && !take_free(m))
        rc = lock_held(m, call, deadline, stops, own);
    if (rc == 0 && __builtin_expect(wf_checking, 0))
        wf_check_took(&m->value_);
    return wf_failed(call, rc);
}

// Without a deadline it cannot fail.
static inline void lock(weft_mutex *m, bool own)
{
    if (!is_plain(m))
        (void)wf_mutex_lock(m, "weft_lock", WEFT_FOREVER, false, own);
    else if (!take_free(m))
        (void)lock_held(m, "weft_lock", WEFT_FOREVER, false, own);
}

void weft_lock(weft_mutex *m)
{
    lock(m, false);
}

void wf_lock(weft_mutex *m)
{
    lock(m, true);
}

int weft_lock_until(weft_mutex *m, weft_time deadline)
{
    return wf_mutex_lock(m, "weft_lock_until", deadline, true, false);
}

bool weft_trylock(weft_mutex *m)
{
    wf_require(m, "weft_trylock(NULL)");
    (void)wf_fresh(m, wf_after_fork_free);
    if (!take_free(m)) {
        uintptr_t value = wf_load(&m->word_, WF_RELAXED);
        if (value & (LOCKED | BARRED))
            return false;
        value = wf_word_lock(&m->word_);
        bool taken = !(value & (LOCKED | BARRED));
        wf_word_unlock(&m->word_, taken ? value | LOCKED : value);
        if (!taken)
            return false;
    }
    if (__builtin_expect(wf_checking, 0))
        wf_check_took(&m->value_);
    return true;
}

// ---- unlock -----------------------------------------------------------------------------

static void unlock_slowly(weft_mutex *m)
{
    struct weft_waiter *woken = NULL;
    struct weft_waiter **end = &woken;
    uintptr_t value = wf_word_lock(&m->word_);
    if (!(value & LOCKED)) {
        wf_word_unlock(&m->word_, value);
        wf_misuse("weft_unlock(%p): the mutex is free", (void *)m);
    }
    value &= ~(uintptr_t)LOCKED;
    if (wf_line_first(value) && !(value & WAKING))
        value = wf_line_take(value, &end) | WAKING;
    wf_word_unlock(&m->word_, value); // the last touch
    wf_signal(woken);
}

// Where nobody waits, or one that was woken is on the way. The last touch.
static bool give(weft_mutex *m)
{
    uintptr_t value = LOCKED;
    while (value == LOCKED || (value & (LOCKED | WAKING | WF_BUSY)) == (LOCKED | WAKING))
        if (wf_cas(&m->word_, &value, value & ~(uintptr_t)LOCKED, WF_RELEASE)) // with take_free
            return true;
    return false;
}

static void unlock_carefully(weft_mutex *m)
{
    wf_require(m, "weft_unlock(NULL)");
    if (wf_was_held(m, LOCKED))
        return;
    if (wf_checking)
        wf_check_gives(&m->value_, "weft_unlock", "mutex", m);
    if (!give(m))
        unlock_slowly(m);
}

void weft_unlock(weft_mutex *m)
{
    if (!is_plain(m))
        unlock_carefully(m);
    else if (!give(m))
        unlock_slowly(m);
}

bool wf_mutex_is_held(weft_mutex *m)
{
    if (wf_fresh(m, wf_after_fork_free) || !(wf_load(&m->word_, WF_RELAXED) & LOCKED))
        return false;
    uint32_t owner = wf_load(&m->value_, WF_RELAXED);
    return !wf_checking || owner == 0 || owner == wf_owner_id(wf_current());
}

void wf_mutex_renew(weft_mutex *m, bool held)
{
    wf_store(&m->word_, held ? LOCKED : 0, WF_RELAXED);
    if (held && wf_checking)
        wf_check_took(&m->value_);
    wf_adopt_end(&m->fork_); // publishes both
}
