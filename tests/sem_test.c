// SPDX-License-Identifier: MIT
// sem_test.c - the semaphore: a count that is never wrong, given out in the order of coming.
//
// Every test that lets somebody give up counts the units afterwards: what a waiter that timed out
// or was cancelled took along would be missing.
#include "contract.h"

static int take(void *s)
{
    return weft_acquire(s, WEFT_FOREVER);
}

static int take_now(void *s)
{
    return weft_acquire(s, WEFT_POLL);
}

static int take_soon(void *s)
{
    return weft_acquire(s, soon());
}

static void give_one(void *s)
{
    weft_release(s, 1);
}

static int units_in(weft_sem *s)
{
    int n = 0;
    while (weft_acquire(s, WEFT_POLL) == 0)
        n++;
    return n;
}

TEST(a_zeroed_one_has_no_unit)
{
    weft_sem s = {0}, same = WEFT_SEM(0);
    assert_int_equal(units_in(&s), 0);
    assert_int_equal(units_in(&same), 0);
    weft_release(&s, 2);
    assert_int_equal(units_in(&s), 2);
}

TEST(it_gives_out_what_it_was_made_with)
{
    for (int n = 1; n <= 5; n++) {
        weft_sem s = WEFT_SEM((uint32_t)n), bounded = WEFT_BOUNDED_SEM((uint32_t)n);
        assert_int_equal(units_in(&s), n);
        assert_int_equal(units_in(&bounded), n);
    }
}

TEST(a_release_adds_as_many_as_it_says_and_none_at_zero)
{
    weft_sem s = WEFT_SEM(1);
    weft_release(&s, 0);
    assert_int_equal(units_in(&s), 1);
    weft_release(&s, 0);
    assert_int_equal(units_in(&s), 0);
    weft_release(&s, 3);
    weft_release(&s, 4);
    assert_int_equal(units_in(&s), 7);
}

TEST(a_unit_that_is_there_is_taken_whatever_the_deadline)
{
    const weft_time deadlines[] = {WEFT_FOREVER, WEFT_POLL, long_past, {-5}, soon()};
    weft_sem s = WEFT_SEM(COUNT(deadlines));
    for (size_t i = 0; i < COUNT(deadlines); i++)
        assert_int_equal(weft_acquire(&s, deadlines[i]), 0);
    assert_int_equal(units_in(&s), 0);
}

TEST(without_a_unit_it_times_out_not_before_the_deadline)
{
    const weft_time deadlines[] = {WEFT_POLL, long_past, {-5}, soon()};
    weft_sem s = {0};
    for (size_t i = 0; i < COUNT(deadlines); i++) {
        assert_int_equal(weft_acquire(&s, deadlines[i]), -ETIMEDOUT);
        assert_true(weft_now().ns >= deadlines[i].ns);
    }
    weft_release(&s, 1);
    assert_int_equal(units_in(&s), 1);
}

TEST(a_release_of_n_wakes_n)
{
    weft_sem s = {0};
    struct away crowd[6];
    go_all(crowd, COUNT(crowd), take, &s);
    await_all_asleep(crowd, COUNT(crowd));
    weft_release(&s, 4);
    assert_true(eventually(how_many_ended(crowd, COUNT(crowd)) == 4));
    nap_ms(20);
    assert_int_equal(how_many_ended(crowd, COUNT(crowd)), 4);
    assert_int_equal(units_in(&s), 0);
    weft_release(&s, 5);
    all_back_with(0, crowd, COUNT(crowd));
    assert_int_equal(units_in(&s), 3);
}

TEST(units_go_to_waiters_in_the_order_of_their_coming)
{
    weft_sem s = {0};
    struct away crowd[5];
    for (int i = 0; i < 5; i++) {
        go(&crowd[i], i % 2 ? IN_THREAD : IN_TASK, take, &s);
        await_asleep(&crowd[i]);
    }
    for (int i = 0; i < 5; i++) {
        weft_release(&s, 1);
        assert_int_equal(back(&crowd[i]), 0);
        for (int later = i + 1; later < 5; later++)
            assert_false(has_ended(&crowd[later]));
    }
}

TEST(nobody_overtakes_a_waiter)
{
    for (int i = 0; i < 10; i++) {
        weft_sem s = {0};
        struct away a;
        go(&a, i % 2 ? IN_THREAD : IN_TASK, take, &s);
        await_asleep(&a);
        weft_release(&s, 1);
        assert_int_equal(weft_acquire(&s, WEFT_POLL), -ETIMEDOUT);
        assert_int_equal(back(&a), 0);
    }
}

