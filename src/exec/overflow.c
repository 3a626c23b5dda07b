// SPDX-License-Identifier: MIT
// overflow.c - which fiber it was, and on which task.
//
// A stack with a guard faults, and the line is written by the signal's handler on the same thread;
// one without is found out at its next switch. Not by wf_running: that names the next fiber while
// the one before still saves its registers, perhaps beyond its floor.
#include "exec/overflow.h"

#include <stdlib.h>
#include <string.h>

#include "exec/future.h"
#include "os/fault.h"

static _Thread_local const struct wf_pulse *watched __attribute__((tls_model("initial-exec")));

// A task that was started without a name has its function's in it: "Thread-1 (handler)".
static bool names_function(const char *name)
{
    size_t n = strlen(name);
    return (n > 0 && name[n - 1] == ')') || n == WF_NAME_MAX - 1;
}

void wf_name_fiber(struct wf_text *text, const struct wf_parker *parker)
{
    const struct wf_task *task = parker->task;
    char buffer[WF_NAME_MAX];
    const char *name = wf_parker_name(parker, buffer);
    wf_text_add(text, name);
    if (!task || task == &parker->own || (!task->pooled && names_function(name)))
        return; // between two tasks, or told already
    const weft_future *f = (const void *)((const char *)task - offsetof(weft_future, task));
    wf_text_add(text, " (task ");
    wf_text_add(text, f->what->name);
    wf_text_add(text, ")");
}

// The nominal size: a large one is a power of two and some.
static uint64_t kib_of(const struct wf_stack *stack)
{
    uint64_t unit = 64 << 10;
    return (stack->size + 2 * (uint64_t)WF_GUARD_SIZE) / unit * unit >> 10;
}

static void tell(const struct wf_parker *parker)
{
    struct wf_text line = {.used = 0};
    wf_text_add(&line, "weft: fiber ");
    wf_name_fiber(&line, parker);
    wf_text_add(&line, " overflowed its stack of ");
    wf_text_add_number(&line, kib_of(parker->seat)); // a fiber's seat begins with its stack
    wf_text_add(&line, " KiB: give it more with .stack_size");
    wf_text_say(&line);
}

static bool is_beyond(const struct wf_stack *stack, uintptr_t address, uintptr_t sp)
{
    uintptr_t floor = (uintptr_t)stack->bottom, guard = WF_GUARD_SIZE;
    bool in_guard = address < floor && address >= floor - guard;
    bool has_left = sp < floor && sp >= floor - 2 * guard;
    return in_guard || has_left;
}

static bool tell_of_fault(const void *address, const void *sp)
{
    const struct wf_parker *parker = watched ? wf_load(&watched->here, WF_RELAXED) : NULL;
    if (!parker || !is_beyond(parker->seat, (uintptr_t)address, (uintptr_t)sp))
        return false;
    tell(parker);
    return true;
}

void *wf_overflow_watch(const struct wf_pulse *pulse)
{
    watched = pulse;
    return wf_fault_begin(tell_of_fault);
}

void wf_overflow_unwatch(void *watch)
{
    wf_fault_end(watch);
    watched = NULL;
}

void wf_overflow_found(const struct wf_parker *parker)
{
    tell(parker);
    abort();
}
