// SPDX-License-Identifier: MIT
// queue.c - an array of items, and a line of those who wait for one, or for room.
//
// Small items, the oldest first, are a ring with two ends (ring.h). All others are here: FIFO uses
// the array as a ring, LIFO as a stack, PRIORITY as a binary heap (Williams 1964) whose items carry
// the number of their put, so that equal ones keep their order.
//
// Getters wait only while the queue is empty, putters only while it is full: one line holds them.
// Whoever puts gives the item to the first getter in line, and whoever gets puts the first putter's
// item in its place, by the pointer in the waiter's node. So one who was signalled is done, and
// takes no lock again; and nobody who came later can have taken what he was woken for.
//
// All of that happens while the word is busy (waiters.h). Where it could take long, with large
// items or a `compare` that is the caller's own, a mutex is taken before, and the word is busy only
// while the line changes, or an item goes to a getter in it. What lies between two holds of the
// word is then still safe: all but one who gives up waiting hold the mutex.
#include <weft/queue.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weft/error.h>
#include "core/error.h"
#include "core/misuse.h"
#include "core/mutex.h"
#include "core/ring.h"
#include "core/waiters.h"

enum { DEFAULT_CAPACITY = 1024, LARGE_ITEM = 256 };
enum { GETTER, PUTTER };

struct weft_queue {
    struct wf_ring ring; // first: it keeps to its lines
    bool is_ring;        // and of what is below only item_size and slots are used
    uintptr_t word_;     // who waits; guards the rest, but where is_slow
    uint32_t fork_;
    weft_mutex mu; // is_slow: guards everything below that changes
    bool is_slow;
    bool closed; // never reset
    enum weft_order order;
    int (*compare)(const void *a, const void *b);
    size_t item_size, capacity;
    size_t head, length;  // head: the oldest of a ring; length <= capacity
    uint64_t puts;        // so far: the number of the next
    uint64_t *numbers;    // PRIORITY: of each item's put; else NULL
    unsigned char *slots; // capacity of them, and for PRIORITY one to swap with
};

// One in line.
struct seat {
    struct weft_waiter node; // first; its kind: GETTER or PUTTER
    void *item;              // where to, or where from
    bool closed;             // signalled because the queue was closed
};

weft_queue *weft_queue_new_(struct weft_queue_options o)
{
    bool heap = o.order == WEFT_PRIORITY;
    wf_require(o.item_size > 0, "weft_queue_new: items of no size");
    wf_require((unsigned)o.order <= WEFT_PRIORITY, "weft_queue_new: there is no order %d",
               (int)o.order);
    wf_require(!heap || o.compare, "weft_queue_new: WEFT_PRIORITY without compare");
    size_t capacity = o.capacity > 0 ? o.capacity : DEFAULT_CAPACITY;
    bool fits = capacity < PTRDIFF_MAX / sizeof(uint64_t);
    weft_queue *q = aligned_alloc(_Alignof(weft_queue), sizeof *q);
    unsigned char *slots = fits ? calloc(capacity + 1, o.item_size) : NULL;
    uint64_t *numbers = fits && heap ? calloc(capacity, sizeof *numbers) : NULL;
    if (!q || !slots || (heap && !numbers)) {
        free(q), free(slots), free(numbers);
        (void)weft_fail(-ENOMEM, "weft_queue_new: no memory for %zu items of %zu bytes", capacity,
                        o.item_size);
        return NULL;
    }
    *q = (struct weft_queue){.fork_ = wf_fork_count,
                             .is_slow = heap || o.item_size > LARGE_ITEM,
                             .item_size = o.item_size,
                             .capacity = capacity,
                             .order = o.order,
                             .compare = o.compare,
                             .numbers = numbers,
                             .slots = slots};
    q->is_ring = o.order == WEFT_FIFO && !q->is_slow;
    if (q->is_ring)
        q->ring = (struct wf_ring){.fork_ = wf_fork_count,
                                   .item_size = o.item_size,
                                   .capacity = capacity,
                                   .slots = slots,
                                   .settles = WF_RING_SETTLES};
    return q;
}

void weft_queue_free(weft_queue **q)
{
    wf_require(q, "weft_queue_free(NULL): pass the address of the pointer");
    if (!*q)
        return;
    free((*q)->slots);
    free((*q)->numbers);
    free(*q);
    *q = NULL;
}

