// SPDX-License-Identifier: MIT
// model.c - src/os and core/misuse.c for the second copy of the library: atomics, futexes, the
// clock, descriptors and threads that only the explorer moves.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/misuse.h"
#include "os/atomic.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/poll.h"
#include "os/thread.h"
#include "model.h"
#include "run.h"

// ---- atomics ----------------------------------------------------------------------------

static bool acquires(int order)
{
    return order != WF_RELAXED && order != WF_RELEASE;
}

static bool releases(int order)
{
    return order != WF_RELAXED && order != WF_ACQUIRE;
}

static void turn(const struct xp_access *access, bool writes, enum xp_drains drains)
{
    const struct xp_op op = {
        .place = access->place, .address = access->object, .writes = writes, .drains = drains};
    xp_touch(access->object, writes);
    (void)xp_turn(&op);
}

static uint64_t saw(const struct xp_access *access, uint64_t value)
{
    struct xp_task *self = xp->now;
    self->seen = value;
    self->seen_at = access->object;
    self->seen_size = access->size;
    return value;
}

uint64_t xp_load(const struct xp_access *access)
{
    uint64_t value;
    if (!xp_is_running())
        return xp_read(access->object, access->size);
    if (xp_find_stored(xp->now, access->object, &value)) // its own, which nobody else sees yet
        return saw(access, value);
    turn(access, false, XP_KEEPS); // a fence is at a sequentially consistent store, as on x86
    value = xp_read(access->object, access->size);
    xp_note_values(access->object, access->size, value, value);
    if (acquires(access->order))
        xp_acquire(access->object);
    return saw(access, value);
}

// What a store or read-modify-write leaves at the address.
static void write_now(const struct xp_access *access, uint64_t value, bool is_rmw)
{
    xp_note_values(access->object, access->size, xp_read(access->object, access->size), value);
    xp_write(access->object, access->size, value);
    if (releases(access->order)) {
        (is_rmw ? xp_release_too : xp_release)(access->object, &xp->now->clock);
        xp_tick();
    } else if (!is_rmw) {
        xp_forget_release(access->object);
    }
}

void xp_store(const struct xp_access *access, uint64_t value)
{
    if (!xp_is_running()) {
        xp_write(access->object, access->size, value);
        return;
    }
    bool later = xp->delays_stores && access->order != WF_SEQ_CST;
    if (!later) {
        turn(access, true, XP_LANDS_ALL);
        write_now(access, value, false);
        return;
    }
    if (xp->now->stored == XP_STORES) { // as full as such a buffer gets
        const struct xp_op full = {.place = access->place, .drains = XP_LANDS_ALL};
        (void)xp_turn(&full);
    }
    xp_touch(access->object, true);
    if (xp_is_freed(access->object))
        xp_fail("%s: this memory was freed", access->place.what);
    xp_store_later(access->object, access->size, value, access->order, &access->place);
}

static void turn_to_rmw(const struct xp_access *access)
{
    turn(access, true, releases(access->order) ? XP_LANDS_ALL : XP_LANDS_SAME);
}

// What was there; left is `value`, or the sum.
static uint64_t rmw(const struct xp_access *access, uint64_t value, bool adds)
{
    bool runs = xp_is_running();
    if (runs)
        turn_to_rmw(access);
    uint64_t before = xp_read(access->object, access->size);
    uint64_t after = adds ? before + value : value;
    if (!runs) {
        xp_write(access->object, access->size, after);
        return before;
    }
    if (acquires(access->order))
        xp_acquire(access->object);
    write_now(access, after, true);
    return saw(access, before);
}

uint64_t xp_exchange(const struct xp_access *access, uint64_t value)
{
    return rmw(access, value, false);
}

uint64_t xp_add(const struct xp_access *access, uint64_t value)
{
    return rmw(access, value, true);
}

