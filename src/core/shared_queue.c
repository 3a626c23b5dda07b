// SPDX-License-Identifier: MIT
// shared_queue.c - a ring of items with two sides, one for those who put and one for those who get
// (the two-lock queue of Michael and Scott 1996, bounded). See shared.h for how they wait.
//
// A side is a lock and the number of items that have passed it. Its holder copies the item first,
// and then counts it, in one step. So one who is killed has done nothing or all of it, and the lock
// that he leaves asks for no mending: an item that was half put is overwritten, one that was taken
// out and not counted is taken by the next.
//
// Getters sleep on the putters' number, and putters on the getters'. What a side has seen of the
// other it keeps, so that two who run at the same speed do not read each other's lines each time.
// A sleep could miss exactly 2^30 items that pass while it begins; nobody is that fast.
#include <weft/shared.h>

#include <errno.h>
#include <string.h>

#include <weft/error.h>

#include "core/error.h"
#include "core/linger.h"
#include "core/misuse.h"
#include "core/round.h"
#include "core/shared.h"
#include "os/futex.h"
#include "os/prefetch.h"
#include "os/sanitizer.h"

enum { DEFAULT_CAPACITY = 1024, LINE = 64 };
enum { WAITED = 1, CLOSED = 2, ONE = 4, SHIFT = 2 }; // a number of items is counted in ONEs

// A thread sanitizer does not see what another process has seen for us: under it all look.
#ifdef WF_TSAN
enum { KEEPS_SEEN = 0 };
#else
enum { KEEPS_SEEN = 1 };
#endif

struct side {
    weft_shared_mutex mu;
    uint64_t passed; // items, with WAITED: somebody of the other side may sleep on it. Atomic
    uint64_t seen;   // of the other side, no more than there are; guarded by mu. Atomic
    struct wf_lingering lingering;
} __attribute__((aligned(LINE)));

struct weft_shared_queue {
    size_t item_size, capacity;
    uint64_t mask;          // of the slots, a power of two
    struct side puts, gets; // closed: both have the flag, puts first
    unsigned char slots[] __attribute__((aligned(LINE)));
};

weft_shared_queue *weft_shared_queue_new(size_t item_size, size_t capacity)
{
    wf_require(item_size > 0, "weft_shared_queue_new: items of no size");
    enum { MOST = 1 << 30 };
    size_t room = capacity > 0 ? capacity : DEFAULT_CAPACITY, slots = 1;
    while (slots < room && slots < MOST)
        slots *= 2;
    if (room > MOST || item_size > (SIZE_MAX / 2 - sizeof(weft_shared_queue)) / slots) {
        (void)weft_fail(-ENOMEM, "weft_shared_queue_new: no memory for %zu items of %zu bytes",
                        room, item_size);
        return NULL;
    }
    weft_shared_queue *q = weft_shared(sizeof *q + slots * item_size);
    if (q) {
        q->item_size = item_size;
        q->capacity = room;
        q->mask = slots - 1;
    }
    return q;
}

void weft_shared_queue_free(weft_shared_queue **q)
{
    wf_require(q, "weft_shared_queue_free(NULL): pass the address of the pointer");
    weft_shared_free(q);
}

// ---- one side, from the other's view ----------------------------------------------------

// False: it is no longer at `seen`, or was closed by then: nobody would wake us.
static bool sleep_on(struct side *other, uint64_t seen, struct wf_nap *nap)
{
    if (seen & CLOSED)
        return false;
    if (!(seen & WAITED) && !wf_cas(&other->passed, &seen, seen | WAITED, WF_RELAXED))
        return false;
    nap->word = wf_low_half(&other->passed);
    nap->expected = (uint32_t)(seen | WAITED);
    return true;
}