TEST(the_largest_count_is_kept)
{
    weft_sem s = WEFT_SEM(UINT32_MAX), bounded = WEFT_BOUNDED_SEM(UINT32_MAX);
    assert_int_equal(weft_acquire(&s, WEFT_POLL), 0);
    weft_release(&s, 1);
    assert_int_equal(weft_acquire(&bounded, WEFT_POLL), 0);
    weft_release(&bounded, 1);
    weft_sem grown = {0};
    weft_release(&grown, UINT32_MAX);
    assert_int_equal(weft_acquire(&grown, WEFT_POLL), 0);
}

TEST(a_bounded_one_takes_back_what_it_gave)
{
    weft_sem s = WEFT_BOUNDED_SEM(3);
    assert_int_equal(units_in(&s), 3);
    struct away a;
    go(&a, IN_THREAD, take, &s);
    await_asleep(&a);
    weft_release(&s, 3); // one to the waiter
    assert_int_equal(back(&a), 0);
    weft_release(&s, 1);
    assert_int_equal(units_in(&s), 3);
    weft_release(&s, 0);
    weft_release(&s, 3);
    assert_int_equal(units_in(&s), 3);
}

struct slots {
    weft_sem sem;
    atomic_int inside, most, passed;
};

static int pass_through(void *arg)
{
    struct slots *s = arg;
    for (int i = 0; i < 400; i++) {
        weft_time patience = i % 7 ? WEFT_FOREVER : weft_after_ns(20 * 1000);
        int rc = weft_acquire(&s->sem, patience);
        if (rc == -ETIMEDOUT)
            continue;
        CHECK(rc == 0);
        int now = atomic_fetch_add(&s->inside, 1) + 1, most = atomic_load(&s->most);
        while (now > most && !atomic_compare_exchange_weak(&s->most, &most, now))
            continue;
        if (i % 32 == 0)
            sched_yield();
        atomic_fetch_sub(&s->inside, 1);
        atomic_fetch_add(&s->passed, 1);
        weft_release(&s->sem, 1);
    }
    return 0;
}

TEST(no_more_are_inside_than_there_are_units_and_none_is_lost)
{
    struct slots s = {.sem = WEFT_BOUNDED_SEM(3)};
    struct away crowd[6];
    go_all(crowd, COUNT(crowd), pass_through, &s);
    all_back_with(0, crowd, COUNT(crowd));
    assert_true(s.most <= 3);
    assert_true(s.passed > 0);
    assert_int_equal(units_in(&s.sem), 3);
}

// ---- giving up ----------------------------------------------------------------------

static int take_within_two_milliseconds(void *s)
{
    return weft_acquire(s, weft_after_ms(2));
}

TEST(a_waiter_that_gave_up_eats_no_unit)
{
    for (int i = 0; i < 40; i++) {
        weft_sem s = {0};
        struct away hasty, patient;
        bool cancel = i % 2 == 0;
        go(&hasty, IN_TASK, cancel ? take : take_within_two_milliseconds, &s);
        nap_ms(1);
        go(&patient, IN_THREAD, take, &s);
        nap_ms(1);
        if (cancel)
            weft_cancel(hasty.task);
        weft_release(&s, 1);
        int rc = back(&hasty);
        if (rc == 0)
            weft_release(&s, 1);
        else
            assert_int_equal(rc, cancel ? -ECANCELED : -ETIMEDOUT);
        assert_int_equal(back(&patient), 0);
        assert_int_equal(units_in(&s), 0);
    }
}

TEST(a_waiter_in_the_middle_that_gave_up_is_passed_over)
{
    weft_sem s = {0};
    struct away crowd[3];
    for (int i = 0; i < 3; i++) {
        go(&crowd[i], i == 1 ? IN_TASK : IN_THREAD, take, &s);
        await_asleep(&crowd[i]);
    }
    weft_cancel(crowd[1].task);
    assert_int_equal(back(&crowd[1]), -ECANCELED);
    weft_release(&s, 2);
    assert_int_equal(back(&crowd[0]), 0);
    assert_int_equal(back(&crowd[2]), 0);
    assert_int_equal(units_in(&s), 0);
}

