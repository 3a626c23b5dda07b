// SPDX-License-Identifier: MIT
// current.c - one parker a thread, found through a thread-local.
//
// Lock order: registry, then one parker's busy bit. Both are spin locks held for a few
// instructions (a visit: a few a task), because they must work where nothing may park: while a
// thread is getting its parker.
#include "core/current.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/home.h"
#include "core/kin.h"
#include "core/misuse.h"
#include "core/park.h"
#include "core/trace.h"
#include "os/atomic.h"
#include "os/before_main.h"
#include "os/clock.h"
#include "os/fence.h"
#include "os/futex.h"
#include "os/poll.h"
#include "os/thread.h"

enum { PARKERS_AT_ONCE = 64, IDS_AT_ONCE = 32 };

uint32_t wf_fork_count;
bool wf_is_orphan;
uint32_t wf_starts_tasks;
uint32_t wf_daemons;

static uint32_t registry_busy;   // guards the three below
static struct wf_parker *living; // a list through next and prev
static struct wf_parker *unused; // a list through next
static uint32_t visiting;        // atomic: somebody does, who has the registry
static int64_t last_id;          // atomic
static uint32_t last_stranger;   // atomic: the N of Dummy-N

_Thread_local struct wf_parker *wf_running;

// A few at a time: one locked instruction for many tasks.
void wf_task_set_ids_aside(struct wf_parker *self)
{
    self->next_id = wf_add(&last_id, IDS_AT_ONCE, WF_RELAXED) + 1;
    self->ids_left = IDS_AT_ONCE;
}

// ---- making and ending parkers ----------------------------------------------------------

// Held across a fork, so that the child finds the lists whole.
static void before_fork(void)
{
    wf_spin_lock(&registry_busy);
}

static void after_fork(void)
{
    wf_spin_unlock(&registry_busy);
}

static void free_shares(struct wf_task *task)
{
    free(task->shares);
    task->shares = NULL;
}

// Of the parent's threads this child has only one, ours. What the others held is theirs no more.
static void forget_others(void)
{
    wf_running->next = wf_running->prev = NULL;
    wf_running->word = 0;
    wf_running->busy = 0;
    wf_running->wait = NULL;
    wf_running->tid = wf_thread_id();
    wf_bell_free(wf_running->bell); // our copy: the parent's thread goes on listening to its own
    wf_running->bell = -1;
    wf_running->host = NULL;    // its pool stayed behind
    wf_running->parking = NULL; // and its loop: a fiber is this thread now
    wf_running->home = NULL;
    for (struct wf_task *task = wf_running->task; task; task = task->outer) {
        task->held = 0; // every lock is free now
        free_shares(task);
    }
}

// Nobody sees this half done: the child has one thread until fork returns in it. The lists are
// whole, for the parent's thread held them; our own parker is too, for we were here and not in it,
// and what another thread was doing to it (a waker's step on its word, a visit) is set back above.
// What was half done to a lock is seen to by wf_adopt, at its first use.
static void in_child(void)
{
    wf_fork_count++;
    wf_kin_leave();
    wf_trace_forget();
    wf_homes_forget();
    wf_is_orphan = wf_is_orphan || wf_starts_tasks != 0;
    living = wf_running;
    if (wf_running)
        forget_others();
    wf_spin_unlock(&registry_busy);
}

// Before any use: a lock that was only ever taken without waiting must be free in the child too.
WF_BEFORE_MAIN static void watch_forks(void)
{
    if (wf_thread_at_fork(before_fork, after_fork, in_child) < 0)
        wf_misuse("out of memory at the program's start");
}

// The first few need no memory: a program that has run out of it can still wait for a lock.
static void add_unused(void)
{
    static struct wf_parker first[PARKERS_AT_ONCE];
    static bool first_are_used;
    struct wf_parker *parkers = first;
    if (first_are_used)
        parkers = calloc(PARKERS_AT_ONCE, sizeof *parkers); // never freed
    if (!parkers)
        return;
    first_are_used = true;
    for (size_t i = 0; i < PARKERS_AT_ONCE; i++) {
        parkers[i].next = unused;
        unused = &parkers[i];
    }
}

