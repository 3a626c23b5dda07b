// SPDX-License-Identifier: MIT
// thread_stack.c - a call on the stack of the thread, from a fiber's.
#include <weft/wait.h>

#include "exec/loop.h"

void weft_on_thread_stack(void (*fn)(void *arg), void *arg)
{
    wf_loop_call(fn, arg);
}