TEST(the_request_to_stop_comes_before_a_unit_that_is_there)
{
    weft_sem s = WEFT_SEM(1);
    assert_int_equal(cancel_before(take, &s), -ECANCELED);
    assert_int_equal(cancel_before(take_now, &s), -ECANCELED);
    assert_int_equal(units_in(&s), 1);
    assert_int_equal(cancel_before(take_now, &s), -ECANCELED);
    assert_int_equal(cancel_while_waiting(take, &s), -ECANCELED);
    weft_release(&s, 1);
    assert_int_equal(units_in(&s), 1);
}

TEST(behind_a_shield_it_works_as_ever)
{
    weft_sem s = WEFT_SEM(1);
    assert_int_equal(cancel_before_but_shielded(take, &s), 0);
    assert_int_equal(cancel_before_but_shielded(take_soon, &s), -ETIMEDOUT);
    assert_int_equal(cancel_in_vain(take, &s, give_one), 0);
    assert_int_equal(units_in(&s), 0);
}

static bool hand_over(void *sem, int who)
{
    if (who == 0) {
        weft_release(sem, 1);
        return false;
    }
    return weft_acquire(sem, WEFT_FOREVER) == 0;
}

TEST(who_took_the_last_unit_may_free_it_while_release_still_returns)
{
    outlive(2, 300, hand_over);
}

// ---- misuse -------------------------------------------------------------------------

static int release_beyond_the_largest_count(void)
{
    weft_sem s = WEFT_SEM(UINT32_MAX);
    weft_release(&s, 1);
    return 0;
}

static int release_two_halves_and_more(void)
{
    weft_sem s = {0};
    weft_release(&s, UINT32_MAX);
    weft_release(&s, UINT32_MAX);
    return 0;
}

static int release_beyond_the_bound(void)
{
    weft_sem s = WEFT_BOUNDED_SEM(2);
    weft_release(&s, 1);
    return 0;
}

static int release_many_beyond_the_bound(void)
{
    weft_sem s = WEFT_BOUNDED_SEM(3);
    if (weft_acquire(&s, WEFT_POLL) < 0)
        return 1;
    weft_release(&s, 2);
    return 0;
}

static int release_one_after_another_beyond_the_bound(void)
{
    weft_sem s = WEFT_BOUNDED_SEM(1);
    if (weft_acquire(&s, WEFT_POLL) < 0)
        return 1;
    weft_release(&s, 1);
    weft_release(&s, 1);
    return 0;
}

TEST(a_count_beyond_the_largest_or_the_bound_aborts)
{
    expect_abort(release_beyond_the_largest_count, "weft_release(", "beyond", "4294967295");
    expect_abort(release_two_halves_and_more, "weft_release(", "beyond", "4294967295");
    expect_abort(release_beyond_the_bound, "weft_release(", "bound of 2\n");
    expect_abort(release_many_beyond_the_bound, "weft_release(", "bound of 3\n");
    expect_abort(release_one_after_another_beyond_the_bound, "weft_release(", "bound of 1\n");
}

static const struct scene scenes[] = {
    SCENE(release_beyond_the_largest_count),
    SCENE(release_two_halves_and_more),
    SCENE(release_beyond_the_bound),
    SCENE(release_many_beyond_the_bound),
    SCENE(release_one_after_another_beyond_the_bound),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_zeroed_one_has_no_unit),
    cmocka_unit_test(it_gives_out_what_it_was_made_with),
    cmocka_unit_test(a_release_adds_as_many_as_it_says_and_none_at_zero),
    cmocka_unit_test(a_unit_that_is_there_is_taken_whatever_the_deadline),
    cmocka_unit_test(without_a_unit_it_times_out_not_before_the_deadline),
    cmocka_unit_test(a_release_of_n_wakes_n),
    cmocka_unit_test(units_go_to_waiters_in_the_order_of_their_coming),
    cmocka_unit_test(nobody_overtakes_a_waiter),
    cmocka_unit_test(the_largest_count_is_kept),
    cmocka_unit_test(a_bounded_one_takes_back_what_it_gave),
    cmocka_unit_test(no_more_are_inside_than_there_are_units_and_none_is_lost),
    cmocka_unit_test(a_waiter_that_gave_up_eats_no_unit),
    cmocka_unit_test(a_waiter_in_the_middle_that_gave_up_is_passed_over),
    cmocka_unit_test(the_request_to_stop_comes_before_a_unit_that_is_there),
    cmocka_unit_test(behind_a_shield_it_works_as_ever),
    cmocka_unit_test(who_took_the_last_unit_may_free_it_while_release_still_returns),
    cmocka_unit_test(a_count_beyond_the_largest_or_the_bound_aborts),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
