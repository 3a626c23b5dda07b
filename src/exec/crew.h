// SPDX-License-Identifier: MIT
// crew.h - the worker processes of a pool, and which task goes to whom.
//
// The pool keeps every task until its result is there: what waits in the channel of a worker that
// dies goes back to the head of the queue, and only what it had begun fails. A worker is given
// tasks ahead, so that it need not ask for each; one that runs dry gets what others have not begun.
//
// Everything lies under one lock. Who submits or waits takes results himself as he comes by. A
// thread that waits sleeps on a word of the worker's channel, so that the worker wakes it and
// nobody else. For the rest there is the keeper (family.h), whom a worker calls when it has none
// left, or, while somebody waits who cannot do that (a fiber, a group), for each. A future is ended
// without the lock, for that runs code of others.
#ifndef WF_EXEC_CREW_H
#define WF_EXEC_CREW_H

#include "core/mutex.h"
#include "exec/executor.h"
#include "exec/member.h"
#include "os/store.h"

// What must follow once the lock is let go: futures that have ended, through next, and a worker
// that is to be woken. (If it runs on this core, and at once, who then looks for its result would
// find the lock taken.) It may be gone by then, and its channel: a wake-up only names an address,
// and whoever sleeps on what is there next looks again.
struct wf_ended {
    weft_future *first, **end;
    const uint32_t *sleeper; // what it sleeps on, or NULL
};

struct processes {
    struct weft_pool base;         // first: a weft_pool * is a struct processes *
    const struct weft_task *known; // atomic: one whose function was found in the workers
    struct wf_store store;         // of its futures
    weft_mutex mu;                 // guards everything below
    weft_cond room;                // for submitters: there is room for many, or the pool closes
    weft_cond change;              // for close and drain: unfinished or alive fell
    struct wf_futures queue;       // what runs, or was sent ahead, lies in the members
    struct wf_ended ended;         // whose results were taken; no sleeper
    bool ending;                   // somebody ends some
    size_t queued;                 // in queue
    size_t unfinished;             // in queue, running, and those that are being ended
    struct wf_members members;
    int alive;         // of them
    int blocked;       // of those, waiting inside a task
    int failures;      // births in a row that came to nothing
    int attention;     // tasks that wait for one of ours, and groups' tasks
    size_t submitters; // who wait for room
    uint32_t watchers; // threads that wait and take results themselves
    uint32_t started;  // workers so far, for their names
    int broken;        // why no worker can be had, or what on_start returned
    bool spins;        // there are cores for a few microseconds of looking before a sleep
    bool lacks;        // what the channels say
    char reason[WEFT_ERROR_MAX];
    bool closing;
    int64_t retry_ns;      // no worker could be made: then try again; or 0
    int64_t due_ns;        // of the watch
    struct wf_watch watch; // deadlines, and what is tried again
};

// All with mu held.

// crew_end.c. The first is a caller's last touch.
void wf_crew_unlock_and_end(struct processes *t, struct wf_ended *ended);
void wf_crew_add_ended(struct wf_ended *ended, weft_future *f);

// Its code and message are set here; its result stays as it is. Ends that nobody took are closed.
void wf_crew_fail(struct wf_ended *ended, weft_future *f, int code, const char *text);
// The same, with what wf_say_unbegun says.
void wf_crew_fail_unbegun(struct wf_ended *ended, weft_future *f, int code, const char *what);
void wf_crew_enqueue(struct processes *t, weft_future *f);
weft_future *wf_crew_take_queued(struct processes *t, weft_future *f);

int wf_crew_hire(struct processes *t); // one more worker. 0, or as wf_family_bear
// No worker can be had, for this reason or an earlier one: all that is queued fails with it.
void wf_crew_give_up(struct processes *t, struct wf_ended *ended, int code, const char *reason);

void wf_crew_dispatch(struct processes *t, struct wf_ended *ended); // from the queue to workers
// The last half of what a member has not begun, or all of it, goes back to the queue.
void wf_crew_unload(struct processes *t, struct wf_member *m, bool all);
void wf_crew_collect(struct processes *t, struct wf_member *m, struct wf_ended *ended); // results
void wf_crew_look(struct processes *t, struct wf_ended *ended); // at all, and do what follows
void wf_crew_look_and_end(struct processes *t); // and end those that have, without mu for a moment
// A new one, and no more than it needs.
void wf_crew_feed(struct processes *t, weft_future *f, struct wf_ended *ended);

// Somebody waits for f, or looks again, or waits no more: how he is to sleep, who takes results.
void wf_crew_attend(struct processes *t, const weft_future *f, struct wf_attention *a,
                    struct wf_ended *ended);
void wf_crew_leave(struct processes *t, struct wf_attention *a, struct wf_ended *ended);

void wf_crew_put_down(struct wf_member *m, const char *why); // kill it; the first reason counts

// crew_room.c. 0; -EPIPE: the pool closes; -ECANCELED. Telling: after all that may have made room.
int wf_crew_wait_for_room(struct processes *t);
void wf_crew_tell_room(struct processes *t);

// crew_due.c
void wf_crew_be_due(struct processes *t, int64_t ns); // on_due is called then, or before
void wf_crew_on_due(struct wf_watch *watch);          // the keeper's; takes mu itself

#endif