bool xp_cas(const struct xp_access *access, void *expected, uint64_t desired)
{
    uint64_t wanted = xp_read(expected, access->size);
    if (!xp_is_running()) {
        uint64_t is = xp_read(access->object, access->size);
        xp_write(is == wanted ? access->object : expected, access->size,
                 is == wanted ? desired : is);
        return is == wanted;
    }
    turn_to_rmw(access);
    uint64_t before = xp_read(access->object, access->size);
    xp->now->seen_at = NULL; // another task got on, so that who spins now need not wait
    if (before != wanted) {  // a failed one is a relaxed load
        xp_note_values(access->object, access->size, before, before);
        xp_write(expected, access->size, before);
        return false;
    }
    if (acquires(access->order))
        xp_acquire(access->object);
    write_now(access, desired, true);
    return true;
}

// ---- marks in plain code ----------------------------------------------------------------

static int everything; // what plain code touches

static void mark(const volatile void *p, bool writes, const struct weft_place_ *place)
{
    if (!xp_is_running())
        return;
    const struct xp_op op = {.place = *place, .address = p, .writes = writes};
    xp_touch(p, writes);
    (void)xp_turn(&op);
}

void weft_explore_point_(const volatile void *p, const struct weft_place_ *place)
{
    (void)p;
    mark(&everything, true, place);
}

void weft_explore_reads_(const volatile void *p, const struct weft_place_ *place)
{
    mark(p, false, place);
    if (xp_is_running())
        xp_plain(p, false, place);
}

void weft_explore_writes_(const volatile void *p, const struct weft_place_ *place)
{
    mark(p, true, place);
    if (xp_is_running())
        xp_plain(p, true, place);
}

void weft_explore_fail_(const char *file, int line, const char *claim)
{
    if (xp_is_running())
        xp_fail("%s:%d: not so: %s", file, line, claim);
    (void)fprintf(stderr, "%s:%d: not so: %s\n", file, line, claim);
    abort();
}

// ---- futex, spinning --------------------------------------------------------------------

static bool is_woken(const struct xp_task *task)
{
    return task->woken;
}

// Asleep on `word`, or on one of task->some.
static int sleep_until_woken(const uint32_t *word, int64_t deadline_ns)
{
    struct xp_task *self = xp->now;
    self->woken = false;
    self->sleeps++;
    const struct xp_op sleep = {.place = HERE("is woken"),
                                .address = word,
                                .ready = is_woken,
                                .deadline = deadline_ns > 0 ? deadline_ns : 1,
                                .may_fail = true};
    enum xp_turn how = xp_turn(&sleep);
    self->woken = true; // nobody's sleep any more
    self->some = NULL;
    return how == XP_EXPIRED ? -ETIMEDOUT : how == XP_FAILED ? -EINTR : 0;
}

// The look at a word before the sleep: 0 (it is another), 1 (as expected), -EINTR.
static int look_before_sleep(const uint32_t *word, uint32_t expected, bool may_fail)
{
    xp_touch(word, false);
    const struct xp_op look = {.place = HERE("goes to sleep"),
                               .address = word,
                               .drains = XP_LANDS_ALL,
                               .may_fail = may_fail};
    if (xp_turn(&look) == XP_FAILED)
        return -EINTR;
    return *word == expected;
}

int wf_futex_wait(const uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
    int rc = look_before_sleep(word, expected, true);
    return rc == 1 ? sleep_until_woken(word, deadline_ns) : rc;
}

// The kernel stands in each word's line before it looks at the next; a wake-up that comes between
// ends the sleep as the change before it would. So one more look at all of them is as good.
int wf_futex_wait_any(const struct wf_futex_one *some, unsigned count, int64_t deadline_ns)
{
    for (unsigned i = 0; i < count; i++) {
        int rc = look_before_sleep(some[i].word, some[i].expected, i == 0);
        if (rc != 1)
            return rc;
    }
    for (unsigned i = 0; i < count; i++)
        if (*some[i].word != some[i].expected)
            return 0;
    xp->now->some = some;
    xp->now->some_count = count;
    return sleep_until_woken(some[0].word, deadline_ns);
}

static bool sleeps_on(const struct xp_task *task, const uint32_t *word)
{
    if (task->is_done || task->op.ready != is_woken || task->woken)
        return false;
    if (!task->some)
        return task->op.address == word;
    for (unsigned i = 0; i < task->some_count; i++)
        if (task->some[i].word == word)
            return true;
    return false;
}

bool wf_futex_can_wait_any(void)
{
    return true;
}

