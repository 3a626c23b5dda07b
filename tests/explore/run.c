// SPDX-License-Identifier: MIT
#include "core/kin.h"
#include "run.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/park.h"
#include "os/context.h"

struct xp_run *xp;

bool xp_is_running(void)
{
    return xp && xp->end == XP_RUNS && xp->now;
}

// ---- ends of a run ----------------------------------------------------------------------

void weft_explore_failed(const char *why)
{
    __asm__ volatile("" : : "r"(why) : "memory"); // not to be optimized away
}

_Noreturn void xp_leave(enum xp_end end)
{
    void *left;
    xp->end = end;
    wf_seen_leaving(&xp->now->stack_seen, &xp->engine_seen, false);
    wf_context_switch(&left, xp->engine);
    __builtin_unreachable();
}

_Noreturn void xp_fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(xp->failure, sizeof xp->failure, fmt, args);
    va_end(args);
    weft_explore_failed(xp->failure);
    xp_leave(XP_BROKEN);
}

// ---- moves ------------------------------------------------------------------------------

int xp_owner(int move)
{
    return move >= XP_LAND ? (move - XP_LAND) / XP_STORES : move % XP_TASKS;
}

static bool has_drained(const struct xp_task *task)
{
    uint64_t value;
    if (task->op.drains == XP_LANDS_ALL)
        return task->stored == 0;
    return task->op.drains == XP_KEEPS ||
           !xp_find_stored(task, (const void *)(uintptr_t)task->op.address, &value);
}

static bool may_go(const struct xp_task *task)
{
    return !task->is_done && has_drained(task) && (!task->op.ready || task->op.ready(task));
}

static xp_set moves_of(const struct xp_task *task)
{
    xp_set moves = 0;
    for (int n = 0; n < task->stored; n++)
        if (xp_may_land(task, n))
            moves |= XP_BIT(XP_LAND + task->index * XP_STORES + n);
    if (task->is_done)
        return moves;
    bool goes = may_go(task);
    if (goes)
        moves |= XP_BIT(XP_GO + task->index);
    bool waits = task->op.deadline != 0 && !goes && has_drained(task);
    if (waits && task->op.deadline != INT64_MAX)
        moves |= XP_BIT(XP_EXPIRE + task->index);
    if (task->op.may_fail && xp->faults > 0 && has_drained(task))
        moves |= XP_BIT(XP_FAULT + task->index);
    return moves;
}

static xp_set all_moves(void)
{
    xp_set moves = 0;
    for (int i = 0; i < xp->count; i++)
        moves |= moves_of(&xp->tasks[i]);
    return moves;
}

// Its newest store is seen at once, unless somebody decided that it is not.
static int first_undelayed(const struct xp_task *task)
{
    for (int n = 0; n < task->stored; n++)
        if (!task->stores[n].delayed && xp_may_land(task, n))
            return XP_LAND + task->index * XP_STORES + n;
    return XP_NO_MOVE;
}

static bool goes_on(xp_set moves, int task)
{
    return xp_has(moves, XP_GO + task) && !xp->tasks[task].op.yields;
}

// What happens if nobody interferes: the task goes on, or else the next one does; a deadline passes
// when nothing else can happen.
static int by_itself(xp_set moves)
{
    int move = first_undelayed(&xp->tasks[xp->previous]);
    if (xp_has(moves, move))
        return move;
    if (goes_on(moves, xp->previous))
        return XP_GO + xp->previous;
    for (int i = 1; i <= xp->count; i++) {
        int task = (xp->previous + i) % xp->count;
        if (xp_has(moves, XP_GO + task))
            return XP_GO + task;
    }
    for (move = XP_LAND; move < XP_MOVES; move++)
        if (xp_has(moves, move))
            return move;
    int soonest = XP_NO_MOVE;
    for (int i = 0; i < xp->count; i++)
        if (xp_has(moves, XP_EXPIRE + i) &&
            (soonest == XP_NO_MOVE ||
             xp->tasks[i].op.deadline < xp->tasks[xp_owner(soonest)].op.deadline))
            soonest = XP_EXPIRE + i;
    return soonest != XP_NO_MOVE ? soonest : __builtin_ctzll(moves); // a fault
}

int xp_price(int move, int itself)
{
    if (move == itself)
        return 0;
    bool is_fault = move >= XP_FAULT && move < XP_LAND;
    bool interrupts = xp_owner(itself) == xp->previous && itself != XP_EXPIRE + xp->previous;
    return is_fault || interrupts ? 1 : 0;
}

