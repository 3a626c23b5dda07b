// SPDX-License-Identifier: MIT
// weft/queue.h - a bounded queue of values between tasks of one process.
//
//     weft_queue *jobs = weft_queue_new(sizeof(struct job), .capacity = 64);
//     ...
//     struct job job;
//     while (weft_get(jobs, &job, WEFT_FOREVER) == 0) // until closed and drained
//         handle(&job);
//
// Items are copied in and out; any number of tasks put and get. Close it when no more will come:
// putters get -EPIPE at once, getters drain what is left, then get -EPIPE. To wait until all items
// were handled, count them in a weft_waitgroup (sync.h). Whoever gets the last item may free the
// queue: the call that put it, and those that got the others, touch it no more, though they have
// yet to return.
#ifndef WEFT_QUEUE_H
#define WEFT_QUEUE_H

#include <weft/time.h>

WEFT_C_BEGIN

typedef struct weft_queue weft_queue;

enum weft_order {
    WEFT_FIFO,     // the oldest first
    WEFT_LIFO,     // the newest first
    WEFT_PRIORITY, // the least by `compare` first; of equal ones the oldest
};

struct weft_queue_options {
    size_t item_size;
    size_t capacity; // items that fit; then putters wait. 0: 1024
    enum weft_order order;
    int (*compare)(const void *a, const void *b); // for WEFT_PRIORITY, as for qsort
};

// weft_queue_new(item_size, .capacity = ..., .order = ...): NULL with -ENOMEM. A size of 0, another
// order, and WEFT_PRIORITY without compare, abort. Room for all items is taken at once.
#define weft_queue_new(...) \
    weft_queue_new_(WEFT_OPTIONS_(struct weft_queue_options, .item_size = __VA_ARGS__))
void weft_queue_free(weft_queue **q); // nobody may be using it; what is in it is dropped

// Copy *item in, or the next item out: 0, -EPIPE (closed; for get: and drained), -ETIMEDOUT or
// -ECANCELED; *item is written only on 0. A pointer of another size than the items aborts; in C++
// one to what is more than its bytes, as std::string, does not compile.
//     int weft_put(weft_queue *q, const T *item, weft_time deadline);
//     int weft_get(weft_queue *q, T *item, weft_time deadline);
#define weft_put(q, item, deadline) weft_put_((q), (item), WEFT_ITEM_SIZE_(item), (deadline))
#define weft_get(q, item, deadline) weft_get_((q), (item), WEFT_ITEM_SIZE_(item), (deadline))
void weft_queue_close(weft_queue *q);          // again is harmless
size_t weft_queue_length(const weft_queue *q); // already old when you read it

weft_queue *weft_queue_new_(struct weft_queue_options options) __attribute__((warn_unused_result));
int weft_put_(weft_queue *q, const void *item, size_t size, weft_time deadline);
int weft_get_(weft_queue *q, void *item, size_t size, weft_time deadline);

WEFT_C_END
#endif