static void wake(const uint32_t *word, uint32_t count)
{
    xp_touch(word, true);
    const struct xp_op wake = {
        .place = HERE("wakes who sleeps"), .address = word, .writes = true, .drains = XP_LANDS_ALL};
    (void)xp_turn(&wake);
    for (int i = 0; i < xp->count && count > 0; i++)
        if (sleeps_on(&xp->tasks[i], word)) {
            xp->tasks[i].woken = true;
            count--;
        }
}

void wf_futex_wake(const uint32_t *word)
{
    wake(word, 1);
}

void wf_futex_wake_shared(const uint32_t *word)
{
    wake(word, 1);
}

void wf_futex_wake_some_shared(const uint32_t *word, uint32_t count)
{
    wake(word, count);
}

static bool has_changed(const struct xp_task *task)
{
    return xp_read((const void *)(uintptr_t)task->op.address, task->seen_size) != task->seen;
}

// Whoever spins goes on when what it looked at last is another value.
void wf_spin(unsigned round)
{
    (void)round;
    if (!xp_is_running())
        return;
    struct xp_task *self = xp->now;
    if (!self->seen_at)
        return;
    const struct xp_op spin = {.place = HERE("spins"),
                               .address = self->seen_at,
                               .ready = has_changed,
                               .drains = XP_LANDS_ALL};
    (void)xp_turn(&spin);
}

bool wf_spin_briefly(unsigned round)
{
    return round < 1;
}

bool wf_glance(struct wf_glance *glance)
{
    (void)glance;
    return false;
}

// ---- time -------------------------------------------------------------------------------

int64_t wf_clock_now(void)
{
    if (!xp_is_running())
        return 1;
    const struct xp_op look = {.place = HERE("looks at the clock"), .address = &xp->time};
    xp_touch(&xp->time, false);
    (void)xp_turn(&look);
    return xp->time;
}

