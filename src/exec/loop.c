// SPDX-License-Identifier: MIT
// loop.c - run queue, timers, descriptors and inbox of one thread.
//
// A fiber is in exactly one place: running, in the run queue, in an inbox, or asleep (its park
// word is PARKED). Who changes PARKED into something else, and only he, puts it back into a
// queue: a waker by his exchange (wake: the run queue if it is his own loop's, else the inbox),
// the loop itself for a deadline or a descriptor (wf_park_give_up). So no fiber is queued
// twice, and none is forgotten.
//
// A waker on another thread may put the fiber into the inbox before it has switched away. Only its
// own loop takes it out, which is still running it: that is why fibers do not migrate.
//
// The loop sleeps in the poller. `asleep` is set before the last look at the inbox, and whoever
// puts something in looks at `asleep` afterwards, both in the one order of seq_cst: one of them
// sees the other. Whoever turns `asleep` back rings, so a sleep gets one ring.
#include "exec/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/wait.h>

#include "core/park.h"
#include "exec/loop_parts.h"
#include "exec/overflow.h"
#include "exec/timers.h"
#include "exec/watchdog.h"
#include "os/atomic.h"
#include "os/block.h"
#include "os/clock.h"
#include "os/context.h"
#include "os/engine.h"
#include "os/futex.h"
#include "os/poll.h"
#include "os/pulse.h"
#include "os/stack.h"
#include "os/thread.h"

enum { SOON_NS = 50000, LOOK_NS = 25000, MOST_SPARES = 256, MOST_CALLS = 64 };

static int fiber_sleeps(struct wf_parker *parker, const struct wf_wait *wait, weft_time deadline);
static void wake_fiber(struct wf_parker *parker);
static bool fiber_yields(struct wf_parker *parker, bool looks);
static void fiber_goes_on(struct wf_parker *parker, unsigned calls);
static bool fiber_transfers(const struct wf_parker *parker);
static bool fiber_stays(const struct wf_parker *parker);
static const struct wf_parking fiber_parking = {fiber_sleeps,  wake_fiber,      fiber_yields,
                                                fiber_goes_on, fiber_transfers, fiber_stays};

// Its seat says so too, but that is one load more on the way from a switch to the next.
static inline struct fiber *fiber_of(const struct wf_parker *parker)
{
    return (struct fiber *)((uintptr_t)parker - offsetof(struct fiber, parker));
}

struct wf_loop *wf_loop_here(void)
{
    const struct wf_parker *self = wf_running; // a fiber's is there
    return self && self->parking == &fiber_parking ? fiber_of(self)->loop : NULL;
}

const struct wf_pulse *wf_loop_pulse(const struct wf_parker *parker)
{
    return parker->parking == &fiber_parking ? &fiber_of(parker)->loop->pulse : NULL;
}

static bool is_here(const struct wf_loop *loop)
{
    return loop == wf_loop_here();
}

// ---- the run queue, the inbox -----------------------------------------------------------

static void make_ready(struct wf_loop *loop, struct fiber *fiber)
{
    fiber->next = NULL;
    if (loop->ready.first)
        loop->ready.last->next = fiber;
    else
        loop->ready.first = fiber;
    loop->ready.last = fiber;
}

static struct fiber *next_ready(struct wf_loop *loop)
{
    struct fiber *fiber = loop->ready.first;
    if (fiber)
        loop->ready.first = fiber->next;
    return fiber;
}

void wf_loop_ring(struct wf_loop *loop)
{
    if (wf_load(&loop->asleep, WF_SEQ_CST) != 0 && wf_exchange(&loop->asleep, 0, WF_SEQ_CST) != 0)
        wf_engine_ring(loop->engine);
}

// Once it is in the inbox the fiber may run and end, and the loop with it: `senders` keeps that.
static void send(struct wf_loop *loop, struct fiber *fiber)
{
    (void)wf_add(&loop->senders, 1, WF_RELAXED); // the cas publishes it
    struct fiber *first = wf_load(&loop->inbox, WF_RELAXED);
    do {
        fiber->next = first;
    } while (!wf_cas(&loop->inbox, &first, fiber, WF_SEQ_CST)); // see the top
    wf_loop_ring(loop);
    (void)wf_sub(&loop->senders, 1, WF_RELEASE); // pairs with wf_loop_free; the last touch
}

