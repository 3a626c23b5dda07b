// SPDX-License-Identifier: MIT
// loop_parts.h - what a loop and a fiber consist of: for loop*.c alone.
#ifndef WF_EXEC_LOOP_PARTS_H
#define WF_EXEC_LOOP_PARTS_H

#include "core/current.h"
#include "core/home.h"
#include "exec/loop.h"
#include "exec/timers.h"
#include "exec/watchdog.h"
#include "os/context.h"
#include "os/engine.h"
#include "os/pulse.h"
#include "os/stack.h"
#include "os/thread.h"

struct fiber {
    struct wf_stack stack; // first: the record at the stack's top, and overflow.c knows it
    struct wf_parker parker;
    struct wf_loop *loop;
    struct fiber *next; // in the run queue, or the inbox, or among the spares
    void *sp;           // where it stopped
    struct wf_stack_seen seen;
    void (*fn)(void *);
    void *arg;
    int error;                       // errno, while it does not run
    struct wf_exceptions exceptions; // likewise
    // ---- asleep
    int result; // why it goes on
    struct wf_timer timer;
    struct wf_io *io;   // what it asked the engine for, or NULL
    struct wf_io ready; // that, if it is no transfer
    bool settles;       // it takes that back, and waits to be told
};

struct wf_loop {
    wf_thread thread;
    char name[WF_NAME_MAX];
    void *sp; // of the loop's own stack
    struct wf_stack_seen seen;
    void (*called)(void *); // what a fiber has it run there, or NULL
    void *called_arg;
    struct wf_parker *parker; // the thread's own
    struct wf_pulse pulse;    // for overflow.c, watchdog.c
    struct wf_watched watched;
    struct fiber *ended;  // left its stack for good; it is still to be kept or given back
    struct fiber *spares; // ended, for the next that is started from here
    int spare_count;
    struct {
        struct fiber *first, *last; // the latter only where there is one
    } ready;
    struct wf_kept kept;  // of its thread
    struct wf_home *home; // of its fibers, or NULL
    uint32_t begun, over; // fibers that were started from here; that have ended
    uint32_t calls;       // that may wait: how many the fiber that runs has made in this run
    bool expects;         // something soon from another thread: spin before a sleep
    struct wf_timers timers;
    struct wf_engine *engine;
    struct wf_stacks *stacks;
    struct wf_turn turn;
    struct fiber *inbox; // atomic: a stack
    uint32_t asleep;     // atomic
    uint32_t stop;       // atomic
    uint32_t senders;    // atomic: threads inside send
    uint32_t sent;       // atomic: fibers that were started from elsewhere
    uint32_t tid;        // atomic: of its thread; 0: not there yet
};

// From the fiber's stack to another; back when somebody enters this one. Inlined: see switch_away.
__attribute__((always_inline)) static inline void wf_fiber_leave(struct fiber *self, void *entered)
{
    wf_exceptions_put_away(self->loop->kept.exceptions, &self->exceptions);
    wf_context_switch(&self->sp, entered);
    wf_exceptions_take_back(self->loop->kept.exceptions, &self->exceptions);
}

void *wf_loop_run(void *arg);            // what its thread does: arg is the loop
void wf_loop_ring(struct wf_loop *loop); // end its sleep. Any thread
// On the loop's stack: the fiber that has it run something goes on when that is done. True: it was
// that.
bool wf_loop_was_called(struct wf_loop *loop);

#endif
