// SPDX-License-Identifier: MIT
// park.h - the seam: everything that waits, waits here.
//
//     struct wf_wait wait = {.what = "weft_get", .fd = WF_NO_FD, .stops = true};
//     int rc = wf_wait_begin(&wait);
//     while (rc == 0 && !what_we_wait_for_has_come())
//         rc = wf_park(&wait, deadline);
//     wf_wait_end(&wait);
//
// A parker has one token. wf_unpark gives it, wf_park takes it or sleeps until it comes; a token
// that came first is remembered, so a wake-up between the look at the condition and the sleep is
// not lost. wf_park may also return for no reason: the condition is the truth, never the token.
#ifndef WF_CORE_PARK_H
#define WF_CORE_PARK_H

#include <weft/time.h>

#include "core/current.h"
#include "core/misuse.h"
#include "os/atomic.h"
#include "os/engine.h"
#include "os/futex.h"

enum { WF_NO_FD = -1, WF_WAIT_WORDS = 2 };

// What somebody waits for; lies on his stack.
struct wf_wait {
    const char *what;       // the public call, for messages
    const char *thing;      // "mutex", "task": what the object is; with owner
    const void *object;     // the lock, the future; for messages, and lock
    const uint32_t *owner;  // the owner word (check.h) of the task that must act first; NULL where
                            // nobody in particular must, or the wait has a deadline
    int fd;                 // a descriptor to wait for as well, or WF_NO_FD
    short events;           // of poll(2)
    uint64_t edges;         // not 0: edges will do (os/engine.h, wf_io)
    struct wf_io *transfer; // of bytes, in place of fd; NULL unless wf_transfers()
    const struct wf_futex_one *words; // in place of fd: it sleeps only while all are as expected
    unsigned word_count;              // at most WF_WAIT_WORDS
    uintptr_t (*lock)(const void *object); // of the line's word, in the place of wf_word_lock: to
                                           // give up a wait in line (waiters.h). NULL: that
    bool stops;                            // a request to stop ends it
    bool passes; // it ends by the clock, or in a moment: no reason for a spare worker
};

// Say that the current task begins to wait; call before the first look at the condition that is
// not protected by a lock. Tells the task's pool, which may wait for moments itself (and so take
// tokens). 0, or, for a wait that stops, -EAGAIN: no spare worker is left, and weft_error() says
// so; wf_wait_end is due all the same.
int wf_wait_begin_told(struct wf_wait *wait); // park.c: where somebody wants to know
void wf_wait_end_told(struct wf_wait *wait);
static inline int wf_wait_begin(struct wf_wait *wait)
{
    bool told = wf_noting || wf_self()->host;
    return __builtin_expect(told, 0) ? wf_wait_begin_told(wait) : 0;
}
static inline void wf_wait_end(struct wf_wait *wait)
{
    if (__builtin_expect(wf_noting || wf_self()->host, 0))
        wf_wait_end_told(wait);
}

// A fiber that may let others run before it waits. Not where somebody is told of waits, who would
// miss this one.
static inline bool wf_may_give_way(const struct wf_parker *self)
{
    return self->parking && !self->host && !wf_noting;
}

// Called before a wait: what a fiber waits for is often done when all that are ready have had their
// turn. Then nobody stands in line, lies down and is woken: three locked instructions less. Who
// gives way stays in the run queue, so it goes on no later than one woken by that would, and if it
// has to wait all the same, this was one switch too many. Nothing is decided here: the caller looks
// again. True: others ran, or are ready now. Threads just go on.
static inline bool wf_give_way(void)
{
    struct wf_parker *self = wf_self();
    return wf_may_give_way(self) && self->parking->yield(self, false);
}

// At the end of a call that may wait, whether or not it did, or once in so many of them: a fiber
// that finds something each time would else never let others run. Threads just go on.
static inline void wf_go_on(unsigned calls)
{
    struct wf_parker *self = wf_self();
    if (self->parking)
        self->parking->goes_on(self, calls);
}

// The caller is in weft_on_thread_stack, and must not sleep. Who tries only, or waits for others'
// next few instructions, asks, and does without.
static inline bool wf_stays(void)
{
    const struct wf_parker *self = wf_self();
    return self->parking && self->parking->stays(self);
}

// Sleep until the token, an event on wait->fd, or the deadline. The ready events (> 0), 0 (token,
// or no reason), -ETIMEDOUT; with a descriptor -EMFILE, -ENFILE, -ENOMEM; a fiber with one -ENOSPC,
// and with a deadline -ENOMEM.
// With a transfer: 1 if it was made, or has failed by itself; then its result says more. In all
// other cases it was not begun, or taken back: no byte has moved.
int wf_park(const struct wf_wait *wait, weft_time deadline);

// The caller's parking moves bytes itself.
bool wf_transfers(void);

// The caller sleeps on a wait's words itself, so whoever changes one wakes it there. (For a fiber
// somebody looks out, core/lookout.h, or where the kernel cannot, it looks by itself now and then.)
bool wf_sleeps_on_words(void);
// One of them is not as expected.
static inline bool wf_words_changed(const struct wf_wait *wait)
{
    for (unsigned i = 0; i < wait->word_count; i++)
        if (wf_load(wait->words[i].word, WF_SEQ_CST) != wait->words[i].expected)
            return true;
    return false;
}

// Give the parker its token. Any thread, any time, also after its end (current.h).
void wf_unpark(struct wf_parker *parker);

// For a `parking`, on its own loop, and for wf_unpark: end the sleep of one. True: and it is the
// caller's to let it go on. False: a wake is on its way.
enum { WF_PARKED = 4 };
bool wf_park_give_up(struct wf_parker *parker);

// wf_park for a descriptor, until it returns something: the ready events, -ETIMEDOUT, -ECANCELED,
// -EBADF, or as wf_park. With `again` not NULL also 0, if *again is not 0 after a token.
int wf_wait_fd(const char *what, int fd, short events, weft_time deadline, const uint32_t *again);

void wf_note_wait(const struct wf_wait *wait);      // current.c; for park.c alone
void wf_check_deadlock(const struct wf_wait *wait); // check.c; likewise

#endif
