// SPDX-License-Identifier: MIT
// 20_every_order.c - a race and a deadlock, found by trying every order instead of by luck.
//
// `counter += 1` is three steps: load, add, store. Two tasks that do it at once lose a count only
// if one comes between the other's load and store, which a test may never see. The explorer runs
// the test in one order after the other until a claim fails, prints that order step by step, and a
// seed that runs just this order again: WEFT_SCHEDULE='counter@...' build/examples/20_every_order
//
// Linked with libweft_explore in the place of libweft; nothing else is different.
// Lecture: L66, put to work: what a lock is for.
#include <stdio.h>
#include <weft/explore.h>
#include <weft/weft.h>

static long counter;
static weft_mutex left, right;

// ---- counter += 1 -----------------------------------------------------------------------

static int add_one(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    weft_explore_point();
    long loaded = counter;
    long sum = loaded + 1;
    weft_explore_point();
    counter = sum;
    return 0;
}
WEFT_TASK(add_one, weft_none, weft_none);

static int add_one_locked(const weft_none *none, weft_none *out)
{
    weft_guard(&left);
    return add_one(none, out);
}
WEFT_TASK(add_one_locked, weft_none, weft_none);

static void two_adders(void *arg)
{
    (void)arg;
    weft_future *a = weft_start(WEFT_THREADS, add_one, "");
    weft_future *b = weft_start(WEFT_THREADS, add_one, "");
    weft_join(&a, NULL, 0);
    weft_join(&b, NULL, 0);
    weft_explore_check(counter == 2);
}

static void two_locked_adders(void *arg)
{
    (void)arg;
    weft_future *a = weft_start(WEFT_THREADS, add_one_locked, "");
    weft_future *b = weft_start(WEFT_THREADS, add_one_locked, "");
    weft_join(&a, NULL, 0);
    weft_join(&b, NULL, 0);
    weft_explore_check(counter == 2);
}

// ---- two locks, in two orders -----------------------------------------------------------

static int left_then_right(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    weft_guard(&left);
    weft_guard(&right);
    return 0;
}
WEFT_TASK(left_then_right, weft_none, weft_none);

static int right_then_left(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    weft_guard(&right);
    weft_guard(&left);
    return 0;
}
WEFT_TASK(right_then_left, weft_none, weft_none);

static void two_locks(void *arg)
{
    (void)arg;
    weft_future *a = weft_start(WEFT_THREADS, left_then_right, "");
    weft_future *b = weft_start(WEFT_THREADS, right_then_left, "");
    weft_join(&a, NULL, 0);
    weft_join(&b, NULL, 0);
}

int main(void)
{
    struct weft_explored did;
    int rc = weft_explore(two_adders, .name = "counter", .explored = &did);
    printf("counter: %s\n", rc ? did.failure : "no order breaks it");
    rc = weft_explore(two_locked_adders, .name = "locked counter", .explored = &did);
    printf("locked counter: %s\n", rc ? did.failure : "no order breaks it");
    rc = weft_explore(two_locks, .name = "two locks", .explored = &did);
    printf("two locks: %s\n", rc ? did.failure : "no order breaks it");
    return 0;
}
