// SPDX-License-Identifier: MIT
// sync.c - read-write lock, semaphore, event, wait group, barrier, once.
#include "core/current.h"
#include "os/atomic.h"
#include "scenario.h"

static struct {
    weft_rwlock rw;
    weft_sem sem;
    weft_event event;
    weft_once once;
    int data, readers, writers, runs, failures;
    int rc[3];
    struct guarded g;
} s;

// ---- read-write lock --------------------------------------------------------------------

static void *read_it(void *arg)
{
    (void)arg;
    weft_read_lock(&s.rw);
    weft_explore_reads(&s.data);
    claim(s.writers == 0);
    int seen = s.data;
    weft_explore_reads(&s.data);
    claim(s.data == seen);
    weft_read_unlock(&s.rw);
    return NULL;
}

static void *write_it(void *arg)
{
    (void)arg;
    weft_write_lock(&s.rw);
    s.writers++;
    weft_explore_writes(&s.data);
    claim(s.writers == 1);
    s.data++;
    s.writers--;
    weft_write_unlock(&s.rw);
    return NULL;
}

// arg: writers, of three tasks (or, with 10 more, of two).
static void readers_and_writers(void *arg)
{
    int writers = *(int *)arg % 10, tasks = *(int *)arg >= 10 ? 2 : 3;
    wf_thread t[3];
    for (int i = 1; i < tasks; i++)
        t[i] = go(i < writers ? write_it : read_it, NULL);
    (writers > 0 ? write_it : read_it)(NULL);
    for (int i = 1; i < tasks; i++)
        wf_thread_join(t[i]);
    claim(s.data == writers && s.rw.word_ == 0);
}

static int users;

static void *read_and_leave(void *arg)
{
    weft_rwlock *rw = arg;
    weft_read_lock(rw);
    weft_read_unlock(rw);
    weft_write_lock(rw);
    weft_explore_writes(&users);
    bool last = --users == 0;
    weft_write_unlock(rw);
    if (last)
        free(rw);
    return NULL;
}

static void rwlock_freed(void *arg)
{
    (void)arg;
    weft_rwlock *rw = calloc(1, sizeof *rw);
    users = 2;
    wf_thread other = go(read_and_leave, rw);
    read_and_leave(rw);
    wf_thread_join(other);
}

// ---- semaphore --------------------------------------------------------------------------

static void *acquire_in_time(void *arg)
{
    int *rc = arg;
    *rc = weft_acquire(&s.sem, sometime());
    if (*rc == 0)
        weft_release(&s.sem, 1);
    return NULL;
}

static void *acquire(void *arg)
{
    (void)arg;
    claim(weft_acquire(&s.sem, WEFT_FOREVER) == 0);
    weft_explore_writes(&s.data);
    s.data++;
    weft_release(&s.sem, 1);
    return NULL;
}

static void units_are_not_lost(void *arg)
{
    (void)arg;
    wf_thread a = go(acquire_in_time, &s.rc[0]), b = go(acquire, NULL);
    weft_release(&s.sem, 1);
    wf_thread_join(a);
    wf_thread_join(b);
    claim(s.rc[0] == 0 || s.rc[0] == -ETIMEDOUT);
    claim(weft_acquire(&s.sem, WEFT_POLL) == 0);
    claim(weft_acquire(&s.sem, WEFT_POLL) == -ETIMEDOUT);
}

static void sem_excludes(void *arg)
{
    (void)arg;
    s.sem = (weft_sem)WEFT_SEM(1);
    wf_thread a = go(acquire, NULL);
    acquire(NULL);
    wf_thread_join(a);
    claim(s.data == 2);
}

static void *release_fleeting(void *arg)
{
    weft_release(arg, 1);
    return NULL;
}

static void sem_freed(void *arg)
{
    (void)arg;
    weft_sem *sem = calloc(1, sizeof *sem);
    wf_thread other = go(release_fleeting, sem);
    claim(weft_acquire(sem, WEFT_FOREVER) == 0);
    free(sem);
    wf_thread_join(other);
}

// Two units come in one step. Who has one, and finds none left, knows that the other has his.
static void *release_two(void *arg)
{
    weft_release(arg, 2);
    return NULL;
}

