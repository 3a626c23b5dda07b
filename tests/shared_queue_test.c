// SPDX-License-Identifier: MIT
// shared_queue_test.c - the queue in shared memory, between the tasks of one process.
#include "shared_helpers.h"

static weft_shared_queue *numbers(size_t capacity)
{
    weft_shared_queue *q = weft_shared_queue_new(sizeof(int), capacity);
    assert_non_null(q);
    return q;
}

static void fill(weft_shared_queue *q, int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(weft_shared_put(q, &i, WEFT_POLL), 0);
}

static int put_one(void *q)
{
    return weft_shared_put((weft_shared_queue *)q, &(int){1}, WEFT_FOREVER);
}

static int get_one(void *q)
{
    int item = -1;
    int rc = weft_shared_get((weft_shared_queue *)q, &item, WEFT_FOREVER);
    CHECK((rc == 0) == (item != -1));
    return rc;
}

static int get_now(weft_shared_queue *q)
{
    int item = -1;
    return weft_shared_get(q, &item, WEFT_POLL);
}

// ---- what goes in comes out ---------------------------------------------------------

TEST(the_oldest_comes_first_however_often_it_goes_round)
{
    weft_shared_queue *q = numbers(5);
    int next_in = 0, next_out = 0, item;
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i <= round % 5; i++, next_in++)
            assert_int_equal(weft_shared_put(q, &next_in, WEFT_POLL), 0);
        while (weft_shared_get(q, &item, WEFT_POLL) == 0)
            assert_int_equal(item, next_out++);
        assert_int_equal(next_out, next_in);
    }
    weft_shared_queue_free(&q);
    assert_null(q);
}

struct odd {
    unsigned char bytes[13];
};

TEST(items_of_any_size_are_copied_whole_and_no_further)
{
    weft_shared_queue *q = weft_shared_queue_new(sizeof(struct odd), 3);
    for (int round = 0; round < 10; round++) {
        struct odd in;
        struct {
            unsigned char before;
            struct odd item;
            unsigned char after;
        } out = {.before = 0xaa, .after = 0xbb};
        memset(&in, round + 1, sizeof in);
        assert_int_equal(weft_shared_put(q, &in, WEFT_POLL), 0);
        memset(&in, 0, sizeof in); // ours again
        assert_int_equal(weft_shared_get(q, &out.item, WEFT_POLL), 0);
        for (size_t i = 0; i < sizeof out.item.bytes; i++)
            assert_int_equal(out.item.bytes[i], round + 1);
        assert_int_equal(out.before, 0xaa);
        assert_int_equal(out.after, 0xbb);
    }
    weft_shared_queue_free(&q);
}

struct large {
    int words[10000];
};

TEST(large_items_are_items)
{
    static struct large in, out;
    weft_shared_queue *q = weft_shared_queue_new(sizeof(struct large), 3);
    for (int round = 0; round < 7; round++) {
        for (int i = 0; i < (int)COUNT(in.words); i++)
            in.words[i] = i * round;
        assert_int_equal(weft_shared_put(q, &in, WEFT_POLL), 0);
        assert_int_equal(weft_shared_get(q, &out, WEFT_POLL), 0);
        assert_memory_equal(&in, &out, sizeof in);
    }
    weft_shared_queue_free(&q);
}

TEST(the_length_is_what_is_in_it)
{
    weft_shared_queue *q = numbers(4);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(weft_shared_queue_length(q), i);
            assert_int_equal(put_one(q), 0);
        }
        assert_int_equal(weft_shared_queue_length(q), 4);
        assert_int_equal(weft_shared_put(q, &(int){0}, WEFT_POLL), -ETIMEDOUT);
        for (size_t i = 4; i > 0; i--) {
            assert_int_equal(weft_shared_queue_length(q), i);
            assert_int_equal(get_now(q), 0);
        }
    }
    weft_shared_queue_free(&q);
}

