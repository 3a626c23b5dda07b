// SPDX-License-Identifier: MIT
// mutex.c - the lock, and the recursive one on it.
#include "os/atomic.h"
#include "scenario.h"

enum { TASKS = 3 };

static struct {
    weft_mutex mu;
    weft_recursive rec;
    struct guarded g;
    int times;
    int rc[TASKS];
} s;

static void *lock_some_times(void *arg)
{
    (void)arg;
    for (int i = 0; i < s.times; i++) {
        weft_lock(&s.mu);
        visit(&s.g);
        weft_unlock(&s.mu);
    }
    return NULL;
}

// arg: tasks * 10 + times.
static void exclusion(void *arg)
{
    int tasks = *(int *)arg / 10;
    wf_thread t[TASKS];
    s.times = *(int *)arg % 10;
    for (int i = 1; i < tasks; i++)
        t[i] = go(lock_some_times, NULL);
    lock_some_times(NULL);
    for (int i = 1; i < tasks; i++)
        wf_thread_join(t[i]);
    claim(s.g.count == tasks * s.times);
    claim(s.mu.word_ == 0);
}

static void *lock_until(void *arg)
{
    int *rc = arg;
    *rc = weft_lock_until(&s.mu, sometime());
    claim(*rc == 0 || *rc == -ETIMEDOUT);
    if (*rc == 0) {
        visit(&s.g);
        weft_unlock(&s.mu);
    }
    return NULL;
}

// Who gives up leaves nothing behind: no wake-up eaten, no bar, no place in the line.
static void giving_up(void *arg)
{
    int others = *(int *)arg;
    wf_thread t[TASKS];
    s.times = 1;
    t[0] = go(lock_until, &s.rc[0]);
    for (int i = 1; i < others; i++)
        t[i] = go(lock_some_times, NULL);
    lock_some_times(NULL);
    for (int i = 0; i < others; i++)
        wf_thread_join(t[i]);
    claim(s.g.count == others + (s.rc[0] == 0));
    claim(s.mu.word_ == 0);
}

static void *try_once(void *arg)
{
    int *rc = arg;
    *rc = weft_trylock(&s.mu);
    if (*rc) {
        visit(&s.g);
        weft_unlock(&s.mu);
    }
    return NULL;
}

static void trying(void *arg)
{
    (void)arg;
    s.times = 1;
    wf_thread a = go(try_once, &s.rc[0]), b = go(lock_some_times, NULL);
    lock_some_times(NULL);
    wf_thread_join(a);
    wf_thread_join(b);
    claim(s.g.count == 2 + s.rc[0]);
    claim(s.mu.word_ == 0);
}

// The last to leave frees it: an unlock's last touch comes before that.
static int users;

static void leave_for_good(weft_mutex *mu)
{
    weft_explore_writes(&users);
    bool last = --users == 0;
    weft_unlock(mu);
    if (last)
        free(mu);
}

static void *use_and_leave(void *arg)
{
    weft_lock(arg);
    leave_for_good(arg);
    return NULL;
}

static void freed_by_the_last(void *arg)
{
    int tasks = *(int *)arg;
    wf_thread t[TASKS];
    weft_mutex *mu = calloc(1, sizeof *mu);
    users = tasks;
    for (int i = 1; i < tasks; i++)
        t[i] = go(use_and_leave, mu);
    use_and_leave(mu);
    for (int i = 1; i < tasks; i++)
        wf_thread_join(t[i]);
}

// The same, and each has given up before, perhaps.
static void *come_late_and_leave(void *arg)
{
    if (weft_lock_until(arg, sometime()) < 0)
        weft_lock(arg);
    leave_for_good(arg);
    return NULL;
}

static void freed_against_a_deadline(void *arg)
{
    (void)arg;
    weft_mutex *mu = calloc(1, sizeof *mu);
    users = 2;
    wf_thread other = go(come_late_and_leave, mu);
    come_late_and_leave(mu);
    wf_thread_join(other);
}

// Two that lock again and again: a third loses at most a few times, then it bars the others.
static int waiter_sleeps;

