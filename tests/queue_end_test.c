// SPDX-License-Identifier: MIT
// queue_end_test.c - how a queue ends, how a wait for it ends early, and what is misuse of it.
#include "queue_helpers.h"

// ---- closing ------------------------------------------------------------------------

TEST(a_closed_queue_is_drained_before_it_ends_in_every_order)
{
    const enum weft_order orders[] = {WEFT_FIFO, WEFT_LIFO, WEFT_PRIORITY};
    for (size_t i = 0; i < COUNT(orders); i++) {
        weft_queue *q = weft_queue_new(sizeof(struct ranked), .capacity = 4, .order = orders[i],
                                       .compare = by_rank);
        for (int n = 0; n < 3; n++)
            assert_int_equal(weft_put(q, (&(struct ranked){n, n}), WEFT_POLL), 0);
        weft_queue_close(q);
        weft_queue_close(q);
        struct ranked item = {0, 0};
        assert_int_equal(weft_put(q, &item, WEFT_FOREVER), -EPIPE);
        for (int n = 0; n < 3; n++) {
            assert_int_equal(weft_get(q, &item, n % 2 ? WEFT_POLL : WEFT_FOREVER), 0);
            assert_int_equal(item.rank, orders[i] == WEFT_LIFO ? 2 - n : n);
        }
        item.rank = 55;
        assert_int_equal(weft_get(q, &item, WEFT_FOREVER), -EPIPE);
        assert_int_equal(weft_get(q, &item, WEFT_POLL), -EPIPE);
        assert_int_equal(weft_get(q, &item, long_past), -EPIPE);
        assert_int_equal(item.rank, 55);
        weft_queue_free(&q);
    }
}

TEST(a_put_into_a_closed_full_queue_says_closed_and_not_full)
{
    weft_queue *q = numbers(1);
    fill(q, 1);
    weft_queue_close(q);
    assert_int_equal(put_now(q), -EPIPE);
    assert_int_equal(put_soon(q), -EPIPE);
    assert_int_equal(put_one(q), -EPIPE);
    weft_queue_free(&q);
}

TEST(a_close_wakes_all_getters)
{
    weft_queue *q = numbers(2);
    struct away crowd[5];
    go_all(crowd, COUNT(crowd), get_one, q);
    await_all_asleep(crowd, COUNT(crowd));
    weft_queue_close(q);
    all_back_with(-EPIPE, crowd, COUNT(crowd));
    weft_queue_free(&q);
}

TEST(a_close_wakes_all_putters_and_what_they_had_is_not_in_the_queue)
{
    weft_queue *q = numbers(2);
    struct away crowd[5];
    int item;
    fill(q, 2);
    go_all(crowd, COUNT(crowd), put_one, q);
    await_all_asleep(crowd, COUNT(crowd));
    weft_queue_close(q);
    all_back_with(-EPIPE, crowd, COUNT(crowd));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(weft_get(q, &item, WEFT_POLL), 0);
        assert_int_equal(item, i);
    }
    assert_int_equal(get_now(q), -EPIPE);
    weft_queue_free(&q);
}

TEST(a_close_fails_with_text)
{
    weft_queue *q = numbers(2);
    weft_queue_close(q);
    assert_int_equal(put_now(q), -EPIPE);
    assert_int_equal(weft_error_code(), -EPIPE);
    assert_true(weft_error()[0] != '\0');
    weft_queue_free(&q);
}

// ---- giving up ----------------------------------------------------------------------

static int get_within_two_milliseconds(void *q)
{
    int item;
    return weft_get((weft_queue *)q, &item, weft_after_ms(2));
}

TEST(a_getter_that_gave_up_eats_no_item)
{
    weft_queue *q = numbers(4);
    for (int i = 0; i < 40; i++) {
        struct away hasty, patient;
        bool cancel = i % 2 == 0;
        go(&hasty, IN_TASK, cancel ? get_one : get_within_two_milliseconds, q);
        nap_ms(1);
        go(&patient, IN_THREAD, get_one, q);
        nap_ms(1);
        if (cancel)
            weft_cancel(hasty.task);
        fill(q, 1);
        int rc = back(&hasty);
        if (rc == 0)
            fill(q, 1);
        else
            assert_int_equal(rc, cancel ? -ECANCELED : -ETIMEDOUT);
        assert_int_equal(back(&patient), 0);
        assert_int_equal(weft_queue_length(q), 0);
    }
    weft_queue_free(&q);
}

