// SPDX-License-Identifier: MIT
// contract.h - what the tests of locks, queues, errors and the task's own state share.
//
// Besides time and claims, three needs, a header each: to make a call elsewhere and have it
// interrupted (contract_away.h), to take an object's memory away as soon as that is allowed
// (contract_mortals.h), and to see how a program ends (contract_scenes.h).
//
// cmocka's assertions jump and belong to the thread that runs the tests; all else uses CHECK.
#ifndef WEFT_TESTS_CONTRACT_H
#define WEFT_TESTS_CONTRACT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
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

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define TEST(name) static void name(void **state __attribute__((unused)))
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

// ---- time and claims ----------------------------------------------------------------

SHARED void nap_ms(int ms) // not weft_sleep, which is itself on trial
{
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000L};
    while (nanosleep(&t, &t) < 0 && errno == EINTR)
        continue;
}

SHARED weft_time soon(void) // it comes
{
    return weft_after_ms(20);
}

SHARED weft_time much_later(void) // it does not come, unless the library hangs
{
    return weft_after_ms(20 * 1000);
}

static const weft_time long_past = {1};

// Does the claim become true, within ten seconds?
#define eventually(claim) \
    __extension__({ \
        int patience_ = 10000; \
        while (!(claim) && --patience_ > 0) \
            nap_ms(1); \
        patience_ > 0; \
    })

enum { FAILED = 99 }; // what CHECK returns; no call of weft does

SHARED int check_failed(const char *file, int line, const char *claim)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, claim);
    return FAILED;
}

// For what runs elsewhere: in a task, a thread, a child, a scene.
#define CHECK(claim) \
    do { \
        if (!(claim)) \
            return check_failed(__FILE__, __LINE__, #claim); \
    } while (0)

#include "contract_away.h"
#include "contract_mortals.h"
#include "contract_scenes.h"

#endif
