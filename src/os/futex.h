// SPDX-License-Identifier: MIT
// futex.h - sleep on a word, wake who sleeps on it; and how to wait a few instructions long.
#ifndef WF_OS_FUTEX_H
#define WF_OS_FUTEX_H

#include <stdbool.h>
#include <stdint.h>

#include "os/atomic.h"

// Sleep while *word == expected, until the CLOCK_MONOTONIC time `deadline_ns` (INT64_MAX: for
// ever). 0: woken, or the word was another; -ETIMEDOUT; -EINTR. May return 0 without a wake.
int wf_futex_wait(const uint32_t *word, uint32_t expected, int64_t deadline_ns);

// Wake one that sleeps on the word. The word is only named, not read: memory that has found
// another use since is harmless, whoever sleeps there looks at its own word again.
void wf_futex_wake(const uint32_t *word);

// A thread sanitizer holds signal handlers back until the program calls something that it knows,
// and a sleep here is nothing that it knows. A process that depends on a handler says so, and under
// such a sanitizer sleeps by slices.
void wf_futex_mind_signals(void);

// The same for a word in memory that other processes have too.
int wf_futex_wait_shared(const uint32_t *word, uint32_t expected, int64_t deadline_ns);
void wf_futex_wake_shared(const uint32_t *word);
void wf_futex_wake_some_shared(const uint32_t *word, uint32_t count);

// Sleep on several words at once, while all of them are as expected. 0: one was woken, or one was
// another (look at all); -ETIMEDOUT; -EINTR; -ENOSYS: the kernel cannot (before Linux 5.16, or a
// filter refuses it). May return 0 without a wake.
enum { WF_FUTEX_ANY_MAX = 128 }; // FUTEX_WAITV_MAX
struct wf_futex_one {
    const uint32_t *word;
    uint32_t expected;
    bool shared; // other processes wake it too
};
int wf_futex_wait_any(const struct wf_futex_one *some, unsigned count, int64_t deadline_ns);
bool wf_futex_can_wait_any(void); // it does not say -ENOSYS; asked of the kernel once

// The round-th turn of a loop that waits for another thread to finish a few instructions: spin at
// first, then give the processor away, because that thread may have lost it. The caller looked at
// one word before, and will look at it again.
void wf_spin(unsigned round);

// The same for one that can also sleep. Each look takes the word's cache line away from whoever is
// about to change it, so the turns grow longer. False: it should sleep; it has spun for some 5 to
// 25 us by then, which a wake-up takes too.
bool wf_spin_briefly(unsigned round);

// The same for one whom it takes microseconds to wake: false once it has spun for_ns. The rest
// begins as zeros. In each round that WF_OFFERS divides, the processor was offered to others.
enum { WF_OFFERS = 128 };
struct wf_glance {
    int64_t for_ns;
    unsigned round;
    int64_t until_ns;
};
bool wf_glance(struct wf_glance *glance);

// A lock for a few instructions, where nothing may sleep: 0 is free.
static inline void wf_spin_lock(uint32_t *busy)
{
    unsigned round = 0;
    while (wf_exchange(busy, 1, WF_ACQUIRE) != 0)
        wf_spin(round++);
}
static inline void wf_spin_unlock(uint32_t *busy)
{
    wf_store(busy, 0, WF_RELEASE); // pairs with the acquire in wf_spin_lock
}

#endif
