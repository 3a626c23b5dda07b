// SPDX-License-Identifier: MIT
// shared_mutex.c - a lock between processes that survives its holder.
//
// The word is 0, or the holder's number (kin.h) beside WAITED. It is taken from nobody, or from one
// who is dead: his number is in the table no more, and never comes back. Only one takes it from
// him, by a compare-and-swap from just that number; so his death is reported once.
//
// Who is killed between taking it and knowing so leaves a lock that is reported, though nothing was
// touched. Who is killed between letting go and waking is why everybody is woken at a death.
#include <errno.h>

#include <weft/error.h>

#include "core/check.h"
#include "core/error.h"
#include "core/misuse.h"
#include "core/shared.h"
#include "os/futex.h"

enum { WAITED = 1, SHIFT = 1 };

static bool is_held(uint64_t word)
{
    return word != 0 && wf_kin_lives(word >> SHIFT);
}

// What it is once it is not held, or the spinning is over.
static uint64_t watch(const weft_shared_mutex *m, bool tries)
{
    uint64_t word = wf_load(&m->word_, WF_RELAXED);
    bool spins = !tries && !wf_self()->parking; // else the holder may be a fiber of this thread
    for (unsigned round = 0; is_held(word) && spins && wf_spin_briefly(round); round++)
        word = wf_load(&m->word_, WF_RELAXED);
    return word;
}

bool wf_shared_take(weft_shared_mutex *m, struct wf_nap *nap, bool *died)
{
    uint64_t word = 0, mine = wf_kin_self() << SHIFT;
    if (nap->slept_on == wf_low_half(&m->word_))
        mine |= WAITED; // others may sleep still
    // Each failed swap brings another word, which may have a holder, and is looked at anew.
    while (is_held(word) || !wf_cas(&m->word_, &word, mine | (word & WAITED), WF_ACQUIRE)) {
        word = watch(m, nap->tries);
        if (!is_held(word))
            continue;
        if (!(word & WAITED) && !wf_cas(&m->word_, &word, word | WAITED, WF_RELAXED))
            continue;
        nap->word = wf_low_half(&m->word_);
        nap->expected = (uint32_t)(word | WAITED);
        return false;
    }
    if (died)
        *died = word != 0;
    return true;
}

void wf_shared_give(weft_shared_mutex *m)
{
    if (wf_exchange(&m->word_, 0, WF_RELEASE) & WAITED) // pairs with wf_shared_take; the last touch
        wf_futex_wake_shared(wf_low_half(&m->word_));
}

static bool take_quietly(void *ctx, struct wf_nap *nap)
{
    return wf_shared_take(ctx, nap, NULL);
}

void wf_shared_enter(weft_shared_mutex *m)
{
    struct wf_nap nap = {.word = NULL};
    struct wf_wait wait = {.what = "weft_shared", .object = m, .fd = WF_NO_FD, .passes = true};
    if (!wf_shared_take(m, &nap, NULL))
        (void)wf_shared_wait(&wait, WEFT_FOREVER, take_quietly, m); // cannot fail
}

// ---- for tasks --------------------------------------------------------------------------

struct claim {
    weft_shared_mutex *mutex;
    bool died;
};

static bool take(void *ctx, struct wf_nap *nap)
{
    struct claim *claim = ctx;
    return wf_shared_take(claim->mutex, nap, &claim->died);
}

// Of the current task, and of no other in any process.
static uint64_t own_mark(void)
{
    return wf_kin_self() << 32 | wf_owner_id(wf_current());
}

// It is there only if this task wrote it, and has not given the lock back since.
static bool is_mine(const weft_shared_mutex *m)
{
    return wf_load(&m->by_, WF_RELAXED) == own_mark();
}

int weft_shared_lock(weft_shared_mutex *m, weft_time deadline)
{
    wf_require(m, "weft_shared_lock(NULL)");
    if (wf_kin_self() == 0)
        return weft_fail(-ENOTSUP, "weft_shared_lock: the child of a plain fork has no part in it");
    wf_require(!is_mine(m), "weft_shared_lock(%p): this task holds it already", (void *)m);
    struct claim claim = {.mutex = m};
    int rc = wf_shared_call("weft_shared_lock", m, deadline, take, &claim);
    if (rc < 0)
        return rc;
    wf_store(&m->by_, own_mark(), WF_RELAXED);
    if (wf_checking)
        wf_current()->held++;
    return claim.died ? weft_fail(-EOWNERDEAD, "weft_shared_lock: its holder died") : 0;
}

void weft_shared_unlock(weft_shared_mutex *m)
{
    wf_require(m, "weft_shared_unlock(NULL)");
    wf_require(wf_load(&m->word_, WF_RELAXED) != 0, "weft_shared_unlock(%p): the mutex is free",
               (void *)m);
    wf_require(is_mine(m), "weft_shared_unlock(%p): another task holds it", (void *)m);
    if (wf_checking)
        wf_current()->held--;
    wf_store(&m->by_, 0, WF_RELAXED);
    wf_shared_give(m);
}
