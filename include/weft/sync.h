// SPDX-License-Identifier: MIT
// weft/sync.h - locks and signals.
//
//     static struct { weft_mutex mu; long total; } account;
//     weft_lock(&account.mu);
//     account.total += 10;
//     weft_unlock(&account.mu);
//
// All of these are valid when zeroed (but for a barrier's parties), need no destroy call, and work
// from any thread. They live in one process. Nothing wakes early. Waits with a deadline return 0,
// -ETIMEDOUT or -ECANCELED, and what else is said; the others cannot fail and are not interrupted.
// An object may be freed once a call has returned which proves that nobody needs it any more, such
// as the last wait. The call that let it in may not have returned yet, but touches the object no
// more; nor do other waits that were let in, even if their deadlines pass before they return. (A
// wait for a mutex, a barrier or a once needs the object until it returns, and so does every wait
// that is given up.)
//
// Under WEFT_CHECK=1 these abort too: unlocking what another holds, a task that returns with a lock
// held, a deadlock.
//
// A child of a plain fork() finds locks free, without waiters; flags and counts keep their values.
// Giving back there what was held when it was forked does nothing, if it is the first call there
// with that lock: after another it is free, or held anew. (A weft_recursive that was taken more
// than once then stays with its holder until he has given it back as often.)
#ifndef WEFT_SYNC_H
#define WEFT_SYNC_H

#include <weft/time.h>

WEFT_C_BEGIN

// Every object below begins so. word_: flags, and a count or the first waiter; fork_: which fork
// of the program used it last; value_: what does not fit while somebody waits.
#define WEFT_WORD_ \
    uintptr_t word_; \
    uint32_t fork_, value_

// A mutex. Not recursive, not fair, but a waiter is not starved. weft_lock cannot fail and is not
// interrupted: hold it for moments, wait on something else. Another task may unlock it; unlocking
// a free one aborts.
typedef struct {
    WEFT_WORD_;
} weft_mutex;
void weft_lock(weft_mutex *m);
bool weft_trylock(weft_mutex *m); // never waits
int weft_lock_until(weft_mutex *m, weft_time deadline);
void weft_unlock(weft_mutex *m);
// Hold m from here to the end of the block, however it is left: weft_guard(&account.mu);
#define weft_guard(m) weft_guard_at_(__COUNTER__, m)

// A mutex that its holder may lock again; free after as many unlocks. Unlocking another's, or a
// free one, aborts.
typedef struct {
    weft_mutex mu_;
    int64_t owner_;
    uint32_t depth_;
} weft_recursive;
void weft_recursive_lock(weft_recursive *r);
int weft_recursive_lock_until(weft_recursive *r, weft_time deadline);
void weft_recursive_unlock(weft_recursive *r);
uint32_t weft_recursive_depth(const weft_recursive *r); // how often the caller holds it

// A condition over state guarded by a mutex, which is held on entry and on return, whatever is
// returned; waiting without it aborts. Between signal and return another may change the state, so
// wait in a loop, or give the predicate: ready() is called with the mutex held. Signal with the
// mutex or without. A waiter that timed out eats no signal. Who waited comes back to the mutex
// alone: after a broadcast, while nobody else can begin to wait, the condition may be freed.
typedef struct {
    WEFT_WORD_;
} weft_cond;
int weft_cond_wait(weft_cond *c, weft_mutex *m, weft_time deadline);
// The same until ready(arg); 0 also if it holds at the deadline.
int weft_cond_wait_for(weft_cond *c, weft_mutex *m, bool (*ready)(const void *arg), const void *arg,
                       weft_time deadline);
void weft_cond_signal(weft_cond *c); // wakes the one that waits longest
void weft_cond_broadcast(weft_cond *c);

// Many readers or one writer, in the order of their coming: a waiting writer goes before new
// readers. Not recursive, also for readers. Unlocking what is not so locked aborts.
typedef struct {
    WEFT_WORD_;
} weft_rwlock;
void weft_read_lock(weft_rwlock *l);
void weft_read_unlock(weft_rwlock *l);
void weft_write_lock(weft_rwlock *l);
void weft_write_unlock(weft_rwlock *l);

// A counting semaphore, in the order of coming: weft_sem slots = WEFT_SEM(3). A count beyond 2^32
// - 1 aborts; with WEFT_BOUNDED_SEM(n) also one beyond n, as the bug it is.
typedef struct {
    WEFT_WORD_;
    uint32_t bound_; // plus 1; 0: none
} weft_sem;
#define WEFT_SEM(n) WEFT_SEM_((n), 0)
#define WEFT_BOUNDED_SEM(n) WEFT_SEM_((n), (n) + 1)
int weft_acquire(weft_sem *s, weft_time deadline);
void weft_release(weft_sem *s, uint32_t n); // wakes up to n; 0 does nothing

// A flag to wait for. Set stays set until cleared; a set during a wait ends that wait, even if the
// flag is cleared before the waiter runs.
typedef struct {
    WEFT_WORD_;
} weft_event;
void weft_event_set(weft_event *e);
void weft_event_clear(weft_event *e);
bool weft_event_is_set(const weft_event *e);
int weft_event_wait(weft_event *e, weft_time deadline);

// A count of outstanding work; wait for it to become zero. Add before the work is handed out; a
// done without its add aborts. All done, it may be used again.
typedef struct {
    WEFT_WORD_;
} weft_waitgroup;
void weft_waitgroup_add(weft_waitgroup *w, uint32_t n);
void weft_waitgroup_done(weft_waitgroup *w);
int weft_waitgroup_wait(weft_waitgroup *w, weft_time deadline);

// `parties` tasks wait for each other: weft_barrier b = WEFT_BARRIER(4). Each gets one of 0 to
// parties - 1, once a round. One that times out or is cancelled breaks the barrier: then, and after
// an abort, all waits return -EPIPE until a reset. A reset sends those who wait away with -EPIPE.
// No parties: aborts.
typedef struct {
    uint32_t parties, arrived_;
    bool broken_;
    struct weft_visit_ *here_; // who waits; on their stacks
    weft_mutex mu_;            // guards all of it
    weft_cond all_;
} weft_barrier;
// clang-format off
#define WEFT_BARRIER(n) {(n), 0, false, NULL, {0, 0, 0}, {0, 0, 0}}
// clang-format on
int weft_barrier_wait(weft_barrier *b, weft_time deadline);
void weft_barrier_abort(weft_barrier *b);
void weft_barrier_reset(weft_barrier *b);

// Run fn(arg) once; those who come meanwhile wait for it. Returns 0, also later, or fn's negative
// code to the caller that ran it: then it was not done, and the next caller tries again. Waiting
// for it is not interrupted.
typedef struct {
    WEFT_WORD_;
} weft_once;
int weft_once_do(weft_once *once, int (*fn)(void *arg), void *arg);

// ---- behind the macros -------------------------------------------------------
// clang-format off
#define WEFT_SEM_(n, bound) {(n) ? (((uintptr_t)(n)) << 6 | 2) : 0, 0, 0, (bound)}
// clang-format on
static inline weft_mutex *weft_guard_take_(weft_mutex *m)
{
    weft_lock(m);
    return m;
}
static inline void weft_guard_leave_(weft_mutex **m)
{
    weft_unlock(*m);
}
#define weft_guard_at_(id, m) weft_guard_as_(id, m)
// clang-format off
#define weft_guard_as_(id, m) \
    __attribute__((cleanup(weft_guard_leave_), unused)) weft_mutex *weft_guard_##id##_ = \
        weft_guard_take_(m)
// clang-format on

WEFT_C_END
#endif
