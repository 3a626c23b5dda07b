// SPDX-License-Identifier: MIT
// waits_tasks.h - for waits_test.c: tasks, pools and groups.
#ifndef WEFT_TESTS_WAITS_TASKS_H
#define WEFT_TESTS_WAITS_TASKS_H

#include "waits.h"

static int until_event(const int *n, int *out)
{
    *out = *n;
    return weft_event_wait(&w.event, WEFT_FOREVER);
}
WEFT_TASK(until_event, int, int);

static int at_once_task(const int *n, int *out)
{
    *out = *n;
    return 0;
}
WEFT_TASK(at_once_task, int, int);

static int sleep_until(weft_time deadline)
{
    return weft_sleep(w.ready ? weft_after_ms(1) : deadline);
}

static void be_short(void)
{
    w.ready = true;
}

static void start_task(void)
{
    clear();
    w.task = weft_start(WEFT_THREADS, until_event, &(int){1});
    assert_non_null(w.task);
}

static void join_task(void)
{
    set_event();
    assert_int_equal(weft_join(&w.task, NULL, 0), 0);
}

static int wait_for_task(weft_time deadline)
{
    return weft_wait(w.task, deadline);
}

static void open_pool(void)
{
    clear();
    w.pool = weft_pool_open(WEFT_THREADS, .workers = 1, .max_spares = 4, .backlog = 1);
    w.group = weft_group_open(w.pool);
    assert_true(w.pool && w.group);
}

static void close_pool(void)
{
    set_event();
    weft_group_close(&w.group);
    weft_pool_close(&w.pool);
}

static void add_to_group(void)
{
    open_pool();
    assert_int_equal(weft_group_add(w.group, 5, until_event, &(int){5}), 0);
}

static int group_next(weft_time deadline)
{
    struct weft_outcome o = {0};
    int out = 0, rc = weft_group_next(w.group, &o, &out, sizeof out, deadline);
    if (rc < 0)
        return rc;
    CHECK(rc == 1 && o.tag == 5 && o.code == 0 && out == 5);
    return 0;
}

static int group_is_empty(void)
{
    struct weft_outcome o;
    CHECK(weft_group_next(w.group, &o, NULL, 0, WEFT_POLL) == 0);
    return 0;
}

static int map(weft_time deadline)
{
    int out[2] = {0, 0};
    return weft_map(w.pool, deadline, until_event, 2, out, (int[]){1, 2});
}

// Its worker computes, and its queue is full.
static void fill_pool(void)
{
    open_pool();
    w.other = hold_a_worker(w.pool, &w.hold);
    w.task = weft_submit(w.pool, at_once_task, &(int){3});
    assert_non_null(w.task);
}

static void let_worker_go(void)
{
    sem_post(&w.hold.release);
}

static void empty_pool(void)
{
    sem_post(&w.hold.release); // if nobody has
    assert_int_equal(weft_join(&w.other, NULL, 0), 0);
    assert_int_equal(weft_join(&w.task, NULL, 0), 0);
    close_pool();
}

static int submit(weft_time deadline)
{
    int out = 0;
    weft_future *f = weft_submit_until(w.pool, deadline, at_once_task, &(int){4});
    if (!f)
        return weft_error_code();
    CHECK(weft_join_as(&f, at_once_task, &out) == 0 && out == 4);
    return 0;
}

static int spawn(weft_time deadline)
{
    (void)deadline;
    return weft_spawn(w.pool, at_once_task, &(int){4});
}

static int group_add(weft_time deadline)
{
    (void)deadline;
    return weft_group_add(w.group, 9, at_once_task, &(int){4});
}

static int block(weft_time deadline)
{
    int out = 0;
    (void)deadline;
    int rc = weft_block(at_once_task, &out, &(int){6});
    CHECK(out == (rc == 0 ? 6 : 0));
    return rc;
}

// clang-format off
#define WAITS_FOR_TASKS \
    ROW("weft_sleep", clear, sleep_until, nothing, clear, .mend = be_short, .no_deadline = true), \
    ROW("weft_wait", start_task, wait_for_task, set_event, join_task), \
    ROW("weft_group_next", add_to_group, group_next, set_event, close_pool, \
        .leaves = group_is_empty), \
    ROW("weft_map", open_pool, map, set_event, close_pool), \
    ROW("weft_submit", fill_pool, submit, let_worker_go, empty_pool, .no_deadline = true), \
    ROW("weft_spawn", fill_pool, spawn, let_worker_go, empty_pool, .no_deadline = true), \
    ROW("weft_group_add", fill_pool, group_add, let_worker_go, empty_pool, .no_deadline = true), \
    ROW("weft_block", clear, block, nothing, clear, .no_deadline = true, .never_waits = true)
// clang-format on

#endif
