// SPDX-License-Identifier: MIT
// exec_helpers.h - what the tests of tasks, pools and sockets share.
//
// Three needs come up again and again. To know that a task waits *now*, without guessing a time:
// the task notes its thread in a `spot` just before the call, and the test looks in /proc until
// that thread sleeps and stays asleep. To keep a worker busy in a way that weft does not see (its
// own waits would start a spare worker): `hold` waits on a POSIX semaphore. And to see how a
// program ends: `run_mode` executes the test program again with the name of one function.
//
// cmocka's assertions jump, so they belong to the thread that runs the test; tasks return codes.
#ifndef WEFT_TESTS_EXEC_HELPERS_H
#define WEFT_TESTS_EXEC_HELPERS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
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

#define SHARED_HELPER __attribute__((unused)) static
#define COUNT(array) (sizeof(array) / sizeof *(array))

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0 // limits on memory mean nothing under a sanitizer, which maps terabytes
#endif

// A call that returns a pointer failed with this code, and said why.
#define assert_failed_with(pointer, code) \
    do { \
        assert_null(pointer); \
        assert_int_equal(weft_error_code(), (code)); \
        assert_true(weft_error()[0] != '\0'); \
    } while (0)

// Far enough away that it never comes, but not for ever: the caller may not run the task itself.
SHARED_HELPER weft_time much_later(void)
{
    return weft_after_ms(600 * 1000);
}

// Not weft_sleep: the tests' own patience must not depend on what they test.
SHARED_HELPER void nap_ms(int ms)
{
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000L};
    while (nanosleep(&t, &t) < 0 && errno == EINTR)
        continue;
}

// ---- a task that is about to wait, and a test that waits until it does -----------------

struct spot {
    atomic_int tid; // 0 until somebody arrived
};

SHARED_HELPER void arrive(struct spot *s)
{
    atomic_store(&s->tid, gettid());
}

// How often the thread gave up its core, or -1 if it does not sleep just now.
SHARED_HELPER long sleeps_so_far(int tid)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
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

SHARED_HELPER void await_asleep_tid(int tid)
{
    long before = -1;
    for (int same = 0; same < 4; nap_ms(2)) {
        long now = sleeps_so_far(tid);
        same = now >= 0 && now == before ? same + 1 : 0;
        before = now;
    }
}

SHARED_HELPER void await_asleep(struct spot *s)
{
    while (atomic_load(&s->tid) == 0)
        nap_ms(1);
    await_asleep_tid(atomic_load(&s->tid));
}

// ---- a task that keeps its thread busy as long as the test wants -----------------------

struct hold {
    sem_t started, release;
};

SHARED_HELPER void hold_init(struct hold *h)
{
    assert_int_equal(sem_init(&h->started, 0, 0), 0);
    assert_int_equal(sem_init(&h->release, 0, 0), 0);
}

SHARED_HELPER void sem_take(sem_t *s)
{
    while (sem_wait(s) < 0 && errno == EINTR)
        continue;
}

// Returns what the request to stop says at its end.
SHARED_HELPER int hold(struct hold *const *h, weft_none *none)
{
    (void)none;
    sem_post(&(*h)->started);
    sem_take(&(*h)->release);
    return weft_check();
}
WEFT_TASK(hold, struct hold *, weft_none);

SHARED_HELPER weft_future *hold_a_worker(weft_pool *pool, struct hold *h)
{
    hold_init(h);
    weft_future *f = weft_submit(pool, hold, &h);
    assert_non_null(f);
    sem_take(&h->started);
    return f;
}

SHARED_HELPER int let_go(weft_future **f, struct hold *h)
{
    sem_post(&h->release);
    return weft_join(f, NULL, 0);
}

// How many threads have a name that begins so. A name has at most 15 bytes here.
SHARED_HELPER int threads_named(const char *prefix)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *d; (d = readdir(tasks));) {
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", d->d_name);
        FILE *f = d->d_name[0] == '.' ? NULL : fopen(path, "re");
        if (!f)
            continue; // not a thread, or it ended just now
        if (fgets(name, sizeof name, f))
            count += strncmp(name, prefix, strlen(prefix)) == 0;
        fclose(f);
    }
    closedir(tasks);
    return count;
}

#include "exec_modes.h" // needs the above

#endif
