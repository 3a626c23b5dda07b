// SPDX-License-Identifier: MIT
// waitgroup_test.c - a count of outstanding work: who waits is let go when it becomes zero.
#include "contract.h"

static int await_zero(void *w)
{
    return weft_waitgroup_wait(w, WEFT_FOREVER);
}

static int look_now(void *w)
{
    return weft_waitgroup_wait(w, WEFT_POLL);
}

static int await_soon(void *w)
{
    return weft_waitgroup_wait(w, soon());
}

static void one_done(void *w)
{
    weft_waitgroup_done(w);
}

TEST(a_zeroed_one_has_nothing_to_wait_for_whatever_the_deadline)
{
    const weft_time deadlines[] = {WEFT_FOREVER, WEFT_POLL, long_past, {-5}, soon()};
    weft_waitgroup w = {0};
    for (size_t i = 0; i < COUNT(deadlines); i++)
        assert_int_equal(weft_waitgroup_wait(&w, deadlines[i]), 0);
    weft_waitgroup_add(&w, 0);
    assert_int_equal(weft_waitgroup_wait(&w, WEFT_POLL), 0);
}

TEST(it_counts_down_to_zero_and_may_be_used_again)
{
    weft_waitgroup w = {0};
    for (uint32_t round = 1; round <= 3; round++) {
        weft_waitgroup_add(&w, round);
        weft_waitgroup_add(&w, 2);
        for (uint32_t i = 0; i < round + 2; i++) {
            assert_int_equal(weft_waitgroup_wait(&w, WEFT_POLL), -ETIMEDOUT);
            weft_waitgroup_done(&w);
        }
        assert_int_equal(weft_waitgroup_wait(&w, WEFT_POLL), 0);
    }
}

TEST(while_work_is_left_it_times_out_not_before_the_deadline)
{
    const weft_time deadlines[] = {WEFT_POLL, long_past, {-5}, soon()};
    weft_waitgroup w = {0};
    weft_waitgroup_add(&w, 1);
    for (size_t i = 0; i < COUNT(deadlines); i++) {
        assert_int_equal(weft_waitgroup_wait(&w, deadlines[i]), -ETIMEDOUT);
        assert_true(weft_now().ns >= deadlines[i].ns);
    }
    weft_waitgroup_done(&w);
    assert_int_equal(weft_waitgroup_wait(&w, WEFT_POLL), 0);
}

TEST(only_zero_lets_all_tasks_and_threads_go)
{
    weft_waitgroup w = {0};
    struct away crowd[5];
    weft_waitgroup_add(&w, 2);
    go_all(crowd, COUNT(crowd), await_zero, &w);
    await_all_asleep(crowd, COUNT(crowd));
    weft_waitgroup_done(&w);
    weft_waitgroup_add(&w, 1);
    weft_waitgroup_done(&w);
    nap_ms(20);
    assert_int_equal(how_many_ended(crowd, COUNT(crowd)), 0);
    weft_waitgroup_done(&w);
    all_back_with(0, crowd, COUNT(crowd));
}

TEST(zero_during_a_wait_ends_it_though_new_work_comes_at_once)
{
    weft_waitgroup w = {0};
    weft_waitgroup_add(&w, 1);
    for (int round = 0; round < 5; round++) {
        struct away crowd[4];
        go_all(crowd, COUNT(crowd), await_zero, &w);
        await_all_asleep(crowd, COUNT(crowd));
        weft_waitgroup_done(&w);
        weft_waitgroup_add(&w, 1);
        all_back_with(0, crowd, COUNT(crowd));
        assert_int_equal(weft_waitgroup_wait(&w, WEFT_POLL), -ETIMEDOUT);
    }
}

TEST(a_large_count_is_kept_while_somebody_waits)
{
    weft_waitgroup w = {0};
    struct away a;
    weft_waitgroup_add(&w, 5000);
    go(&a, IN_TASK, await_zero, &w);
    await_asleep(&a);
    weft_waitgroup_add(&w, 5000);
    for (int i = 1; i < 10000; i++)
        weft_waitgroup_done(&w);
    assert_false(has_ended(&a));
    weft_waitgroup_done(&w);
    assert_int_equal(back(&a), 0);
}

struct work {
    weft_waitgroup left;
    int results[200]; // plain: written before done, read after the wait
    atomic_int next;
};

static int work_off(void *arg)
{
    struct work *w = arg;
    for (int i; (i = atomic_fetch_add(&w->next, 1)) < 200;) {
        w->results[i] = i + 1;
        weft_waitgroup_done(&w->left);
    }
    return 0;
}

