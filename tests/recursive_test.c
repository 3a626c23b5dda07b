// SPDX-License-Identifier: MIT
// recursive_test.c - a mutex that its holder may lock again: it counts, and knows its holder.
#include "contract.h"

static int lock_it(void *r)
{
    weft_recursive_lock(r);
    return 0;
}

static int lock_and_unlock(void *r)
{
    weft_recursive_lock(r);
    weft_recursive_unlock(r);
    return 0;
}

static int lock_now(void *r)
{
    int rc = weft_recursive_lock_until(r, WEFT_POLL);
    if (rc == 0)
        weft_recursive_unlock(r);
    return rc;
}

static int lock_for_ever(void *r)
{
    int rc = weft_recursive_lock_until(r, WEFT_FOREVER);
    if (rc == 0)
        weft_recursive_unlock(r);
    return rc;
}

static int depth_elsewhere(void *r)
{
    return (int)weft_recursive_depth(r);
}

static int elsewhere(int (*fn)(void *arg), void *arg, enum where where)
{
    struct away a;
    go(&a, where, fn, arg);
    return back(&a);
}

TEST(a_zeroed_one_is_free_and_is_held_as_often_as_it_was_locked)
{
    weft_recursive r = {0};
    assert_int_equal(weft_recursive_depth(&r), 0);
    for (uint32_t depth = 1; depth <= 5; depth++) {
        weft_recursive_lock(&r);
        assert_int_equal(weft_recursive_depth(&r), depth);
    }
    for (uint32_t depth = 5; depth-- > 0;) {
        weft_recursive_unlock(&r);
        assert_int_equal(weft_recursive_depth(&r), depth);
    }
}

TEST(only_the_last_unlock_frees_it)
{
    weft_recursive r = {0};
    for (int where = IN_TASK; where <= IN_THREAD; where++) {
        weft_recursive_lock(&r);
        weft_recursive_lock(&r);
        assert_int_equal(elsewhere(lock_now, &r, (enum where)where), -ETIMEDOUT);
        weft_recursive_unlock(&r);
        assert_int_equal(elsewhere(lock_now, &r, (enum where)where), -ETIMEDOUT);
        weft_recursive_unlock(&r);
        assert_int_equal(elsewhere(lock_now, &r, (enum where)where), 0);
    }
}

TEST(the_depth_is_that_of_the_caller)
{
    weft_recursive r = {0};
    weft_recursive_lock(&r);
    assert_int_equal(elsewhere(depth_elsewhere, &r, IN_TASK), 0);
    assert_int_equal(elsewhere(depth_elsewhere, &r, IN_THREAD), 0);
    assert_int_equal(weft_recursive_depth(&r), 1);
    weft_recursive_unlock(&r);
}

TEST(its_holder_locks_it_again_whatever_the_deadline)
{
    const weft_time deadlines[] = {WEFT_FOREVER, WEFT_POLL, long_past, {-5}, soon()};
    weft_recursive r = {0};
    for (uint32_t i = 0; i < COUNT(deadlines); i++) {
        assert_int_equal(weft_recursive_lock_until(&r, deadlines[i]), 0);
        assert_int_equal(weft_recursive_depth(&r), i + 1);
    }
    for (uint32_t i = 0; i < COUNT(deadlines); i++)
        weft_recursive_unlock(&r);
    assert_int_equal(elsewhere(lock_now, &r, IN_THREAD), 0);
}

static int lock_soon(void *r)
{
    weft_time deadline = soon();
    int rc = weft_recursive_lock_until(r, deadline);
    CHECK(weft_now().ns >= deadline.ns);
    CHECK(weft_recursive_depth(r) == 0);
    return rc;
}

TEST(who_waits_for_another_times_out_and_changes_nothing)
{
    weft_recursive r = {0};
    weft_recursive_lock(&r);
    assert_int_equal(elsewhere(lock_soon, &r, IN_TASK), -ETIMEDOUT);
    assert_int_equal(elsewhere(lock_soon, &r, IN_THREAD), -ETIMEDOUT);
    assert_int_equal(weft_recursive_depth(&r), 1);
    weft_recursive_unlock(&r);
    assert_int_equal(elsewhere(lock_now, &r, IN_TASK), 0);
}