// In the order of their coming.
static void empty_inbox(struct wf_loop *loop)
{
    if (!wf_load(&loop->inbox, WF_RELAXED))
        return;
    struct fiber *fiber = wf_exchange(&loop->inbox, NULL, WF_ACQUIRE), *turned = NULL; // send
    while (fiber) {
        struct fiber *next = fiber->next;
        fiber->next = turned;
        turned = fiber;
        fiber = next;
    }
    while (turned) {
        struct fiber *next = turned->next;
        make_ready(loop, turned);
        turned = next;
    }
}

// No fiber lives. (Who starts one from elsewhere keeps the loop from being stopped until send.)
static bool is_empty(const struct wf_loop *loop)
{
    return wf_load(&loop->sent, WF_RELAXED) + loop->begun == loop->over;
}

// ---- one look around ----------------------------------------------------------------------

// What ends the sleep of a fiber whose deadline has come. What it waits for may be ready, and not
// have been told yet, or not looked at: then that.
static int result_at_deadline(const struct fiber *fiber)
{
    const struct wf_io *io = fiber->io;
    if (!io || io->kind != WF_IO_READY)
        return -ETIMEDOUT;
    int rc = wf_poll_alone(io->fd, io->events, 0);
    return rc > 0 ? rc : -ETIMEDOUT;
}

static void wake_expired(struct wf_loop *loop)
{
    struct wf_timer *timer = wf_timers_first(&loop->timers);
    int64_t now = timer ? wf_clock_now() : 0;
    for (; timer && timer->deadline <= now; timer = wf_timers_first(&loop->timers)) {
        struct fiber *fiber = (void *)((char *)timer - offsetof(struct fiber, timer));
        wf_timer_end(&loop->timers, timer);
        if (!wf_park_give_up(&fiber->parker))
            continue; // it was woken, and is on its way
        fiber->result = result_at_deadline(fiber);
        make_ready(loop, fiber);
    }
}

// The engine is done with it. If the fiber was woken by another just now, it is on its way.
static void told(struct wf_io *io)
{
    struct fiber *fiber = io->asker;
    if (fiber->settles || wf_park_give_up(&fiber->parker))
        make_ready(fiber->loop, fiber);
}

void wf_loop_at_turn_end(struct wf_loop *loop, struct wf_turn_end *turn_end)
{
    wf_turn_add(&loop->turn, turn_end);
}

bool wf_loop_transfers(const struct wf_loop *loop)
{
    return loop->engine->ops->transfers;
}

void wf_loop_ask(struct wf_loop *loop, struct wf_io *transfer)
{
    (void)loop->engine->ops->ask(loop->engine, transfer); // of a transfer it cannot fail
}

static bool is_turn_over(struct wf_loop *loop)
{
    return wf_turn_is_over(&loop->turn, loop->pulse.beats); // no other thread writes those
}

static void look_around(struct wf_loop *loop)
{
    wf_turn_begin(&loop->turn, loop->pulse.beats);
    wf_turn_finish(&loop->turn);
    empty_inbox(loop);
    wake_expired(loop);
    loop->engine->ops->look(loop->engine, 0);
}

// Waking a core costs a hundred times what two loops hand each other. So one that was woken from
// outside soon after it fell asleep looks out first the next time; until it has done so in vain.
static bool comes_soon(struct wf_loop *loop)
{
    struct wf_glance glance = {.for_ns = LOOK_NS};
    bool came = false;
    while (loop->expects && !came && wf_glance(&glance))
        came = wf_load(&loop->inbox, WF_RELAXED) != NULL;
    loop->expects = came;
    return came;
}

static void sleep_until_something(struct wf_loop *loop)
{
    wf_turn_finish(&loop->turn);
    if (comes_soon(loop)) {
        loop->engine->ops->look(loop->engine, 0); // hands over what was asked for
        empty_inbox(loop);
        return;
    }
    int64_t begin = wf_clock_now();
    wf_store(&loop->asleep, 1, WF_SEQ_CST); // see the top
    const struct wf_timer *timer = wf_timers_first(&loop->timers);
    int64_t tidy = wf_blocks_tidy(begin);
    int64_t deadline = timer && timer->deadline < tidy ? timer->deadline : tidy;
    bool stops = wf_load(&loop->stop, WF_SEQ_CST) != 0 && is_empty(loop);
    bool rests = !wf_load(&loop->inbox, WF_SEQ_CST) && !stops && !loop->turn.first;
    loop->engine->ops->look(loop->engine, rests ? deadline : 0);
    // Back to 0 by whoever rings: then the ring is there, or has been answered.
    bool rung = wf_exchange(&loop->asleep, 0, WF_SEQ_CST) == 0;
    wf_turn_begin(&loop->turn, loop->pulse.beats);
    loop->expects = rung && loop->turn.began_ns - begin < SOON_NS;
    empty_inbox(loop);
    wake_expired(loop);
}

