// SPDX-License-Identifier: MIT
// mutex_test.c - the mutex: it excludes, it waits, it gives up, and it may die after its last use.
//
// Exclusion is judged by a plain counter, which loses counts (and shows as a race under a
// sanitizer) where two are inside. Fairness is judged by an end that comes at all: the alarm of
// the test program is the only clock.
#include "mutex_helpers.h"

_Static_assert(sizeof(weft_mutex) == 16, "two words");

static int lock_soon(void *m)
{
    return weft_lock_until(m, soon());
}

static int lock_now(void *m)
{
    return weft_lock_until(m, WEFT_POLL);
}

static void unlock_it(void *m)
{
    weft_unlock(m);
}

static void assert_free(weft_mutex *m)
{
    assert_true(weft_trylock(m));
    weft_unlock(m);
}

TEST(a_zeroed_mutex_is_free_and_is_held_once)
{
    weft_mutex m = {0};
    assert_true(weft_trylock(&m));
    assert_false(weft_trylock(&m));
    weft_unlock(&m);
    weft_lock(&m);
    assert_false(weft_trylock(&m));
    weft_unlock(&m);
    assert_free(&m);
}

TEST(a_free_mutex_is_locked_whatever_the_deadline)
{
    const weft_time deadlines[] = {WEFT_FOREVER, WEFT_POLL, long_past, {-5}, soon()};
    weft_mutex m = {0};
    for (size_t i = 0; i < COUNT(deadlines); i++) {
        assert_int_equal(weft_lock_until(&m, deadlines[i]), 0);
        assert_false(weft_trylock(&m));
        weft_unlock(&m);
    }
}

TEST(a_held_mutex_times_out_not_before_the_deadline_and_stays_as_it_was)
{
    weft_mutex m = {0};
    weft_lock(&m);
    assert_int_equal(weft_lock_until(&m, WEFT_POLL), -ETIMEDOUT);
    assert_int_equal(weft_lock_until(&m, long_past), -ETIMEDOUT);
    assert_int_equal(weft_lock_until(&m, (weft_time){-5}), -ETIMEDOUT);
    weft_time deadline = soon();
    assert_int_equal(weft_lock_until(&m, deadline), -ETIMEDOUT);
    assert_true(weft_now().ns >= deadline.ns);
    assert_false(weft_trylock(&m));
    weft_unlock(&m);
    assert_free(&m);
}

TEST(tasks_and_plain_threads_wait_for_one_mutex_side_by_side)
{
    weft_mutex m = {0};
    struct away crowd[6];
    weft_lock(&m);
    go_all(crowd, COUNT(crowd), lock_and_unlock, &m);
    await_all_asleep(crowd, COUNT(crowd));
    assert_int_equal(how_many_ended(crowd, COUNT(crowd)), 0);
    weft_unlock(&m);
    all_back_with(0, crowd, COUNT(crowd));
    assert_free(&m);
}

TEST(a_waiter_with_a_deadline_gets_the_mutex_when_it_is_unlocked)
{
    for (int where = IN_TASK; where <= IN_THREAD; where++) {
        weft_mutex m = {0};
        struct away a;
        weft_lock(&m);
        go(&a, (enum where)where, lock_for_ever, &m);
        await_asleep(&a);
        assert_false(has_ended(&a));
        weft_unlock(&m);
        assert_int_equal(back(&a), 0);
        assert_false(weft_trylock(&m)); // it is the waiter's, though the waiter has gone
        weft_unlock(&m);
    }
}

TEST(another_task_may_unlock_it)
{
    for (int where = IN_TASK; where <= IN_THREAD; where++) {
        weft_mutex m = {0};
        struct away a;
        go(&a, (enum where)where, lock_it, &m);
        assert_int_equal(back(&a), 0);
        assert_false(weft_trylock(&m));
        weft_unlock(&m);
        assert_free(&m);
    }
}

// ---- exclusion ----------------------------------------------------------------------

TEST(two_to_eight_tasks_and_threads_lose_no_count)
{
    for (int n = 2; n <= 8; n += 2) {
        struct tally t = {.rounds = 12000 / n};
        struct away crowd[8];
        go_all(crowd, (size_t)n, count_up, &t);
        all_back_with(0, crowd, (size_t)n);
        assert_int_equal(t.count, (long)n * t.rounds);
        assert_free(&t.mu);
    }
}

struct barging {
    weft_mutex mu;
    atomic_bool stop;
};

static int barge(void *arg)
{
    struct barging *b = arg;
    while (!atomic_load(&b->stop)) {
        weft_lock(&b->mu);
        for (volatile int i = 0; i < 200; i++)
            continue;
        weft_unlock(&b->mu);
    }
    return 0;
}

