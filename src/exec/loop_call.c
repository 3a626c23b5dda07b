// SPDX-License-Identifier: MIT
// loop_call.c - what a fiber has its loop run, on the stack of the loop's thread.
#include <weft/wait.h>

#include "core/misuse.h"
#include "exec/loop_parts.h"
#include "exec/overflow.h"

// Its fiber stays the one that runs, in all but the stack; also in a forked child, where it is the
// thread by itself, but still on its own stack.
void weft_on_thread_stack(void (*fn)(void *arg), void *arg)
{
    wf_require(fn, "weft_on_thread_stack(NULL)");
    struct fiber *self = wf_self()->seat;
    struct wf_loop *loop = self ? self->loop : NULL;
    if (!loop || loop->called) { // we are there
        fn(arg);
        return;
    }
    loop->called = fn;
    loop->called_arg = arg;
    wf_overflow_check(&self->parker, &self->stack);
    wf_seen_leaving(&self->seen, &loop->seen, false);
    wf_fiber_leave(self, loop->sp);
    wf_seen_arrived(&self->seen);
}

bool wf_loop_was_called(struct wf_loop *loop)
{
    if (!loop->called)
        return false;
    loop->called(loop->called_arg);
    loop->called = NULL;
    return true;
}