static int put_within_two_milliseconds(void *q)
{
    return weft_put((weft_queue *)q, &(int){2}, weft_after_ms(2));
}

TEST(a_putter_that_gave_up_keeps_no_room)
{
    weft_queue *q = numbers(1);
    for (int i = 0; i < 40; i++) {
        struct away hasty, patient;
        bool cancel = i % 2 == 0;
        fill(q, 1);
        go(&hasty, IN_TASK, cancel ? put_one : put_within_two_milliseconds, q);
        nap_ms(1);
        go(&patient, IN_THREAD, put_one, q);
        nap_ms(1);
        if (cancel)
            weft_cancel(hasty.task);
        assert_int_equal(get_now(q), 0);
        int rc = back(&hasty);
        if (rc == 0)
            assert_int_equal(get_one(q), 0);
        else
            assert_int_equal(rc, cancel ? -ECANCELED : -ETIMEDOUT);
        assert_int_equal(back(&patient), 0);
        assert_int_equal(get_now(q), 0);
        assert_int_equal(weft_queue_length(q), 0);
    }
    weft_queue_free(&q);
}

TEST(a_cancelled_put_or_get_had_no_effect)
{
    weft_queue *q = numbers(1);
    assert_int_equal(cancel_while_waiting(get_one, q), -ECANCELED);
    fill(q, 1);
    assert_int_equal(cancel_while_waiting(put_one, q), -ECANCELED);
    assert_int_equal(weft_queue_length(q), 1);
    assert_int_equal(get_now(q), 0);
    assert_int_equal(get_now(q), -ETIMEDOUT);
    assert_int_equal(put_now(q), 0);
    weft_queue_free(&q);
}

TEST(the_request_to_stop_comes_before_items_room_deadlines_and_the_end)
{
    weft_queue *q = numbers(2);
    assert_int_equal(cancel_before(put_one, q), -ECANCELED);
    assert_int_equal(cancel_before(put_now, q), -ECANCELED);
    assert_int_equal(weft_queue_length(q), 0);
    assert_int_equal(cancel_before(get_now, q), -ECANCELED);
    fill(q, 1);
    assert_int_equal(cancel_before(get_one, q), -ECANCELED);
    assert_int_equal(weft_queue_length(q), 1);
    weft_queue_close(q);
    assert_int_equal(cancel_before(put_one, q), -ECANCELED);
    assert_int_equal(get_now(q), 0);
    assert_int_equal(cancel_before(get_one, q), -ECANCELED);
    weft_queue_free(&q);
}

static void put_into(void *q)
{
    (void)put_now(q); // what the waiter gets is what is looked at
}

static void take_from(void *q)
{
    (void)get_now(q); // likewise
}

TEST(behind_a_shield_it_works_as_ever)
{
    weft_queue *q = numbers(1);
    assert_int_equal(cancel_before_but_shielded(get_soon, q), -ETIMEDOUT);
    assert_int_equal(cancel_in_vain(get_one, q, put_into), 0);
    assert_int_equal(cancel_before_but_shielded(put_one, q), 0);
    assert_int_equal(cancel_before_but_shielded(put_soon, q), -ETIMEDOUT);
    assert_int_equal(cancel_in_vain(put_one, q, take_from), 0);
    assert_int_equal(cancel_before_but_shielded(get_one, q), 0);
    weft_queue_free(&q);
}

// ---- fibers of one loop: none runs while another does not wait -----------------------------

static bool other_ran;

static int run_beside(const weft_none *none, weft_none *nothing)
{
    (void)none, (void)nothing;
    other_ran = true;
    return 0;
}
WEFT_TASK(run_beside, weft_none, weft_none);

