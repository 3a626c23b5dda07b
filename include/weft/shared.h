// SPDX-License-Identifier: MIT
// weft/shared.h - memory that several processes see, and what synchronises them.
//
//     struct board {
//         weft_shared_mutex mu;
//         long total;
//     };
//     struct board *b = weft_shared(sizeof *b); // this pointer may go into arguments
//     int rc = weft_shared_lock(&b->mu, WEFT_FOREVER);
//     if (rc == -EOWNERDEAD) // its holder died: we hold it, and mend the state
//         b->total = 0, rc = 0;
//     if (rc == 0) {
//         b->total++;
//         weft_shared_unlock(&b->mu);
//     }
//
// A region has the same address in every process of the program, whether it was made before or
// after that process; other pointers mean nothing there. The objects below live inside regions, are
// valid when zeroed, and serve the tasks of one process as well, on threads and on fibers.
//
// A process that dies, however it dies, harms nobody else: a lock that it held is reported, a queue
// that it was using stays whole, and a wake-up that it was given is passed on. What it took out, a
// unit or an item, dies with it. But memory is memory: who writes where he should not breaks what
// lies there, as in one process.
//
// A process that a task in a process starts has none of these regions, and weft_shared gives
// -ENOTSUP there.
//
// A child of a plain fork() is none of the program's processes: it sees the regions, but lock, put,
// get and weft_shared give -ENOTSUP there, and weft_shared_free does nothing. Where no region and
// no process was made before the fork, it begins anew, and what it makes is its own.
#ifndef WEFT_SHARED_H
#define WEFT_SHARED_H

#include <weft/time.h>

WEFT_C_BEGIN

// Zeroed, page-aligned, its memory taken at once. It stays until it is freed, or the program ends,
// whoever made it. NULL: -ENOMEM; -EMFILE or -ENFILE, at first use; -ENOTSUP (a child of a plain
// fork, a process of a process, or the program's first process was started when no shared memory
// could be had). Addresses for four times the machine's memory are set aside, and a region takes
// the next power of two of them. Waits only while another process does the same, as
// weft_shared_free. A size of 0 aborts.
void *weft_shared(size_t size) __attribute__((warn_unused_result));
// void weft_shared_free(T **region): gives it back for all processes; nobody may be using it.
#define weft_shared_free(region) (weft_shared_free_(*(region)), (void)(*(region) = NULL))

// Waits return 0, -ETIMEDOUT or -ECANCELED, and what else is said. With WEFT_POLL they do not wait,
// not even for the moment in which another puts or gets. Nobody stands in line: of those who wait,
// any may be next.

// A mutex that survives its holder: the next lock returns -EOWNERDEAD once, holding it; unlocking
// then says that the state is mended. Only the task that locked it may unlock it: another, and
// locking it again, aborts.
typedef struct {
    uint64_t word_, by_;
} weft_shared_mutex;
int weft_shared_lock(weft_shared_mutex *m, weft_time deadline);
void weft_shared_unlock(weft_shared_mutex *m);

// A semaphore, of at most INT32_MAX units: more abort. What a process took and did not give back
// dies with it.
typedef struct {
    uint32_t word_;
} weft_shared_sem;
int weft_shared_acquire(weft_shared_sem *s, weft_time deadline);
void weft_shared_release(weft_shared_sem *s, uint32_t n);

// A flag to wait for, as weft_event: a set ends all waits that have begun, also if it is cleared
// at once.
typedef struct {
    uint32_t word_;
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

// A bounded queue, as weft_queue in order WEFT_FIFO: closed, putters get -EPIPE at once, getters
// once it is drained. It lies in a region of its own. Two locks, one for those who put and one for
// those who get (Michael and Scott 1996), each of which survives its holder: an item is in the
// queue or not, never by halves, and one whose getter was killed is still there.
typedef struct weft_shared_queue weft_shared_queue;
// A capacity of 0: 1024. NULL and what waits: as weft_shared. An item size of 0 aborts.
weft_shared_queue *weft_shared_queue_new(size_t item_size, size_t capacity)
    __attribute__((warn_unused_result));
void weft_shared_queue_free(weft_shared_queue **q); // nobody may be using it
// As weft_put and weft_get of queue.h.
//     int weft_shared_put(weft_shared_queue *q, const T *item, weft_time deadline);
//     int weft_shared_get(weft_shared_queue *q, T *item, weft_time deadline);
#define weft_shared_put(q, item, deadline) \
    weft_shared_put_((q), (item), WEFT_ITEM_SIZE_(item), (deadline))
#define weft_shared_get(q, item, deadline) \
    weft_shared_get_((q), (item), WEFT_ITEM_SIZE_(item), (deadline))
void weft_shared_queue_close(weft_shared_queue *q);          // again is harmless
size_t weft_shared_queue_length(const weft_shared_queue *q); // already old when you read it

void weft_shared_free_(void *region);
int weft_shared_put_(weft_shared_queue *q, const void *item, size_t size, weft_time deadline);
int weft_shared_get_(weft_shared_queue *q, void *item, size_t size, weft_time deadline);

WEFT_C_END
#endif
