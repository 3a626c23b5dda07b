// SPDX-License-Identifier: MIT
// shared.h - how tasks of several processes wait for each other, and the lock that others build on.
//
// There is no line of waiters: it would lie in memory of processes that may be gone. Each object is
// a word with a flag WAITED, "somebody may sleep on me"; who changes the word clears the flag and
// wakes one. The rules, which together lose no wake-up:
//
// - A waiter sets the flag in the word that it has looked at, by a compare-and-swap, and sleeps
//   only while the word is still so. So who changes it sees the flag, or the waiter the change.
// - One that has slept and got what it wanted does not know whether others sleep. It sets the flag
//   again if there is nothing left; else it wakes the next, who will do the same.
// - One that gives up wakes the next, in case its own wake-up was underway.
// - One that dies: everybody looks again (kin.h). So does everybody if who was to wake them died.
//
// What is last done to an object is the change of its word: the wake-up only names it. So whoever
// was let in by the change may free the object.
#ifndef WF_CORE_SHARED_H
#define WF_CORE_SHARED_H

#include <weft/shared.h>

#include "core/kin.h"
#include "core/park.h"
#include "os/atomic.h"

// What an attempt could not have.
struct wf_nap {
    const uint32_t *word;     // to sleep on
    uint32_t expected;        // while it is this
    const uint32_t *slept_on; // before this attempt, or NULL
    bool tries;               // it will not wait, not even for a moment
};

// The half of a word that changes.
#define wf_low_half(word) ((const uint32_t *)(const void *)(word))
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "wf_low_half is the first half");

// True: done. False: not now, and nap says for what to wait.
typedef bool wf_attempt(void *ctx, struct wf_nap *nap);

// Attempt it until it is done: 0. Or -ETIMEDOUT and, if it stops, -ECANCELED or -EAGAIN (park.h).
int wf_shared_wait(struct wf_wait *wait, weft_time deadline, wf_attempt *attempt, void *ctx);

// Attempt it once, or wait; and note the failure. The way of every public call.
int wf_shared_call(const char *call, const void *object, weft_time deadline, wf_attempt *attempt,
                   void *ctx);

// ---- the lock ---------------------------------------------------------------------------

// An attempt's own: to take it. `died`, if not NULL, says whether its last holder died with it.
bool wf_shared_take(weft_shared_mutex *m, struct wf_nap *nap, bool *died);
void wf_shared_give(weft_shared_mutex *m);

// Around a moment that cannot be refused. Who dies in it left nothing that had to be mended.
void wf_shared_enter(weft_shared_mutex *m);
#define wf_shared_leave wf_shared_give

#endif
