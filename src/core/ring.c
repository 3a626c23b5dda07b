// SPDX-License-Identifier: MIT
// ring.c - see ring.h. Two counters, tail and head, each written by one end alone (as in Lamport's
// ring for one producer and one consumer, 1977), and a word for each end.
//
// Who puts holds `word_`, who gets holds `taking`; whoever needs both takes `taking` first. The
// line is the word's, so who waits, and who ends a wait, has `word_`. While both are free:
//
//     a getter is in line  ->  the ring is empty          (a put hands its item to the first)
//     a putter is in line  ->  it is full, putters_wait   (a get with that set takes the word too,
//                                                          and puts the first one's item in)
//
// So getters and putters are never in line together. To stand in line needs both words and another
// look: no item, and no room, can come between the look and the line. A putter that gave up leaves
// putters_wait behind; the next get clears it.
//
// Who gets the last item may free the queue at once, while the one who put it has yet to let go of
// the word: for the counter says that the item is there, and comes before. So what is seen of the
// other end counts only if that end is not busy afterwards: then whoever wrote it has had his last
// touch. Else both words are taken, and there is nobody to wait for. (A putter could not wait for
// `taking` to be let go: who has it may be waiting for his word.) And a getter that has both lets
// go of `taking` last: the next one may get the last item with that word alone.
#include "core/ring.h"

#include <errno.h>
#include <string.h>

enum { GETTER, PUTTER };
enum { OFTEN = 256 }; // items, after which a fiber that never had to wait lets others run

// One in line.
struct seat {
    struct weft_waiter node; // first; its kind: GETTER or PUTTER
    void *item;              // where to, or where from
    bool closed;             // signalled because the queue was closed
};

// In the child of a fork it is empty: its items belong to tasks not here.
static void adopt(struct wf_ring *r)
{
    if (!wf_adopt_begin(&r->fork_))
        return;
    wf_store(&r->word_, 0, WF_RELAXED);
    wf_store(&r->taking, 0, WF_RELAXED);
    wf_store(&r->tail, 0, WF_RELAXED);
    wf_store(&r->head, 0, WF_RELAXED);
    wf_store(&r->head_seen, 0, WF_RELAXED);
    wf_store(&r->tail_seen, 0, WF_RELAXED);
    r->tail_at = r->head_at = 0;
    r->putters_wait = false;
    wf_adopt_end(&r->fork_);
}

static inline void adopt_if_forked(struct wf_ring *r)
{
    if (wf_is_stale(r))
        adopt(r);
}

// ---- the two ends -----------------------------------------------------------------------

// Most items are a pointer or a number.
static inline void copy(const struct wf_ring *r, void *to, const void *from)
{
    if (r->item_size == sizeof(void *))
        memcpy(to, from, sizeof(void *));
    else
        memcpy(to, from, r->item_size);
}

static inline unsigned char *take_slot(const struct wf_ring *r, size_t *at)
{
    unsigned char *slot = r->slots + *at * r->item_size;
    *at = *at + 1 < r->capacity ? *at + 1 : 0;
    return slot;
}

// Each by who has its end.
static inline size_t tail_of(const struct wf_ring *r)
{
    return wf_load(&r->tail, WF_RELAXED);
}

static inline size_t head_of(const struct wf_ring *r)
{
    return wf_load(&r->head, WF_RELAXED);
}

static inline void push(struct wf_ring *r, const void *item)
{
    copy(r, take_slot(r, &r->tail_at), item);
    wf_store(&r->tail, tail_of(r) + 1, WF_RELEASE); // pairs with look_at
}

static inline void pop(struct wf_ring *r, void *item)
{
    copy(r, item, take_slot(r, &r->head_at));
    wf_store(&r->head, head_of(r) + 1, WF_RELEASE); // pairs with look_at
}

// As far as was seen. Without the word, a guess.
static inline bool is_full(const struct wf_ring *r)
{
    return tail_of(r) - wf_load(&r->head_seen, WF_RELAXED) == r->capacity;
}

static inline bool is_empty(const struct wf_ring *r)
{
    return head_of(r) == wf_load(&r->tail_seen, WF_RELAXED);
}

// See the other end's counter, if whoever wrote it has let go of his word. Else take both words.
static inline void look_at(const size_t *counter, const uintptr_t *word, size_t *seen)
{
    size_t now = wf_load(counter, WF_ACQUIRE);
    if (!(wf_load(word, WF_ACQUIRE) & WF_BUSY))
        wf_store(seen, now, WF_RELAXED);
}

static void look_at_both(struct wf_ring *r)
{
    wf_store(&r->head_seen, head_of(r), WF_RELAXED);
    wf_store(&r->tail_seen, tail_of(r), WF_RELAXED);
}

static uintptr_t lock_both(struct wf_ring *r)
{
    (void)wf_word_lock(&r->taking);
    uintptr_t value = wf_word_lock(&r->word_);
    look_at_both(r);
    return value;
}

// The last touch, but for whoever is in line; then the taken ones are signalled.
static void unlock_both(struct wf_ring *r, uintptr_t value, struct weft_waiter *taken)
{
    wf_word_unlock(&r->taking, 0);
    wf_word_unlock(&r->word_, value);
    wf_signal(taken);
}

// ---- the line ---------------------------------------------------------------------------

static inline struct seat *first_seat(uintptr_t value)
{
    return (struct seat *)(void *)wf_line_first(value);
}