TEST(as_many_fit_as_the_capacity_says_and_1024_if_it_says_nothing)
{
    const size_t capacities[] = {1, 2, 3, 5, 7, 64, 1000, 0};
    for (size_t i = 0; i < COUNT(capacities); i++) {
        weft_shared_queue *q = numbers(capacities[i]);
        size_t expected = capacities[i] ? capacities[i] : 1024;
        for (int round = 0; round < 3; round++) {
            size_t fits = 0, drained = 0;
            while (weft_shared_put(q, &(int){5}, WEFT_POLL) == 0)
                fits++;
            assert_int_equal(fits, expected);
            while (round < 2 && get_now(q) == 0) // what is in it at last is dropped
                drained++;
            assert_int_equal(drained, round < 2 ? expected : 0);
        }
        weft_shared_queue_free(&q);
    }
}

TEST(a_queue_that_is_too_large_is_an_error_with_text)
{
    const size_t sizes[][2] = {{8, SIZE_MAX},       {8, SIZE_MAX / 8},     {8, SIZE_MAX / 8 + 2},
                               {SIZE_MAX - 8, 1},   {SIZE_MAX / 2 + 1, 2}, {(size_t)1 << 50, 1},
                               {SIZE_MAX, SIZE_MAX}};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        (void)weft_fail(-EIO, "something else");
        weft_shared_queue *q = weft_shared_queue_new(sizes[i][0], sizes[i][1]);
        assert_null(q);
        assert_int_equal(weft_error_code(), -ENOMEM);
        assert_string_not_equal(weft_error(), "something else");
    }
}

// ---- waiting ------------------------------------------------------------------------

TEST(what_need_not_wait_is_done_whatever_the_deadline)
{
    const weft_time deadlines[] = {WEFT_FOREVER, WEFT_POLL, long_past, {-5}, soon()};
    weft_shared_queue *q = numbers(1);
    for (int i = 0; i < (int)COUNT(deadlines); i++) {
        int item = -1;
        assert_int_equal(weft_shared_put(q, &i, deadlines[i]), 0);
        assert_int_equal(weft_shared_get(q, &item, deadlines[i]), 0);
        assert_int_equal(item, i);
    }
    weft_shared_queue_free(&q);
}

TEST(getters_wait_for_items_one_each)
{
    weft_shared_queue *q = numbers(8);
    struct away crowd[6];
    go_all(crowd, COUNT(crowd), get_one, q);
    await_all_asleep(crowd, COUNT(crowd));
    fill(q, 4);
    assert_true(eventually(how_many_ended(crowd, COUNT(crowd)) == 4));
    nap_ms(10);
    assert_int_equal(how_many_ended(crowd, COUNT(crowd)), 4);
    fill(q, 2);
    all_back_with(0, crowd, COUNT(crowd));
    assert_int_equal(weft_shared_queue_length(q), 0);
    weft_shared_queue_free(&q);
}

TEST(putters_wait_for_room_one_each)
{
    weft_shared_queue *q = numbers(2);
    struct away crowd[6];
    fill(q, 2);
    go_all(crowd, COUNT(crowd), put_one, q);
    await_all_asleep(crowd, COUNT(crowd));
    for (int i = 0; i < 4; i++)
        assert_int_equal(get_one(q), 0); // the third waits for a putter
    assert_true(eventually(how_many_ended(crowd, COUNT(crowd)) == 4));
    nap_ms(10);
    assert_int_equal(how_many_ended(crowd, COUNT(crowd)), 4);
    assert_int_equal(get_one(q), 0);
    assert_int_equal(get_one(q), 0);
    all_back_with(0, crowd, COUNT(crowd));
    assert_int_equal(weft_shared_queue_length(q), 2);
    weft_shared_queue_free(&q);
}

// ---- closing ------------------------------------------------------------------------

