// SPDX-License-Identifier: MIT
// waits_shared.h - for waits_test.c: what lies in memory shared by processes.
#ifndef WEFT_TESTS_WAITS_SHARED_H
#define WEFT_TESTS_WAITS_SHARED_H

#include "waits.h"

static struct in_region {
    weft_shared_mutex mu;
    weft_shared_sem sem;
    weft_shared_event event;
} * region;
static weft_shared_queue *shared_queue;

static void make_region(void)
{
    region = weft_shared(sizeof *region);
    assert_non_null(region);
}

static void free_region(void)
{
    weft_shared_free(&region);
}

static void hold_shared_mutex(void)
{
    make_region();
    assert_int_equal(weft_shared_lock(&region->mu, WEFT_POLL), 0);
}

static void let_shared_mutex_go(void)
{
    weft_shared_unlock(&region->mu);
}

static int shared_lock(weft_time deadline)
{
    int rc = weft_shared_lock(&region->mu, deadline);
    if (rc == 0)
        weft_shared_unlock(&region->mu);
    return rc;
}

static int shared_mutex_is_free(void)
{
    return shared_lock(WEFT_POLL);
}

static int shared_acquire(weft_time deadline)
{
    return weft_shared_acquire(&region->sem, deadline);
}

static void shared_release_one(void)
{
    weft_shared_release(&region->sem, 1);
}

static int no_shared_unit_is_left(void)
{
    CHECK(weft_shared_acquire(&region->sem, WEFT_POLL) == -ETIMEDOUT);
    return 0;
}

static int shared_event_wait(weft_time deadline)
{
    return weft_shared_event_wait(&region->event, deadline);
}

static void set_shared_event(void)
{
    weft_shared_event_set(&region->event);
}

static void set_and_clear_shared_event(void)
{
    weft_shared_event_set(&region->event);
    weft_shared_event_clear(&region->event);
}

static void open_shared_queue(void)
{
    shared_queue = weft_shared_queue_new(sizeof(int), 1);
    assert_non_null(shared_queue);
}

static void free_shared_queue(void)
{
    weft_shared_queue_free(&shared_queue);
}

static void shared_put_seven(void)
{
    assert_int_equal(weft_shared_put(shared_queue, &(int){7}, WEFT_POLL), 0);
}

static void fill_shared_queue(void)
{
    open_shared_queue();
    shared_put_seven();
}

static void shared_take_seven(void)
{
    int item = 0;
    assert_int_equal(weft_shared_get(shared_queue, &item, WEFT_POLL), 0);
    assert_int_equal(item, 7);
}

static int shared_get(weft_time deadline)
{
    int item = 0, rc = weft_shared_get(shared_queue, &item, deadline);
    CHECK(item == (rc == 0 ? 7 : 0));
    return rc;
}

static int shared_put(weft_time deadline)
{
    return weft_shared_put(shared_queue, &(int){8}, deadline);
}

static int shared_queue_is_empty(void)
{
    CHECK(weft_shared_queue_length(shared_queue) == 0);
    return 0;
}

static int only_shared_eight_is_left(void)
{
    int item = 0;
    CHECK(weft_shared_get(shared_queue, &item, WEFT_POLL) == 0 && item == 8);
    return shared_queue_is_empty();
}

// clang-format off
#define WAITS_FOR_SHARED \
    ROW("weft_shared_lock", hold_shared_mutex, shared_lock, let_shared_mutex_go, free_region, \
        .leaves = shared_mutex_is_free), \
    ROW("weft_shared_acquire", make_region, shared_acquire, shared_release_one, free_region, \
        .leaves = no_shared_unit_is_left), \
    ROW("weft_shared_event_wait", make_region, shared_event_wait, set_shared_event, free_region), \
    ROW("weft_shared_event_wait", make_region, shared_event_wait, set_and_clear_shared_event, \
        free_region, .forgets = true), \
    ROW("weft_shared_put", fill_shared_queue, shared_put, shared_take_seven, free_shared_queue, \
        .leaves = only_shared_eight_is_left), \
    ROW("weft_shared_get", open_shared_queue, shared_get, shared_put_seven, free_shared_queue, \
        .leaves = shared_queue_is_empty)
// clang-format on

#endif
