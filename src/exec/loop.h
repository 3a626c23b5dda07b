// SPDX-License-Identifier: MIT
// loop.h - a thread that runs fibers: one at a time, each until it waits.
//
// A fiber stays on the loop that it was started on. So a pointer to a thread-local stays right
// across a wait, a waker never meets a half-saved stack, and the loop's own state needs no lock;
// what comes from other threads comes by the inbox.
#ifndef WF_EXEC_LOOP_H
#define WF_EXEC_LOOP_H

#include <stdbool.h>
#include <stddef.h>

#include "exec/turn.h"
#include "os/engine.h"

struct wf_loop;
struct wf_parker;
struct wf_task;
struct wf_pulse;

// Start a loop on a thread of its own. 0, -ENOMEM, -EAGAIN (no more threads), -EMFILE,
// -ENFILE, -ENOSPC (no watch left).
int wf_loop_new(const char *name, struct wf_loop **loop);
// End it: waits until its last fiber has ended. Not from one of its own.
void wf_loop_free(struct wf_loop *loop);

// Run fn(arg) as a fiber. 0 or -ENOMEM. stack_size 0: 64 KiB. Any thread.
// Of one that runs this task and no other, of which nobody knows yet; or NULL.
int wf_loop_start_task(struct wf_loop *loop, size_t stack_size, void (*fn)(void *), void *arg,
                       struct wf_task *task);
// Likewise on the caller's own loop; -ESRCH: he has none.
int wf_loop_start_here(size_t stack_size, void (*fn)(void *), void *arg, struct wf_task *task);
static inline int wf_loop_start(struct wf_loop *loop, size_t stack_size, void (*fn)(void *),
                                void *arg)
{
    return wf_loop_start_task(loop, stack_size, fn, arg, NULL);
}

// ---- for its own fibers, and for who is called by it --------------------------------------
// Something to do once when the loop's turn ends: after 256 switches at the latest (turn.h), and
// before it sleeps. On the loop's own stack: it must not wait, not even for a lock, but may ask.
void wf_loop_at_turn_end(struct wf_loop *loop, struct wf_turn_end *turn_end);
bool wf_loop_transfers(const struct wf_loop *loop);             // by itself: see os/engine.h
void wf_loop_ask(struct wf_loop *loop, struct wf_io *transfer); // it will be told of

struct wf_loop *wf_loop_here(void); // whose fiber the caller is, or NULL

// Of the loop whose fiber this is, while it lives; NULL: it is none. Any thread.
const struct wf_pulse *wf_loop_pulse(const struct wf_parker *parker);

// For what is started from a plain thread: one of as many loops as there are cores, made at first
// need. 0 or as wf_loop_new.
int wf_loop_default(struct wf_loop **loop);
void wf_loop_end_defaults(void); // at exit, when nothing runs on them

#endif