TEST(a_closed_queue_is_drained_before_it_ends)
{
    weft_shared_queue *q = numbers(4);
    int item;
    fill(q, 3);
    weft_shared_queue_close(q);
    weft_shared_queue_close(q);
    assert_int_equal(put_one(q), -EPIPE);
    assert_int_equal(weft_error_code(), -EPIPE);
    assert_string_not_equal(weft_error(), "");
    for (int n = 0; n < 3; n++) {
        assert_int_equal(weft_shared_get(q, &item, n % 2 ? WEFT_POLL : WEFT_FOREVER), 0);
        assert_int_equal(item, n);
    }
    item = 55;
    assert_int_equal(weft_shared_get(q, &item, WEFT_FOREVER), -EPIPE);
    assert_int_equal(weft_shared_get(q, &item, WEFT_POLL), -EPIPE);
    assert_int_equal(weft_shared_get(q, &item, long_past), -EPIPE);
    assert_int_equal(item, 55);
    weft_shared_queue_free(&q);
}

TEST(a_put_into_a_closed_full_queue_says_closed_and_not_full)
{
    const weft_time deadlines[] = {WEFT_FOREVER, WEFT_POLL, long_past, soon()};
    weft_shared_queue *q = numbers(1);
    fill(q, 1);
    weft_shared_queue_close(q);
    for (size_t i = 0; i < COUNT(deadlines); i++)
        assert_int_equal(weft_shared_put(q, &(int){1}, deadlines[i]), -EPIPE);
    weft_shared_queue_free(&q);
}

TEST(a_close_wakes_all_getters)
{
    weft_shared_queue *q = numbers(2);
    struct away crowd[6];
    go_all(crowd, COUNT(crowd), get_one, q);
    await_all_asleep(crowd, COUNT(crowd));
    weft_shared_queue_close(q);
    all_back_with(-EPIPE, crowd, COUNT(crowd));
    weft_shared_queue_free(&q);
}

TEST(a_close_wakes_all_putters_and_what_they_had_is_not_in_the_queue)
{
    weft_shared_queue *q = numbers(2);
    struct away crowd[6];
    int item;
    fill(q, 2);
    go_all(crowd, COUNT(crowd), put_one, q);
    await_all_asleep(crowd, COUNT(crowd));
    weft_shared_queue_close(q);
    all_back_with(-EPIPE, crowd, COUNT(crowd));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(weft_shared_get(q, &item, WEFT_POLL), 0);
        assert_int_equal(item, i);
    }
    assert_int_equal(get_now(q), -EPIPE);
    weft_shared_queue_free(&q);
}

// ---- giving up ----------------------------------------------------------------------

static int get_within_two_milliseconds(void *q)
{
    int item;
    return weft_shared_get((weft_shared_queue *)q, &item, weft_after_ms(2));
}

// One who gave up eats no item, and no wake-up that was meant for another.
TEST(a_getter_that_gave_up_eats_no_item)
{
    weft_shared_queue *q = numbers(4);
    for (int i = 0; i < 40; i++) {
        struct away hasty, patient;
        bool cancel = i % 2 == 0;
        go(&hasty, IN_TASK, cancel ? get_one : get_within_two_milliseconds, q);
        go(&patient, i % 4 < 2 ? IN_THREAD : IN_TASK, get_one, q);
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
        assert_int_equal(weft_shared_queue_length(q), 0);
    }
    weft_shared_queue_free(&q);
}

static int put_within_two_milliseconds(void *q)
{
    return weft_shared_put((weft_shared_queue *)q, &(int){2}, weft_after_ms(2));
}

TEST(a_putter_that_gave_up_keeps_no_room)
{
    weft_shared_queue *q = numbers(1);
    for (int i = 0; i < 40; i++) {
        struct away hasty, patient;
        bool cancel = i % 2 == 0;
        fill(q, 1);
        go(&hasty, IN_TASK, cancel ? put_one : put_within_two_milliseconds, q);
        go(&patient, i % 4 < 2 ? IN_THREAD : IN_TASK, put_one, q);
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
        assert_int_equal(weft_shared_queue_length(q), 0);
    }
    weft_shared_queue_free(&q);
}