// One that slept goes on, and others may sleep there still: the flag is set again, or, if there is
// more, the next is woken, who does the same.
static void leave_others(struct side *other, uint64_t seen, bool has_more)
{
    bool flagged = !has_more &&
                   ((seen & WAITED) || wf_cas(&other->passed, &seen, seen | WAITED, WF_RELAXED));
    if (!flagged)
        wf_futex_wake_shared(wf_low_half(&other->passed));
}

// ---- put and get ------------------------------------------------------------------------

static uint64_t seen_of(const struct side *side)
{
    return wf_load(&side->seen, WF_RELAXED);
}

// Of one item, in or out.
struct move {
    weft_shared_queue *queue;
    struct side *mine, *other;
    void *to;         // of a get
    const void *from; // of a put
    bool is_over;     // it was closed, and for a get: drained
    bool slept;       // on the other side: a wake-up that came may have to be passed on
};

// How many may pass, if the other side is at `seen`.
static uint64_t left_at(const struct move *m, uint64_t passed, uint64_t seen)
{
    uint64_t known = seen >> SHIFT, own = passed >> SHIFT;
    return m->from ? m->queue->capacity - (own - known) : known - own;
}

// As far as is known.
static uint64_t left(const struct move *m, uint64_t passed)
{
    return left_at(m, passed, seen_of(m->mine));
}

static bool has_more(const struct move *m, uint64_t passed)
{
    if (KEEPS_SEEN && left(m, passed) > 0)
        return true;
    uint64_t now = wf_load(&m->other->passed, WF_ACQUIRE); // pairs with count: it was copied
    wf_store(&m->mine->seen, now, WF_RELAXED);
    return left(m, passed) > 0;
}

static unsigned char *slot_of(weft_shared_queue *q, uint64_t passed)
{
    return q->slots + (size_t)(passed >> SHIFT & q->mask) * q->item_size;
}

static void copy(const struct move *m, uint64_t passed)
{
    size_t size = m->queue->item_size;
    unsigned char *slot = slot_of(m->queue, passed);
    if (m->from)
        memcpy(slot, m->from, size);
    else
        memcpy(m->to, slot, size);
}

// The other side was at a slot last, on another core as a rule. It is fetched some items before, if
// it is known to be ours to take.
static void prepare(const struct move *m, uint64_t passed)
{
    const uint64_t ahead = 8;
    if (left(m, passed) <= ahead)
        return;
    const unsigned char *slot = slot_of(m->queue, passed + ahead * ONE);
    if (m->from)
        wf_prefetch_to_write(slot);
    else
        wf_prefetch(slot);
}

// False: closed, and this is a put.
static bool count(const struct move *m, uint64_t *passed)
{
    while (!m->from || !(*passed & CLOSED))
        if (wf_cas(&m->mine->passed, passed, (*passed + ONE) & ~(uint64_t)WAITED, WF_RELEASE))
            return true;
    return false;
}

// With the lock: it passes, or it is over. False: it has to wait, and nap says for what.
static bool pass(struct move *m, uint64_t *passed, struct wf_nap *nap)
{
    while (!has_more(m, *passed)) {
        uint64_t seen = seen_of(m->mine);
        if ((*passed | seen) & CLOSED)
            return (m->is_over = true);
        if (sleep_on(m->other, seen, nap))
            return false;
    }
    copy(m, *passed);
    m->is_over = !count(m, passed);
    prepare(m, *passed); // now that it can be had
    if (m->slept)
        leave_others(m->other, seen_of(m->mine), has_more(m, *passed + ONE));
    return true;
}

static bool move(void *ctx, struct wf_nap *nap)
{
    struct move *m = ctx;
    struct side *mine = m->mine;
    // Kept, for it may yet sleep on the lock.
    m->slept = m->slept || nap->slept_on == wf_low_half(&m->other->passed);
    if (!wf_shared_take(&mine->mu, nap, NULL))
        return false;
    uint64_t passed = wf_load(&mine->passed, WF_ACQUIRE); // if closed, so is the other to us
    bool done = pass(m, &passed, nap);
    wf_shared_give(&mine->mu); // the last touch
    if (done && (passed & WAITED))
        wf_futex_wake_shared(wf_low_half(&mine->passed));
    return done;
}

