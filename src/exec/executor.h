// SPDX-License-Identifier: MIT
// executor.h - what a kind of pool must be able to do. One table a kind; pool.c is the rest.
#ifndef WF_EXEC_EXECUTOR_H
#define WF_EXEC_EXECUTOR_H

#include <sys/queue.h>

#include "exec/exit.h"
#include "exec/future.h"

// What a pool of processes remembers for one who waits for a future of its own; begins as zeros.
struct wf_attention {
    void *seat;                 // the worker whose results he takes himself, or NULL
    bool counted;               // somebody else takes them
    bool sleeps;                // he is about to sleep, for he has looked long enough
    bool asleep;                // and this is known
    struct wf_futex_one shared; // then a result changes this word, and wakes him. NULL: his token
    const uint32_t *state; // before he sleeps: what to look at, until it is `done`. NULL: nothing
    uint32_t done;
};

enum { WF_KEPT_ALIGN = 32 };

struct wf_store_block;

struct wf_executor {
    // Make the pool in *pool, and take over `base`. 0 or a negative errno with its message.
    int (*open)(const struct weft_pool *base, weft_pool **pool);
    // Memory for its futures, aligned to WF_KEPT_ALIGN, and with it a reference to the pool; NULL:
    // malloc's. *take: NULL without memory. *give: a chain of some; the last touch of the pool.
    void *(*take)(weft_pool *pool, size_t size);
    void (*give)(weft_pool *pool, struct wf_store_block *chain);
    // Take the future over, and its executor's reference with it. 0, or as weft_submit, with its
    // message; then the caller keeps both.
    int (*submit)(weft_pool *pool, weft_future *f);
    // True: it had not begun, and is the caller's to run or end; `ended` is due afterwards.
    bool (*withdraw)(weft_pool *pool, weft_future *f);
    // May the current task run a withdrawn one itself?
    bool (*lends)(const weft_pool *pool);
    // A withdrawn one has ended. The last touch of the pool.
    void (*ended)(weft_pool *pool, weft_future *f);
    // ---- of processes alone, else NULL
    void (*look)(weft_pool *pool, const weft_future *f); // take what results there are
    // The same for one who waits, before each sleep, and say how he is to sleep; he waits no more.
    void (*attend)(weft_pool *pool, weft_future *f, struct wf_attention *attention);
    void (*leave)(weft_pool *pool, struct wf_attention *attention);
    // If its task runs: ask it to stop; end its process; say where (alive, pid, name).
    void (*stop)(weft_pool *pool, weft_future *f);
    void (*kill)(weft_pool *pool, weft_future *f);
    void (*describe)(weft_pool *pool, const weft_future *f, struct weft_info *info);
    int (*map)(weft_pool *pool, weft_time deadline, const struct weft_task *what, size_t n,
               void *out, const void *in);
    // ---- of all kinds again
    void (*cancel)(weft_pool *pool);
    bool (*quiet)(weft_pool *pool); // nothing is unfinished but what the caller runs itself
    void (*drain)(weft_pool *pool); // wait until it is quiet
    void (*close)(weft_pool *pool); // wait for all, and end the workers
    void (*free)(weft_pool *pool);  // the memory
};

// What each pool begins with.
struct weft_pool {
    const struct wf_executor *executor;
    struct weft_pool_options options; // with the defaults filled in
    char name[WF_NAME_MAX];
    uint32_t refs;              // atomic: the owner, and its futures, each or together
    LIST_ENTRY(weft_pool) open; // in the list of those: exit.c
};

extern const struct wf_executor wf_threads;   // threads.c
extern const struct wf_executor wf_processes; // processes.c

void wf_pool_ref(weft_pool *pool);
void wf_pool_unref(weft_pool *pool);

// A new future in the pool, with its deadline, group and tag; NULL with the error set. The caller
// has one reference.
struct wf_order {
    const char *call; // for messages
    const char *name; // of the task; NULL: its function's
    weft_time deadline;
    weft_group *group;
    int64_t tag;
    bool inherits; // a request to stop the caller is one to stop this, where it runs in place
    bool unjoined; // it begins abandoned, and the caller has none: it may be gone by now
};
weft_future *wf_pool_order(weft_pool *pool, const struct wf_order *order,
                           const struct weft_task *what, const void *arg);

// Run a future alone on a thread, or a fiber, of its own, which the future's fields describe.
int wf_run_alone(weft_future *f, size_t stack_size);

// The same on a process of its own (process.c). 0, or with the error set as wf_family_bear, or
// -EINVAL: a stack that none can have.
int wf_process_start(weft_future *f, size_t stack_size);
void wf_process_stop(weft_future *f);                                   // ask it to
void wf_process_kill(weft_future *f);                                   // end it
void wf_process_describe(const weft_future *f, struct weft_info *info); // alive, pid, exit_code
void wf_process_cancel_daemons(void);

// How many of the items that are left the next of the helpers takes at once: a quarter of an even
// share, so that nobody is left with a large last piece. At least one; of none, none.
static inline size_t wf_map_piece(size_t left, size_t helpers)
{
    size_t size = left / (4 * helpers);
    return size > 0 ? size : left > 0;
}
int wf_process_map(weft_pool *pool, weft_time deadline, const struct weft_task *what, size_t n,
                   void *out, const void *in); // process_map.c

// Told of a task of the pool that failed unobserved.
void wf_pool_report(const weft_pool *pool, const char *task, int code, const char *message);

// One of its tasks: is about to be submitted (the group takes the owner's reference), could not be,
// has ended.
void wf_group_join(weft_group *group, weft_future *f);
void wf_group_leave(weft_group *group, weft_future *f);
void wf_group_note(weft_group *group, weft_future *f);

void wf_block_end(void); // at exit, when nothing runs on them: the helpers of weft_block go

// Futures that are not joined or dropped, by the function of their task, under WEFT_CHECK=1. Told
// on stderr, if there are some.
void wf_owned_count(const struct weft_task *what, int change);
void wf_owned_tell(void);

#endif