static int put_and_get(weft_queue *const *q, weft_none *none)
{
    (void)none;
    int item = 1;
    weft_future *beside = weft_start(WEFT_FIBERS, run_beside, &(weft_none){0});
    CHECK(weft_put(*q, &item, WEFT_FOREVER) == 0); // there is room
    CHECK(weft_get(*q, &item, WEFT_FOREVER) == 0); // there is one
    CHECK(!other_ran);
    return weft_join(&beside, NULL, 0);
}
WEFT_TASK(put_and_get, weft_queue *, weft_none);

TEST(a_call_that_does_not_wait_lets_no_other_fiber_run)
{
    other_ran = false;
    weft_queue *q = numbers(1);
    weft_future *f = weft_start(WEFT_FIBERS, put_and_get, &q);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_true(other_ran);
    weft_queue_free(&q);
}

// ---- misuse -------------------------------------------------------------------------

static int make_one_without_a_size(void)
{
    return weft_queue_new(0, .capacity = 4) ? 1 : 2;
}

static int make_a_ranking_without_compare(void)
{
    return weft_queue_new(sizeof(int), .order = WEFT_PRIORITY) ? 1 : 2;
}

static int put_another_size(void)
{
    return weft_put(numbers(1), &(char){1}, WEFT_POLL);
}

static int get_another_size(void)
{
    weft_queue *q = numbers(1);
    int64_t large;
    fill(q, 1);
    return weft_get(q, &large, WEFT_POLL);
}

static weft_queue *volatile nothing; // the compiler does not know

static int put_into_nothing(void)
{
    return weft_put(nothing, &(int){1}, WEFT_POLL);
}

static int get_from_nothing(void)
{
    int item;
    return weft_get(nothing, &item, WEFT_POLL);
}

static int close_nothing(void)
{
    weft_queue_close(nothing);
    return 0;
}

static int length_of_nothing(void)
{
    return (int)weft_queue_length(nothing);
}

TEST(a_queue_of_no_size_or_of_ranks_without_compare_aborts)
{
    expect_abort(make_one_without_a_size, "weft_queue_new", "size");
    expect_abort(make_a_ranking_without_compare, "weft_queue_new", "compare");
}

TEST(an_item_of_another_size_aborts_and_both_sizes_are_named)
{
    expect_abort(put_another_size, "weft_put", "of 1 ", "of 4\n");
    expect_abort(get_another_size, "weft_get", "of 8 ", "of 4\n");
}

TEST(a_queue_that_is_none_aborts)
{
    expect_abort(put_into_nothing, "weft_put", "NULL");
    expect_abort(get_from_nothing, "weft_get", "NULL");
    expect_abort(close_nothing, "weft_queue_close", "NULL");
    expect_abort(length_of_nothing, "weft_queue_length", "NULL");
}

static const struct scene scenes[] = {
    SCENE(make_one_without_a_size), SCENE(make_a_ranking_without_compare),
    SCENE(put_another_size),        SCENE(get_another_size),
    SCENE(put_into_nothing),        SCENE(get_from_nothing),
    SCENE(close_nothing),           SCENE(length_of_nothing),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_closed_queue_is_drained_before_it_ends_in_every_order),
    cmocka_unit_test(a_put_into_a_closed_full_queue_says_closed_and_not_full),
    cmocka_unit_test(a_close_wakes_all_getters),
    cmocka_unit_test(a_close_wakes_all_putters_and_what_they_had_is_not_in_the_queue),
    cmocka_unit_test(a_close_fails_with_text),
    cmocka_unit_test(a_getter_that_gave_up_eats_no_item),
    cmocka_unit_test(a_putter_that_gave_up_keeps_no_room),
    cmocka_unit_test(a_cancelled_put_or_get_had_no_effect),
    cmocka_unit_test(the_request_to_stop_comes_before_items_room_deadlines_and_the_end),
    cmocka_unit_test(behind_a_shield_it_works_as_ever),
    cmocka_unit_test(a_call_that_does_not_wait_lets_no_other_fiber_run),
    cmocka_unit_test(a_queue_of_no_size_or_of_ranks_without_compare_aborts),
    cmocka_unit_test(an_item_of_another_size_aborts_and_both_sizes_are_named),
    cmocka_unit_test(a_queue_that_is_none_aborts),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
