// SPDX-License-Identifier: MIT
// futex.c - see futex.h. By system calls: libc has no function for a futex.
#include "os/futex.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/sanitizer.h"

enum { SPINS = 32 };

// NULL: for ever.
static struct timespec *until(struct timespec *time, int64_t deadline_ns)
{
    *time = wf_clock_timespec(deadline_ns > 0 ? deadline_ns : 0);
    return deadline_ns != INT64_MAX ? time : NULL;
}

// FUTEX_WAIT_BITSET, because its timeout is absolute.
static int wait_until(const uint32_t *word, uint32_t expected, int64_t deadline_ns, int private)
{
    struct timespec time;
    long rc = syscall(SYS_futex, word, FUTEX_WAIT_BITSET | private, expected,
                      until(&time, deadline_ns), NULL, FUTEX_BITSET_MATCH_ANY);
    if (rc == 0 || errno == EAGAIN)
        return 0;
    return -errno;
}

#ifdef WF_TSAN
enum { SLICED = 1 };
#else
enum { SLICED = 0 };
#endif
enum { SLICE_NS = 20 * 1000000 };

static bool minds_signals; // set before there is a second thread

void wf_futex_mind_signals(void)
{
    minds_signals = true;
}

// The end of this sleep: the deadline, or sooner.
static int64_t slice_of(int64_t deadline_ns)
{
    if (!SLICED || !minds_signals)
        return deadline_ns;
    int64_t slice = wf_clock_now() + SLICE_NS;
    return slice < deadline_ns ? slice : deadline_ns;
}

// It has ended, with rc.
static int after_slice(int rc, int64_t slice, int64_t deadline_ns)
{
    if (SLICED && minds_signals)
        (void)usleep(0); // here it calls them
    return rc == -ETIMEDOUT && slice < deadline_ns ? 0 : rc;
}

int wf_futex_wait(const uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
    int64_t slice = slice_of(deadline_ns);
    int rc = wait_until(word, expected, slice, FUTEX_PRIVATE_FLAG);
    return after_slice(rc, slice, deadline_ns);
}

int wf_futex_wait_any(const struct wf_futex_one *some, unsigned count, int64_t deadline_ns)
{
#ifdef SYS_futex_waitv
    struct futex_waitv words[WF_FUTEX_ANY_MAX];
    if (count > WF_FUTEX_ANY_MAX)
        return -EINVAL;
    for (unsigned i = 0; i < count; i++)
        words[i] = (struct futex_waitv){.val = some[i].expected,
                                        .uaddr = (uintptr_t)some[i].word,
                                        .flags = FUTEX_32 |
                                                 (some[i].shared ? 0 : FUTEX_PRIVATE_FLAG)};
    int64_t slice = slice_of(deadline_ns);
    struct timespec time;
    long rc = syscall(SYS_futex_waitv, words, count, 0, until(&time, slice), CLOCK_MONOTONIC);
    if (rc >= 0 || errno == EAGAIN)
        return 0;
    return after_slice(errno == EPERM ? -ENOSYS : -errno, slice, deadline_ns); // EPERM: a filter
#else
    (void)some, (void)count, (void)deadline_ns;
    return -ENOSYS;
#endif
}

bool wf_futex_can_wait_any(void)
{
    enum { UNKNOWN, YES, NO };
    static uint32_t answer; // atomic; who asks at the same time gets the same
    if (wf_load(&answer, WF_RELAXED) == UNKNOWN) {
        const uint32_t word = 1;
        const struct wf_futex_one other = {&word, 0, false};
        wf_store(&answer, wf_futex_wait_any(&other, 1, 0) != -ENOSYS ? YES : NO, WF_RELAXED);
    }
    return wf_load(&answer, WF_RELAXED) == YES;
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

void wf_futex_wake_some_shared(const uint32_t *word, uint32_t count)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE, count < INT32_MAX ? count : INT32_MAX);
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
    enum { ROUNDS = 5, FIRST = 16 };
    if (round > ROUNDS)
        return false;
    unsigned pauses = round > 0 ? (unsigned)FIRST << (round - 1) : 0;
    for (; pauses > 0; pauses--)
        pause_briefly();
    if (round > 1)
        (void)sched_yield(); // cannot fail on Linux
    return true;
}

// The clock is looked at seldom, for it costs more than a pause; and more seldom the processor is
// offered to others, for who is waited for may be waiting for just this one.
bool wf_glance(struct wf_glance *glance)
{
    pause_briefly();
    if (++glance->round % SPINS != 0)
        return true;
    if (glance->round % WF_OFFERS == 0)
        (void)sched_yield(); // cannot fail on Linux
    int64_t now = wf_clock_now();
    if (glance->until_ns == 0)
        glance->until_ns = now + glance->for_ns;
    return now < glance->until_ns;
}