static void *acquire_fleeting_in_time(void *arg)
{
    int rc = weft_acquire(arg, sometime());
    claim(rc == 0 || rc == -ETIMEDOUT);
    return NULL;
}

static void sem_freed_by_the_last(void *arg)
{
    (void)arg;
    weft_sem *sem = calloc(1, sizeof *sem);
    wf_thread a = go(acquire_fleeting_in_time, sem), b = go(release_two, sem);
    claim(weft_acquire(sem, WEFT_FOREVER) == 0);
    bool last = weft_acquire(sem, WEFT_POLL) == -ETIMEDOUT;
    if (last)
        free(sem);
    wf_thread_join(a);
    wf_thread_join(b);
    if (!last)
        free(sem);
}

// ---- event ------------------------------------------------------------------------------

static void *set_and_clear(void *arg)
{
    weft_explore_writes(&s.data);
    s.data = 1;
    weft_event_set(&s.event);
    if (arg)
        weft_event_clear(&s.event);
    return NULL;
}

static void set_wakes(void *arg)
{
    (void)arg;
    wf_thread a = go(set_and_clear, NULL);
    claim(weft_event_wait(&s.event, WEFT_FOREVER) == 0);
    weft_explore_reads(&s.data);
    claim(s.data == 1);
    wf_thread_join(a);
}

static void *wait_for_event(void *arg)
{
    int *rc = arg;
    *rc = weft_event_wait(&s.event, sometime());
    return NULL;
}

// A wait that had begun is ended by the set, whatever the clear does; a later one by its deadline.
static void set_then_clear(void *arg)
{
    (void)arg;
    wf_thread a = go(wait_for_event, &s.rc[0]), b = go(set_and_clear, (void *)1);
    wf_thread_join(a);
    wf_thread_join(b);
    claim(s.rc[0] == 0 || s.rc[0] == -ETIMEDOUT);
    claim(!weft_event_is_set(&s.event));
}

static void *set_fleeting(void *arg)
{
    weft_event_set(arg);
    return NULL;
}

static void event_freed(void *arg)
{
    (void)arg;
    weft_event *event = calloc(1, sizeof *event);
    wf_thread other = go(set_fleeting, event);
    claim(weft_event_wait(event, WEFT_FOREVER) == 0);
    free(event);
    wf_thread_join(other);
}

// ---- wait group -------------------------------------------------------------------------

static void *be_done(void *arg)
{
    static int places[2];
    static uint32_t next;
    int *mine = &places[wf_add(&next, 1, WF_RELAXED)];
    weft_explore_writes(mine);
    *mine = 1;
    weft_waitgroup_done(arg);
    return mine;
}

static void waitgroup_freed(void *arg)
{
    int give_up = *(int *)arg;
    weft_waitgroup *group = calloc(1, sizeof *group);
    weft_waitgroup_add(group, 2);
    wf_thread a = go(be_done, group), b = go(be_done, group);
    int rc = give_up ? weft_waitgroup_wait(group, sometime()) : 0;
    claim(rc == 0 || rc == -ETIMEDOUT);
    claim(weft_waitgroup_wait(group, WEFT_FOREVER) == 0);
    free(group);
    wf_thread_join(a);
    wf_thread_join(b);
}

// ---- barrier ----------------------------------------------------------------------------

static weft_barrier barrier;
static int arrived;

static void *meet(void *arg)
{
    int *rc = arg;
    weft_explore_writes(arg);
    arrived++;
    *rc = weft_barrier_wait(&barrier, WEFT_FOREVER);
    claim(arrived == (int)barrier.parties);
    return NULL;
}

static void meet_all(int parties)
{
    wf_thread t[3];
    for (int i = 1; i < parties; i++)
        t[i] = go(meet, &s.rc[i]);
    meet(&s.rc[0]);
    for (int i = 1; i < parties; i++)
        wf_thread_join(t[i]);
    int places = 0;
    for (int i = 0; i < parties; i++)
        places |= 1 << s.rc[i];
    claim(places == (1 << parties) - 1);
}

static void all_meet(void *arg)
{
    int parties = *(int *)arg;
    barrier = (weft_barrier)WEFT_BARRIER((uint32_t)parties);
    meet_all(parties);
}