// A guess, without the lock. Closed: it is over, and no reason to look out.
static size_t arrived(const void *move)
{
    const struct move *m = move;
    uint64_t passed = wf_load(&m->mine->passed, WF_RELAXED);
    uint64_t other = wf_load(&m->other->passed, WF_RELAXED);
    uint64_t now = left_at(m, passed, other);
    return now == 0 && ((passed | other) & CLOSED) ? 1 : (size_t)now;
}

// Who would not be the first to wait is better off asleep.
static void linger(const struct move *m)
{
    bool seems_stuck = left(m, wf_load(&m->mine->passed, WF_RELAXED)) == 0 && arrived(m) == 0;
    if (seems_stuck && !(wf_load(&m->other->passed, WF_RELAXED) & WAITED))
        wf_linger(&m->mine->lingering, arrived, m);
}

static int call(const char *call, struct move *m, size_t size, weft_time deadline)
{
    weft_shared_queue *q = m->queue;
    wf_require(size == q->item_size, "%s(%p): items have %zu bytes, not %zu", call, (void *)q,
               q->item_size, size);
    if (wf_kin_self() == 0)
        return weft_fail(-ENOTSUP, "%s: the child of a plain fork has no part in it", call);
    if (deadline.ns != WEFT_POLL.ns)
        linger(m);
    int rc = wf_shared_call(call, q, deadline, move, m);
    if (rc < 0 && m->slept) // it gave up while it slept on the lock
        wf_futex_wake_some_shared(wf_low_half(&m->other->passed), 1);
    return rc == 0 && m->is_over ? wf_failed(call, -EPIPE) : rc;
}

int weft_shared_put_(weft_shared_queue *q, const void *item, size_t size, weft_time deadline)
{
    wf_require(q, "weft_shared_put(NULL): there is no queue");
    wf_require(item, "weft_shared_put(%p, NULL): there is no item", (void *)q);
    struct move m = {.queue = q, .mine = &q->puts, .other = &q->gets, .from = item};
    return call("weft_shared_put", &m, size, deadline);
}

int weft_shared_get_(weft_shared_queue *q, void *item, size_t size, weft_time deadline)
{
    wf_require(q, "weft_shared_get(NULL): there is no queue");
    wf_require(item, "weft_shared_get(%p, NULL): no place for the item", (void *)q);
    struct move m = {.queue = q, .mine = &q->gets, .other = &q->puts, .to = item};
    return call("weft_shared_get", &m, size, deadline);
}

// ---- the rest ---------------------------------------------------------------------------

static void close_side(struct side *side)
{
    uint64_t passed = wf_load(&side->passed, WF_RELAXED);
    while (!wf_cas(&side->passed, &passed, (passed | CLOSED) & ~(uint64_t)WAITED, WF_RELEASE))
        continue;
    wf_futex_wake_some_shared(wf_low_half(&side->passed), UINT32_MAX);
}

// The putters' side first: who is woken looks at it, whichever side it slept on.
void weft_shared_queue_close(weft_shared_queue *q)
{
    wf_require(q, "weft_shared_queue_close(NULL)");
    close_side(&q->puts);
    close_side(&q->gets);
}

size_t weft_shared_queue_length(const weft_shared_queue *q)
{
    wf_require(q, "weft_shared_queue_length(NULL)");
    uint64_t gets = wf_load(&q->gets.passed, WF_ACQUIRE); // first: it is never ahead of the puts
    uint64_t length = (wf_load(&q->puts.passed, WF_ACQUIRE) >> SHIFT) - (gets >> SHIFT);
    return length < q->capacity ? (size_t)length : q->capacity; // more were taken out meanwhile
}
