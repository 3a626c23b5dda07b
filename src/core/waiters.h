// SPDX-License-Identifier: MIT
// waiters.h - the word that every lock and signal is, and the line of those who wait for it.
//
// A word holds flags in its low six bits, and above them the first waiter (nodes are aligned to
// 64 bytes) or, while nobody waits, a count of the primitive's own. One flag is common:
//
//     WF_BUSY   somebody changes the word and its line, for a few instructions
//
// So each primitive is a tiny monitor: fast paths are one compare-and-swap on a word without
// waiters, everything else happens between wf_word_lock and wf_word_unlock, in plain code. And
// the store in wf_word_unlock is the last touch of the object: who was let in by it may free the
// object at once.
//
// A node lies on the waiter's stack, and goes WAITING -> TAKEN -> SIGNALLED or, by the waiter's
// own hand, WAITING -> LEAVES -> gone. TAKEN is set by the waker while the word is busy. SIGNALLED
// is set after the word has been let go; from then on the node is its waiter's alone, so the waker
// reads what it needs before. This is why a waker touches neither the lock nor the node after it
// let go of each, and why a wake-up is never eaten by one who gave up.
//
// Who was TAKEN may be the last whom somebody else needed the object for: the one who gets the last
// item of a queue may free it, and it may have come from a putter in line, whose deadline passes
// now. So who gives up must know that he was not taken before he touches the word: TAKEN and LEAVES
// are decided by a compare-and-swap of each side, in the waiter's own memory.
//
//     LEAVES was first   The call fails, and nobody else can know that it does before it returns:
//                        until then he uses the object, and it stays. A waker that finds him in
//                        line takes him out, unserved, and goes on with the next.
//     TAKEN was first    The call is done. He touches the object no more.
//
// Two need no compare-and-swap to take. A fiber, if the waiter is one of its own loop: that does
// not run now. And whoever takes one who comes back to the object, and so keeps it, as a mutex's
// waiter does to try again: there TAKEN may come after LEAVES, and counts, until he has the word.
#ifndef WF_CORE_WAITERS_H
#define WF_CORE_WAITERS_H

#include "core/park.h"
#include "os/atomic.h"

enum { WF_BUSY = 1, WF_FLAGS = 63, WF_SHIFT = 6 };

enum wf_waiter_state { WF_WAITING, WF_LEAVES, WF_TAKEN, WF_SIGNALLED };

struct weft_waiter {
    struct weft_waiter *next, *prev; // a ring while in line; next: a chain once taken, NULL for
                                     // one who leaves and was taken out of the line
    struct wf_parker *parker;
    uint32_t state; // atomic
    int kind;       // the primitive's own: a reader or a writer
} __attribute__((aligned(64)));

// Field by field: an initializer would clear the padding too, which takes longer than the rest.
static inline void wf_waiter_begin(struct weft_waiter *waiter, int kind)
{
    waiter->next = waiter->prev = NULL;
    waiter->parker = wf_self();
    waiter->state = WF_WAITING;
    waiter->kind = kind;
}

// Make the word ours; its value, without WF_BUSY.
uintptr_t wf_word_lock_slowly(uintptr_t *word);
static inline uintptr_t wf_word_lock(uintptr_t *word)
{
    uintptr_t value = wf_load(word, WF_RELAXED);
    bool ours = !(value & WF_BUSY) && wf_cas(word, &value, value | WF_BUSY, WF_ACQUIRE);
    return __builtin_expect(ours, 1) ? value : wf_word_lock_slowly(word);
}
static inline void wf_word_unlock(uintptr_t *word, uintptr_t value)
{
    wf_store(word, value, WF_RELEASE); // pairs with wf_word_lock, and with each fast path
}

// ---- the line, while the word is busy: from a value to the new one ----------------------
static inline struct weft_waiter *wf_line_first(uintptr_t value)
{
    return (struct weft_waiter *)(value & ~(uintptr_t)WF_FLAGS);
}
uintptr_t wf_line_append(uintptr_t value, struct weft_waiter *waiter);
uintptr_t wf_line_prepend(uintptr_t value, struct weft_waiter *waiter);
// Take the first out of the line, and add it to the chain of those to be signalled. For those who
// come back to the object, or cannot give up.
uintptr_t wf_line_take(uintptr_t value, struct weft_waiter ***chain_end);
// For all others: take the first who does not leave, and out of the line who leaves before him.
// Until he is signalled he can be given what he waits for. NULL: there is none.
struct weft_waiter *wf_line_serve_first(uintptr_t *value, struct weft_waiter ***chain_end);
static inline struct weft_waiter *wf_line_serve(uintptr_t *value, struct weft_waiter ***chain_end)
{
    return wf_line_first(*value) ? wf_line_serve_first(value, chain_end) : NULL;
}
// Likewise the very first. False: he leaves, and is in line until he has the word.
bool wf_line_try(uintptr_t *value, struct weft_waiter ***chain_end);

// Signal a chain of taken ones. The word must have been let go before.
void wf_signal_all(struct weft_waiter *chain); // for wf_signal alone
static inline void wf_signal(struct weft_waiter *chain)
{
    if (__builtin_expect(chain != NULL, 0)) // mostly nobody waits
        wf_signal_all(chain);
}

// Sleep in line until signalled: 0. Or leave the line: -ETIMEDOUT; if wait->stops, -ECANCELED or
// -EAGAIN; with a shared word, -EALREADY when that has changed. Then the flags `drop` have been
// cleared from the word in the same step.
int wf_line_wait(uintptr_t *word, struct weft_waiter *waiter, struct wf_wait *wait,
                 weft_time deadline, uintptr_t drop);

// ---- after a fork -----------------------------------------------------------------------
// What the word is worth in a child whose other threads are gone.
typedef uintptr_t wf_after_fork(uintptr_t value, uint32_t value_);
bool wf_adopt(uintptr_t *word, uint32_t *fork, const uint32_t *value_, wf_after_fork *after);
wf_after_fork wf_after_fork_free; // nothing: 0

// The same by hand, for what is more than a word. Stale: begin; true: it is the caller who makes it
// fresh, and says so with end. Else somebody else did.
#define wf_is_stale(object) \
    __builtin_expect(wf_load(&(object)->fork_, WF_ACQUIRE) != wf_fork_count, 0)
bool wf_adopt_begin(uint32_t *fork);
void wf_adopt_end(uint32_t *fork);

// Call first in each operation. True: the object comes from before a fork, and is fresh now. Of
// several who come at once each may be told so: who has more to make fresh does it by hand.
#define wf_fresh(object, after) \
    (wf_is_stale(object) && \
     wf_adopt(&(object)->word_, &(object)->fork_, &(object)->value_, (after)))

// Likewise first in what gives back. True: it was held when this process was forked, as one of
// `flags` says, and no longer is: nothing is left to do. A free one stays for the caller to name.
bool wf_adopt_held(uintptr_t *word, uint32_t *fork, uintptr_t flags);
#define wf_was_held(object, flags) \
    (wf_is_stale(object) && wf_adopt_held(&(object)->word_, &(object)->fork_, (flags)))

#endif