// Two find it at once, and one who had come stayed behind.
static void all_meet_after_a_fork(void *arg)
{
    (void)arg;
    barrier = (weft_barrier)WEFT_BARRIER(2);
    barrier.arrived_ = 1;
    barrier.mu_.fork_ = barrier.all_.fork_ = wf_fork_count + 1; // any other
    meet_all(2);
}

static void *meet_or_break(void *arg)
{
    *(int *)arg = weft_barrier_wait(&barrier, sometime());
    return NULL;
}

static void one_breaks_it(void *arg)
{
    (void)arg;
    barrier = (weft_barrier)WEFT_BARRIER(2);
    wf_thread a = go(meet_or_break, &s.rc[1]);
    s.rc[0] = weft_barrier_wait(&barrier, WEFT_FOREVER);
    wf_thread_join(a);
    bool met = s.rc[0] >= 0 && s.rc[1] >= 0 && s.rc[0] != s.rc[1];
    bool broke = s.rc[0] == -EPIPE && s.rc[1] == -ETIMEDOUT;
    claim(met || broke);
}

// ---- once -------------------------------------------------------------------------------

static int initialize(void *arg)
{
    (void)arg;
    weft_explore_writes(&s.data);
    s.runs++;
    if (s.failures > 0 && s.runs <= s.failures)
        return -EIO;
    s.data = 5;
    return 0;
}

static void *need_it(void *arg)
{
    int *rc = arg;
    while ((*rc = weft_once_do(&s.once, initialize, NULL)) < 0)
        claim(*rc == -EIO);
    weft_explore_reads(&s.data);
    claim(s.data == 5);
    return NULL;
}

// arg: how often it fails first.
static void once_only(void *arg)
{
    s.failures = *(int *)arg;
    wf_thread a = go(need_it, &s.rc[1]);
    need_it(&s.rc[0]);
    wf_thread_join(a);
    claim(s.runs == 1 + s.failures);
}

const struct scenario sync_scenarios[] = {
    {"rwlock: 1 reader, 1 writer", readers_and_writers, .arg = 11, .search = WEFT_EXHAUSTIVE},
    {"rwlock: 2 readers, 1 writer", readers_and_writers, .arg = 1, .bound = 3},
    {"rwlock: 1 reader, 2 writers", readers_and_writers, .arg = 2, .bound = 3},
    {"rwlock: 2 readers, 1 writer, delayed stores", readers_and_writers, .arg = 1, .bound = 2,
     .delayed_stores = true},
    {"rwlock: freed after the last unlock", rwlock_freed, .bound = 4},
    {"semaphore: who gives up eats no unit", units_are_not_lost, .bound = 3},
    {"semaphore: excludes", sem_excludes, .search = WEFT_EXHAUSTIVE},
    {"semaphore: excludes, delayed stores", sem_excludes, .bound = 3, .delayed_stores = true},
    {"semaphore: freed after the last wait", sem_freed, .search = WEFT_EXHAUSTIVE},
    {"semaphore: freed by the last, against a deadline", sem_freed_by_the_last, .bound = 2},
    {"event: a set ends the wait", set_wakes, .search = WEFT_EXHAUSTIVE},
    {"event: a set ends the wait, delayed stores", set_wakes, .bound = 4, .delayed_stores = true},
    {"event: set and clear against wait and deadline", set_then_clear, .bound = 4},
    {"event: freed after the wait", event_freed, .search = WEFT_EXHAUSTIVE},
    {"wait group: freed after the wait", waitgroup_freed, .bound = 3},
    {"wait group: one wait gives up", waitgroup_freed, .arg = 1, .bound = 3},
    {"barrier: 2 parties", all_meet, .arg = 2, .bound = 4},
    {"barrier: 3 parties", all_meet, .arg = 3, .bound = 2},
    {"barrier: 2 parties, from before a fork", all_meet_after_a_fork, .bound = 3},
    {"barrier: one gives up", one_breaks_it, .bound = 4},
    {"once: once only", once_only, .search = WEFT_EXHAUSTIVE},
    {"once: after a failure again", once_only, .arg = 1, .bound = 4},
    {"once: delayed stores", once_only, .bound = 3, .delayed_stores = true},
    {.name = NULL},
};
