// SPDX-License-Identifier: MIT
// mutex_check_test.c - what WEFT_CHECK=1 finds of mutexes: foreign unlocks, kept ones, deadlocks;
// and what it must not find.
#include "mutex_helpers.h"

static int run_alone(int (*fn)(void *arg), void *arg)
{
    struct away a;
    go(&a, IN_TASK, fn, arg);
    return back(&a);
}

static int unlock_elsewhere(void *m)
{
    weft_unlock(m);
    return 0;
}

static int unlock_anothers(void)
{
    weft_mutex m = {0};
    weft_lock(&m);
    return run_alone(unlock_elsewhere, &m);
}

static int return_with_it(void)
{
    static weft_mutex m;
    return run_alone(lock_it, &m);
}

static int return_with_it_tried(void)
{
    static weft_mutex m;
    return run_alone(try_it, &m);
}

static int return_with_it_after_a_wait(void)
{
    static weft_mutex m;
    struct away a;
    weft_lock(&m);
    go(&a, IN_TASK, lock_for_ever, &m);
    await_asleep(&a);
    weft_unlock(&m);
    return back(&a);
}

TEST(under_check_unlocking_what_another_holds_aborts)
{
    expect_checked_abort(unlock_anothers, "weft_unlock", "held");
}

TEST(under_check_a_task_that_returns_with_a_mutex_held_aborts)
{
    expect_checked_abort(return_with_it, "away_task", "held");
    expect_checked_abort(return_with_it_tried, "away_task", "held");
    expect_checked_abort(return_with_it_after_a_wait, "away_task", "held");
}

// ---- deadlocks ----------------------------------------------------------------------

struct pair {
    weft_mutex *first, *second;
    pthread_barrier_t *met;
    weft_time patience;
};

static int lock_both(struct pair *const *arg, weft_none *none)
{
    struct pair *p = *arg;
    (void)none;
    weft_lock(p->first);
    pthread_barrier_wait(p->met);
    int rc = weft_lock_until(p->second, p->patience);
    if (rc == 0)
        weft_unlock(p->second);
    pthread_barrier_wait(p->met);
    weft_unlock(p->first);
    return rc;
}
WEFT_TASK(lock_both, struct pair *, weft_none);

static int lock_crosswise(weft_time patience)
{
    static weft_mutex a, b;
    pthread_barrier_t met;
    pthread_barrier_init(&met, NULL, 2);
    struct pair one = {&a, &b, &met, patience}, two = {&b, &a, &met, patience};
    struct pair *p = &one, *q = &two;
    weft_future *f = weft_start_as(WEFT_WITH(.kind = WEFT_THREADS, .name = "left"), lock_both, &p);
    weft_future *g = weft_start_as(WEFT_WITH(.kind = WEFT_THREADS, .name = "right"), lock_both, &q);
    int rc = weft_join(&f, NULL, 0), rc2 = weft_join(&g, NULL, 0);
    return rc == -ETIMEDOUT && rc2 == -ETIMEDOUT ? 0 : 1;
}

static int deadlock_of_two_locks(void)
{
    return lock_crosswise(WEFT_FOREVER);
}

static int impatient_crossing(void)
{
    return lock_crosswise(weft_after_ms(50));
}

static void *lock_both_in_a_thread(void *arg)
{
    struct pair *p = arg;
    (void)lock_both(&p, NULL);
    return NULL;
}

static int deadlock_of_plain_threads(void)
{
    static weft_mutex a, b;
    pthread_barrier_t met;
    pthread_barrier_init(&met, NULL, 2);
    struct pair one = {&a, &b, &met, WEFT_FOREVER}, two = {&b, &a, &met, WEFT_FOREVER};
    pthread_t thread;
    if (pthread_create(&thread, NULL, lock_both_in_a_thread, &one) == 0)
        lock_both_in_a_thread(&two);
    return 0;
}

static int lock_ring_of_one(void)
{
    weft_mutex m = {0};
    weft_lock(&m);
    weft_lock(&m);
    return 0;
}

static int deadlock_of_a_lock_and_a_join(void)
{
    weft_mutex m = {0};
    struct away a;
    weft_lock(&m);
    go(&a, IN_TASK, lock_and_unlock, &m);
    return back(&a);
}

TEST(under_check_a_deadlock_is_reported_with_who_waits_for_what)
{
    expect_deadlock(deadlock_of_two_locks, "left", "right", "mutex");
    expect_deadlock(deadlock_of_plain_threads, "mutex");
    expect_deadlock(deadlock_of_a_lock_and_a_join, "away_task", "MainThread", "weft_join");
    expect_deadlock(lock_ring_of_one, "MainThread");
}

static int use_it_well(void)
{
    struct tally t = {.rounds = 500};
    struct away crowd[4];
    go_all(crowd, COUNT(crowd), count_up, &t);
    for (size_t i = 0; i < COUNT(crowd); i++)
        CHECK(back(&crowd[i]) == 0);
    struct away a;
    weft_lock(&t.mu);
    go(&a, IN_TASK, lock_and_unlock, &t.mu);
    await_asleep(&a);
    weft_unlock(&t.mu);
    CHECK(back(&a) == 0);
    CHECK(weft_trylock(&t.mu));
    weft_unlock(&t.mu);
    return t.count == 2000 ? 0 : 1;
}

TEST(what_is_no_deadlock_passes_unchecked_and_checked)
{
    expect_clean_end(use_it_well);
    expect_clean_end(impatient_crossing);
}

static const struct scene scenes[] = {
    SCENE(unlock_anothers),
    SCENE(return_with_it),
    SCENE(return_with_it_tried),
    SCENE(return_with_it_after_a_wait),
    SCENE(deadlock_of_two_locks),
    SCENE(deadlock_of_plain_threads),
    SCENE(deadlock_of_a_lock_and_a_join),
    SCENE(lock_ring_of_one),
    SCENE(impatient_crossing),
    SCENE(use_it_well),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(under_check_unlocking_what_another_holds_aborts),
    cmocka_unit_test(under_check_a_task_that_returns_with_a_mutex_held_aborts),
    cmocka_unit_test(under_check_a_deadlock_is_reported_with_who_waits_for_what),
    cmocka_unit_test(what_is_no_deadlock_passes_unchecked_and_checked),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
