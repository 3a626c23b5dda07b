// SPDX-License-Identifier: MIT
// event_test.c - a flag to wait for: set stays set, and a set cleared at once still counts.
#include "contract.h"

_Static_assert(sizeof(weft_event) == 16, "two words");

static int await_event(void *e)
{
    return weft_event_wait(e, WEFT_FOREVER);
}

static int look_now(void *e)
{
    return weft_event_wait(e, WEFT_POLL);
}

static int await_soon(void *e)
{
    return weft_event_wait(e, soon());
}

static void set_it(void *e)
{
    weft_event_set(e);
}

TEST(a_zeroed_one_is_clear_and_set_stays_set_until_cleared)
{
    weft_event e = {0};
    for (int round = 0; round < 3; round++) {
        assert_false(weft_event_is_set(&e));
        assert_int_equal(weft_event_wait(&e, WEFT_POLL), -ETIMEDOUT);
        weft_event_set(&e);
        weft_event_set(&e);
        for (int i = 0; i < 3; i++) {
            assert_true(weft_event_is_set(&e));
            assert_int_equal(weft_event_wait(&e, WEFT_FOREVER), 0);
        }
        weft_event_clear(&e);
        weft_event_clear(&e);
    }
}

TEST(what_is_set_needs_no_wait_whatever_the_deadline)
{
    const weft_time deadlines[] = {WEFT_FOREVER, WEFT_POLL, long_past, {-5}, soon()};
    weft_event e = {0};
    weft_event_set(&e);
    for (size_t i = 0; i < COUNT(deadlines); i++)
        assert_int_equal(weft_event_wait(&e, deadlines[i]), 0);
}

TEST(what_is_clear_times_out_not_before_the_deadline)
{
    const weft_time deadlines[] = {WEFT_POLL, long_past, {-5}, soon()};
    weft_event e = {0};
    for (size_t i = 0; i < COUNT(deadlines); i++) {
        assert_int_equal(weft_event_wait(&e, deadlines[i]), -ETIMEDOUT);
        assert_true(weft_now().ns >= deadlines[i].ns);
        assert_false(weft_event_is_set(&e));
    }
}

TEST(a_set_wakes_all_tasks_and_threads_that_wait)
{
    weft_event e = {0};
    struct away crowd[6];
    go_all(crowd, COUNT(crowd), await_event, &e);
    await_all_asleep(crowd, COUNT(crowd));
    assert_int_equal(how_many_ended(crowd, COUNT(crowd)), 0);
    weft_event_set(&e);
    all_back_with(0, crowd, COUNT(crowd));
    assert_true(weft_event_is_set(&e));
}

TEST(a_set_during_a_wait_ends_it_though_cleared_before_the_waiter_runs)
{
    weft_event e = {0};
    for (int round = 0; round < 5; round++) {
        struct away crowd[4];
        go_all(crowd, COUNT(crowd), await_event, &e);
        await_all_asleep(crowd, COUNT(crowd));
        weft_event_set(&e);
        weft_event_clear(&e);
        all_back_with(0, crowd, COUNT(crowd));
        assert_false(weft_event_is_set(&e));
        assert_int_equal(weft_event_wait(&e, WEFT_POLL), -ETIMEDOUT);
    }
}

TEST(a_clear_wakes_nobody)
{
    weft_event e = {0};
    struct away crowd[2];
    go_all(crowd, COUNT(crowd), await_event, &e);
    await_all_asleep(crowd, COUNT(crowd));
    for (int i = 0; i < 5; i++)
        weft_event_clear(&e);
    nap_ms(20);
    assert_int_equal(how_many_ended(crowd, COUNT(crowd)), 0);
    weft_event_set(&e);
    all_back_with(0, crowd, COUNT(crowd));
}

// ---- what was written before a set is seen after it ---------------------------------

struct news {
    weft_event out;
    int text; // plain: written before the set
};

static int read_after_wait(void *arg)
{
    struct news *n = arg;
    CHECK(weft_event_wait(&n->out, WEFT_FOREVER) == 0);
    CHECK(n->text == 42);
    return 0;
}

static int read_after_look(void *arg)
{
    struct news *n = arg;
    CHECK(eventually(weft_event_is_set(&n->out)));
    CHECK(n->text == 42);
    return 0;
}

TEST(what_was_written_before_the_set_is_seen_after_the_wait_and_the_look)
{
    struct news n = {0};
    struct away crowd[4];
    go_all(crowd, 2, read_after_wait, &n);
    go_all(crowd + 2, 2, read_after_look, &n);
    n.text = 42;
    weft_event_set(&n.out);
    all_back_with(0, crowd, COUNT(crowd));
}