// ---- the array --------------------------------------------------------------------------

static unsigned char *slot(const weft_queue *q, size_t i)
{
    return q->slots + i * q->item_size;
}

// Most items are a pointer or a number.
static void copy(const weft_queue *q, void *to, const void *from)
{
    if (q->item_size == sizeof(void *))
        memcpy(to, from, sizeof(void *));
    else
        memcpy(to, from, q->item_size);
}

static bool comes_before(const weft_queue *q, size_t a, size_t b)
{
    int order = q->compare(slot(q, a), slot(q, b));
    return order < 0 || (order == 0 && q->numbers[a] < q->numbers[b]);
}

static void swap(weft_queue *q, size_t a, size_t b)
{
    unsigned char *spare = slot(q, q->capacity);
    memcpy(spare, slot(q, a), q->item_size);
    memcpy(slot(q, a), slot(q, b), q->item_size);
    memcpy(slot(q, b), spare, q->item_size);
    uint64_t number = q->numbers[a];
    q->numbers[a] = q->numbers[b];
    q->numbers[b] = number;
}

static void sift_up(weft_queue *q, size_t i)
{
    for (; i > 0 && comes_before(q, i, (i - 1) / 2); i = (i - 1) / 2)
        swap(q, i, (i - 1) / 2);
}

static void sift_down(weft_queue *q, size_t i)
{
    for (size_t child; (child = 2 * i + 1) < q->length; i = child) {
        if (child + 1 < q->length && comes_before(q, child + 1, child))
            child++;
        if (!comes_before(q, child, i))
            return;
        swap(q, i, child);
    }
}

static void push(weft_queue *q, void *item)
{
    size_t at = q->length;
    if (q->order == WEFT_FIFO)
        at = q->length < q->capacity - q->head ? q->head + q->length
                                               : q->length - (q->capacity - q->head);
    copy(q, slot(q, at), item);
    q->length++;
    if (q->order == WEFT_PRIORITY) {
        q->numbers[at] = q->puts++;
        sift_up(q, at);
    }
}

static void pop(weft_queue *q, void *item)
{
    q->length--;
    size_t at = q->order == WEFT_LIFO ? q->length : q->head;
    copy(q, item, slot(q, at));
    if (q->order == WEFT_FIFO)
        q->head = q->head + 1 < q->capacity ? q->head + 1 : 0;
    if (q->order == WEFT_PRIORITY && q->length > 0) {
        swap(q, 0, q->length); // head is 0 in a heap
        sift_down(q, 0);
    }
}

// ---- put and get ------------------------------------------------------------------------

// In the child of a fork it is empty: its items belong to tasks not here.
static void adopt(weft_queue *q)
{
    if (!wf_adopt_begin(&q->fork_))
        return;
    wf_store(&q->word_, 0, WF_RELAXED);
    q->head = q->length = 0;
    wf_adopt_end(&q->fork_);
}

// The word's value.
static uintptr_t enter(weft_queue *q)
{
    if (wf_is_stale(q))
        adopt(q);
    if (q->is_slow)
        wf_lock(&q->mu);
    return wf_word_lock(&q->word_);
}

// The last touch of the queue; then the taken ones are signalled.
static void leave(weft_queue *q, uintptr_t value, struct weft_waiter *taken)
{
    wf_word_unlock(&q->word_, value);
    if (q->is_slow)
        weft_unlock(&q->mu);
    wf_signal(taken);
}

// Push or pop, while the word is busy or the mutex held.
static uintptr_t move(weft_queue *q, uintptr_t value, void (*how)(weft_queue *, void *), void *item)
{
    if (q->is_slow)
        wf_word_unlock(&q->word_, value);
    how(q, item);
    return q->is_slow ? wf_word_lock(&q->word_) : value;
}

// The first in line who does not give up: it is signalled later. NULL: there is none.
static struct seat *serve(uintptr_t *value, struct weft_waiter ***end)
{
    return (struct seat *)(void *)wf_line_serve(value, end);
}

static void sit_down(struct seat *seat, int kind, void *item)
{
    wf_waiter_begin(&seat->node, kind);
    seat->item = item;
    seat->closed = false;
}

