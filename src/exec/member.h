// SPDX-License-Identifier: MIT
// member.h - a worker process as its pool, or its one task, sees it: which futures lie in which
// slots of its channel. Everything here is called with its owner's lock held.
#ifndef WF_EXEC_MEMBER_H
#define WF_EXEC_MEMBER_H

#include <sys/queue.h>

#include "exec/family.h"
#include "exec/future.h"

struct wf_member {
    struct wf_process *process;   // NULL: it has ended, and is kept for those who watch
    struct wf_channel *channel;   // of the process
    void *owner;                  // the pool
    LIST_ENTRY(wf_member) link;   // in its owner's list
    uint32_t head, tail;          // slots taken back, and filled, so far
    uint32_t load;                // futures that lie in it
    long left;                    // tasks that it may still be given
    bool ready;                   // on_start is done
    bool counted;                 // as one that waits
    const char *killed;           // by us, and why; or NULL
    bool doomed;                  // a slot of it is
    bool woken;                   // it slept when it was given the last task
    uint32_t holding;             // of the sent ones, those with `holds_ends`
    uint32_t watchers;            // who wait for a future in it, and take results themselves;
    uint32_t sleepers;            // of those, who sleep on channel->waited while it is `rounds`
    uint32_t rounds;              // 1 and more: how often those had to look again
    const struct weft_task *what; // of the task before; where it lies in the process, and what
    uint64_t there;               // belongs to it in a slot
    struct wf_layout layout;
    uint32_t idle_at; // the head, when it was first seen not to begin it,
    int64_t idle_ns;  // and when that was; or 0
    struct wf_sent {
        weft_future *f;  // NULL: taken back
        void *parcel;    // of its argument and result, or NULL
        bool holds_ends; // we still have the descriptors that it was sent
        int64_t late_ns; // when it was first seen to run past its deadline, or 0
    } sent[WF_SLOTS];
};

LIST_HEAD(wf_members, wf_member);

// True: it has a free slot, and may be given a task.
static inline bool wf_member_has_room(const struct wf_member *m)
{
    return m->left > 0 && m->tail - m->head < WF_SLOTS;
}

// Give it a task. If it is `woken` by that, the caller wakes it. 0; -EAGAIN: it has no room;
// -EPIPE: no descriptor comes to it any more; or why the task cannot be sent, with its message
// (-ENOTSUP, -ENOMEM, -EMFILE, -ENFILE; -EBADF: it names a descriptor that is not open).
int wf_member_push(struct wf_member *m, weft_future *f);

// Take back one that it has not begun. False: it has.
bool wf_member_revoke(struct wf_member *m, weft_future *f);

// Before its process is killed for this one, so that it begins no other. False: it need not be
// killed, for this one is done.
bool wf_member_doom(struct wf_member *m, const weft_future *f);

// Before a process of its own is killed for it: if it has not begun, it never does.
void wf_member_bar(struct wf_member *m, const weft_future *f);

// The next that has ended, with its code, result and message; NULL: none yet. *mad: it has written
// what cannot be.
weft_future *wf_member_collect(struct wf_member *m, bool *mad);

// Once it is dead: the next future that lies in it, oldest first, and whether it had begun. NULL:
// none is left.
weft_future *wf_member_inherit(struct wf_member *m, bool *begun);

// The next of the futures that lie in it, oldest first, from *at on, which begins as m->head; NULL:
// no more. Those that were told of may be taken back meanwhile.
weft_future *wf_member_next(const struct wf_member *m, uint32_t *at);

// Its process is gone, and the channel is ours: it goes with the last who watches.
void wf_member_end(struct wf_member *m, struct wf_channel *channel);

// Watch it, and stop that; `sleeps`: is about to sleep on its channel->waited. wf_member_collect is
// due between the first and the sleep: see wf_member_arm. Stopping may free it.
void wf_member_watch(struct wf_member *m, bool sleeps);
void wf_member_unwatch(struct wf_member *m, bool slept);
void wf_member_arm(struct wf_member *m);      // the next result wakes a sleeper, if there is one
void wf_member_call_all(struct wf_member *m); // all sleepers look again: their task lies elsewhere

void wf_member_stop(struct wf_member *m, weft_future *f);    // ask the task to stop, if it runs
void wf_member_stop_all(struct wf_member *m);                // every task that lies in it
void wf_member_dismiss(struct wf_member *m);                 // it ends when it has done all
void wf_member_let_go_ends(struct wf_member *m);             // of those that have arrived
void wf_member_tell(struct wf_member *m, enum wf_tell tell); // when to ring
bool wf_member_has_begun(const struct wf_member *m, const weft_future *f);
const uint32_t *wf_member_state(const struct wf_member *m, const weft_future *f); // its slot's

bool wf_member_has_result(const struct wf_member *m); // collect would find one
// It would find so many that it is worth it. A guess: mostly no slot is looked at.
bool wf_member_has_many(const struct wf_member *m);
// It has done all that it was sent, or was sent nothing.
bool wf_member_is_dry(const struct wf_member *m);
// It has not begun the first that it has, or does not leave, though it has none and is dismissed.
bool wf_member_is_idle(const struct wf_member *m);

#endif
