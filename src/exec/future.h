// SPDX-License-Identifier: MIT
// future.h - a future is the job itself: one allocation holds the task, its argument, its result,
// and the word that its joiners wait for.
//
// A future belongs to two: the one who will join or drop it, and the executor until the task has
// ended. Whoever is last frees it. It keeps its pool's memory alive, so that a joiner may ask the
// pool for it while the pool is being closed.
#ifndef WF_EXEC_FUTURE_H
#define WF_EXEC_FUTURE_H

#include <weft/error.h>
#include <weft/pool.h>

#include "core/waiters.h"

struct wf_store_block;

enum wf_place { WF_NOWHERE, WF_QUEUED, WF_RUNNING };

struct weft_future {
    uintptr_t word_; // DONE, ABANDONED, and who waits: future.c
    uint32_t fork_, value_;
    uint32_t refs; // atomic
    uint32_t id;   // whom a joiner waits for: its owner id (check.h)
    struct wf_task task;
    const struct weft_task *what;
    weft_pool *pool;          // does not go before it; NULL: started alone
    weft_group *group;        // which is told of its end, or NULL
    int64_t tag;              // the group's
    weft_future *next, *prev; // in a list of the pool's; guarded by its lock, like the next
    enum wf_place place;
    enum weft_kind kind;         // of what runs it
    bool asked;                  // to stop, by the group; guarded by its lock
    uint32_t kept;               // bytes of its memory, which its pool or a loop keeps; 0: malloc's
    weft_future *after, *before; // in the group's lists; guarded by its lock
    pid_t tid;                   // of the thread that runs it; atomic, 0 before
    int code;                    // once DONE, like task.error_text
    void *arg, *result;
    void *seat; // of a task of a process: the executor's, like the next
    uint32_t slot;
    int exit_code; // of a process that was started for it; once DONE
};

// The head of a list of futures through next and prev.
struct wf_futures {
    weft_future *first, *last;
};
static inline void wf_futures_append(struct wf_futures *list, weft_future *f)
{
    f->next = NULL;
    f->prev = list->last;
    if (list->last)
        list->last->next = f;
    else
        list->first = f;
    list->last = f;
}

static inline void wf_futures_prepend(struct wf_futures *list, weft_future *f)
{
    f->prev = NULL;
    f->next = list->first;
    if (list->first)
        list->first->prev = f;
    else
        list->last = f;
    list->first = f;
}

static inline void wf_futures_remove(struct wf_futures *list, weft_future *f)
{
    if (f->prev)
        f->prev->next = f->next;
    else
        list->first = f->next;
    if (f->next)
        f->next->prev = f->prev;
    else
        list->last = f->prev;
    f->next = f->prev = NULL;
}

// NULL with -ENOMEM. Two references. The argument is copied. The second: started alone.
weft_future *wf_future_new(const struct weft_task *what, const void *arg, weft_pool *pool);
weft_future *wf_future_new_alone(const struct weft_task *what, const void *arg);
weft_future *wf_future_ref(weft_future *f);
void wf_future_unref(weft_future *f);
void wf_future_free(weft_future *f); // by whoever has all references that are left
// The same for one of several of a pool: its memory goes into *gone, for the pool's `give`.
void wf_future_let_go(weft_future *f, struct wf_store_block **gone);
void wf_future_disown(weft_future *f); // the owner's reference: joined, dropped, or never given out

// Nobody will join it: its failure is reported when it ends. Before anybody else knows it. The
// owner's reference goes with that.
void wf_future_begin_abandoned(weft_future *f);

// The current task was asked to stop before it began, for this reason: its ends are closed, and
// that is its failure. Returns code.
int wf_refuse_task(struct wf_task *task, const struct weft_task *what, void *arg, int code);

// Run the task here and now, or, if it was asked to stop before, only end it. Gives up the
// executor's reference, as does the next.
void wf_future_run(weft_future *f);
// "square: its deadline passed before it began".
void wf_say_unbegun(char text[WEFT_ERROR_MAX], const weft_future *f, const char *what);
// End it without running: code < 0. The ends in its argument are closed; who has sent them
// elsewhere leaves {-1} there (ends.h).
void wf_future_end(weft_future *f, int code, const char *message);
void wf_future_end_unbegun(weft_future *f, int code, const char *what); // as wf_say_unbegun says

// The same in two steps: its code and its message, and the end. Between them nobody else looks. Of
// one that ran in another process the second alone, when its code, message and result are there.
void wf_future_fail(weft_future *f, int code, const char *message);
void wf_future_finish(weft_future *f);
// By a pool that counts it out itself, and lets go of it. True: it failed, and nobody will join it:
// then it is to be told, which runs code of others.
bool wf_future_settle(weft_future *f);
void wf_future_tell(const weft_future *f);

bool wf_future_done(const weft_future *f);
// Of a failed one that has ended; never NULL.
const char *wf_future_message(const weft_future *f, char *buffer, size_t size);

// A pool's task goes by its worker and its function: "weft-1 (square)". worker may be NULL.
void wf_name_task(char *name, size_t size, const char *worker, const struct wf_task *task);

#endif
