// SPDX-License-Identifier: MIT
// exec_helpers.h - what the tests of tasks, pools and sockets share.
//
// Two needs come up again and again. To know that a task waits *now*, without guessing a time: the
// task notes its thread in a `spot` just before the call, and the test looks until that thread
// sleeps and stays asleep. And to keep a worker busy in a way that weft does not see (its own waits
// would start a spare worker): `hold` waits on a POSIX semaphore.
//
// cmocka's assertions jump, so they belong to the thread that runs the test; tasks return codes.
#ifndef WEFT_TESTS_EXEC_HELPERS_H
#define WEFT_TESTS_EXEC_HELPERS_H

#include "unit.h"

#include <dirent.h>
#include <inttypes.h>
#include <semaphore.h>

// A call that returns a pointer failed with this code, and said why.
#define assert_failed_with(pointer, code) \
    do { \
        assert_null(pointer); \
        assert_int_equal(weft_error_code(), (code)); \
        assert_true(weft_error()[0] != '\0'); \
    } while (0)

// ---- a task that is about to wait, and a test that waits until it does -----------------

struct spot {
    atomic_int tid; // 0 until somebody arrived
};

SHARED void arrive(struct spot *s)
{
    atomic_store(&s->tid, gettid());
}

SHARED void await_asleep_tid(int tid)
{
    long before = -1;
    for (int same = 0; same < 4; nap_ms(2)) {
        long now = sleeps_of(tid);
        same = now >= 0 && now == before ? same + 1 : 0;
        before = now;
    }
}

SHARED void await_asleep(struct spot *s)
{
    while (atomic_load(&s->tid) == 0)
        nap_ms(1);
    await_asleep_tid(atomic_load(&s->tid));
}

// ---- a task that keeps its thread busy as long as the test wants -----------------------

struct hold {
    sem_t started, release;
};

SHARED void hold_init(struct hold *h)
{
    assert_int_equal(sem_init(&h->started, 1, 0), 0);
    assert_int_equal(sem_init(&h->release, 1, 0), 0);
}

SHARED void sem_take(sem_t *s)
{
    while (sem_wait(s) < 0 && errno == EINTR)
        continue;
}

// Returns what the request to stop says at its end.
SHARED int hold(struct hold *const *h, weft_none *none)
{
    (void)none;
    sem_post(&(*h)->started);
    sem_take(&(*h)->release);
    return weft_check();
}
WEFT_TASK(hold, struct hold *, weft_none);

SHARED weft_future *hold_a_worker(weft_pool *pool, struct hold *h)
{
    hold_init(h);
    weft_future *f = weft_submit(pool, hold, &h);
    assert_non_null(f);
    sem_take(&h->started);
    return f;
}

SHARED int let_go(weft_future **f, struct hold *h)
{
    sem_post(&h->release);
    return weft_join(f, NULL, 0);
}

// How many threads have a name that begins so. A name has at most 15 bytes here.
SHARED int threads_named(const char *prefix)
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

// The same of a pool's workers, whatever they are.
SHARED int workers_named(const char *prefix)
{
    if (!ON_PROCESSES)
        return threads_named(prefix);
    int count = 0;
    struct weft_info infos[64];
    size_t n = weft_list(WEFT_PROCESSES, infos, COUNT(infos));
    for (size_t i = 0; i < n && i < COUNT(infos); i++)
        count += strncmp(infos[i].name, prefix, strlen(prefix)) == 0;
    return count;
}

#endif