static int set_and_clear(void *e)
{
    for (int i = 0; i < 500; i++) {
        weft_event_set(e);
        if (i % 16 == 0)
            sched_yield();
        weft_event_clear(e);
    }
    return 0;
}

static int wait_again_and_again(void *e)
{
    for (int i = 0; i < 200; i++) {
        int rc = weft_event_wait(e, weft_after_ns(20 * 1000));
        CHECK(rc == 0 || rc == -ETIMEDOUT);
    }
    return 0;
}

TEST(sets_clears_and_time_outs_cross_without_harm)
{
    weft_event e = {0};
    struct away waiters[4], setters[2];
    go_all(waiters, COUNT(waiters), wait_again_and_again, &e);
    go_all(setters, COUNT(setters), set_and_clear, &e);
    all_back_with(0, setters, COUNT(setters));
    all_back_with(0, waiters, COUNT(waiters));
    assert_false(weft_event_is_set(&e));
    weft_event_set(&e);
    assert_int_equal(weft_event_wait(&e, WEFT_POLL), 0);
}

// ---- cancellation -------------------------------------------------------------------

TEST(the_request_to_stop_comes_before_what_is_set)
{
    weft_event e = {0};
    assert_int_equal(cancel_while_waiting(await_event, &e), -ECANCELED);
    assert_int_equal(cancel_before(look_now, &e), -ECANCELED);
    weft_event_set(&e);
    assert_int_equal(cancel_before(await_event, &e), -ECANCELED);
    assert_int_equal(cancel_before(look_now, &e), -ECANCELED);
    assert_true(weft_event_is_set(&e));
}

TEST(a_cancelled_waiter_leaves_the_others_waiting)
{
    weft_event e = {0};
    struct away crowd[3];
    for (int i = 0; i < 3; i++) {
        go(&crowd[i], i == 1 ? IN_TASK : IN_THREAD, await_event, &e);
        await_asleep(&crowd[i]);
    }
    weft_cancel(crowd[1].task);
    assert_int_equal(back(&crowd[1]), -ECANCELED);
    assert_false(has_ended(&crowd[0]) || has_ended(&crowd[2]));
    weft_event_set(&e);
    assert_int_equal(back(&crowd[0]), 0);
    assert_int_equal(back(&crowd[2]), 0);
}

TEST(behind_a_shield_it_works_as_ever)
{
    weft_event e = {0};
    assert_int_equal(cancel_before_but_shielded(await_soon, &e), -ETIMEDOUT);
    assert_int_equal(cancel_in_vain(await_event, &e, set_it), 0);
    assert_int_equal(cancel_before_but_shielded(look_now, &e), 0);
}

static int set_clear_and_look(void *e)
{
    weft_event_set(e);
    CHECK(weft_event_is_set(e));
    weft_event_clear(e);
    CHECK(!weft_event_is_set(e));
    return 0;
}

TEST(what_cannot_wait_is_not_interrupted)
{
    weft_event e = {0};
    assert_int_equal(cancel_before(set_clear_and_look, &e), 0);
}

static bool set_or_wait(void *e, int who)
{
    if (who == 0) {
        weft_event_set(e);
        return false;
    }
    return weft_event_wait(e, WEFT_FOREVER) == 0;
}

TEST(who_waited_may_free_it_while_set_still_returns)
{
    outlive(2, 300, set_or_wait);
}

static const struct scene scenes[] = {{NULL, NULL}}; // nothing here aborts

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_zeroed_one_is_clear_and_set_stays_set_until_cleared),
    cmocka_unit_test(what_is_set_needs_no_wait_whatever_the_deadline),
    cmocka_unit_test(what_is_clear_times_out_not_before_the_deadline),
    cmocka_unit_test(a_set_wakes_all_tasks_and_threads_that_wait),
    cmocka_unit_test(a_set_during_a_wait_ends_it_though_cleared_before_the_waiter_runs),
    cmocka_unit_test(a_clear_wakes_nobody),
    cmocka_unit_test(what_was_written_before_the_set_is_seen_after_the_wait_and_the_look),
    cmocka_unit_test(sets_clears_and_time_outs_cross_without_harm),
    cmocka_unit_test(the_request_to_stop_comes_before_what_is_set),
    cmocka_unit_test(a_cancelled_waiter_leaves_the_others_waiting),
    cmocka_unit_test(behind_a_shield_it_works_as_ever),
    cmocka_unit_test(what_cannot_wait_is_not_interrupted),
    cmocka_unit_test(who_waited_may_free_it_while_set_still_returns),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
