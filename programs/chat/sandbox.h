// SPDX-License-Identifier: MIT
// sandbox.h - from a moment on, the process makes only the system calls that a chat server needs.
//
// A filter of the kernel's (seccomp) with a list of calls (sandbox_calls.c). What is not in it no
// code of ours makes, nor of the libraries: who does has taken the process over. So it ends with
// one line of the log, and the call is not made. Calls that a library may try and can do without
// are refused with an error instead.
//
// What it cannot say: which files. Programs and files that this user may write can be written
// still; systemd's unit (docs/weft.service) says that.
#ifndef WEFT_CHAT_SANDBOX_H
#define WEFT_CHAT_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chat/journal.h"

// For all threads, those to come too, for good; also no program that is started gets more rights
// than we have. What is not on the list ends the process with status 128 + SIGSYS (159) and the
// event "forbidden" with the call's name in `journal`, which must live as long as the process. 0,
// or -errno: all is as it was, but for these rights. Call it when the loops have begun: none can
// get an io_uring of its own afterwards.
int sandbox_enter(const struct journal *journal);

// ---- sandbox_calls.c: the list ---------------------------------------------------------------

// Of one argument: (value & mask) == is.
struct sandbox_condition {
    unsigned argument; // 0 to 5
    uint64_t mask, is;
};

struct sandbox_call {
    const char *name;
    int error; // refuse it with this one; 0: let it pass
    bool only_if;
    struct sandbox_condition when; // only_if
};

extern const struct sandbox_call sandbox_calls[];
extern const size_t sandbox_call_count;

#endif