// Two moves whose order could matter: of one task, or on one address of which one writes.
bool xp_conflict(int a, int b)
{
    const struct xp_task *ta = &xp->tasks[xp_owner(a)], *tb = &xp->tasks[xp_owner(b)];
    if (ta == tb)
        return true;
    bool time_a = a >= XP_EXPIRE && a < XP_FAULT, time_b = b >= XP_EXPIRE && b < XP_FAULT;
    if ((time_a && (time_b || tb->op.address == &xp->time)) ||
        (time_b && ta->op.address == &xp->time))
        return true;
    const volatile void *pa = ta->op.address, *pb = tb->op.address;
    bool wa = ta->op.writes || time_a, wb = tb->op.writes || time_b;
    if (a >= XP_LAND) {
        pa = ta->stores[(a - XP_LAND) % XP_STORES].object;
        wa = true;
    }
    if (b >= XP_LAND) {
        pb = tb->stores[(b - XP_LAND) % XP_STORES].object;
        wb = true;
    }
    return pa && pa == pb && (wa || wb);
}

// ---- one step after the other -----------------------------------------------------------

// In which of the library's waits it is, or NULL.
static const struct wf_wait *wait_of(const struct xp_task *task)
{
    const struct wf_parker *parker = task == xp->now ? wf_running : task->parker;
    return parker ? parker->wait : NULL;
}

static void describe_waiters(char *text, size_t size)
{
    size_t used = 0;
    for (int i = 0; i < xp->count && used < size; i++) {
        const struct xp_task *task = &xp->tasks[i];
        if (task->is_done)
            continue;
        const struct wf_wait *wait = wait_of(task);
        int n = snprintf(text + used, size - used, "%s%s: %s", used > 0 ? "; " : "", task->name,
                         wait ? wait->what : task->op.place.what);
        used += n > 0 ? (size_t)n : 0;
    }
}

static void record(int move, bool odd)
{
    if (xp->steps >= XP_STEPS)
        xp_fail("no end after %d steps: somebody goes round in circles", XP_STEPS);
    xp->moves[xp->steps] = (uint8_t)move;
    xp->odd[xp->steps] = odd;
    if (xp->trace) {
        const struct xp_task *task = &xp->tasks[xp_owner(move)];
        struct xp_step *step = &xp->trace[xp->steps];
        *step = (struct xp_step){
            .move = move, .place = task->op.place, .address = task->op.address};
        const struct wf_wait *wait = wait_of(task);
        if ((task->op.deadline != 0 || task->op.may_fail) && wait)
            step->call = wait->what;
        if (move >= XP_LAND)
            step->place = task->stores[(move - XP_LAND) % XP_STORES].place;
    }
    xp->steps++;
}

void xp_note_values(const volatile void *address, unsigned size, uint64_t before, uint64_t after)
{
    if (!xp->trace || xp->steps == 0)
        return;
    struct xp_step *step = &xp->trace[xp->steps - 1];
    step->has_values = true;
    step->address = address;
    step->size = size;
    step->before = before;
    step->after = after;
}

static int next_move(void)
{
    xp_set moves = all_moves();
    if (moves == 0) {
        char text[XP_TEXT - 64] = "";
        describe_waiters(text, sizeof text);
        xp_fail("deadlock: nobody can go on (%s)", text);
    }
    int itself = by_itself(moves);
    int move = xp->choose(moves, itself);
    if (move == XP_NO_MOVE)
        xp_leave(XP_PRUNED);
    xp->cost += xp_price(move, itself);
    if (itself >= XP_LAND && move != itself)
        xp->tasks[xp_owner(itself)].stores[(itself - XP_LAND) % XP_STORES].delayed = true;
    record(move, move != itself);
    return move;
}

enum { STACK = 128 << 10 };

static void switch_to(struct xp_task *task)
{
    struct xp_task *self = xp->now;
    self->parker = wf_running;
    wf_running = task->parker;
    xp->now = task;
    wf_seen_leaving(&self->stack_seen, &task->stack_seen, false);
    wf_context_switch(&self->stack, task->stack);
    wf_seen_arrived(&self->stack_seen);
}

// Make moves until it is a task's turn.
static struct xp_task *step(void)
{
    for (;;) {
        int move = next_move();
        struct xp_task *task = &xp->tasks[xp_owner(move)];
        xp->previous = task->index;
        if (move >= XP_LAND) {
            xp_land(task, (move - XP_LAND) % XP_STORES);
            continue;
        }
        task->turn = (enum xp_turn)(move / XP_TASKS);
        if (task->turn == XP_EXPIRED && task->op.deadline > xp->time)
            xp->time = task->op.deadline;
        xp->faults -= task->turn == XP_FAILED;
        return task;
    }
}

