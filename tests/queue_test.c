// SPDX-License-Identifier: MIT
// queue_test.c - values between tasks: in their order, none lost, none twice.
#include "queue_helpers.h"

#if UNDER_ASAN || UNDER_TSAN
// Memory that cannot be had is an answer here, and not a fault.
const char *__asan_default_options(void);
const char *__tsan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}
#endif

// ---- order --------------------------------------------------------------------------

TEST(fifo_gives_the_oldest_first_however_often_it_goes_round)
{
    weft_queue *q = numbers(5);
    int next_in = 0, next_out = 0, item;
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i <= round % 5; i++, next_in++)
            assert_int_equal(weft_put(q, &next_in, WEFT_POLL), 0);
        while (weft_get(q, &item, WEFT_POLL) == 0)
            assert_int_equal(item, next_out++);
        assert_int_equal(next_out, next_in);
    }
    weft_queue_free(&q);
    assert_null(q);
}

TEST(lifo_gives_the_newest_first)
{
    weft_queue *q = weft_queue_new(sizeof(int), .capacity = 8, .order = WEFT_LIFO);
    int item;
    for (int round = 0; round < 3; round++) {
        fill(q, 8);
        for (int i = 7; i >= 4; i--) {
            assert_int_equal(weft_get(q, &item, WEFT_POLL), 0);
            assert_int_equal(item, i);
        }
        assert_int_equal(weft_put(q, &(int){100}, WEFT_POLL), 0);
        assert_int_equal(weft_get(q, &item, WEFT_POLL), 0);
        assert_int_equal(item, 100);
        for (int i = 3; i >= 0; i--) {
            assert_int_equal(weft_get(q, &item, WEFT_POLL), 0);
            assert_int_equal(item, i);
        }
    }
    weft_queue_free(&q);
}

static weft_queue *ranking(size_t capacity)
{
    weft_queue *q = weft_queue_new(sizeof(struct ranked), .capacity = capacity,
                                   .order = WEFT_PRIORITY, .compare = by_rank);
    assert_non_null(q);
    return q;
}

TEST(priority_gives_the_least_first_and_of_equal_ones_the_oldest)
{
    weft_queue *q = ranking(300);
    unsigned seed = 1;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 300; i++) {
            seed = seed * 1103515245u + 12345u;
            struct ranked in = {(int)(seed >> 16) % 10 - 5, i};
            assert_int_equal(weft_put(q, &in, WEFT_POLL), 0);
        }
        struct ranked last = {-100, -1}, out;
        for (int i = 0; i < 300; i++) {
            assert_int_equal(weft_get(q, &out, WEFT_POLL), 0);
            assert_true(last.rank < out.rank ||
                        (last.rank == out.rank && last.serial < out.serial));
            last = out;
        }
    }
    weft_queue_free(&q);
}

TEST(priority_keeps_ties_in_order_while_items_come_and_go)
{
    weft_queue *q = ranking(16);
    int in = 0, out = 0;
    struct ranked item;
    for (int i = 0; i < 200; i++) { // all of one rank: then it is a FIFO
        item = (struct ranked){7, in};
        if (weft_put(q, &item, WEFT_POLL) == 0)
            in++;
        if (i % 3 != 0 && weft_get(q, &item, WEFT_POLL) == 0)
            assert_int_equal(item.serial, out++);
    }
    while (weft_get(q, &item, WEFT_POLL) == 0)
        assert_int_equal(item.serial, out++);
    assert_int_equal(in, out);
    weft_queue_free(&q);
}

// ---- what goes in comes out ---------------------------------------------------------

struct odd {
    unsigned char bytes[13];
};

TEST(items_of_any_size_are_copied_whole_and_no_further)
{
    weft_queue *q = weft_queue_new(sizeof(struct odd), .capacity = 3);
    for (int round = 0; round < 10; round++) {
        struct odd in;
        struct {
            unsigned char before;
            struct odd item;
            unsigned char after;
        } out = {.before = 0xaa, .after = 0xbb};
        memset(&in, round + 1, sizeof in);
        assert_int_equal(weft_put(q, &in, WEFT_POLL), 0);
        memset(&in, 0, sizeof in); // ours again
        assert_int_equal(weft_get(q, &out.item, WEFT_POLL), 0);
        for (size_t i = 0; i < sizeof out.item.bytes; i++)
            assert_int_equal(out.item.bytes[i], round + 1);
        assert_int_equal(out.before, 0xaa);
        assert_int_equal(out.after, 0xbb);
    }
    weft_queue_free(&q);
}

struct large {
    int words[1000];
};

TEST(large_items_are_items)
{
    weft_queue *q = weft_queue_new(sizeof(struct large), .capacity = 2);
    struct large in, out;
    for (int i = 0; i < 1000; i++)
        in.words[i] = i;
    assert_int_equal(weft_put(q, &in, WEFT_POLL), 0);
    assert_int_equal(weft_get(q, &out, WEFT_POLL), 0);
    assert_memory_equal(&in, &out, sizeof in);
    weft_queue_free(&q);
}

