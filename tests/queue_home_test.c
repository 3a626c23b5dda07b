// SPDX-License-Identifier: MIT
// queue_home_test.c - a queue that the fibers of one loop have had for themselves, until others
// come: threads, fibers of another loop, the child of a fork. core/home.h says what is at stake;
// the explorer goes through the orders, and this runs on the machine's own memory.
#include "queue_helpers.h"

#include <sys/wait.h>

enum { ITEMS = 3000, MORE = 200, ROUNDS = 60 };

// What is put is counted, and what is got: each item once.
struct trade {
    weft_queue *queue;
    long put, got; // sums, of those who are named below
};

static int produce(struct trade *const *trade, long *sum)
{
    for (int i = 1; i <= ITEMS; i++) {
        CHECK(weft_put((*trade)->queue, &i, WEFT_FOREVER) == 0);
        *sum += i;
    }
    return 0;
}
WEFT_TASK(produce, struct trade *, long);

static int consume(struct trade *const *trade, long *sum)
{
    int item, rc;
    while ((rc = weft_get((*trade)->queue, &item, WEFT_FOREVER)) == 0)
        *sum += item;
    CHECK(rc == -EPIPE);
    return 0;
}
WEFT_TASK(consume, struct trade *, long);

// All that it starts are on its loop.
static int trade_on_one_loop(struct trade *const *trade, weft_none *none)
{
    weft_future *producers[2], *consumers[2];
    long sum;
    (void)none;
    for (int i = 0; i < 2; i++) {
        producers[i] = weft_start(WEFT_FIBERS, produce, trade);
        consumers[i] = weft_start(WEFT_FIBERS, consume, trade);
        CHECK(producers[i] && consumers[i]);
    }
    for (int i = 0; i < 2; i++) {
        CHECK(weft_join_as(&producers[i], produce, &sum) == 0);
        (*trade)->put += sum;
    }
    weft_queue_close((*trade)->queue);
    for (int i = 0; i < 2; i++) {
        CHECK(weft_join_as(&consumers[i], consume, &sum) == 0);
        (*trade)->got += sum;
    }
    return 0;
}
WEFT_TASK(trade_on_one_loop, struct trade *, weft_none);

// Somebody else comes at some moment, and takes part until the end.
static void trade_with(long (*come)(weft_queue *q, long *put), size_t capacity, int round)
{
    struct trade trade = {.queue = numbers(capacity)}, *its = &trade;
    weft_future *f = weft_start(WEFT_FIBERS, trade_on_one_loop, &its);
    assert_non_null(f);
    for (volatile int i = 0; i < round * 2000; i++)
        continue;
    long put = 0, got = come(trade.queue, &put);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_int_equal(trade.put + put, trade.got + got);
    weft_queue_free(&trade.queue);
}

static void trade_often_with(long (*come)(weft_queue *q, long *put))
{
    for (int round = 0; round < ROUNDS; round++)
        trade_with(come, (size_t)(round % 8 == 7 ? 500 : round % 8 + 1), round);
}

static long get_until_closed(weft_queue *q, long *put)
{
    long sum = 0;
    int item, rc;
    (void)put;
    while ((rc = weft_get(q, &item, WEFT_FOREVER)) == 0)
        sum += item;
    assert_int_equal(rc, -EPIPE);
    return sum;
}

TEST(a_thread_that_gets_comes)
{
    trade_often_with(get_until_closed);
}

static long look_until_closed(weft_queue *q, long *put)
{
    long sum = 0;
    int item, rc;
    (void)put;
    while ((rc = weft_get(q, &item, WEFT_POLL)) != -EPIPE)
        if (rc == 0)
            sum += item;
    return sum;
}

TEST(a_thread_that_only_looks_comes)
{
    trade_often_with(look_until_closed);
}

static long put_some(weft_queue *q, long *put)
{
    for (int i = 0, item = 1000000; i < MORE; i++, item++) {
        int rc = weft_put(q, &item, WEFT_FOREVER);
        if (rc == -EPIPE)
            break;
        assert_int_equal(rc, 0);
        *put += item;
    }
    return 0;
}

TEST(a_thread_that_puts_comes)
{
    trade_often_with(put_some);
}

static long ask_for_the_length(weft_queue *q, long *put)
{
    (void)put;
    for (int i = 0; i < MORE; i++)
        assert_in_range(weft_queue_length(q), 0, 500);
    return 0;
}

TEST(a_thread_that_asks_for_the_length_moves_nobody)
{
    trade_often_with(ask_for_the_length);
}

// A loop of its own: who is started from a plain thread gets the next one.
static long two_from_another_loop(weft_queue *q, long *put)
{
    struct trade trade = {.queue = q}, *its = &trade;
    weft_future *f = weft_start(WEFT_FIBERS, consume, &its);
    assert_non_null(f);
    long got = 0;
    (void)put;
    assert_int_equal(weft_join_as(&f, consume, &got), 0);
    return got;
}

TEST(a_fiber_of_another_loop_comes)
{
    trade_often_with(two_from_another_loop);
}

static void ends_well_and_empty(weft_future *f, weft_queue *q)
{
    assert_non_null(f);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_int_equal(weft_queue_length(q), 0);
    weft_queue_free(&q);
}

// ---- waits that end by themselves -----------------------------------------------------------

