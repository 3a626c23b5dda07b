// SPDX-License-Identifier: MIT
// cond.c - no signal is lost, none is eaten by one who gave up.
#include "scenario.h"

static struct {
    weft_mutex mu;
    weft_cond c;
    int flag, ended;
    weft_sem arrived; // released under the mutex: who acquires, then locks, finds all in line
    int rc[2];
    bool outside; // signal after the unlock
    weft_mutex *fleeting_mu;
    weft_cond *fleeting_c;
} s;

static void *raise_flag(void *arg)
{
    (void)arg;
    weft_lock(&s.mu);
    weft_explore_writes(&s.flag);
    s.flag = 1;
    if (!s.outside)
        weft_cond_signal(&s.c);
    weft_unlock(&s.mu);
    if (s.outside)
        weft_cond_signal(&s.c);
    return NULL;
}

static void no_signal_is_lost(void *arg)
{
    s.outside = *(int *)arg != 0;
    wf_thread other = go(raise_flag, NULL);
    weft_lock(&s.mu);
    weft_explore_reads(&s.flag);
    while (!s.flag) {
        claim(weft_cond_wait(&s.c, &s.mu, WEFT_FOREVER) == 0);
        weft_explore_reads(&s.flag);
        claim(s.flag); // nothing wakes early
    }
    weft_unlock(&s.mu);
    wf_thread_join(other);
}

static void *wait_once(void *arg)
{
    int i = *(int *)arg;
    weft_lock(&s.mu);
    weft_release(&s.arrived, 1);
    s.rc[i] = weft_cond_wait(&s.c, &s.mu, i == 0 ? sometime() : WEFT_FOREVER);
    weft_explore_writes(&s.ended);
    s.ended++;
    weft_unlock(&s.mu);
    return NULL;
}

// Two wait, one of them not for ever. One signal ends one wait, and the one that it ended passes it
// on: so both end, unless it was eaten.
static void *wait_and_pass_on(void *arg)
{
    wait_once(arg);
    if (s.rc[*(int *)arg] == 0)
        weft_cond_signal(&s.c);
    return NULL;
}

// With the mutex.
static void both_are_in_line(void)
{
    claim(weft_acquire(&s.arrived, WEFT_FOREVER) == 0);
    claim(weft_acquire(&s.arrived, WEFT_FOREVER) == 0);
    weft_lock(&s.mu);
}

static void who_gives_up_eats_none(void *arg)
{
    (void)arg;
    static int first = 0, second = 1;
    wf_thread a = go(wait_and_pass_on, &first), b = go(wait_and_pass_on, &second);
    both_are_in_line();
    weft_cond_signal(&s.c);
    weft_unlock(&s.mu);
    wf_thread_join(a);
    wf_thread_join(b);
    claim(s.rc[1] == 0 && (s.rc[0] == 0 || s.rc[0] == -ETIMEDOUT));
}

static void a_broadcast_ends_all(void *arg)
{
    (void)arg;
    static int first = 1, second = 1;
    wf_thread a = go(wait_once, &first), b = go(wait_once, &second);
    both_are_in_line();
    weft_cond_broadcast(&s.c);
    weft_unlock(&s.mu);
    wf_thread_join(a);
    wf_thread_join(b);
    claim(s.rc[1] == 0 && s.ended == 2);
}

static bool is_raised(const void *flag)
{
    return *(const int *)flag != 0;
}

static void by_predicate(void *arg)
{
    (void)arg;
    wf_thread other = go(raise_flag, NULL);
    weft_lock(&s.mu);
    int rc = weft_cond_wait_for(&s.c, &s.mu, is_raised, &s.flag, sometime());
    weft_explore_reads(&s.flag);
    claim(rc == 0 ? s.flag == 1 : rc == -ETIMEDOUT && s.flag == 0);
    weft_unlock(&s.mu);
    wf_thread_join(other);
}

// The waiter frees both once it has been woken.
static void *signal_fleeting(void *arg)
{
    (void)arg;
    weft_lock(s.fleeting_mu);
    s.flag = 1;
    weft_cond_signal(s.fleeting_c);
    weft_unlock(s.fleeting_mu);
    return NULL;
}

static void freed_after_the_wait(void *arg)
{
    (void)arg;
    s.fleeting_mu = calloc(1, sizeof *s.fleeting_mu);
    s.fleeting_c = calloc(1, sizeof *s.fleeting_c);
    weft_lock(s.fleeting_mu);
    wf_thread other = go(signal_fleeting, NULL);
    while (!s.flag)
        claim(weft_cond_wait(s.fleeting_c, s.fleeting_mu, WEFT_FOREVER) == 0);
    weft_unlock(s.fleeting_mu);
    free(s.fleeting_c);
    free(s.fleeting_mu);
    wf_thread_join(other);
}

// Whoever has the mutex and has woken all who wait may free the condition, though not the mutex.
static void *wait_in_time(void *arg)
{
    (void)arg;
    weft_lock(&s.mu);
    if (!s.flag)
        s.rc[0] = weft_cond_wait(s.fleeting_c, &s.mu, sometime());
    claim(s.rc[0] == 0 || s.rc[0] == -ETIMEDOUT);
    weft_unlock(&s.mu);
    return NULL;
}

static void freed_after_the_broadcast(void *arg)
{
    s.fleeting_c = calloc(1, sizeof *s.fleeting_c);
    wf_thread other = go(wait_in_time, NULL);
    weft_lock(&s.mu);
    s.flag = 1; // who comes now does not wait
    if (*(int *)arg)
        weft_cond_broadcast(s.fleeting_c);
    else
        weft_cond_signal(s.fleeting_c);
    free(s.fleeting_c);
    weft_unlock(&s.mu);
    wf_thread_join(other);
}

const struct scenario cond_scenarios[] = {
    {"cond: no signal is lost, under the mutex", no_signal_is_lost, .bound = 4},
    {"cond: no signal is lost, without the mutex", no_signal_is_lost, .arg = 1, .bound = 4},
    {"cond: no signal is lost, bound 5", no_signal_is_lost, .arg = 1, .bound = 5, .is_long = true},
    {"cond: no signal is lost, all orders", no_signal_is_lost, .arg = 1, .search = WEFT_EXHAUSTIVE,
     .is_long = true},
    {"cond: no signal is lost, delayed stores", no_signal_is_lost, .arg = 1, .bound = 3,
     .delayed_stores = true},
    {"cond: who gives up eats no signal", who_gives_up_eats_none, .bound = 1},
    {"cond: who gives up eats no signal, bound 2", who_gives_up_eats_none, .bound = 2,
     .is_long = true},
    {"cond: a broadcast ends all waits", a_broadcast_ends_all, .bound = 1},
    {"cond: a broadcast ends all waits, bound 2", a_broadcast_ends_all, .bound = 2,
     .is_long = true},
    {"cond: by predicate, against a deadline", by_predicate, .bound = 4},
    {"cond: freed after the wait", freed_after_the_wait, .bound = 4},
    {"cond: freed after the signal, against a deadline", freed_after_the_broadcast, .bound = 4},
    {"cond: freed after the broadcast, against a deadline", freed_after_the_broadcast, .arg = 1,
     .bound = 4},
    {.name = NULL},
};
