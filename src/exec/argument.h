// SPDX-License-Identifier: MIT
// argument.h - what the argument of a task may not be, and for another process may not hold.
#ifndef WF_EXEC_ARGUMENT_H
#define WF_EXEC_ARGUMENT_H

#include <weft/task.h>

#include "core/misuse.h"

static inline void wf_require_argument(const char *call, const struct weft_task *what,
                                       const void *arg)
{
    wf_require(arg, "%s: the argument of %s is NULL", call, what->name);
}

// Under WEFT_CHECK=1: say on stderr, once for each function and naming the byte, that a word of the
// argument looks like an address of this process: in the other it means something else, or nothing.
void wf_check_argument(const struct weft_task *what, const void *arg);

// The same of the ctx that a pool's on_start is called with. What lies in the program or a library
// that it is linked with, workers have too.
void wf_check_ctx(const char *pool, const void *ctx);

#endif