// ---- fibers -------------------------------------------------------------------------------

// From a stack that is to be left: who goes on. NULL: the loop itself.
static inline struct fiber *who_is_next(struct wf_loop *loop, struct fiber *self)
{
    wf_pulse_beat(&loop->pulse);
    loop->calls = 0;
    struct fiber *next = is_turn_over(loop) ? NULL : next_ready(loop);
    wf_overflow_check(&self->parker, &self->stack);
    return next;
}

// The stack to enter. Inlined, as what tells a sanitizer of it must be (context.h).
__attribute__((always_inline)) static inline void *hand_over(struct wf_loop *loop,
                                                             struct fiber *self, struct fiber *next,
                                                             bool for_good)
{
    wf_running = next ? &next->parker : loop->parker;
    wf_seen_leaving(&self->seen, next ? &next->seen : &loop->seen, for_good);
    return next ? next->sp : loop->sp;
}

// One call of the switch for all: so the processor predicts where the switch and all below it
// return to.
__attribute__((noinline)) static void switch_away(struct wf_loop *loop, struct fiber *self)
{
    struct fiber *next = who_is_next(loop, self);
    if (next == self) { // it yielded to nobody
        wf_running = &self->parker;
        return;
    }
    void *stack = hand_over(loop, self, next, false);
    wf_fiber_leave(self, stack);
    wf_pulse_arrive(&self->loop->pulse, &self->parker);
    wf_seen_arrived(&self->seen);
}

// The same at its end: the stack that is entered when the caller, the fiber's first function,
// returns. Whoever runs there sees to the one that is left.
static void *leave_for_good(struct wf_loop *loop, struct fiber *self)
{
    loop->ended = self;
    loop->over++;
    void *stack = hand_over(loop, self, who_is_next(loop, self), true);
    if (loop->kept.exceptions)
        *loop->kept.exceptions = (struct wf_exceptions){NULL, 0};
#if defined(WF_ASAN) || defined(WF_TSAN)
    wf_context_switch(&self->sp, stack); // else it returns on a stack that it was not called on
#endif
    return stack;
}

__attribute__((noinline)) static void give_back(struct fiber *fiber)
{
    wf_parker_end(&fiber->parker);
    wf_stack_give(&fiber->stack);
}

// Its parker stays among the living: no task is seen there.
static inline void see_to_ended(struct wf_loop *loop)
{
    struct fiber *ended = loop->ended;
    if (!ended)
        return;
    loop->ended = NULL;
    wf_seen_end(&ended->seen);
    if (loop->spare_count == MOST_SPARES || ended->stack.size > WF_STACK_SIZE) {
        give_back(ended);
        return;
    }
    ended->next = loop->spares;
    loop->spares = ended;
    loop->spare_count++;
}

static void *fiber_begins(void)
{
    struct fiber *self = fiber_of(wf_running);
    struct wf_loop *loop = self->loop;
    wf_pulse_arrive(&loop->pulse, &self->parker);
    wf_seen_arrived(&self->seen);
    see_to_ended(loop);
    *loop->kept.error = 0;
    self->fn(self->arg);
    if (self->parker.parking)
        wf_parker_renew(&self->parker); // calls what destroys the values of on_start
    if (!self->parker.parking) // in a forked child it is the only thread: the others are not ours
        exit(0);
    return leave_for_good(loop, self);
}

// Ask the engine for what the wait names: 0 (asked, or it names nothing), 1 (it is there),
// -ENOMEM, -ENOSPC.
static int ask(struct fiber *self, const struct wf_wait *wait)
{
    self->io = wait->transfer;
    if (!self->io && wait->fd == WF_NO_FD)
        return 0;
    if (!self->io) {
        self->io = &self->ready;
        self->ready = (struct wf_io){
            .kind = WF_IO_READY, .fd = wait->fd, .events = wait->events, .edges = wait->edges};
    }
    self->io->state = WF_IO_NONE;
    self->io->told = told;
    self->io->asker = self;
    return self->loop->engine->ops->ask(self->loop->engine, self->io);
}