enum xp_turn xp_turn(const struct xp_op *op)
{
    struct xp_task *self = xp->now;
    self->op = *op;
    bool free = !op->ready && !op->may_fail && !op->yields;
    if (op->address && xp_is_freed(op->address))
        xp_fail("%s: this memory was freed", op->place.what);
    if (free && (op->is_local || (op->address && !xp_is_shared(op->address))) &&
        !xp->uses_all_steps && has_drained(self) && first_undelayed(self) == XP_NO_MOVE) {
        record(XP_GO + self->index, false);
        xp->previous = self->index;
        return XP_WENT;
    }
    struct xp_task *next = step();
    if (next != self)
        switch_to(next);
    // The memory may have been freed while we stopped.
    if (self->op.address && xp_is_freed(self->op.address))
        xp_fail("%s: this memory was freed", self->op.place.what);
    return self->turn;
}

// ---- tasks ------------------------------------------------------------------------------

static void leave_thread(struct xp_task *self)
{
    if (self->at_exit)
        self->at_exit(self->at_exit_value);
    self->at_exit = NULL;
}

_Noreturn static void end_task(struct xp_task *self)
{
    const struct xp_op end = {
        .place = {NULL, 0, "ends"}, .address = self, .writes = true, .drains = XP_LANDS_ALL};
    (void)xp_turn(&end);
    self->is_done = true;
    struct xp_task *next = step();
    switch_to(next); // does not come back
    __builtin_unreachable();
}

static void *begin_task(void)
{
    struct xp_task *self = xp->now;
    wf_seen_arrived(&self->stack_seen);
    (void)self->run(self->arg);
    leave_thread(self);
    if (self->index == 0)
        xp_leave(XP_PASSED);
    end_task(self);
}

static void make_task(struct xp_task *task, int index, void *(*run)(void *), void *arg)
{
    void *memory = task->memory;
    uint64_t kin = index > 0 ? xp->now->kin : WF_KIN_ROOT;
    *task = (struct xp_task){.index = index, .memory = memory, .run = run, .arg = arg, .kin = kin};
    task->op.place.what = "begins";
    (void)snprintf(task->name, sizeof task->name, index == 0 ? "main" : "task %d", index);
}

int xp_spawn(void *(*run)(void *), void *arg)
{
    if (xp->count == XP_TASKS)
        xp_fail("more than %d tasks", XP_TASKS);
    struct xp_task *task = &xp->tasks[xp->count];
    make_task(task, xp->count, run, arg);
    if (!task->memory)
        task->memory = malloc(STACK);
    if (!task->memory)
        return -1;
    wf_seen_new(&task->stack_seen, task->memory, STACK);
    task->stack = wf_context_new((char *)task->memory + STACK, begin_task);
    if (xp->now)
        task->clock = xp->now->clock;
    task->clock.at[task->index] = 1;
    return xp->count++;
}

struct body {
    void (*fn)(void *);
    void *arg;
};

static void *run_body(void *arg)
{
    struct body *body = arg;
    body->fn(body->arg);
    // As when a program ends: its handlers run on its main thread, before that ends.
    while (xp->exit_count > 0)
        xp->exits[--xp->exit_count]();
    return NULL;
}

// ---- aborts and crashes -----------------------------------------------------------------

static void on_signal(int sig)
{
    if (!xp_is_running()) { // ours, not the test's
        (void)signal(sig, SIG_DFL);
        xp_say_last_words(sig);
        (void)raise(sig);
        return;
    }
    xp_fail(sig == SIGABRT ? "aborted" : "crashed: signal %d", sig);
}

static const int fatal[XP_FATAL] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

void xp_catch_signals(struct sigaction before[XP_FATAL])
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_NODEFER};
    for (int i = 0; i < XP_FATAL; i++)
        (void)sigaction(fatal[i], &action, &before[i]);
}

void xp_release_signals(const struct sigaction before[XP_FATAL])
{
    for (int i = 0; i < XP_FATAL; i++)
        (void)sigaction(fatal[i], &before[i], NULL);
}

enum xp_end xp_run_once(void (*fn)(void *), void *arg)
{
    struct body body = {fn, arg};
    struct wf_parker *outside = wf_running;
    xp_cells_new_run();
    xp->count = xp->previous = xp->cost = xp->exit_count = xp->bell_count = 0;
    xp->record_count = 0;
    xp->records = NULL;
    xp->steps = 0;
    xp->time = 1000000000;
    xp->now = NULL;
    xp->failure[0] = '\0';
    memset(xp->fds, 0, sizeof xp->fds);
    if (xp_spawn(run_body, &body) < 0)
        return XP_BROKEN;
    xp->end = XP_RUNS;
    xp->now = &xp->tasks[0];
    wf_running = NULL;
    wf_seen_leaving(&xp->engine_seen, &xp->tasks[0].stack_seen, false);
    wf_context_switch(&xp->engine, xp->tasks[0].stack);
    wf_seen_arrived(&xp->engine_seen);
    xp->now = NULL;
    wf_running = outside;
    return xp->end;
}