// With both words, which are let go. 0, -EPIPE, or why the wait was given up.
static int wait_in_line(struct wf_ring *r, uintptr_t value, int kind, void *item,
                        weft_time deadline)
{
    struct seat seat;
    wf_waiter_begin(&seat.node, kind);
    seat.item = item;
    seat.closed = false;
    struct wf_wait wait = {.what = kind == PUTTER ? "weft_put" : "weft_get",
                           .object = r,
                           .fd = WF_NO_FD,
                           .stops = true};
    unlock_both(r, wf_line_append(value, &seat.node), NULL);
    int rc = wf_line_wait(&r->word_, &seat.node, &wait, deadline, 0);
    return rc == 0 && seat.closed ? -EPIPE : rc;
}

// ---- before a wait ----------------------------------------------------------------------

// Guesses, without a word.
static size_t items(const void *ring)
{
    const struct wf_ring *r = ring;
    size_t length = wf_load(&r->tail, WF_RELAXED) - wf_load(&r->head, WF_RELAXED);
    return length == 0 && wf_load(&r->closed, WF_RELAXED) ? 1 : length;
}

static size_t places(const void *ring)
{
    const struct wf_ring *r = ring;
    return wf_load(&r->closed, WF_RELAXED) ? 1 : r->capacity - items(ring);
}

// Who would not be the first to wait is better off in line.
__attribute__((noinline)) static void linger(struct wf_ring *r, struct wf_lingering *l,
                                             wf_arrived *arrived)
{
    if (arrived(r) == 0 && !wf_line_first(wf_load(&r->word_, WF_RELAXED)))
        wf_linger(l, arrived, r);
}

// ---- put and get ------------------------------------------------------------------------

// With the word: 0, -EPIPE, or -EAGAIN, full. A getter in line is taken out, to be signalled.
static inline int try_put(struct wf_ring *r, uintptr_t *value, const void *item,
                          struct weft_waiter **taken)
{
    struct seat *first = first_seat(*value);
    if (r->closed)
        return -EPIPE;
    if (first && first->node.kind == GETTER) {
        copy(r, first->item, item);
        *value = wf_line_take(*value, &taken);
        return 0;
    }
    if (first || is_full(r))
        return -EAGAIN;
    push(r, item);
    return 0;
}

static int put_slowly(struct wf_ring *r, const void *item, weft_time deadline)
{
    struct weft_waiter *taken = NULL;
    uintptr_t value = lock_both(r);
    int rc = try_put(r, &value, item, &taken);
    if (rc == -EAGAIN) {
        r->putters_wait = true;
        void *from = (void *)(uintptr_t)item; // a seat holds both kinds; it is only read
        return wait_in_line(r, value, PUTTER, from, deadline);
    }
    unlock_both(r, value, taken);
    return rc;
}

int wf_ring_put(struct wf_ring *r, const void *item, weft_time deadline)
{
    adopt_if_forked(r);
    if (is_full(r) && deadline.ns != WEFT_POLL.ns)
        linger(r, &r->putting, places);
    struct weft_waiter *taken = NULL;
    uintptr_t value = wf_word_lock(&r->word_);
    if (is_full(r))
        look_at(&r->head, &r->taking, &r->head_seen);
    int rc = try_put(r, &value, item, &taken);
    bool often = tail_of(r) % OFTEN == 0;
    wf_word_unlock(&r->word_, value);
    if (rc == -EAGAIN)
        return put_slowly(r, item, deadline);
    wf_signal(taken);
    if (__builtin_expect(often, 0))
        wf_go_on(OFTEN);
    return rc;
}

// With `taking`, where there is no item, or a putter may be in line.
static int get_slowly(struct wf_ring *r, void *item, weft_time deadline)
{
    struct weft_waiter *taken = NULL, **end = &taken;
    uintptr_t value = wf_word_lock(&r->word_);
    look_at_both(r);
    int rc = 0;
    if (is_empty(r) && !r->closed)
        return wait_in_line(r, value, GETTER, item, deadline);
    if (is_empty(r))
        rc = -EPIPE;
    else
        pop(r, item);
    struct seat *putter = first_seat(value);
    if (rc == 0 && putter) { // there is room again
        wf_store(&r->head_seen, head_of(r), WF_RELAXED);
        push(r, putter->item);
        value = wf_line_take(value, &end);
    }
    r->putters_wait = wf_line_first(value) != NULL;
    bool often = head_of(r) % OFTEN == 0;
    wf_word_unlock(&r->word_, value);
    wf_word_unlock(&r->taking, 0); // the last touch: what is left is for whoever gets in by it
    wf_signal(taken);
    if (often)
        wf_go_on(OFTEN);
    return rc;
}

int wf_ring_get(struct wf_ring *r, void *item, weft_time deadline)
{
    adopt_if_forked(r);
    if (is_empty(r) && deadline.ns != WEFT_POLL.ns)
        linger(r, &r->getting, items);
    (void)wf_word_lock(&r->taking);
    if (is_empty(r))
        look_at(&r->tail, &r->word_, &r->tail_seen);
    if (is_empty(r) || r->putters_wait)
        return get_slowly(r, item, deadline);
    pop(r, item);
    bool often = head_of(r) % OFTEN == 0;
    wf_word_unlock(&r->taking, 0);
    if (__builtin_expect(often, 0))
        wf_go_on(OFTEN);
    return 0;
}

void wf_ring_close(struct wf_ring *r)
{
    adopt_if_forked(r);
    struct weft_waiter *taken = NULL, **end = &taken;
    uintptr_t value = lock_both(r);
    wf_store(&r->closed, true, WF_RELAXED);
    while (wf_line_first(value)) {
        first_seat(value)->closed = true;
        value = wf_line_take(value, &end);
    }
    unlock_both(r, value, taken);
}

size_t wf_ring_length(struct wf_ring *r)
{
    adopt_if_forked(r);
    uintptr_t value = lock_both(r);
    size_t length = tail_of(r) - head_of(r);
    unlock_both(r, value, NULL);
    return length;
}
