// SPDX-License-Identifier: MIT
#include "os/futex.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/clock.h"

enum { SPINS = 32 };

// FUTEX_WAIT_BITSET, because its timeout is absolute.
static int wait_until(const uint32_t *word, uint32_t expected, int64_t deadline_ns, int private)
{
    struct timespec until = {0, 0};
    struct timespec *timeout = NULL;
    if (deadline_ns != INT64_MAX) {
        until = wf_clock_timespec(deadline_ns > 0 ? deadline_ns : 0);
        timeout = &until;
    }
    long rc = syscall(SYS_futex, word, FUTEX_WAIT_BITSET | private, expected, timeout, NULL,
                      FUTEX_BITSET_MATCH_ANY);
    if (rc == 0 || errno == EAGAIN)
        return 0;
    return -errno;
}

#if defined(__SANITIZE_THREAD__)
#define SLICED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLICED 1
#endif
#endif
#ifndef SLICED
#define SLICED 0
#endif

enum { SLICE_NS = 20 * 1000000 };

static bool minds_signals; // set before there is a second thread

void wf_futex_mind_signals(void)
{
    minds_signals = true;
}

int wf_futex_wait(const uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
    if (!SLICED || !minds_signals)
        return wait_until(word, expected, deadline_ns, FUTEX_PRIVATE_FLAG);
    int64_t slice = wf_clock_now() + SLICE_NS;
    bool last = deadline_ns <= slice;
    int rc = wait_until(word, expected, last ? deadline_ns : slice, FUTEX_PRIVATE_FLAG);
    (void)usleep(0); // here it calls them
    return rc == -ETIMEDOUT && !last ? 0 : rc;
}

int wf_futex_wait_shared(const uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
    return wait_until(word, expected, deadline_ns, 0);
}

void wf_futex_wake(const uint32_t *word)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1); // EFAULT cannot be: task blocks stay
}

void wf_futex_wake_shared(const uint32_t *word)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE, 1);
}

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield" ::: "memory");
#endif
}

void wf_spin(unsigned round)
{
    if (round < SPINS)
        pause_briefly();
    else
        (void)sched_yield(); // cannot fail on Linux
}

bool wf_spin_briefly(unsigned round)
{
    if (round > 0)
        pause_briefly();
    return round < SPINS;
}