TEST(tasks_and_plain_threads_wait_for_it_until_it_is_free)
{
    weft_recursive r = {0};
    struct away crowd[4];
    weft_recursive_lock(&r);
    weft_recursive_lock(&r);
    go_all(crowd, COUNT(crowd), lock_for_ever, &r);
    await_all_asleep(crowd, COUNT(crowd));
    weft_recursive_unlock(&r);
    nap_ms(20);
    assert_int_equal(how_many_ended(crowd, COUNT(crowd)), 0);
    weft_recursive_unlock(&r);
    all_back_with(0, crowd, COUNT(crowd));
}

struct tally {
    weft_recursive mu;
    long count; // plain: guarded by mu
};

static void add(struct tally *t, int depth)
{
    weft_recursive_lock(&t->mu);
    t->count++;
    if (depth > 1)
        add(t, depth - 1);
    weft_recursive_unlock(&t->mu);
}

static int count_up(void *arg)
{
    for (int i = 0; i < 800; i++)
        add(arg, 1 + i % 4);
    return 0;
}

TEST(nested_locks_of_many_lose_no_count)
{
    struct tally t = {0};
    struct away crowd[4];
    go_all(crowd, COUNT(crowd), count_up, &t);
    all_back_with(0, crowd, COUNT(crowd));
    assert_int_equal(t.count, 4 * 200 * (1 + 2 + 3 + 4));
}

// ---- cancellation -------------------------------------------------------------------

TEST(a_cancelled_waiter_returns_and_has_it_not)
{
    weft_recursive r = {0};
    weft_recursive_lock(&r);
    assert_int_equal(cancel_while_waiting(lock_for_ever, &r), -ECANCELED);
    assert_int_equal(weft_recursive_depth(&r), 1);
    weft_recursive_unlock(&r);
    assert_int_equal(elsewhere(lock_now, &r, IN_TASK), 0);
}

static int lock_twice_when_cancelled(void *r)
{
    weft_recursive_lock(r);
    int rc = weft_recursive_lock_until(r, WEFT_POLL);
    CHECK(weft_recursive_depth(r) == 1);
    weft_recursive_unlock(r);
    CHECK(weft_recursive_depth(r) == 0);
    return rc;
}

TEST(the_request_to_stop_comes_before_a_free_one_and_before_ones_own)
{
    weft_recursive r = {0};
    assert_int_equal(cancel_before(lock_now, &r), -ECANCELED);
    assert_int_equal(cancel_before(lock_for_ever, &r), -ECANCELED);
    assert_int_equal(cancel_before(lock_twice_when_cancelled, &r), -ECANCELED);
    assert_int_equal(elsewhere(lock_now, &r, IN_TASK), 0);
}

static void unlock_it(void *r)
{
    weft_recursive_unlock(r);
}

TEST(a_lock_without_a_deadline_or_behind_a_shield_is_not_interrupted)
{
    weft_recursive r = {0};
    assert_int_equal(cancel_before(lock_and_unlock, &r), 0);
    assert_int_equal(cancel_before_but_shielded(lock_now, &r), 0);
    weft_recursive_lock(&r);
    assert_int_equal(cancel_before_but_shielded(lock_now, &r), -ETIMEDOUT);
    assert_int_equal(cancel_in_vain(lock_for_ever, &r, unlock_it), 0);
    weft_recursive_lock(&r);
    assert_int_equal(cancel_in_vain(lock_and_unlock, &r, unlock_it), 0);
}

static int lock_then_check(void *r)
{
    lock_and_unlock(r);
    return weft_check();
}

TEST(a_lock_waits_on_while_cancelled_and_the_request_is_seen_after_it)
{
    weft_recursive r = {0};
    struct away a;
    weft_recursive_lock(&r);
    go(&a, IN_TASK, lock_then_check, &r);
    await_asleep(&a);
    weft_cancel(a.task);
    nap_ms(20);
    assert_false(has_ended(&a));
    weft_recursive_unlock(&r);
    assert_int_equal(back(&a), -ECANCELED);
}

// ---- the end of its life ------------------------------------------------------------

struct counted {
    weft_recursive mu;
    int uses;
};

static bool last_of_four(void *object, int who)
{
    struct counted *c = object;
    weft_recursive_lock(&c->mu);
    weft_recursive_lock(&c->mu);
    if (who == 0)
        sched_yield();
    bool last = ++c->uses == 4;
    weft_recursive_unlock(&c->mu);
    weft_recursive_unlock(&c->mu);
    return last;
}

TEST(who_locks_it_last_may_free_it_while_others_still_return_from_unlock)
{
    outlive(4, 200, last_of_four);
}

// ---- misuse -------------------------------------------------------------------------

static int unlock_a_free_one(void)
{
    weft_recursive r = {0};
    weft_recursive_unlock(&r);
    return 0;
}

