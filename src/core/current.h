// SPDX-License-Identifier: MIT
// current.h - who is running: the task, and the parker that runs it.
//
// A *task* is what somebody asked for: a name, a request to stop, an error, values of its own. A
// *parker* is what can sleep and be woken: a thread, or a fiber. A parker runs a stack of tasks,
// because a joiner may run the task that it waits for in place; only the innermost acts.
//
// Parkers are type-stable: their memory is never given back, only used for the next parker. So
// whoever wakes may still hold a pointer to one whose thread has ended. The wake-up then reaches a
// stranger, who takes it for a wake-up without a reason and looks at his own state again.
#ifndef WF_CORE_CURRENT_H
#define WF_CORE_CURRENT_H

#include <sys/types.h>
#include <weft/task.h>

#include "os/atomic.h"

enum { WF_NAME_MAX = 32 }; // as in struct weft_info

struct wf_task;
struct wf_wait;
struct wf_parker;
struct wf_home;
union wf_trace_cell; // trace.h

// What a pool wants to know of its workers while they run tasks. Called by the worker itself.
struct wf_host {
    // It is about to wait. 0, or -EAGAIN: the wait would leave the pool without a worker.
    int (*blocked)(void *pool, const struct wf_wait *wait);
    void (*unblocked)(void *pool);
};

// How a parker that is no thread sleeps. NULL in its place: on a futex, or in poll.
struct wf_parking {
    // The park word says PARKED, and the caller is its owner. Back when it was woken (0), the
    // deadline has come (-ETIMEDOUT), something is ready on wait->fd (the events), or the transfer
    // is made (1). What did not end the sleep is disarmed.
    int (*lie_down)(struct wf_parker *self, const struct wf_wait *wait, weft_time deadline);
    void (*wake)(struct wf_parker *parker); // by who turned PARKED into another word. Any thread
    // True: others ran meanwhile, or are ready. `looks`: after a look at timers and descriptors.
    bool (*yield)(struct wf_parker *self, bool looks);
    // After so many calls that may wait, whether or not they did.
    void (*goes_on)(struct wf_parker *self, unsigned calls);
    bool (*transfers)(const struct wf_parker *self); // lie_down takes a wait's transfer
    // It is in weft_on_thread_stack: to lie down, or to yield, aborts.
    bool (*stays)(const struct wf_parker *self);
};

struct wf_locals {
    struct wf_local_value *values; // by key; NULL: none yet
    uint32_t count;
};

struct wf_task {
    struct wf_task *outer;    // whom it interrupts on this parker
    struct wf_parker *parker; // who runs it; NULL before and after. Atomic: wf_task_cancel
    int64_t id;               // never 0; 0 marks a thread of ours between two tasks
    weft_time deadline;       // of the whole task. Set before it runs
    uint32_t cancelled;       // 0 or 1, never reset. Atomic
    bool daemon;
    bool pooled;            // runs in a pool
    bool inherits;          // a request to stop `outer` is also one to stop this
    bool shielded;          // below: only the task itself
    uint32_t held;          // locks held, counted under WEFT_CHECK=1; so are
    int error_code;         // the latest failure, or 0
    const void **shares;    // the first few of those that it holds with others; NULL: none yet
    const char *error_call; // the call of ours that failed with it: the text is not made yet
    char *error_text;       // WEFT_ERROR_MAX bytes, or NULL: no failure yet, or no memory
    struct wf_locals locals;
    const union wf_trace_cell *traced; // while tracing: that it was queued, or began; else NULL
    // ---- what it is called: wf_task_name. Set before it runs
    const char *function; // of its weft_task
    const char *series;   // "Thread-": it is the number-th that was given no name; or NULL
    uint32_t number;
    bool explained;         // by wf_explain, and no call has failed with it yet
    bool away;              // another process has its future: none is here. Set before it runs
    char name[WF_NAME_MAX]; // if it was given one, else ""
};

struct wf_parker {
    uint32_t word;                    // atomic: park.c
    int bell;                         // wakes it from a descriptor; -1: not needed yet. Its own
    uint32_t busy;                    // spin bit: guards wait and name, and keeps task for a visit
    struct wf_task *task;             // the innermost. Atomic, its own
    const struct wf_wait *wait;       // what it waits for, or NULL
    const struct wf_parking *parking; // its own
    void *seat;                       // for parking
    struct wf_home *home;             // home.h: of its loop; NULL: a thread, or there is none
    const struct wf_host *host;       // whose worker it is, or NULL. Its own, like the next three
    void *pool;                       // for the host
    bool telling;                     // inside a host's call, which may wait itself
    const void *calls_out;            // whose on_start or hook it is in: a pool's, a future's. Or
                                      // NULL. Others wait for what comes after that
    uint32_t ids_left;                // of those that were set aside for what it starts; its own
    int64_t next_id;
    char name[WF_NAME_MAX]; // of the thread, if it is ours: see wf_parker_name
    pid_t tid;
    uint32_t track;                   // while tracing: its row, 0: none yet. Its own, like the next
    const union wf_trace_cell *left;  // the begin of the task that it ran last, and whose end still
    int64_t left_ns;                  // has to do with what it does; and when it ended
    const union wf_trace_cell *waker; // atomic: the latest wake-up
    struct wf_parker *next, *prev;    // in the list of the living; next also in the free list
    struct wf_task own;               // what a plain thread runs
};