// With the registry busy. From here on visitors may come.
static void join_living(struct wf_parker *parker)
{
    parker->next = living;
    parker->prev = NULL;
    if (living)
        living->prev = parker;
    living = parker;
}

static void leave_living(struct wf_parker *parker)
{
    if (parker->next)
        parker->next->prev = parker->prev;
    if (parker->prev)
        parker->prev->next = parker->next;
    else
        living = parker->next;
}

// Take a block and put it among the living. Only word, busy and waker outlive a parker:
// somebody may still be about to wake the one before.
static struct wf_parker *take_parker(void)
{
    wf_spin_lock(&registry_busy);
    if (!unused)
        add_unused();
    struct wf_parker *parker = unused;
    if (parker) {
        unused = parker->next;
        parker->task = NULL;
        join_living(parker);
    }
    wf_spin_unlock(&registry_busy);
    return parker;
}

static void give_parker(struct wf_parker *parker)
{
    wf_spin_lock(&registry_busy);
    leave_living(parker);
    parker->next = unused;
    unused = parker;
    wf_spin_unlock(&registry_busy);
}

// What the own task of one that ends has gathered.
static void clean_up(struct wf_parker *parker)
{
    wf_task_free_error(&parker->own);
    wf_bell_free(parker->bell);
    parker->bell = -1;
}

// Who joins a task that ends its thread would wait for ever, a worker's pool too, and with a fiber
// ends a whole loop. (A child that forked in a task is none of these. Tasks do not lie on stacks
// that were left, but for a process's: worker.c.)
static void require_nothing_runs(const struct wf_parker *ending)
{
    const struct wf_parker *self = wf_running ? wf_running : ending; // a loop's: it ran this fiber
    bool runs = self != ending || self->task != &self->own || self->calls_out;
    char name[WF_NAME_MAX];
    if (!runs || wf_is_orphan)
        return;
    wf_require(self->task->id != 0,
               "on_start, or a hook, of %s has ended its thread, by pthread_exit",
               wf_parker_name(self, name));
    wf_misuse("task %s has ended its thread, by pthread_exit", wf_task_name(self->task, name));
}

static void end_thread(void *ending)
{
    struct wf_parker *parker = ending;
    require_nothing_runs(parker);
    wf_task_leave(&parker->own);
    clean_up(parker);
    wf_running = NULL;
    give_parker(parker);
    if (wf_traced())
        wf_trace_thread_ends();
}

static void name_stranger(struct wf_task *own, pid_t tid)
{
    if (tid == getpid())
        (void)snprintf(own->name, sizeof own->name, "MainThread");
    else
        (void)snprintf(own->name, sizeof own->name, "Dummy-%u",
                       wf_add(&last_stranger, 1, WF_RELAXED) + 1);
}

// Of a parker that was taken, all but what outlives it.
static void set_up(struct wf_parker *parker)
{
    parker->bell = -1;
    parker->wait = NULL;
    parker->telling = false;
    parker->calls_out = NULL;
    parker->parking = NULL;
    parker->seat = NULL;
    parker->home = NULL;
    parker->host = NULL;
    parker->pool = NULL;
    parker->ids_left = 0;
    parker->name[0] = '\0';
    parker->tid = 0;
    parker->track = 0;
    parker->left = NULL;
    parker->own = (struct wf_task){.deadline = WEFT_FOREVER};
}

static struct wf_parker *new_self(bool is_stranger)
{
    struct wf_parker *parker = take_parker();
    wf_require(parker, "out of memory for a thread's control block");
    wf_running = parker; // from here on wf_self() works
    set_up(parker);
    parker->own.id = is_stranger ? wf_task_new_id() : 0; // a worker is none between its tasks
    parker->tid = wf_thread_id();
    if (is_stranger)
        name_stranger(&parker->own, parker->tid);
    wf_task_enter(parker, &parker->own);
    if (wf_thread_at_exit(end_thread, parker) < 0)
        wf_misuse("out of memory for a thread's control block");
    return parker;
}