static int go_round(weft_queue *const *queue, weft_none *none)
{
    int item;
    (void)none;
    for (int i = 0; i < 1000; i++)
        CHECK(weft_put(*queue, &i, WEFT_FOREVER) == 0 &&
              weft_get(*queue, &item, WEFT_FOREVER) == 0 && item == i);
    return 0;
}
WEFT_TASK(go_round, weft_queue *, weft_none);

static int give_up(weft_queue *const *queue, weft_none *none)
{
    int item = 1;
    for (int i = 0; i < 3; i++) { // it has the queue for itself again in between
        CHECK(go_round(queue, none) == 0);
        CHECK(weft_get(*queue, &item, weft_after_ms(1)) == -ETIMEDOUT);
        CHECK(weft_get(*queue, &item, WEFT_POLL) == -ETIMEDOUT);
        CHECK(weft_put(*queue, &item, WEFT_POLL) == 0);
        CHECK(weft_put(*queue, &item, weft_after_ms(1)) == -ETIMEDOUT);
        CHECK(weft_put(*queue, &item, WEFT_POLL) == -ETIMEDOUT);
        CHECK(weft_get(*queue, &item, WEFT_POLL) == 0);
    }
    return 0;
}
WEFT_TASK(give_up, weft_queue *, weft_none);

TEST(a_wait_may_time_out)
{
    weft_queue *q = numbers(1);
    ends_well_and_empty(weft_start(WEFT_FIBERS, give_up, &q), q);
}

static int wait_for_ever(weft_queue *const *queue, weft_none *none)
{
    int item;
    (void)none;
    return weft_get(*queue, &item, WEFT_FOREVER);
}
WEFT_TASK(wait_for_ever, weft_queue *, weft_none);

// Of two that wait one is cancelled, and the other gets the item.
static int cancel_one(weft_queue *const *queue, weft_none *none)
{
    CHECK(go_round(queue, none) == 0);
    weft_future *one = weft_start(WEFT_FIBERS, wait_for_ever, queue);
    weft_future *other = weft_start(WEFT_FIBERS, wait_for_ever, queue);
    CHECK(one && other);
    weft_sleep(weft_after_ms(2));
    weft_cancel(one);
    CHECK(weft_join(&one, NULL, 0) == -ECANCELED);
    CHECK(weft_put(*queue, &(int){1}, WEFT_POLL) == 0);
    CHECK(weft_join(&other, NULL, 0) == 0);
    return 0;
}
WEFT_TASK(cancel_one, weft_queue *, weft_none);

TEST(a_wait_may_be_cancelled)
{
    weft_queue *q = numbers(1);
    ends_well_and_empty(weft_start(WEFT_FIBERS, cancel_one, &q), q);
}

// ---- looking again and again lets others run ------------------------------------------------

static int put_it(weft_queue *const *queue, weft_none *none)
{
    (void)none;
    return weft_put(*queue, &(int){1}, WEFT_FOREVER);
}
WEFT_TASK(put_it, weft_queue *, weft_none);

static int look_until_there_is_one(weft_queue *const *queue, weft_none *none)
{
    int item, looks = 0;
    CHECK(go_round(queue, none) == 0);
    weft_future *other = weft_start(WEFT_FIBERS, put_it, queue);
    CHECK(other);
    while (weft_get(*queue, &item, WEFT_POLL) == -ETIMEDOUT)
        CHECK(++looks < 100);
    return weft_join(&other, NULL, 0);
}
WEFT_TASK(look_until_there_is_one, weft_queue *, weft_none);

TEST(who_only_looks_again_and_again_lets_others_run)
{
    weft_queue *q = numbers(1);
    ends_well_and_empty(weft_start(WEFT_FIBERS, look_until_there_is_one, &q), q);
}

// ---- a fork ---------------------------------------------------------------------------------

static int fork_with_one(weft_queue *const *queue, weft_none *none)
{
    int item = 5, status;
    CHECK(go_round(queue, none) == 0);
    CHECK(weft_put(*queue, &item, WEFT_POLL) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        bool empty = weft_get(*queue, &item, WEFT_POLL) == -ETIMEDOUT;
        bool works = weft_put(*queue, &(int){7}, WEFT_POLL) == 0 &&
                     weft_get(*queue, &item, WEFT_POLL) == 0 && item == 7;
        _exit(empty && works ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(weft_get(*queue, &item, WEFT_POLL) == 0 && item == 5);
    return 0;
}
WEFT_TASK(fork_with_one, weft_queue *, weft_none);

TEST(in_the_child_of_a_fork_it_is_empty_and_works)
{
    weft_queue *q = numbers(1);
    ends_well_and_empty(weft_start(WEFT_FIBERS, fork_with_one, &q), q);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_thread_that_gets_comes),
    cmocka_unit_test(a_thread_that_only_looks_comes),
    cmocka_unit_test(a_thread_that_puts_comes),
    cmocka_unit_test(a_thread_that_asks_for_the_length_moves_nobody),
    cmocka_unit_test(a_fiber_of_another_loop_comes),
    cmocka_unit_test(a_wait_may_time_out),
    cmocka_unit_test(a_wait_may_be_cancelled),
    cmocka_unit_test(who_only_looks_again_and_again_lets_others_run),
    cmocka_unit_test(in_the_child_of_a_fork_it_is_empty_and_works),
};

TEST_MAIN(tests)