TEST(the_length_is_what_is_in_it)
{
    weft_queue *q = numbers(4);
    int item;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(weft_queue_length(q), i);
        assert_int_equal(weft_put(q, &(int){0}, WEFT_POLL), 0);
    }
    assert_int_equal(weft_put(q, &(int){0}, WEFT_POLL), -ETIMEDOUT);
    assert_int_equal(weft_queue_length(q), 4);
    weft_queue_close(q);
    for (size_t i = 4; i > 0; i--) {
        assert_int_equal(weft_queue_length(q), i);
        assert_int_equal(weft_get(q, &item, WEFT_POLL), 0);
    }
    assert_int_equal(weft_queue_length(q), 0);
    weft_queue_free(&q);
}

TEST(as_many_fit_as_the_capacity_says_and_1024_if_it_says_nothing)
{
    const size_t capacities[] = {1, 2, 3, 7, 64, 0};
    for (size_t i = 0; i < COUNT(capacities); i++) {
        weft_queue *q = numbers(capacities[i]);
        size_t fits = 0;
        while (weft_put(q, &(int){5}, WEFT_POLL) == 0)
            fits++;
        assert_int_equal(fits, capacities[i] ? capacities[i] : 1024);
        weft_queue_free(&q); // what is in it is dropped
    }
}

TEST(memory_that_cannot_be_had_is_an_error_with_text)
{
    const size_t capacities[] = {SIZE_MAX, SIZE_MAX / 8, SIZE_MAX / 8 + 2, SIZE_MAX / 64};
    for (size_t i = 0; i < COUNT(capacities); i++) {
        weft_queue *q = weft_queue_new(8, .capacity = capacities[i]);
        assert_null(q);
        assert_int_equal(weft_error_code(), -ENOMEM);
        assert_true(weft_error()[0] != '\0');
        q = weft_queue_new(8, .capacity = capacities[i], .order = WEFT_PRIORITY,
                           .compare = by_rank);
        assert_null(q);
    }
    weft_queue *q = weft_queue_new(SIZE_MAX - 8, .capacity = 1);
    assert_null(q);
    assert_int_equal(weft_error_code(), -ENOMEM);
}

TEST(freeing_nothing_is_harmless)
{
    weft_queue *q = NULL;
    weft_queue_free(&q);
    assert_null(q);
}

// ---- waiting ------------------------------------------------------------------------

TEST(what_need_not_wait_is_done_whatever_the_deadline)
{
    const weft_time deadlines[] = {WEFT_FOREVER, WEFT_POLL, long_past, {-5}, soon()};
    weft_queue *q = numbers(1);
    for (int i = 0; i < (int)COUNT(deadlines); i++) {
        int item = -1;
        assert_int_equal(weft_put(q, &i, deadlines[i]), 0);
        assert_int_equal(weft_get(q, &item, deadlines[i]), 0);
        assert_int_equal(item, i);
    }
    weft_queue_free(&q);
}

TEST(what_must_wait_times_out_not_before_the_deadline_and_changes_nothing)
{
    const weft_time deadlines[] = {WEFT_POLL, long_past, {-5}, soon(), weft_after_ms(30)};
    weft_queue *full = numbers(1), *empty = numbers(1);
    fill(full, 1);
    for (size_t i = 0; i < COUNT(deadlines); i++) {
        int item = 77;
        assert_int_equal(weft_get(empty, &item, deadlines[i]), -ETIMEDOUT);
        assert_int_equal(item, 77);
        assert_int_equal(weft_put(full, &(int){9}, deadlines[i]), -ETIMEDOUT);
        assert_true(weft_now().ns >= deadlines[i].ns);
    }
    assert_int_equal(weft_queue_length(full), 1);
    assert_int_equal(weft_queue_length(empty), 0);
    int item;
    assert_int_equal(weft_get(full, &item, WEFT_POLL), 0);
    assert_int_equal(item, 0);
    weft_queue_free(&full);
    weft_queue_free(&empty);
}

TEST(getters_wait_for_items_one_each)
{
    weft_queue *q = numbers(8);
    struct away crowd[5];
    go_all(crowd, COUNT(crowd), get_one, q);
    await_all_asleep(crowd, COUNT(crowd));
    fill(q, 3);
    assert_true(eventually(how_many_ended(crowd, COUNT(crowd)) == 3));
    nap_ms(10);
    assert_int_equal(how_many_ended(crowd, COUNT(crowd)), 3);
    fill(q, 2);
    all_back_with(0, crowd, COUNT(crowd));
    assert_int_equal(weft_queue_length(q), 0);
    weft_queue_free(&q);
}