static void *lock_once_and_count(void *arg)
{
    (void)arg;
    int before = xp->now->sleeps;
    weft_lock(&s.mu);
    waiter_sleeps = xp->now->sleeps - before;
    visit(&s.g);
    weft_unlock(&s.mu);
    return NULL;
}

static void bounded_bypass(void *arg)
{
    s.times = *(int *)arg;
    wf_thread a = go(lock_once_and_count, NULL);
    lock_some_times(NULL);
    wf_thread_join(a);
    claim(s.g.count == s.times + 1);
    claim(waiter_sleeps <= 5); // first come, three defeats, and one behind the bar
}

// One who bars the others and then gives up takes its bar away.
static void barring_and_giving_up(void *arg)
{
    s.times = *(int *)arg;
    wf_thread a = go(lock_until, &s.rc[0]);
    lock_some_times(NULL);
    wf_thread_join(a);
    s.times = 1;
    lock_some_times(NULL); // hangs, if the bar is still there
    claim(s.mu.word_ == 0);
}

static void *lock_twice_inside(void *arg)
{
    (void)arg;
    weft_recursive_lock(&s.rec);
    weft_recursive_lock(&s.rec);
    visit(&s.g);
    weft_recursive_unlock(&s.rec);
    visit(&s.g);
    weft_recursive_unlock(&s.rec);
    return NULL;
}

static void recursion(void *arg)
{
    (void)arg;
    wf_thread a = go(lock_twice_inside, NULL);
    lock_twice_inside(NULL);
    wf_thread_join(a);
    claim(s.g.count == 4 && weft_recursive_depth(&s.rec) == 0);
}

const struct scenario mutex_scenarios[] = {
    {"mutex: exclusion, 2 tasks x 1", exclusion, .arg = 21, .search = WEFT_EXHAUSTIVE},
    {"mutex: exclusion, 2 tasks x 2", exclusion, .arg = 22, .bound = 4},
    {"mutex: exclusion, 2 tasks x 2, bound 6", exclusion, .arg = 22, .bound = 6, .is_long = true},
    {"mutex: exclusion, 3 tasks x 1", exclusion, .arg = 31, .bound = 3},
    {"mutex: exclusion, 3 tasks x 2", exclusion, .arg = 32, .bound = 2},
    {"mutex: exclusion, 3 tasks x 2, bound 3", exclusion, .arg = 32, .bound = 3, .is_long = true},
    {"mutex: exclusion, 2 tasks, delayed stores", exclusion, .arg = 22, .bound = 3,
     .delayed_stores = true},
    {"mutex: exclusion, 3 tasks, delayed stores", exclusion, .arg = 31, .bound = 2,
     .delayed_stores = true},
    {"mutex: sleeps that end for no reason", exclusion, .arg = 31, .bound = 2, .faults = 2},
    {"mutex: giving up, 2 tasks", giving_up, .arg = 1, .search = WEFT_EXHAUSTIVE},
    {"mutex: giving up, 3 tasks", giving_up, .arg = 2, .bound = 2},
    {"mutex: giving up, 3 tasks, bound 3", giving_up, .arg = 2, .bound = 3, .is_long = true},
    {"mutex: trylock", trying, .bound = 3},
    {"mutex: freed after the last unlock, 2 tasks", freed_by_the_last, .arg = 2,
     .search = WEFT_EXHAUSTIVE},
    {"mutex: freed after the last unlock, 3 tasks", freed_by_the_last, .arg = 3, .bound = 3},
    {"mutex: freed after the last, delayed stores", freed_by_the_last, .arg = 3, .bound = 2,
     .delayed_stores = true},
    {"mutex: freed by the last, against a deadline", freed_against_a_deadline, .bound = 4},
    {"mutex: bounded bypass", bounded_bypass, .arg = 7, .bound = 4, .is_long = true},
    {"mutex: bounded bypass, drawn", bounded_bypass, .arg = 16, .search = WEFT_RANDOM,
     .seconds = 1},
    {"mutex: barring and giving up, drawn", barring_and_giving_up, .arg = 20, .search = WEFT_RANDOM,
     .seconds = 2},
    {"recursive: exclusion, depth", recursion, .bound = 4},
    {.name = NULL},
};
