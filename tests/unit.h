// SPDX-License-Identifier: MIT
// unit.h - what all unit tests share: cmocka, a little about time, claims (claims.h), and how a
// program ends (scenes.h). contract.h goes on for locks, queues, errors and the task's own state,
// exec_helpers.h for tasks, pools and sockets.
#ifndef WEFT_TESTS_UNIT_H
#define WEFT_TESTS_UNIT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <weft/weft.h>

// The same tests on fibers: built once more so.
#ifdef TEST_FIBERS
#define ON_FIBERS 1
#define WEFT_THREADS WEFT_FIBERS
#else
#define ON_FIBERS 0
#endif

// KIND is the kind of pool that is tested. On processes, what only helps the test and shares memory
// with it stays on threads.
#ifdef TEST_PROCESSES
#define ON_PROCESSES 1
#define KIND WEFT_PROCESSES
#else
#define ON_PROCESSES 0
#define KIND WEFT_THREADS
#endif

// First in a test of what is so for threads only: a worker that sleeps or is named.
#define only_for_threads() \
    do { \
        if (ON_FIBERS) \
            skip(); \
    } while (0)

// First in a test of what cannot be with processes, and why.
#define not_with_processes(why) \
    do { \
        if (ON_PROCESSES) { \
            print_message("%s: not with processes: %s\n", __func__, (why)); \
            skip(); \
        } \
    } while (0)

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define SHARED __attribute__((unused)) static

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#elif __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0
#endif
// Limits on memory mean nothing under a sanitizer, which maps terabytes.
#define SANITIZED (UNDER_ASAN || UNDER_TSAN)

// All of the array that p points to stays in memory. It does not by being volatile: where nobody
// else knows of it, clang keeps only the bytes that are touched.
SHARED void keep_in_memory(const volatile void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

// Not weft_sleep: the tests' own patience must not depend on what they test.
SHARED void nap_ms(int ms)
{
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000L};
    while (nanosleep(&t, &t) < 0 && errno == EINTR)
        continue;
}

// It does not come, unless the library hangs; but it is not for ever, so that the caller may not
// run a task itself.
SHARED weft_time much_later(void)
{
    return weft_after_ms(600 * 1000);
}

// How often the thread gave up its core, or -1 if it does not sleep just now. That a call waits
// *now* is read from the kernel's view of its thread: naps alone, which we tried, are too short on
// a busy machine and else too long.
SHARED long sleeps_of(int tid)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", tid); // of another process as well
    FILE *f = fopen(path, "re");
    if (!f)
        return -1;
    bool asleep = false;
    long count = -1;
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, "State:\tS", 8) == 0)
            asleep = true;
        (void)sscanf(line, "voluntary_ctxt_switches: %ld", &count); // most lines are others
    }
    fclose(f);
    return asleep ? count : -1;
}

#include "claims.h" // needs the above, as the next
#include "scenes.h"

#endif