// 0, -EPIPE, or why the wait was given up.
static int wait_in_line(weft_queue *q, uintptr_t value, struct seat *seat, const char *call,
                        weft_time deadline)
{
    leave(q, wf_line_append(value, &seat->node), NULL);
    struct wf_wait wait = {.what = call, .object = q, .fd = WF_NO_FD, .stops = true};
    int rc = wf_line_wait(&q->word_, &seat->node, &wait, deadline, 0);
    return rc == 0 && seat->closed ? -EPIPE : rc;
}

static int put(weft_queue *q, void *item, weft_time deadline)
{
    struct weft_waiter *taken = NULL, **end = &taken;
    uintptr_t value = enter(q);
    if (!q->closed && q->length == q->capacity) {
        struct seat seat;
        sit_down(&seat, PUTTER, item);
        return wait_in_line(q, value, &seat, "weft_put", deadline);
    }
    int rc = q->closed ? -EPIPE : 0;
    struct seat *getter = rc == 0 ? serve(&value, &end) : NULL;
    if (getter)
        copy(q, getter->item, item);
    else if (rc == 0)
        value = move(q, value, push, item);
    leave(q, value, taken);
    return rc;
}

static int get(weft_queue *q, void *item, weft_time deadline)
{
    struct weft_waiter *taken = NULL, **end = &taken;
    uintptr_t value = enter(q);
    if (!q->closed && q->length == 0) {
        struct seat seat;
        sit_down(&seat, GETTER, item);
        return wait_in_line(q, value, &seat, "weft_get", deadline);
    }
    int rc = q->length == 0 ? -EPIPE : 0;
    if (rc == 0)
        value = move(q, value, pop, item);
    struct seat *putter = rc == 0 ? serve(&value, &end) : NULL;
    if (putter) // there is room again
        value = move(q, value, push, putter->item);
    leave(q, value, taken);
    return rc;
}

// Not of a ring, or rc says why not. A ring sees to it by itself that others get their turn. Apart,
// because of what a seat takes of the stack.
__attribute__((noinline)) static int put_otherwise(weft_queue *q, const void *item, int rc,
                                                   weft_time deadline)
{
    void *from = (void *)(uintptr_t)item; // a seat holds both kinds; it is only read
    if (rc == 0)
        rc = put(q, from, deadline);
    wf_go_on(1);
    return wf_failed("weft_put", rc);
}

int weft_put_(weft_queue *q, const void *item, size_t size, weft_time deadline)
{
    wf_require(q && item, "weft_put: the queue or the item is NULL");
    wf_require(size == q->item_size, "weft_put of %zu bytes into a queue of %zu", size,
               q->item_size);
    int rc = wf_interrupted();
    if (rc == 0 && q->is_ring)
        return wf_failed("weft_put", wf_ring_put(&q->ring, item, deadline));
    return put_otherwise(q, item, rc, deadline);
}

__attribute__((noinline)) static int get_otherwise(weft_queue *q, void *item, int rc,
                                                   weft_time deadline)
{
    if (rc == 0)
        rc = get(q, item, deadline);
    wf_go_on(1);
    return wf_failed("weft_get", rc);
}

int weft_get_(weft_queue *q, void *item, size_t size, weft_time deadline)
{
    wf_require(q && item, "weft_get: the queue or the item is NULL");
    wf_require(size == q->item_size, "weft_get of %zu bytes from a queue of %zu", size,
               q->item_size);
    int rc = wf_interrupted();
    if (rc == 0 && q->is_ring)
        return wf_failed("weft_get", wf_ring_get(&q->ring, item, deadline));
    return get_otherwise(q, item, rc, deadline);
}

void weft_queue_close(weft_queue *q)
{
    wf_require(q, "weft_queue_close(NULL)");
    if (q->is_ring) {
        wf_ring_close(&q->ring);
        return;
    }
    struct weft_waiter *taken = NULL, **end = &taken;
    uintptr_t value = enter(q);
    q->closed = true;
    for (struct seat *seat; (seat = serve(&value, &end));)
        seat->closed = true;
    leave(q, value, taken);
}

size_t weft_queue_length(const weft_queue *q)
{
    wf_require(q, "weft_queue_length(NULL)");
    weft_queue *mine = (weft_queue *)q; // looking takes the lock
    if (q->is_ring)
        return wf_ring_length(&mine->ring);
    uintptr_t value = enter(mine);
    size_t length = q->length;
    leave(mine, value, NULL);
    return length;
}
