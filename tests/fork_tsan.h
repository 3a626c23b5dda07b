// SPDX-License-Identifier: MIT
// fork_tsan.h - for tests that fork: a child cannot join the threads of its parent, and a thread
// sanitizer is not to blame it for them.
#ifndef WEFT_TESTS_FORK_TSAN_H
#define WEFT_TESTS_FORK_TSAN_H

#include "unit.h"

#if UNDER_TSAN
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "report_thread_leaks=0";
}
#endif

#endif