static int lock_ten_times(void *arg)
{
    struct barging *b = arg;
    for (int i = 0; i < 10; i++)
        lock_and_unlock(&b->mu);
    return 0;
}

TEST(a_waiter_is_not_starved_by_those_who_come_again_and_again)
{
    struct barging b = {0};
    struct away hogs[2], waiters[2];
    go_all(hogs, COUNT(hogs), barge, &b);
    go_all(waiters, COUNT(waiters), lock_ten_times, &b);
    all_back_with(0, waiters, COUNT(waiters));
    atomic_store(&b.stop, true);
    all_back_with(0, hogs, COUNT(hogs));
}

// ---- giving up ----------------------------------------------------------------------

TEST(a_waiter_that_gave_up_leaves_the_mutex_to_newcomers)
{
    weft_mutex m = {0};
    weft_lock(&m);
    assert_int_equal(weft_lock_until(&m, weft_after_ms(30)), -ETIMEDOUT);
    weft_unlock(&m);
    assert_free(&m);

    weft_lock(&m);
    assert_int_equal(cancel_while_waiting(lock_for_ever, &m), -ECANCELED);
    weft_unlock(&m);
    assert_free(&m);
}

TEST(a_waiter_that_gave_up_leaves_the_mutex_to_those_who_wait_on)
{
    weft_mutex m = {0};
    struct away first, second;
    weft_lock(&m);
    go(&first, IN_TASK, lock_for_ever, &m);
    await_asleep(&first);
    go(&second, IN_THREAD, lock_and_unlock, &m);
    await_asleep(&second);
    weft_cancel(first.task);
    assert_int_equal(back(&first), -ECANCELED);
    assert_false(has_ended(&second));
    weft_unlock(&m);
    assert_int_equal(back(&second), 0);
    assert_free(&m);
}

static int lock_within_a_millisecond(void *m)
{
    int rc = weft_lock_until(m, weft_after_ms(1));
    if (rc == 0)
        weft_unlock(m);
    return rc;
}

TEST(a_waiter_that_times_out_while_the_mutex_is_unlocked_eats_no_wake_up)
{
    weft_mutex m = {0};
    for (int i = 0; i < 40; i++) {
        struct away hasty, patient;
        weft_lock(&m);
        go(&hasty, IN_TASK, lock_within_a_millisecond, &m);
        go(&patient, IN_THREAD, lock_and_unlock, &m);
        nap_ms(1);
        weft_unlock(&m);
        assert_int_equal(back(&patient), 0);
        int rc = back(&hasty);
        assert_true(rc == 0 || rc == -ETIMEDOUT);
        assert_free(&m);
    }
}

// ---- cancellation -------------------------------------------------------------------

TEST(a_cancelled_waiter_returns_and_has_not_the_mutex)
{
    weft_mutex m = {0};
    weft_lock(&m);
    assert_int_equal(cancel_while_waiting(lock_for_ever, &m), -ECANCELED);
    assert_false(weft_trylock(&m));
    weft_unlock(&m);
    assert_free(&m);
}

TEST(the_request_to_stop_comes_before_a_free_mutex_and_before_a_past_deadline)
{
    weft_mutex m = {0};
    assert_int_equal(cancel_before(lock_for_ever, &m), -ECANCELED);
    assert_int_equal(cancel_before(lock_now, &m), -ECANCELED);
    assert_free(&m);
    weft_lock(&m);
    assert_int_equal(cancel_before(lock_now, &m), -ECANCELED);
    weft_unlock(&m);
    assert_free(&m);
}

TEST(a_lock_without_a_deadline_is_not_interrupted)
{
    weft_mutex m = {0};
    assert_int_equal(cancel_before(lock_and_unlock, &m), 0);
    assert_int_equal(cancel_before(try_it, &m), 0);
    assert_int_equal(cancel_in_vain(lock_it, &m, unlock_it), 0);
    weft_unlock(&m);
}

static int lock_then_check(void *m)
{
    weft_lock(m);
    weft_unlock(m);
    return weft_check();
}

TEST(a_lock_waits_on_while_cancelled_and_the_request_is_seen_after_it)
{
    weft_mutex m = {0};
    struct away a;
    weft_lock(&m);
    go(&a, IN_TASK, lock_then_check, &m);
    await_asleep(&a);
    weft_cancel(a.task);
    nap_ms(20);
    assert_false(has_ended(&a));
    weft_unlock(&m);
    assert_int_equal(back(&a), -ECANCELED);
}

