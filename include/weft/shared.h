// SPDX-License-Identifier: MIT
// weft/shared.h - memory that several processes see, and what synchronises them.
//
//     struct board { weft_shared_mutex mu; long total; };
//     struct board *b = weft_shared(sizeof *b);      // this pointer may go into arguments
//     int rc = weft_shared_lock(&b->mu, WEFT_FOREVER);
//     if (rc == -EOWNERDEAD)                         // its holder died: we hold it, mend the state
//         b->total = recount(b), rc = 0;
//     if (rc == 0) {
//         b->total++;
//         weft_shared_unlock(&b->mu);
//     }
//
// A region has the same address in every process of the program, whether it was made before or
// after that process; other pointers mean nothing there. The objects below live inside regions, are
// valid when zeroed, and serve the tasks of one process as well.
#ifndef WEFT_SHARED_H
#define WEFT_SHARED_H

#include <weft/task.h>

WEFT_C_BEGIN

void *weft_shared(size_t size); // zeroed, page-aligned; NULL with -ENOMEM or -ENOTSUP (weft.h)
// void weft_shared_free(T **region): gives it back for all processes.
#define weft_shared_free(region) (weft_shared_free_(*(region)), (void)(*(region) = NULL))

// Waits return 0, -ETIMEDOUT or -ECANCELED, and what else is said. A waiter's death harms nobody.

// A mutex that survives its holder: the next lock returns -EOWNERDEAD once, holding it; unlocking
// then says that the state is mended. Only the thread that locked it may unlock it.
typedef struct {
    unsigned char opaque_[64];
} __attribute__((aligned(64))) weft_shared_mutex;
int weft_shared_lock(weft_shared_mutex *m, weft_time deadline);
void weft_shared_unlock(weft_shared_mutex *m);

// A semaphore. What a process took and did not give back dies with it.
typedef struct {
    uint32_t count_, waiters_;
} weft_shared_sem;
int weft_shared_acquire(weft_shared_sem *s, weft_time deadline);
void weft_shared_release(weft_shared_sem *s, uint32_t n);

// A flag to wait for, as weft_event.
typedef struct {
    uint32_t word_, waiters_;
} weft_shared_event;
void weft_shared_event_set(weft_shared_event *e);
void weft_shared_event_clear(weft_shared_event *e);
bool weft_shared_event_is_set(const weft_shared_event *e);
int weft_shared_event_wait(weft_shared_event *e, weft_time deadline);

// A counter that loses nothing.
typedef struct {
    int64_t value_;
} weft_shared_counter;
int64_t weft_shared_add(weft_shared_counter *c, int64_t n); // the new value
int64_t weft_shared_value(const weft_shared_counter *c);

// A bounded queue, as weft_queue in order WEFT_FIFO. It lies in a region of its own.
typedef struct weft_shared_queue weft_shared_queue;
weft_shared_queue *weft_shared_queue_new(size_t item_size, size_t capacity); // as weft_shared
void weft_shared_queue_free(weft_shared_queue **q); // nobody may be using it
#define weft_shared_put(q, item, deadline) weft_shared_put_((q), (item), sizeof *(item), (deadline))
#define weft_shared_get(q, item, deadline) weft_shared_get_((q), (item), sizeof *(item), (deadline))
void weft_shared_queue_close(weft_shared_queue *q);

void weft_shared_free_(void *region);
int weft_shared_put_(weft_shared_queue *q, const void *item, size_t size, weft_time deadline);
int weft_shared_get_(weft_shared_queue *q, void *item, size_t size, weft_time deadline);

WEFT_C_END
#endif