// What the fiber asked for is over when it goes on: made, or taken back. Else the engine would
// hold memory that has another use by then.
static void settle(struct fiber *self)
{
    struct wf_loop *loop = self->loop;
    if (self->io->state == WF_IO_ASKED && !loop->engine->ops->forget(loop->engine, self->io)) {
        self->settles = true;
        switch_away(loop, self);
        see_to_ended(loop);
        self->settles = false;
    }
}

// Why it goes on, if what it asked for is no reason.
static int result_of(struct fiber *self, int otherwise)
{
    struct wf_io *io = self->io;
    self->io = NULL;
    if (io->state == WF_IO_DONE && io->result == -ECANCELED)
        io->state = WF_IO_NONE; // taken back
    if (io->state == WF_IO_NONE)
        return otherwise;
    return io->kind == WF_IO_READY ? io->result : 1;
}

// Whoever waits lets others have the stack that he is on; but that is the loop's, during a call.
static void require_own_stack(const struct wf_loop *loop, const char *call)
{
    wf_require(!loop->called, "%s inside weft_on_thread_stack, where nothing may wait", call);
}

static int fiber_sleeps(struct wf_parker *parker, const struct wf_wait *wait, weft_time deadline)
{
    struct fiber *self = fiber_of(parker);
    struct wf_loop *loop = self->loop;
    require_own_stack(loop, wait->what);
    self->timer.deadline = deadline.ns;
    int rc = deadline.ns != INT64_MAX ? wf_timer_set(&loop->timers, &self->timer) : 0;
    if (rc == 0)
        rc = ask(self, wait);
    self->result = rc < 0 ? rc : 0;
    self->error = *loop->kept.error;
    bool sleeps = rc == 0 || !wf_park_give_up(parker); // else a wake is on its way: sleep for it
    if (!sleeps)
        wf_pulse_beat(&loop->pulse);
    if (!sleeps && is_turn_over(loop)) {
        make_ready(loop, self); // who never sleeps must let others run
        sleeps = true;
    }
    if (sleeps) {
        switch_away(loop, self);
        see_to_ended(loop);
    }
    wf_timer_end(&loop->timers, &self->timer);
    if (self->io) {
        settle(self);
        self->result = result_of(self, self->result);
    }
    *loop->kept.error = self->error;
    return self->result;
}

static bool fiber_transfers(const struct wf_parker *parker)
{
    const struct wf_loop *loop = fiber_of(parker)->loop;
    return !loop->called && wf_loop_transfers(loop); // they are made while it lies down
}

static bool fiber_stays(const struct wf_parker *parker)
{
    return fiber_of(parker)->loop->called != NULL;
}

static void wake_fiber(struct wf_parker *parker)
{
    struct fiber *fiber = fiber_of(parker);
    if (is_here(fiber->loop))
        make_ready(fiber->loop, fiber);
    else
        send(fiber->loop, fiber);
}

static bool fiber_yields(struct wf_parker *parker, bool looks)
{
    struct fiber *self = fiber_of(parker);
    struct wf_loop *loop = self->loop;
    bool others = loop->ready.first != NULL;
    require_own_stack(loop, "weft_yield, or a call that waits,");
    self->error = *loop->kept.error;
    wf_turn_cut_if(&loop->turn, looks);
    make_ready(loop, self);
    switch_away(loop, self);
    see_to_ended(loop);
    *loop->kept.error = self->error;
    return others || loop->ready.first;
}

// Others run, and descriptors are looked at, once it has made so many calls without a wait.
static void fiber_goes_on(struct wf_parker *parker, unsigned calls)
{
    struct wf_loop *loop = fiber_of(parker)->loop;
    loop->calls += calls;
    if (loop->calls >= MOST_CALLS && !loop->called)
        (void)fiber_yields(parker, true);
}

// NULL: the next one has no such stack, or there is none.
static inline struct fiber *take_spare(struct wf_loop *loop, size_t stack_size)
{
    struct fiber *fiber = loop->spares;
    if (!fiber || stack_size > fiber->stack.size)
        return NULL;
    loop->spares = fiber->next;
    loop->spare_count--;
    return fiber;
}