TEST(behind_a_shield_a_lock_with_a_deadline_works_as_ever)
{
    weft_mutex m = {0};
    assert_int_equal(cancel_before_but_shielded(lock_for_ever, &m), 0);
    assert_int_equal(cancel_before_but_shielded(lock_soon, &m), -ETIMEDOUT);
    assert_int_equal(cancel_in_vain(lock_for_ever, &m, unlock_it), 0);
    weft_unlock(&m);
    assert_free(&m);
}

// ---- the end of its life ------------------------------------------------------------

struct counted {
    weft_mutex mu;
    int uses;
};

static bool last_of_four(void *object, int who)
{
    struct counted *c = object;
    weft_lock(&c->mu);
    if (who == 0)
        sched_yield();
    bool last = ++c->uses == 4;
    weft_unlock(&c->mu);
    return last;
}

TEST(who_locks_it_last_may_free_it_while_others_still_return_from_unlock)
{
    outlive(4, 300, last_of_four);
}

// ---- a lock for a block -------------------------------------------------------------

static bool leave_by_return(weft_mutex *m)
{
    weft_guard(m);
    return weft_trylock(m);
}

TEST(a_guard_unlocks_however_the_block_is_left)
{
    weft_mutex m = {0}, other = {0};
    assert_false(leave_by_return(&m));
    assert_free(&m);
    for (int i = 0; i < 3; i++) {
        weft_guard(&m);
        assert_false(weft_trylock(&m));
        if (i == 1)
            continue;
        if (i == 2)
            break;
    }
    assert_free(&m);
    {
        weft_guard(&m);
        weft_guard(&other);
        assert_false(weft_trylock(&m));
        assert_false(weft_trylock(&other));
        goto out;
    }
out:
    assert_free(&m);
    assert_free(&other);
}

// ---- misuse -------------------------------------------------------------------------

static int unlock_a_free_one(void)
{
    weft_mutex m = {0};
    weft_unlock(&m);
    return 0;
}

static int unlock_twice(void)
{
    weft_mutex m = {0};
    weft_lock(&m);
    weft_unlock(&m);
    weft_unlock(&m);
    return 0;
}

static int unlock_after_a_waiter_timed_out(void)
{
    weft_mutex m = {0};
    weft_lock(&m);
    if (weft_lock_until(&m, soon()) == -ETIMEDOUT)
        weft_unlock(&m);
    weft_unlock(&m);
    return 0;
}

TEST(unlocking_a_free_mutex_aborts)
{
    expect_abort(unlock_a_free_one, "weft_unlock", "free");
    expect_abort(unlock_twice, "weft_unlock", "free");
    expect_abort(unlock_after_a_waiter_timed_out, "weft_unlock", "free");
    expect_checked_abort(unlock_a_free_one, "weft_unlock", "free");
}

static const struct scene scenes[] = {
    SCENE(unlock_a_free_one),
    SCENE(unlock_twice),
    SCENE(unlock_after_a_waiter_timed_out),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_zeroed_mutex_is_free_and_is_held_once),
    cmocka_unit_test(a_free_mutex_is_locked_whatever_the_deadline),
    cmocka_unit_test(a_held_mutex_times_out_not_before_the_deadline_and_stays_as_it_was),
    cmocka_unit_test(tasks_and_plain_threads_wait_for_one_mutex_side_by_side),
    cmocka_unit_test(a_waiter_with_a_deadline_gets_the_mutex_when_it_is_unlocked),
    cmocka_unit_test(another_task_may_unlock_it),
    cmocka_unit_test(two_to_eight_tasks_and_threads_lose_no_count),
    cmocka_unit_test(a_waiter_is_not_starved_by_those_who_come_again_and_again),
    cmocka_unit_test(a_waiter_that_gave_up_leaves_the_mutex_to_newcomers),
    cmocka_unit_test(a_waiter_that_gave_up_leaves_the_mutex_to_those_who_wait_on),
    cmocka_unit_test(a_waiter_that_times_out_while_the_mutex_is_unlocked_eats_no_wake_up),
    cmocka_unit_test(a_cancelled_waiter_returns_and_has_not_the_mutex),
    cmocka_unit_test(the_request_to_stop_comes_before_a_free_mutex_and_before_a_past_deadline),
    cmocka_unit_test(a_lock_without_a_deadline_is_not_interrupted),
    cmocka_unit_test(a_lock_waits_on_while_cancelled_and_the_request_is_seen_after_it),
    cmocka_unit_test(behind_a_shield_a_lock_with_a_deadline_works_as_ever),
    cmocka_unit_test(who_locks_it_last_may_free_it_while_others_still_return_from_unlock),
    cmocka_unit_test(a_guard_unlocks_however_the_block_is_left),
    cmocka_unit_test(unlocking_a_free_mutex_aborts),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