TEST(all_that_was_done_is_seen_after_the_wait)
{
    for (int round = 0; round < 10; round++) {
        struct work w = {0};
        struct away crowd[4];
        weft_waitgroup_add(&w.left, 200);
        go_all(crowd, COUNT(crowd), work_off, &w);
        assert_int_equal(weft_waitgroup_wait(&w.left, WEFT_FOREVER), 0);
        for (int i = 0; i < 200; i++)
            assert_int_equal(w.results[i], i + 1);
        all_back_with(0, crowd, COUNT(crowd));
    }
}

// ---- cancellation -------------------------------------------------------------------

TEST(the_request_to_stop_comes_before_zero)
{
    weft_waitgroup w = {0};
    assert_int_equal(cancel_before(await_zero, &w), -ECANCELED);
    weft_waitgroup_add(&w, 1);
    assert_int_equal(cancel_before(look_now, &w), -ECANCELED);
    assert_int_equal(cancel_while_waiting(await_zero, &w), -ECANCELED);
    assert_int_equal(weft_waitgroup_wait(&w, WEFT_POLL), -ETIMEDOUT);
    weft_waitgroup_done(&w);
    assert_int_equal(weft_waitgroup_wait(&w, WEFT_POLL), 0);
}

TEST(a_waiter_that_gave_up_leaves_the_others_waiting)
{
    weft_waitgroup w = {0};
    struct away hasty, stopped, patient;
    weft_waitgroup_add(&w, 1);
    go(&stopped, IN_TASK, await_zero, &w);
    await_asleep(&stopped);
    go(&patient, IN_THREAD, await_zero, &w);
    await_asleep(&patient);
    go(&hasty, IN_THREAD, await_soon, &w);
    assert_int_equal(back(&hasty), -ETIMEDOUT);
    weft_cancel(stopped.task);
    assert_int_equal(back(&stopped), -ECANCELED);
    assert_false(has_ended(&patient));
    weft_waitgroup_done(&w);
    assert_int_equal(back(&patient), 0);
}

TEST(behind_a_shield_it_works_as_ever)
{
    weft_waitgroup w = {0};
    assert_int_equal(cancel_before_but_shielded(await_zero, &w), 0);
    weft_waitgroup_add(&w, 1);
    assert_int_equal(cancel_before_but_shielded(await_soon, &w), -ETIMEDOUT);
    assert_int_equal(cancel_in_vain(await_zero, &w, one_done), 0);
}

struct handed {
    weft_waitgroup left;
    atomic_bool added;
};

static bool last_done_or_wait(void *object, int who)
{
    struct handed *h = object;
    if (who == 0) {
        weft_waitgroup_add(&h->left, 1);
        atomic_store(&h->added, true);
        weft_waitgroup_done(&h->left);
        return false;
    }
    while (!atomic_load(&h->added))
        sched_yield();
    return weft_waitgroup_wait(&h->left, WEFT_FOREVER) == 0;
}

TEST(who_waited_may_free_it_while_the_last_done_still_returns)
{
    outlive(2, 300, last_done_or_wait);
}

// ---- misuse -------------------------------------------------------------------------

static int done_without_an_add(void)
{
    weft_waitgroup w = {0};
    weft_waitgroup_done(&w);
    return 0;
}

static int done_once_too_often(void)
{
    weft_waitgroup w = {0};
    weft_waitgroup_add(&w, 2);
    for (int i = 0; i < 3; i++)
        weft_waitgroup_done(&w);
    return 0;
}

TEST(a_done_without_its_add_aborts)
{
    expect_abort(done_without_an_add, "weft_waitgroup_done", "add");
    expect_abort(done_once_too_often, "weft_waitgroup_done", "add");
}

static const struct scene scenes[] = {SCENE(done_without_an_add), SCENE(done_once_too_often)};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_zeroed_one_has_nothing_to_wait_for_whatever_the_deadline),
    cmocka_unit_test(it_counts_down_to_zero_and_may_be_used_again),
    cmocka_unit_test(while_work_is_left_it_times_out_not_before_the_deadline),
    cmocka_unit_test(only_zero_lets_all_tasks_and_threads_go),
    cmocka_unit_test(zero_during_a_wait_ends_it_though_new_work_comes_at_once),
    cmocka_unit_test(a_large_count_is_kept_while_somebody_waits),
    cmocka_unit_test(all_that_was_done_is_seen_after_the_wait),
    cmocka_unit_test(the_request_to_stop_comes_before_zero),
    cmocka_unit_test(a_waiter_that_gave_up_leaves_the_others_waiting),
    cmocka_unit_test(behind_a_shield_it_works_as_ever),
    cmocka_unit_test(who_waited_may_free_it_while_the_last_done_still_returns),
    cmocka_unit_test(a_done_without_its_add_aborts),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