TEST(putters_wait_for_room_one_each)
{
    weft_queue *q = numbers(2);
    struct away crowd[5];
    fill(q, 2);
    go_all(crowd, COUNT(crowd), put_one, q);
    await_all_asleep(crowd, COUNT(crowd));
    for (int i = 0; i < 3; i++)
        assert_int_equal(get_one(q), 0); // the third waits for a putter
    assert_true(eventually(how_many_ended(crowd, COUNT(crowd)) == 3));
    nap_ms(10);
    assert_int_equal(how_many_ended(crowd, COUNT(crowd)), 3);
    assert_int_equal(weft_queue_length(q), 2);
    assert_int_equal(get_now(q), 0);
    assert_int_equal(get_now(q), 0);
    all_back_with(0, crowd, COUNT(crowd));
    assert_int_equal(weft_queue_length(q), 2);
    weft_queue_free(&q);
}

// ---- many to many -------------------------------------------------------------------

enum { MAKERS = 4, EACH = 600 };

struct traffic {
    weft_queue *q;
    atomic_int next_maker;
    atomic_int seen[MAKERS * EACH];
    atomic_int too_long;
    size_t capacity;
    bool ordered;
};

static int make_all(void *arg)
{
    struct traffic *t = arg;
    int me = atomic_fetch_add(&t->next_maker, 1);
    for (int i = 0; i < EACH;) {
        struct ranked item = {me, i};
        weft_time patience = i % 5 ? WEFT_FOREVER : weft_after_ns(20 * 1000);
        int rc = weft_put(t->q, &item, patience);
        CHECK(rc == 0 || rc == -ETIMEDOUT);
        i += rc == 0;
    }
    return 0;
}

static int take_all(void *arg)
{
    struct traffic *t = arg;
    int last[MAKERS] = {-1, -1, -1, -1}, rc;
    struct ranked item;
    for (int i = 0;; i++) {
        weft_time patience = i % 5 ? WEFT_FOREVER : weft_after_ns(20 * 1000);
        rc = weft_get(t->q, &item, patience);
        if (rc == -ETIMEDOUT)
            continue;
        if (rc < 0)
            break;
        if (weft_queue_length(t->q) > t->capacity)
            atomic_fetch_add(&t->too_long, 1);
        CHECK(!t->ordered || last[item.rank] < item.serial);
        last[item.rank] = item.serial;
        atomic_fetch_add(&t->seen[item.rank * EACH + item.serial], 1);
    }
    CHECK(rc == -EPIPE);
    return 0;
}

static void run_traffic(struct weft_queue_options options)
{
    static struct traffic t;
    struct away makers[MAKERS], takers[3];
    t = (struct traffic){.q = weft_queue_new_(options),
                         .capacity = options.capacity,
                         .ordered = options.order == WEFT_FIFO};
    assert_non_null(t.q);
    go_all(takers, COUNT(takers), take_all, &t);
    go_all(makers, COUNT(makers), make_all, &t);
    all_back_with(0, makers, COUNT(makers));
    weft_queue_close(t.q);
    all_back_with(0, takers, COUNT(takers));
    for (size_t i = 0; i < COUNT(t.seen); i++)
        assert_int_equal(t.seen[i], 1);
    assert_int_equal(t.too_long, 0);
    weft_queue_free(&t.q);
}

TEST(many_to_many_loses_nothing_and_each_getter_sees_each_putter_in_order)
{
    const size_t size = sizeof(struct ranked);
    run_traffic((struct weft_queue_options){.item_size = size, .capacity = 1});
    run_traffic((struct weft_queue_options){.item_size = size, .capacity = 7});
    run_traffic((struct weft_queue_options){.item_size = size, .capacity = 1000});
}

TEST(many_to_many_loses_nothing_in_any_order)
{
    const size_t size = sizeof(struct ranked);
    run_traffic((struct weft_queue_options){.item_size = size, .capacity = 5, .order = WEFT_LIFO});
    run_traffic((struct weft_queue_options){
        .item_size = size, .capacity = 5, .order = WEFT_PRIORITY, .compare = by_rank});
}

static const struct scene scenes[] = {{NULL, NULL}}; // misuse: queue_end_test.c

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(fifo_gives_the_oldest_first_however_often_it_goes_round),
    cmocka_unit_test(lifo_gives_the_newest_first),
    cmocka_unit_test(priority_gives_the_least_first_and_of_equal_ones_the_oldest),
    cmocka_unit_test(priority_keeps_ties_in_order_while_items_come_and_go),
    cmocka_unit_test(items_of_any_size_are_copied_whole_and_no_further),
    cmocka_unit_test(large_items_are_items),
    cmocka_unit_test(the_length_is_what_is_in_it),
    cmocka_unit_test(as_many_fit_as_the_capacity_says_and_1024_if_it_says_nothing),
    cmocka_unit_test(memory_that_cannot_be_had_is_an_error_with_text),
    cmocka_unit_test(freeing_nothing_is_harmless),
    cmocka_unit_test(what_need_not_wait_is_done_whatever_the_deadline),
    cmocka_unit_test(what_must_wait_times_out_not_before_the_deadline_and_changes_nothing),
    cmocka_unit_test(getters_wait_for_items_one_each),
    cmocka_unit_test(putters_wait_for_room_one_each),
    cmocka_unit_test(many_to_many_loses_nothing_and_each_getter_sees_each_putter_in_order),
    cmocka_unit_test(many_to_many_loses_nothing_in_any_order),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
