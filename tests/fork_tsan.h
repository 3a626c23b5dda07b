// SPDX-License-Identifier: MIT
// fork_tsan.h - for tests that fork: a child cannot join the threads of its parent, and a thread
// sanitizer is not to blame it for them. And it ends, whatever happens.
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

// In a child, also in one of a thread of weft's, which blocks signals: it does not hang for ever.
SHARED void die_after(unsigned seconds)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL); // fails only for an unknown number
    alarm(seconds);
}

#endif