// Its thread may only just begin.
static pid_t thread_of(const struct wf_loop *loop)
{
    uint32_t tid = 0;
    for (unsigned round = 0; (tid = wf_load(&loop->tid, WF_ACQUIRE)) == 0; round++)
        wf_spin(round); // wf_loop_run
    return (pid_t)tid;
}

static struct fiber *new_fiber(struct wf_loop *loop, size_t stack_size)
{
    struct wf_stack *stack = wf_stack_take(loop->stacks, stack_size);
    if (!stack)
        return NULL;
    struct fiber *fiber = (struct fiber *)stack;
    fiber->loop = loop;
    fiber->timer.place = WF_NO_TIMER;
    wf_parker_begin(&fiber->parker, &fiber_parking, fiber);
    fiber->parker.home = loop->home;
    fiber->parker.tid = thread_of(loop);
    return fiber;
}

// By its own loop's thread, or another.
static inline int start(struct fiber *fiber, bool here, void (*fn)(void *), void *arg,
                        struct wf_task *task)
{
    struct wf_loop *loop = fiber->loop;
    fiber->fn = fn;
    fiber->arg = arg;
    if (task)
        wf_task_will_run(task, &fiber->parker);
    wf_seen_new(&fiber->seen, fiber->stack.bottom, fiber->stack.size);
    fiber->sp = wf_context_new(fiber->stack.bottom + fiber->stack.size, fiber_begins);
    if (here) {
        loop->begun++;
        make_ready(loop, fiber);
    } else {
        (void)wf_add(&loop->sent, 1, WF_RELAXED); // published by send
        send(loop, fiber);
    }
    return 0;
}

int wf_loop_start_task(struct wf_loop *loop, size_t stack_size, void (*fn)(void *), void *arg,
                       struct wf_task *task)
{
    bool here = is_here(loop);
    struct fiber *spare = here ? take_spare(loop, stack_size) : NULL;
    struct fiber *fiber = spare ? spare : new_fiber(loop, stack_size);
    return fiber ? start(fiber, here, fn, arg, task) : -ENOMEM;
}

// With a spare nothing is called, so that no register has to be kept meanwhile.
int wf_loop_start_here(size_t stack_size, void (*fn)(void *), void *arg, struct wf_task *task)
{
    struct wf_loop *loop = wf_loop_here();
    if (!loop)
        return -ESRCH;
    struct fiber *spare = take_spare(loop, stack_size);
    return spare ? start(spare, true, fn, arg, task)
                 : wf_loop_start_task(loop, stack_size, fn, arg, task);
}

// ---- the loop itself ------------------------------------------------------------------------

static void run_fibers(struct wf_loop *loop)
{
    if (is_turn_over(loop))
        look_around(loop);
    struct fiber *next = next_ready(loop);
    if (!next) {
        sleep_until_something(loop);
        return;
    }
    wf_running = &next->parker;
    do {
        next = fiber_of(wf_running);
        wf_seen_leaving(&loop->seen, &next->seen, false);
        wf_context_switch(&loop->sp, next->sp);
        wf_seen_arrived(&loop->seen);
    } while (wf_loop_was_called(loop));
    wf_pulse_arrive(&loop->pulse, NULL);
    see_to_ended(loop);
}

void *wf_loop_run(void *arg)
{
    struct wf_loop *loop = arg;
    wf_self_is_worker(loop->name, NULL, NULL);
    loop->parker = wf_self();
    loop->kept = wf_kept_here();
    wf_seen_thread(&loop->seen);
    wf_blocks_begin();
    void *watch = wf_overflow_watch(&loop->pulse);
    wf_store(&loop->tid, (uint32_t)wf_thread_id(), WF_RELEASE); // pairs with thread_of
    while (wf_load(&loop->stop, WF_ACQUIRE) == 0 || !is_empty(loop))
        run_fibers(loop);
    while (loop->turn.first || loop->engine->asked > 0)
        look_around(loop);
    for (struct fiber *spare = take_spare(loop, 0); spare; spare = take_spare(loop, 0))
        give_back(spare);
    wf_blocks_end();
    loop->engine->ops->end(loop->engine);
    wf_overflow_unwatch(watch);
    return NULL;
}