// ---- many to many -------------------------------------------------------------------

enum { MAKERS = 4, EACH = 600 };

struct item {
    int maker, serial;
};

struct traffic {
    weft_shared_queue *q;
    atomic_int next_maker, too_long;
    atomic_int seen[MAKERS * EACH];
    size_t capacity;
};

static int make_all(void *arg)
{
    struct traffic *t = arg;
    int me = atomic_fetch_add(&t->next_maker, 1);
    for (int i = 0; i < EACH;) {
        struct item item = {me, i};
        weft_time patience = i % 5 ? WEFT_FOREVER : weft_after_ns(20 * 1000);
        int rc = weft_shared_put(t->q, &item, patience);
        CHECK(rc == 0 || rc == -ETIMEDOUT);
        i += rc == 0;
    }
    return 0;
}

static int take_all(void *arg)
{
    struct traffic *t = arg;
    int last[MAKERS] = {-1, -1, -1, -1}, rc;
    struct item item;
    for (int i = 0;; i++) {
        weft_time patience = i % 5 ? WEFT_FOREVER : weft_after_ns(20 * 1000);
        rc = weft_shared_get(t->q, &item, patience);
        if (rc == -ETIMEDOUT)
            continue;
        if (rc < 0)
            break;
        if (weft_shared_queue_length(t->q) > t->capacity)
            atomic_fetch_add(&t->too_long, 1);
        CHECK(last[item.maker] < item.serial);
        last[item.maker] = item.serial;
        atomic_fetch_add(&t->seen[item.maker * EACH + item.serial], 1);
    }
    CHECK(rc == -EPIPE);
    return 0;
}

TEST(many_to_many_loses_nothing_and_each_getter_sees_each_putter_in_order)
{
    const size_t capacities[] = {1, 2, 7, 1000};
    static struct traffic t;
    for (size_t i = 0; i < COUNT(capacities); i++) {
        struct away makers[MAKERS], takers[3];
        t = (struct traffic){.q = weft_shared_queue_new(sizeof(struct item), capacities[i]),
                             .capacity = capacities[i]};
        assert_non_null(t.q);
        go_all(takers, COUNT(takers), take_all, &t);
        go_all(makers, COUNT(makers), make_all, &t);
        all_back_with(0, makers, COUNT(makers));
        weft_shared_queue_close(t.q);
        all_back_with(0, takers, COUNT(takers));
        for (size_t n = 0; n < COUNT(t.seen); n++)
            assert_int_equal(t.seen[n], 1);
        assert_int_equal(t.too_long, 0);
        weft_shared_queue_free(&t.q);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_oldest_comes_first_however_often_it_goes_round),
    cmocka_unit_test(items_of_any_size_are_copied_whole_and_no_further),
    cmocka_unit_test(large_items_are_items),
    cmocka_unit_test(the_length_is_what_is_in_it),
    cmocka_unit_test(as_many_fit_as_the_capacity_says_and_1024_if_it_says_nothing),
    cmocka_unit_test(a_queue_that_is_too_large_is_an_error_with_text),
    cmocka_unit_test(what_need_not_wait_is_done_whatever_the_deadline),
    cmocka_unit_test(getters_wait_for_items_one_each),
    cmocka_unit_test(putters_wait_for_room_one_each),
    cmocka_unit_test(a_closed_queue_is_drained_before_it_ends),
    cmocka_unit_test(a_put_into_a_closed_full_queue_says_closed_and_not_full),
    cmocka_unit_test(a_close_wakes_all_getters),
    cmocka_unit_test(a_close_wakes_all_putters_and_what_they_had_is_not_in_the_queue),
    cmocka_unit_test(a_getter_that_gave_up_eats_no_item),
    cmocka_unit_test(a_putter_that_gave_up_keeps_no_room),
    cmocka_unit_test(many_to_many_loses_nothing_and_each_getter_sees_each_putter_in_order),
};

TEST_MAIN(tests)