// Its own task, with id 0, is a worker between tasks.
void wf_parker_begin(struct wf_parker *parker, const struct wf_parking *parking, void *seat)
{
    set_up(parker);
    parker->parking = parking;
    parker->seat = seat;
    parker->own.parker = parker;
    parker->task = &parker->own;
    wf_spin_lock(&registry_busy);
    join_living(parker);
    wf_spin_unlock(&registry_busy);
}

void wf_parker_renew(struct wf_parker *parker)
{
    if (parker->own.locals.values)
        wf_locals_destroy(&parker->own.locals); // may still call weft, as this task
    clean_up(parker);
    parker->host = NULL;
    parker->pool = NULL;
    parker->track = 0;
    parker->left = NULL;
    if (parker->name[0] == '\0')
        return;
    wf_spin_lock(&parker->busy);
    parker->name[0] = '\0';
    wf_spin_unlock(&parker->busy);
}

void wf_parker_end(struct wf_parker *parker)
{
    wf_spin_lock(&registry_busy);
    leave_living(parker);
    parker->task = NULL;
    wf_spin_unlock(&registry_busy);
}

struct wf_parker *wf_self_new(void)
{
    return new_self(true);
}

void wf_self_is_worker(const char name[WF_NAME_MAX], const struct wf_host *host, void *pool)
{
    struct wf_parker *parker = wf_running ? wf_running : new_self(false);
    wf_spin_lock(&parker->busy);
    memcpy(parker->name, name, WF_NAME_MAX);
    parker->own.id = 0;
    parker->host = host;
    parker->pool = pool;
    wf_spin_unlock(&parker->busy);
    if (!parker->parking) // else the thread is a loop's
        wf_thread_set_name(name);
}

// ---- tasks ------------------------------------------------------------------------------

void wf_task_will_run(struct wf_task *task, struct wf_parker *parker)
{
    wf_store(&task->parker, parker, WF_RELAXED); // whatever publishes the task publishes this
}

__attribute__((noinline)) static void change_locked(struct wf_parker *parker, struct wf_task *task)
{
    wf_spin_lock(&parker->busy);
    wf_store(&parker->task, task, WF_RELEASE); // pairs with visit_tasks
    wf_spin_unlock(&parker->busy);
}

// What the caller's parker runs. A visitor finds the new task, or keeps the caller here until he is
// gone from this parker: he says that he comes, and then looks at the task; the caller changes the
// task, and then looks whether somebody comes. The fences see to it that one sees the other. Only a
// fiber does so: where there is none, nobody needs the kernel for a fence.
// False: it is to be changed, once more perhaps, by change_locked.
static inline bool change_alone(struct wf_parker *parker, struct wf_task *task)
{
    if (!parker->home)
        return false;
    wf_store(&parker->task, task, WF_RELEASE); // pairs with visit_tasks
    wf_fence_light();
    return wf_load(&visiting, WF_ACQUIRE) == 0; // wf_parkers_visit
}

// Who cancels sets the flag, then looks for the parker; the task lets its parker be seen, then
// looks for the flag (wf_interrupted). Both in the one order of seq_cst: one of them sees the
// other, so that no request is slept through. After wf_task_will_run there is nothing to see.
static inline bool is_seen(const struct wf_parker *parker, const struct wf_task *task)
{
    return wf_load(&task->parker, WF_RELAXED) == parker;
}

__attribute__((noinline)) static void enter_slowly(struct wf_parker *parker, struct wf_task *task)
{
    change_locked(parker, task);
    if (!is_seen(parker, task))
        wf_store(&task->parker, parker, WF_SEQ_CST);
    if (wf_traced())
        wf_trace_begins(parker, task);
}

void wf_task_enter(struct wf_parker *parker, struct wf_task *task)
{
    task->outer = wf_load(&parker->task, WF_RELAXED);
    bool entered = change_alone(parker, task) && is_seen(parker, task) && !wf_traced();
    if (__builtin_expect(!entered, 0))
        enter_slowly(parker, task);
}

// It may still call weft, as this task; but the message that goes with the task's result is the one
// that was there when its function returned, whatever fails in here.
static void destroy_locals(struct wf_task *task)
{
    int code = task->error_code;
    char text[WEFT_ERROR_MAX];
    (void)snprintf(text, sizeof text, "%s", wf_error_text(task));
    wf_locals_destroy(&task->locals);
    if (code < 0)
        (void)weft_fail(code, "%s", text);
    else
        wf_task_free_error(task);
}