static int unlock_once_too_often(void)
{
    weft_recursive r = {0};
    weft_recursive_lock(&r);
    weft_recursive_lock(&r);
    for (int i = 0; i < 3; i++)
        weft_recursive_unlock(&r);
    return 0;
}

static int unlock_elsewhere(void *r)
{
    weft_recursive_unlock(r);
    return 0;
}

static int unlock_anothers_in(enum where where)
{
    weft_recursive r = {0};
    weft_recursive_lock(&r);
    return elsewhere(unlock_elsewhere, &r, where);
}

static int unlock_anothers_in_a_task(void)
{
    return unlock_anothers_in(IN_TASK);
}

static int unlock_anothers_in_a_thread(void)
{
    return unlock_anothers_in(IN_THREAD);
}

TEST(unlocking_a_free_one_or_anothers_aborts)
{
    expect_abort(unlock_a_free_one, "weft_recursive_unlock", "not hold");
    expect_abort(unlock_once_too_often, "weft_recursive_unlock", "not hold");
    expect_abort(unlock_anothers_in_a_task, "weft_recursive_unlock", "not hold");
    expect_abort(unlock_anothers_in_a_thread, "weft_recursive_unlock", "not hold");
}

static int return_with_it(void)
{
    static weft_recursive r;
    return elsewhere(lock_it, &r, IN_TASK);
}

TEST(under_check_a_task_that_returns_with_one_held_aborts)
{
    expect_checked_abort(return_with_it, "away_task", "held");
}

struct crossing {
    weft_recursive *first, *second;
    pthread_barrier_t *met;
};

static int lock_both(void *arg)
{
    struct crossing *c = arg;
    weft_recursive_lock(c->first);
    pthread_barrier_wait(c->met);
    weft_recursive_lock(c->second);
    return 0;
}

static int deadlock_of_two(void)
{
    static weft_recursive a, b;
    pthread_barrier_t met;
    pthread_barrier_init(&met, NULL, 2);
    struct crossing one = {&a, &b, &met}, two = {&b, &a, &met};
    struct away x, y;
    go(&x, IN_TASK, lock_both, &one);
    go(&y, IN_THREAD, lock_both, &two);
    return back(&x) + back(&y);
}

static int use_it_well(void)
{
    struct tally t = {0};
    struct away crowd[2];
    go_all(crowd, COUNT(crowd), count_up, &t);
    for (size_t i = 0; i < COUNT(crowd); i++)
        CHECK(back(&crowd[i]) == 0);
    CHECK(t.count == 2 * 200 * (1 + 2 + 3 + 4));
    return 0;
}

TEST(under_check_a_deadlock_of_two_is_reported_and_recursion_is_none)
{
    expect_deadlock(deadlock_of_two, "away_task", "Dummy-1", "weft_recursive_lock");
    expect_clean_end(use_it_well);
}

static const struct scene scenes[] = {
    SCENE(unlock_a_free_one),
    SCENE(unlock_once_too_often),
    SCENE(unlock_anothers_in_a_task),
    SCENE(unlock_anothers_in_a_thread),
    SCENE(return_with_it),
    SCENE(deadlock_of_two),
    SCENE(use_it_well),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_zeroed_one_is_free_and_is_held_as_often_as_it_was_locked),
    cmocka_unit_test(only_the_last_unlock_frees_it),
    cmocka_unit_test(the_depth_is_that_of_the_caller),
    cmocka_unit_test(its_holder_locks_it_again_whatever_the_deadline),
    cmocka_unit_test(who_waits_for_another_times_out_and_changes_nothing),
    cmocka_unit_test(tasks_and_plain_threads_wait_for_it_until_it_is_free),
    cmocka_unit_test(nested_locks_of_many_lose_no_count),
    cmocka_unit_test(a_cancelled_waiter_returns_and_has_it_not),
    cmocka_unit_test(the_request_to_stop_comes_before_a_free_one_and_before_ones_own),
    cmocka_unit_test(a_lock_without_a_deadline_or_behind_a_shield_is_not_interrupted),
    cmocka_unit_test(a_lock_waits_on_while_cancelled_and_the_request_is_seen_after_it),
    cmocka_unit_test(who_locks_it_last_may_free_it_while_others_still_return_from_unlock),
    cmocka_unit_test(unlocking_a_free_one_or_anothers_aborts),
    cmocka_unit_test(under_check_a_task_that_returns_with_one_held_aborts),
    cmocka_unit_test(under_check_a_deadlock_of_two_is_reported_and_recursion_is_none),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
