// SPDX-License-Identifier: MIT
// queue.c - a mutex, two conditions, and an array of items.
//
// FIFO uses the array as a ring, LIFO as a stack, PRIORITY as a binary heap (Williams 1964) whose
// items carry the number of their put, so that equal ones keep their order. Putters and getters
// are signalled with the mutex held, so that the unlock is the last touch of the queue: the getter
// of the last item may free it.
#include <weft/queue.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weft/error.h>
#include "core/error.h"
#include "core/misuse.h"
#include "core/mutex.h"
#include "core/waiters.h"

enum { DEFAULT_CAPACITY = 1024 };

struct weft_queue {
    weft_mutex mu;         // guards everything below that changes
    weft_cond room, items; // signalled when length shrinks, grows
    size_t item_size, capacity;
    enum weft_order order;
    int (*compare)(const void *a, const void *b);
    size_t head, length;  // head: the oldest of a ring; length <= capacity
    uint64_t puts;        // so far: the number of the next
    uint64_t *numbers;    // PRIORITY: of each item's put; else NULL
    bool closed;          // never reset
    unsigned char *slots; // capacity of them, and for PRIORITY one to swap with
};

weft_queue *weft_queue_new_(struct weft_queue_options o)
{
    bool heap = o.order == WEFT_PRIORITY;
    wf_require(o.item_size > 0, "weft_queue_new: items of no size");
    wf_require(!heap || o.compare, "weft_queue_new: WEFT_PRIORITY without compare");
    size_t capacity = o.capacity > 0 ? o.capacity : DEFAULT_CAPACITY;
    bool fits = capacity < PTRDIFF_MAX / sizeof(uint64_t);
    weft_queue *q = calloc(1, sizeof *q);
    unsigned char *slots = fits ? calloc(capacity + 1, o.item_size) : NULL;
    uint64_t *numbers = fits && heap ? calloc(capacity, sizeof *numbers) : NULL;
    if (!q || !slots || (heap && !numbers)) {
        free(q), free(slots), free(numbers);
        (void)weft_fail(-ENOMEM, "weft_queue_new: no memory for %zu items of %zu bytes", capacity,
                        o.item_size);
        return NULL;
    }
    *q = (struct weft_queue){.item_size = o.item_size,
                             .capacity = capacity,
                             .order = o.order,
                             .compare = o.compare,
                             .numbers = numbers,
                             .slots = slots};
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

static void push(weft_queue *q, const void *item)
{
    size_t at = q->length;
    if (q->order == WEFT_FIFO)
        at = q->length < q->capacity - q->head ? q->head + q->length
                                               : q->length - (q->capacity - q->head);
    memcpy(slot(q, at), item, q->item_size);
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
    memcpy(item, slot(q, at), q->item_size);
    if (q->order == WEFT_FIFO)
        q->head = q->head + 1 < q->capacity ? q->head + 1 : 0;
    if (q->order == WEFT_PRIORITY && q->length > 0) {
        swap(q, 0, q->length); // head is 0 in a heap
        sift_down(q, 0);
    }
}

// ---- put and get ------------------------------------------------------------------------

// Lock it. In the child of a fork it is empty: its items belong to tasks that are not here.
static void enter(weft_queue *q)
{
    bool fresh = wf_fresh(&q->mu, wf_after_fork_free);
    wf_lock(&q->mu);
    if (fresh)
        q->head = q->length = 0;
}

static int wait_while(weft_queue *q, size_t length, weft_cond *change, weft_time deadline)
{
    int rc = wf_interrupted();
    while (rc == 0 && q->length == length && !q->closed)
        rc = wf_cond_wait(change, &q->mu, deadline);
    return rc;
}

int weft_put_(weft_queue *q, const void *item, size_t size, weft_time deadline)
{
    wf_require(q && item, "weft_put: the queue or the item is NULL");
    wf_require(size == q->item_size, "weft_put of %zu bytes into a queue of %zu", size,
               q->item_size);
    enter(q);
    int rc = wait_while(q, q->capacity, &q->room, deadline);
    if (rc == 0 && q->closed)
        rc = -EPIPE;
    if (rc == 0) {
        push(q, item);
        weft_cond_signal(&q->items);
    }
    weft_unlock(&q->mu);
    return wf_failed("weft_put", rc);
}

int weft_get_(weft_queue *q, void *item, size_t size, weft_time deadline)
{
    wf_require(q && item, "weft_get: the queue or the item is NULL");
    wf_require(size == q->item_size, "weft_get of %zu bytes from a queue of %zu", size,
               q->item_size);
    enter(q);
    int rc = wait_while(q, 0, &q->items, deadline);
    if (rc == 0 && q->length == 0)
        rc = -EPIPE;
    if (rc == 0) {
        pop(q, item);
        weft_cond_signal(&q->room);
    }
    weft_unlock(&q->mu);
    return wf_failed("weft_get", rc);
}

void weft_queue_close(weft_queue *q)
{
    wf_require(q, "weft_queue_close(NULL)");
    enter(q);
    q->closed = true;
    weft_cond_broadcast(&q->room);
    weft_cond_broadcast(&q->items);
    weft_unlock(&q->mu);
}

size_t weft_queue_length(const weft_queue *q)
{
    wf_require(q, "weft_queue_length(NULL)");
    weft_queue *mine = (weft_queue *)q; // looking takes the lock
    enter(mine);
    size_t length = q->length;
    weft_unlock(&mine->mu);
    return length;
}