struct timespec wf_clock_timespec(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

// ---- descriptors: bells, and such as xp_fd_new gives -------------------------------------

enum { BELLS = 16 };

int *xp_rings_of(int bell)
{
    return &xp->bells[bell - FIRST_BELL];
}

int wf_bell_new(void)
{
    const struct xp_op op = {.place = HERE("makes a bell"), .is_local = true, .may_fail = true};
    if (xp_turn(&op) == XP_FAILED)
        return -EMFILE;
    if (xp->bell_count == BELLS)
        xp_fail("more than %d bells", BELLS);
    xp->bells[xp->bell_count] = 0;
    return FIRST_BELL + xp->bell_count++;
}

int wf_bell_ring(int bell)
{
    if (bell < FIRST_BELL || bell >= FIRST_BELL + xp->bell_count || *xp_rings_of(bell) < 0)
        xp_fail("a bell is rung that is none (%d)", bell);
    xp_touch(xp_rings_of(bell), true);
    const struct xp_op op = {.place = HERE("rings a bell"),
                             .address = xp_rings_of(bell),
                             .writes = true,
                             .drains = XP_LANDS_ALL};
    (void)xp_turn(&op);
    if (*xp_rings_of(bell) < 0)
        xp_fail("a bell is rung that was freed (%d)", bell);
    ++*xp_rings_of(bell);
    return 0;
}

static bool has_rung(const struct xp_task *task)
{
    return *xp_rings_of((int)task->op.argument) > 0;
}

void wf_bell_answer(int bell)
{
    xp_touch(xp_rings_of(bell), true);
    const struct xp_op op = {.place = HERE("answers a bell"),
                             .address = xp_rings_of(bell),
                             .writes = true,
                             .ready = has_rung,
                             .argument = (uint64_t)bell,
                             .drains = XP_LANDS_ALL};
    (void)xp_turn(&op);
    *xp_rings_of(bell) = 0;
}

void wf_bell_free(int bell)
{
    if (bell >= FIRST_BELL)
        *xp_rings_of(bell) = -1;
}

static bool fd_is_ready(int fd)
{
    return fd >= FIRST_FD && xp->fds[fd - FIRST_FD];
}

static bool polls(const struct xp_task *task)
{
    return has_rung(task) || fd_is_ready((int)task->op.argument2);
}

int wf_poll(int fd, short events, int bell, int64_t deadline_ns)
{
    xp_touch(xp_rings_of(bell), false);
    const struct xp_op op = {.place = HERE("polls"),
                             .address = xp_rings_of(bell),
                             .ready = polls,
                             .argument = (uint64_t)bell,
                             .argument2 = (uint64_t)fd,
                             .deadline = deadline_ns > 0 ? deadline_ns : 1,
                             .drains = XP_LANDS_ALL,
                             .may_fail = true};
    enum xp_turn how = xp_turn(&op);
    if (how != XP_WENT)
        return how == XP_EXPIRED ? -ETIMEDOUT : -EINTR;
    return fd_is_ready(fd) ? events : 0;
}

// For scenarios: a descriptor, and it becomes readable. As if in the same place as all bells.
int xp_fd_new(int n)
{
    return FIRST_FD + n;
}

void xp_fd_ready(int fd)
{
    mark(&everything, true, &(const struct weft_place_)HERE("a descriptor becomes ready"));
    xp->fds[fd - FIRST_FD] = true;
}

int wf_signal_fd(const sigset_t *set)
{
    (void)set;
    xp_fail("weft_wait_signal: signals cannot be explored");
}

int wf_signal_take(int fd)
{
    (void)fd;
    return 0;
}

// ---- threads ----------------------------------------------------------------------------

int wf_thread_start(const struct wf_thread_options *options, wf_thread *thread)
{
    const struct xp_op op = {.place = HERE("starts a thread"),
                             .drains = XP_LANDS_ALL,
                             .is_local = true,
                             .may_fail = true};
    if (xp_turn(&op) == XP_FAILED)
        return -EAGAIN;
    int index = xp_spawn(options->run, options->arg);
    xp_tick();
    *thread = (wf_thread)index;
    return index < 0 ? -EAGAIN : 0;
}

static bool has_ended(const struct xp_task *task)
{
    return xp->tasks[task->op.argument].is_done;
}

void wf_thread_join(wf_thread thread)
{
    struct xp_task *other = &xp->tasks[thread];
    const struct xp_op op = {.place = HERE("joins a thread"),
                             .address = other,
                             .ready = has_ended,
                             .argument = (uint64_t)thread,
                             .drains = XP_LANDS_ALL};
    (void)xp_turn(&op);
    xp_join_clock(&xp->now->clock, &other->clock);
}

wf_thread wf_thread_self(void)
{
    return (wf_thread)xp->now->index;
}

void wf_thread_set_name(const char *name)
{
    (void)snprintf(xp->now->name, sizeof xp->now->name, "%s", name);
}

void wf_thread_yield(void)
{
    const struct xp_op op = {.place = HERE("yields"), .drains = XP_LANDS_ALL, .yields = true};
    (void)xp_turn(&op);
}

pid_t wf_thread_id(void)
{
    return xp_is_running() ? getpid() + xp->now->index : getpid();
}

int wf_thread_at_exit(void (*destroy)(void *), void *value)
{
    if (!xp_is_running())
        return 0;
    xp->now->at_exit = destroy;
    xp->now->at_exit_value = value;
    return 0;
}

int wf_thread_at_fork(void (*before)(void), void (*after)(void), void (*child)(void))
{
    (void)before, (void)after, (void)child;
    return 0;
}

int wf_thread_cores(void)
{
    return 2;
}

// ---- endings ----------------------------------------------------------------------------

int xp_atexit(void (*handler)(void))
{
    if (xp->exit_count == (int)(sizeof xp->exits / sizeof *xp->exits))
        return -1;
    xp->exits[xp->exit_count++] = handler;
    return 0;
}

static bool never(const struct xp_task *task)
{
    (void)task;
    return false;
}

int xp_pause(void)
{
    const struct xp_op op = {.place = HERE("lost for ever"), .ready = never};
    (void)xp_turn(&op);
    return -1;
}

bool wf_checking, wf_noting = true;

void wf_misuse(const char *fmt, ...)
{
    char text[XP_TEXT];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (xp_is_running())
        xp_fail("weft: %s", text);
    (void)fprintf(stderr, "weft: %s\n", text);
    abort();
}
