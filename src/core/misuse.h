// SPDX-License-Identifier: MIT
// misuse.h - a bug of the caller: one line that names the call and the reason, then abort.
#ifndef WF_CORE_MISUSE_H
#define WF_CORE_MISUSE_H

#include <stdbool.h>

_Noreturn void wf_misuse(const char *fmt, ...) __attribute__((format(printf, 1, 2), cold));

#define wf_require(claim, ...) \
    do { \
        if (__builtin_expect(!(claim), 0)) \
            wf_misuse(__VA_ARGS__); \
    } while (0)

// WEFT_CHECK=1 was in the environment when the program began. Never changes after that.
extern bool wf_checking;
// Each wait is noted where others can find it: while checking or tracing, and in the explorer. Set
// before main; the child of a fork traces nothing (wf_trace_forget).
extern bool wf_noting;

#endif