// What wf_self found last, or NULL. Who runs several parkers on one thread sets it at each switch.
extern _Thread_local struct wf_parker *wf_running __attribute__((tls_model("initial-exec")));
struct wf_parker *wf_self_new(void); // for wf_self alone
// Of the calling thread; made at first need.
static inline struct wf_parker *wf_self(void)
{
    struct wf_parker *running = wf_running;
    return __builtin_expect(running != NULL, 1) ? running : wf_self_new();
}
static inline struct wf_task *wf_current(void)
{
    return wf_load(&wf_self()->task, WF_RELAXED);
}

// The calling thread is ours, and has no task of its own between those that it is given. Host may
// be NULL.
void wf_self_is_worker(const char name[WF_NAME_MAX], const struct wf_host *host, void *pool);

// A fiber's lies in memory of the fiber's, which is never anything else again. Begin: any thread,
// before it runs. Renew: its function has ended, and another is to run on it. End: for good.
void wf_parker_begin(struct wf_parker *parker, const struct wf_parking *parking, void *seat);
void wf_parker_renew(struct wf_parker *parker);
void wf_parker_end(struct wf_parker *parker);

// Run `task` on `parker`, which is the caller's, until the matching leave. Leaving destroys its
// locals. Who gives it a parker before anybody knows of it says so with `will_run`: then it need
// not be told here.
void wf_task_will_run(struct wf_task *task, struct wf_parker *parker);
void wf_task_enter(struct wf_parker *parker, struct wf_task *task);
void wf_task_leave(struct wf_task *task);
void wf_task_free_error(struct wf_task *task);
void wf_task_set_ids_aside(struct wf_parker *self); // for the next alone
static inline int64_t wf_task_new_id(void)
{
    struct wf_parker *self = wf_self();
    if (__builtin_expect(self->ids_left == 0, 0))
        wf_task_set_ids_aside(self);
    self->ids_left--;
    return self->next_id++;
}

// ---- names: name.c ------------------------------------------------------------------------
void wf_copy_name(char copy[WF_NAME_MAX], const char *name); // cut to fit
// "client-7"; "square"; "Thread-5 (square)", which is put together when somebody asks, in `text`:
// few do, and it took a fifth of a fiber's start. Also in a signal handler.
const char *wf_task_name(const struct wf_task *task, char text[WF_NAME_MAX]);
// The name of a thread of ours, of a worker, or of the task that a fiber was started for; else "".
// Its own, or with its busy bit.
const char *wf_parker_name(const struct wf_parker *parker, char text[WF_NAME_MAX]);

// Ask it to stop. Any thread, while the task's memory lives.
void wf_task_cancel(struct wf_task *task);
// 0, or why the current task must stop: -ECANCELED, -ETIMEDOUT. A daemon of a program that has
// exited does not come back from here.
int wf_why_interrupted(const struct wf_task *task); // for wf_interrupted alone
// Each call that can wait begins with it: so it is no call itself.
__attribute__((always_inline)) static inline int wf_interrupted(void)
{
    const struct wf_task *task = wf_current();
    bool plain = !task->daemon && !task->inherits && task->deadline.ns == INT64_MAX;
    if (__builtin_expect(plain && wf_load(&task->cancelled, WF_SEQ_CST) == 0, 1))
        return 0; // see is_seen (current.c)
    return wf_why_interrupted(task);
}
// The sooner of a deadline and the current task's own, unless that is shielded.
weft_time wf_patience_of(const struct wf_task *task, weft_time deadline); // for the next alone
static inline weft_time wf_patience(weft_time deadline)
{
    const struct wf_task *task = wf_current();
    bool plain = !task->inherits && task->deadline.ns == INT64_MAX;
    return __builtin_expect(plain, 1) ? deadline : wf_patience_of(task, deadline);
}

// Visit every live task until visit() returns false. No task starts or ends meanwhile: be short,
// and wait for nothing.
void wf_tasks_visit(bool (*visit)(const struct wf_parker *parker, struct wf_task *task, void *ctx),
                    void *ctx);
// Likewise, every live parker, also one between two tasks.
void wf_parkers_visit(bool (*visit)(const struct wf_parker *parker, void *ctx), void *ctx);

void wf_locals_destroy(struct wf_locals *locals); // local.c

// How many plain forks lie between the first process and this one. Objects that were used last
// before the latest are as if new: their waiters stayed behind. (wf_fresh in waiters.h.)
extern uint32_t wf_fork_count;

// This process was forked from one that had started tasks: they stayed behind, and none can be
// started here. (Who forks first and starts tasks then is as any other program.)
extern bool wf_is_orphan;
extern uint32_t wf_starts_tasks; // 0 until the first is started, or a pool opened. Atomic

// At exit daemons are asked to stop, also those that begin only then; and when the program has
// waited long enough, they are gone (exec/exit.c). Atomic.
enum { WF_DAEMONS_LIVE, WF_DAEMONS_ASKED, WF_DAEMONS_GONE };
extern uint32_t wf_daemons;

#endif