static inline void leave(struct wf_task *task)
{
    struct wf_parker *parker = task->parker;
    wf_store(&task->parker, NULL, WF_RELAXED);
    if (__builtin_expect(!change_alone(parker, task->outer), 0))
        change_locked(parker, task->outer);
}

// What a task seldom leaves behind.
__attribute__((noinline)) static void leave_tidily(struct wf_task *task)
{
    if (task->locals.values)
        destroy_locals(task);
    if (task->shares)
        free_shares(task);
    if (wf_traced())
        wf_trace_ends(task->parker, task);
    leave(task);
}

void wf_task_leave(struct wf_task *task)
{
    if (task->locals.values || task->shares || wf_traced())
        leave_tidily(task);
    else
        leave(task);
}

void wf_task_cancel(struct wf_task *task)
{
    wf_store(&task->cancelled, 1, WF_SEQ_CST); // see is_seen
    struct wf_parker *parker = wf_load(&task->parker, WF_SEQ_CST);
    if (parker)
        wf_unpark(parker);
}

static int why_stop(const struct wf_task *task)
{
    if (wf_load(&task->cancelled, WF_SEQ_CST) != 0) // see is_seen
        return -ECANCELED;
    if (task->daemon && wf_load(&wf_daemons, WF_RELAXED) != WF_DAEMONS_LIVE)
        return -ECANCELED; // the visit that follows the change orders this look after it
    if (task->deadline.ns != INT64_MAX && wf_clock_now() >= task->deadline.ns)
        return -ETIMEDOUT;
    return 0;
}

static void stop_if_gone(const struct wf_task *task)
{
    while (task->daemon && wf_load(&wf_daemons, WF_RELAXED) == WF_DAEMONS_GONE)
        (void)pause(); // the program is ending under us
}

int wf_why_interrupted(const struct wf_task *task)
{
    stop_if_gone(task);
    int rc = 0;
    for (; rc == 0 && task && !task->shielded; task = task->inherits ? task->outer : NULL)
        rc = why_stop(task);
    return rc;
}

weft_time wf_patience_of(const struct wf_task *task, weft_time deadline)
{
    for (; task && !task->shielded; task = task->inherits ? task->outer : NULL)
        deadline = weft_sooner(deadline, task->deadline);
    return deadline;
}

void wf_parkers_visit(bool (*visit)(const struct wf_parker *, void *), void *ctx)
{
    bool more = true;
    wf_spin_lock(&registry_busy);
    wf_store(&visiting, 1, WF_SEQ_CST); // see change_alone, wf_homes_fence
    wf_homes_fence();
    for (struct wf_parker *parker = living; parker && more; parker = parker->next) {
        wf_spin_lock(&parker->busy);
        more = visit(parker, ctx);
        wf_spin_unlock(&parker->busy);
    }
    wf_store(&visiting, 0, WF_RELEASE); // who sees it may free what was looked at
    wf_spin_unlock(&registry_busy);
}

struct tasks_visit {
    bool (*visit)(const struct wf_parker *, struct wf_task *, void *);
    void *ctx;
};

static bool visit_tasks(const struct wf_parker *parker, void *ctx)
{
    const struct tasks_visit *tasks = ctx;
    bool more = true;
    struct wf_task *task = wf_load(&parker->task, WF_ACQUIRE); // pairs with change_alone
    for (; task && more; task = task->outer)
        if (task->id != 0)
            more = tasks->visit(parker, task, tasks->ctx);
    return more;
}

void wf_tasks_visit(bool (*visit)(const struct wf_parker *, struct wf_task *, void *), void *ctx)
{
    wf_parkers_visit(visit_tasks, &(struct tasks_visit){visit, ctx});
}

// ---- what park.c notes here -------------------------------------------------------------

void wf_note_wait(const struct wf_wait *wait)
{
    struct wf_parker *parker = wf_self();
    wf_spin_lock(&parker->busy);
    parker->wait = wait;
    wf_spin_unlock(&parker->busy);
}
