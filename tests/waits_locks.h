// SPDX-License-Identifier: MIT
// waits_locks.h - for waits_test.c: locks, signals and queues.
#ifndef WEFT_TESTS_WAITS_LOCKS_H
#define WEFT_TESTS_WAITS_LOCKS_H

#include "waits.h"

// ---- locks and signals ------------------------------------------------------------------

static void hold_mutex(void)
{
    clear();
    weft_lock(&w.mu);
}

static void let_mutex_go(void)
{
    weft_unlock(&w.mu);
}

static int lock_until(weft_time deadline)
{
    int rc = weft_lock_until(&w.mu, deadline);
    if (rc == 0)
        weft_unlock(&w.mu);
    return rc;
}

static int mutex_is_free(void)
{
    CHECK(weft_trylock(&w.mu));
    weft_unlock(&w.mu);
    return 0;
}

static void hold_recursive(void)
{
    clear();
    weft_recursive_lock(&w.recursive);
}

static void let_recursive_go(void)
{
    weft_recursive_unlock(&w.recursive);
}

static int recursive_lock_until(weft_time deadline)
{
    int rc = weft_recursive_lock_until(&w.recursive, deadline);
    if (rc == 0)
        weft_recursive_unlock(&w.recursive);
    return rc;
}

static int cond_wait(weft_time deadline)
{
    weft_guard(&w.mu);
    int rc;
    do
        rc = weft_cond_wait(&w.cond, &w.mu, deadline);
    while (rc == 0 && !w.ready);
    return rc;
}

static bool is_ready(const void *ready)
{
    return *(const bool *)ready;
}

static int cond_wait_for(weft_time deadline)
{
    weft_guard(&w.mu);
    return weft_cond_wait_for(&w.cond, &w.mu, is_ready, &w.ready, deadline);
}

static void make_ready(void)
{
    weft_guard(&w.mu);
    w.ready = true;
    weft_cond_signal(&w.cond);
}

static int acquire(weft_time deadline)
{
    return weft_acquire(&w.sem, deadline);
}

static void release_one(void)
{
    weft_release(&w.sem, 1);
}

static int no_unit_is_left(void)
{
    CHECK(weft_acquire(&w.sem, WEFT_POLL) == -ETIMEDOUT);
    return 0;
}

static int event_wait(weft_time deadline)
{
    return weft_event_wait(&w.event, deadline);
}

static void set_event(void)
{
    weft_event_set(&w.event);
}

static void owe_one(void)
{
    clear();
    weft_waitgroup_add(&w.waitgroup, 1);
}

static int waitgroup_wait(weft_time deadline)
{
    return weft_waitgroup_wait(&w.waitgroup, deadline);
}

static void pay_one(void)
{
    weft_waitgroup_done(&w.waitgroup);
}

static void put_up_barrier(void)
{
    clear();
    w.barrier = (weft_barrier)WEFT_BARRIER(2);
}

static int barrier_wait(weft_time deadline)
{
    int rc = weft_barrier_wait(&w.barrier, deadline);
    return rc > 0 ? 0 : rc;
}

static void come_to_barrier(void)
{
    assert_true(weft_barrier_wait(&w.barrier, much_later()) >= 0);
}

static void mend_barrier(void)
{
    weft_barrier_reset(&w.barrier);
}

// ---- queues -----------------------------------------------------------------------------

static void open_queue(void)
{
    clear();
    w.queue = weft_queue_new(sizeof(int), .capacity = 1);
    assert_non_null(w.queue);
}

static void free_queue(void)
{
    weft_queue_free(&w.queue);
}

static void put_seven(void)
{
    assert_int_equal(weft_put(w.queue, &(int){7}, WEFT_POLL), 0);
}

static void fill_queue(void)
{
    open_queue();
    put_seven();
}

static void take_seven(void)
{
    int item = 0;
    assert_int_equal(weft_get(w.queue, &item, WEFT_POLL), 0);
    assert_int_equal(item, 7);
}

static int get(weft_time deadline)
{
    int item = 0, rc = weft_get(w.queue, &item, deadline);
    CHECK(item == (rc == 0 ? 7 : 0));
    return rc;
}

static int put(weft_time deadline)
{
    return weft_put(w.queue, &(int){8}, deadline);
}

static int queue_is_empty(void)
{
    CHECK(weft_queue_length(w.queue) == 0);
    return 0;
}

static int only_eight_is_left(void)
{
    int item = 0;
    CHECK(weft_get(w.queue, &item, WEFT_POLL) == 0 && item == 8);
    return queue_is_empty();
}

// clang-format off
#define WAITS_FOR_LOCKS \
    ROW("weft_lock_until", hold_mutex, lock_until, let_mutex_go, clear, .leaves = mutex_is_free), \
    ROW("weft_recursive_lock_until", hold_recursive, recursive_lock_until, let_recursive_go, \
        clear), \
    ROW("weft_cond_wait", clear, cond_wait, make_ready, clear, .forgets = true), \
    ROW("weft_cond_wait_for", clear, cond_wait_for, make_ready, clear), \
    ROW("weft_acquire", clear, acquire, release_one, clear, .leaves = no_unit_is_left), \
    ROW("weft_event_wait", clear, event_wait, set_event, clear), \
    ROW("weft_waitgroup_wait", owe_one, waitgroup_wait, pay_one, clear), \
    ROW("weft_barrier_wait", put_up_barrier, barrier_wait, come_to_barrier, clear, \
        .forgets = true, .breaks = barrier_wait, .mend = mend_barrier), \
    ROW("weft_put", fill_queue, put, take_seven, free_queue, .leaves = only_eight_is_left), \
    ROW("weft_get", open_queue, get, put_seven, free_queue, .leaves = queue_is_empty)
// clang-format on

#endif
