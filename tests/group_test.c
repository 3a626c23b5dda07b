// SPDX-License-Identifier: MIT
// group_test.c - results as they complete.
#include "board.h"
#include "exec_helpers.h"

static int square(const int *n, long *out)
{
    *out = (long)*n * *n;
    return 0;
}
WEFT_TASK(square, int, long);

static int fail_with(const int *code, long *out)
{
    *out = 666;
    return weft_fail(*code, "task %d failed", *code);
}
WEFT_TASK(fail_with, int, long);

static int sleep_for_ever(struct spot *const *spot, weft_none *none)
{
    (void)none;
    arrive(*spot);
    return weft_sleep(WEFT_FOREVER);
}
WEFT_TASK(sleep_for_ever, struct spot *, weft_none);

// On the board, where every kind of task sees it: a lock or an event is not shared.
struct turn {
    atomic_bool *mine;
    int place;
};

static int take_turn(const struct turn *t, int *place)
{
    *place = t->place;
    int rc = 0;
    while (rc == 0 && !atomic_load(t->mine))
        rc = weft_sleep(weft_after_ms(1));
    return rc;
}
WEFT_TASK(take_turn, struct turn, int);

static void each_result_comes_out_once_with_its_tag(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(KIND, .workers = 2);
    weft_group *g = weft_group_open(pool);
    assert_non_null(g);
    bool seen[100] = {false};
    for (int i = 0; i < 100; i++)
        assert_int_equal(weft_group_add(g, i, square, &i), 0);
    struct weft_outcome o;
    long out = -1;
    int count = 0;
    while (weft_group_next(g, &o, &out, sizeof out, WEFT_FOREVER) == 1) {
        assert_in_range(o.tag, 0, 99);
        assert_int_equal(o.code, 0);
        assert_string_equal(o.message, "");
        assert_int_equal(out, o.tag * o.tag);
        assert_false(seen[o.tag]);
        seen[o.tag] = true;
        count++;
    }
    assert_int_equal(count, 100);
    assert_int_equal(weft_group_next(g, &o, &out, sizeof out, WEFT_FOREVER), 0);
    weft_group_close(&g);
    assert_null(g);
    weft_pool_close(&pool);
}

static void results_come_in_the_order_of_their_completion(void **state)
{
    (void)state;
    static const int order[] = {3, 0, 4, 1, 2};
    atomic_bool *turns[5];
    weft_pool *pool = weft_pool_open(KIND, .workers = 5);
    weft_group *g = weft_group_open(pool);
    for (int i = 0; i < 5; i++) {
        turns[i] = on_board(atomic_bool);
        assert_int_equal(weft_group_add(g, i, take_turn, &(struct turn){turns[i], i}), 0);
    }
    for (int i = 0; i < 5; i++) {
        struct weft_outcome o;
        int place = -1;
        atomic_store(turns[order[i]], true);
        assert_int_equal(weft_group_next(g, &o, &place, sizeof place, WEFT_FOREVER), 1);
        assert_int_equal(o.tag, order[i]);
        assert_int_equal(place, order[i]);
    }
    weft_group_close(&g);
    weft_pool_close(&pool);
}

static void those_that_ended_before_we_asked_come_in_their_order_too(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    weft_group *g = weft_group_open(pool);
    for (int i = 0; i < 5; i++)
        assert_int_equal(weft_group_add(g, 10 + i, square, &i), 0);
    weft_future *last = weft_submit(pool, square, &(int){9});
    assert_int_equal(weft_wait(last, much_later()), 0); // one worker: all five ended
    for (int i = 0; i < 5; i++) {
        struct weft_outcome o;
        assert_int_equal(weft_group_next(g, &o, NULL, 0, WEFT_POLL), 1);
        assert_int_equal(o.tag, 10 + i);
    }
    weft_drop(&last);
    weft_group_close(&g);
    weft_pool_close(&pool);
}

static void an_empty_group_is_at_its_end_and_may_be_used_again(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    weft_group *g = weft_group_open(pool);
    struct weft_outcome o;
    for (int round = 0; round < 3; round++) {
        assert_int_equal(weft_group_next(g, &o, NULL, 0, WEFT_FOREVER), 0);
        assert_int_equal(weft_group_next(g, &o, NULL, 0, WEFT_POLL), 0);
        assert_int_equal(weft_group_add(g, INT64_MIN + round, square, &round), 0);
        assert_int_equal(weft_group_next(g, &o, NULL, 0, WEFT_FOREVER), 1);
        assert_true(o.tag == INT64_MIN + round);
    }
    weft_group_close(&g);
    weft_pool_close(&pool);
}

static void a_failure_comes_out_with_code_and_message(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    weft_group *g = weft_group_open(pool);
    struct weft_outcome o;
    long out = 42;
    char expected[64];
    snprintf(expected, sizeof expected, "task %d failed", -EDOM);
    assert_int_equal(weft_group_add(g, 7, fail_with, &(int){-EDOM}), 0);
    assert_int_equal(weft_group_next(g, &o, &out, sizeof out, WEFT_FOREVER), 1);
    assert_int_equal(o.tag, 7);
    assert_int_equal(o.code, -EDOM);
    assert_string_equal(o.message, expected);
    assert_int_equal(out, 42);                                    // written only on success
    assert_int_equal(weft_group_add(g, 8, square, &(int){5}), 0); // others are not concerned
    assert_int_equal(weft_group_next(g, &o, &out, sizeof out, WEFT_FOREVER), 1);
    assert_int_equal(o.code, 0);
    assert_string_equal(o.message, "");
    assert_int_equal(out, 25);
    weft_group_close(&g);
    weft_pool_close(&pool);
}

static void tasks_of_different_results_share_a_group_and_a_buffer(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    weft_group *g = weft_group_open(pool);
    atomic_bool *open = on_board(atomic_bool);
    atomic_store(open, true);
    struct weft_outcome o;
    union {
        long square;
        int place;
        char roomy[64];
    } out;
    assert_int_equal(weft_group_add(g, 1, square, &(int){11}), 0);
    assert_int_equal(weft_group_next(g, &o, &out, sizeof out, WEFT_FOREVER), 1);
    assert_int_equal(out.square, 121);
    assert_int_equal(weft_group_add(g, 2, take_turn, &(struct turn){open, 33}), 0);
    assert_int_equal(weft_group_next(g, &o, &out, sizeof out, WEFT_FOREVER), 1);
    assert_int_equal(out.place, 33);
    weft_group_close(&g);
    weft_pool_close(&pool);
}

static void who_stops_waiting_finds_the_result_later(void **state)
{
    (void)state;
    atomic_bool *mine = on_board(atomic_bool);
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    weft_group *g = weft_group_open(pool);
    struct weft_outcome o = {.tag = -5};
    int place = -1;
    assert_int_equal(weft_group_add(g, 1, take_turn, &(struct turn){mine, 77}), 0);
    assert_int_equal(weft_group_next(g, &o, &place, sizeof place, WEFT_POLL), -ETIMEDOUT);
    assert_int_equal(weft_group_next(g, &o, &place, sizeof place, weft_after_ms(3)), -ETIMEDOUT);
    atomic_store(mine, true);
    assert_int_equal(weft_group_next(g, &o, &place, sizeof place, WEFT_FOREVER), 1);
    assert_int_equal(o.tag, 1);
    assert_int_equal(place, 77);
    weft_group_close(&g);
    weft_pool_close(&pool);
}

// ---- cancelling ------------------------------------------------------------------------

static void the_first_failure_cancels_the_rest_where_asked(void **state)
{
    (void)state;
    struct spot *spots[3];
    weft_pool *pool = weft_pool_open(KIND, .workers = 4);
    weft_group *g = weft_group_open(pool, .cancel_rest = true);
    for (int i = 0; i < 3; i++) {
        spots[i] = on_board(struct spot);
        assert_int_equal(weft_group_add(g, i, sleep_for_ever, &spots[i]), 0);
        await_asleep(spots[i]);
    }
    assert_int_equal(weft_group_add(g, 99, fail_with, &(int){-EDOM}), 0);
    struct weft_outcome o;
    int failed = 0, cancelled = 0;
    while (weft_group_next(g, &o, NULL, 0, WEFT_FOREVER) > 0) {
        failed += o.tag == 99 && o.code == -EDOM;
        cancelled += o.tag < 3 && o.code == -ECANCELED;
    }
    assert_int_equal(failed, 1);
    assert_int_equal(cancelled, 3);
    weft_group_close(&g);
    weft_pool_close(&pool);
}

static void queued_tasks_are_part_of_the_rest(void **state)
{
    (void)state;
    struct hold *h = on_board(struct hold);
    hold_init(h);
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    weft_future *busy = weft_submit(pool, hold, &h);
    sem_take(&h->started);
    weft_group *g = weft_group_open(pool, .cancel_rest = true);
    assert_int_equal(weft_group_add(g, 0, fail_with, &(int){-EDOM}), 0);
    struct spot *spot = on_board(struct spot);
    for (int i = 1; i < 5; i++)
        assert_int_equal(weft_group_add(g, i, sleep_for_ever, &spot), 0);
    assert_int_equal(let_go(&busy, h), 0);
    struct weft_outcome o;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(weft_group_next(g, &o, NULL, 0, much_later()), 1);
        assert_int_equal(o.code, o.tag == 0 ? -EDOM : -ECANCELED);
    }
    weft_group_close(&g);
    weft_pool_close(&pool);
}

static void without_asking_a_failure_leaves_the_rest_alone(void **state)
{
    (void)state;
    atomic_bool *mine = on_board(atomic_bool);
    weft_pool *pool = weft_pool_open(KIND, .workers = 2);
    weft_group *g = weft_group_open(pool);
    struct weft_outcome o;
    assert_int_equal(weft_group_add(g, 1, take_turn, &(struct turn){mine, 5}), 0);
    assert_int_equal(weft_group_add(g, 2, fail_with, &(int){-EDOM}), 0);
    assert_int_equal(weft_group_next(g, &o, NULL, 0, WEFT_FOREVER), 1);
    assert_int_equal(o.tag, 2);
    atomic_store(mine, true);
    assert_int_equal(weft_group_next(g, &o, NULL, 0, WEFT_FOREVER), 1);
    assert_int_equal(o.code, 0);
    weft_group_close(&g);
    weft_pool_close(&pool);
}

static void cancelling_reaches_those_that_were_added_so_far(void **state)
{
    (void)state;
    struct spot *spot = on_board(struct spot);
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    weft_group *g = weft_group_open(pool);
    struct weft_outcome o;
    assert_int_equal(weft_group_add(g, 1, sleep_for_ever, &spot), 0);
    await_asleep(spot);
    weft_group_cancel(g);
    assert_int_equal(weft_group_add(g, 2, square, &(int){2}), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(weft_group_next(g, &o, NULL, 0, WEFT_FOREVER), 1);
        assert_int_equal(o.code, o.tag == 1 ? -ECANCELED : 0);
    }
    weft_group_close(&g);
    weft_pool_close(&pool);
}

struct reader {
    weft_group *group;
    struct spot spot;
};

static int read_next(struct reader *const *arg, weft_none *none)
{
    struct weft_outcome o;
    (void)none;
    arrive(&(*arg)->spot);
    return weft_group_next((*arg)->group, &o, NULL, 0, WEFT_FOREVER);
}
WEFT_TASK(read_next, struct reader *, weft_none);

static void a_cancelled_reader_leaves_and_the_tasks_go_on(void **state)
{
    (void)state;
    atomic_bool *mine = on_board(atomic_bool);
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    struct reader reader = {.group = weft_group_open(pool)}, *arg = &reader;
    assert_int_equal(weft_group_add(reader.group, 1, take_turn, &(struct turn){mine, 5}), 0);
    weft_future *f = weft_start(WEFT_THREADS, read_next, &arg);
    await_asleep(&reader.spot);
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    atomic_store(mine, true);
    struct weft_outcome o;
    assert_int_equal(weft_group_next(reader.group, &o, NULL, 0, WEFT_FOREVER), 1);
    assert_int_equal(o.code, 0);
    weft_group_close(&reader.group);
    weft_pool_close(&pool);
}

static int stand(atomic_bool *const *may_end, weft_none *none)
{
    (void)none;
    while (!atomic_load(*may_end))
        nap_ms(1);
    return 0;
}
WEFT_TASK(stand, atomic_bool *, weft_none);

static int add_one(struct reader *const *arg, weft_none *none)
{
    (void)none;
    arrive(&(*arg)->spot);
    return weft_group_add((*arg)->group, 1, square, &(int){2});
}
WEFT_TASK(add_one, struct reader *, weft_none);

static void a_reader_is_told_of_the_end_when_what_he_waits_for_is_not_added(void **state)
{
    (void)state;
    atomic_bool *may_end = on_board(atomic_bool);
    weft_pool *pool = weft_pool_open(KIND, .workers = 1, .backlog = 1);
    weft_future *works = weft_submit(pool, stand, &may_end);
    weft_future *fills = weft_submit(pool, stand, &may_end);
    weft_group *g = weft_group_open(pool);
    struct reader adder = {.group = g}, reader = {.group = g}, *arg = &adder;
    weft_future *adds = weft_start(WEFT_THREADS, add_one, &arg);
    await_asleep(&adder.spot);
    arg = &reader;
    weft_future *reads = weft_start(WEFT_THREADS, read_next, &arg);
    await_asleep(&reader.spot);
    weft_cancel(adds);
    assert_int_equal(weft_join(&adds, NULL, 0), -ECANCELED);
    assert_int_equal(weft_join(&reads, NULL, 0), 0);
    atomic_store(may_end, true);
    assert_int_equal(weft_join(&works, NULL, 0), 0);
    assert_int_equal(weft_join(&fills, NULL, 0), 0);
    weft_group_close(&g);
    weft_pool_close(&pool);
}

// ---- closing ---------------------------------------------------------------------------

struct farewell {
    struct spot spot;
    atomic_int begun, left;
};

static int leave_slowly(struct farewell *const *arg, weft_none *none)
{
    (void)none;
    atomic_fetch_add(&(*arg)->begun, 1);
    arrive(&(*arg)->spot);
    int rc = weft_sleep(WEFT_FOREVER);
    weft_shield(true);
    (void)weft_sleep(weft_after_ms(5));
    atomic_fetch_add(&(*arg)->left, 1);
    return rc;
}
WEFT_TASK(leave_slowly, struct farewell *, weft_none);

static void closing_cancels_and_waits(void **state)
{
    (void)state;
    struct farewell *farewell = on_board(struct farewell);
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    weft_group *g = weft_group_open(pool);
    assert_int_equal(weft_group_add(g, 1, leave_slowly, &farewell), 0);
    await_asleep(&farewell->spot);
    for (int i = 0; i < 5; i++) // queued ones never begin
        assert_int_equal(weft_group_add(g, 2, leave_slowly, &farewell), 0);
    weft_group_close(&g);
    assert_int_equal(atomic_load(&farewell->left), atomic_load(&farewell->begun));
    if (!ON_FIBERS) // a fiber that sleeps lets others begin
        assert_int_equal(atomic_load(&farewell->left), 1);
    weft_group_close(&g); // NULL now
    weft_pool_close(&pool);
}

static int nested(weft_pool *const *pool, long *sum)
{
    struct weft_outcome o;
    long out;
    WEFT_SCOPED(weft_group_close) weft_group *g = weft_group_open(*pool);
    for (int i = 0; g && i < 10; i++)
        if (weft_group_add(g, i, square, &i) != 0)
            return weft_error_code();
    *sum = 0;
    while (weft_group_next(g, &o, &out, sizeof out, WEFT_FOREVER) > 0)
        *sum += out;
    return 0;
}
WEFT_TASK(nested, weft_pool *, long);

static void groups_inside_the_tasks_of_a_group_end(void **state)
{
    (void)state;
    not_with_processes("a task does not have its pool");
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    weft_group *g = weft_group_open(pool);
    struct weft_outcome o;
    long sum;
    for (int i = 0; i < 10; i++)
        assert_int_equal(weft_group_add(g, i, nested, &pool), 0);
    int count = 0;
    for (; weft_group_next(g, &o, &sum, sizeof sum, WEFT_FOREVER) > 0; count++) {
        assert_int_equal(o.code, 0);
        assert_int_equal(sum, 285);
    }
    assert_int_equal(count, 10);
    weft_group_close(&g);
    weft_pool_close(&pool);
}

// ---- misuse ----------------------------------------------------------------------------

static int run_result_too_small(void)
{
    char out[3];
    struct weft_outcome o;
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    weft_group *g = weft_group_open(pool);
    if (weft_group_add(g, 1, square, &(int){1}) != 0)
        return 1;
    return weft_group_next(g, &o, out, sizeof out, WEFT_FOREVER);
}

static int run_next_of_nothing(void)
{
    struct weft_outcome o;
    return weft_group_next(NULL, &o, NULL, 0, WEFT_FOREVER);
}

static void a_result_that_does_not_fit_aborts(void **state)
{
    (void)state;
    assert_aborts("result_too_small", "weft_group_next", "3");
}

static void asking_no_group_aborts(void **state)
{
    (void)state;
    assert_aborts("next_of_nothing", "weft_group_next", "");
}

static const struct scene scenes[] = {
    {"result_too_small", run_result_too_small},
    {"next_of_nothing", run_next_of_nothing},
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_result_comes_out_once_with_its_tag),
    cmocka_unit_test(results_come_in_the_order_of_their_completion),
    cmocka_unit_test(those_that_ended_before_we_asked_come_in_their_order_too),
    cmocka_unit_test(an_empty_group_is_at_its_end_and_may_be_used_again),
    cmocka_unit_test(a_failure_comes_out_with_code_and_message),
    cmocka_unit_test(tasks_of_different_results_share_a_group_and_a_buffer),
    cmocka_unit_test(who_stops_waiting_finds_the_result_later),
    cmocka_unit_test(the_first_failure_cancels_the_rest_where_asked),
    cmocka_unit_test(queued_tasks_are_part_of_the_rest),
    cmocka_unit_test(without_asking_a_failure_leaves_the_rest_alone),
    cmocka_unit_test(cancelling_reaches_those_that_were_added_so_far),
    cmocka_unit_test(a_cancelled_reader_leaves_and_the_tasks_go_on),
    cmocka_unit_test(a_reader_is_told_of_the_end_when_what_he_waits_for_is_not_added),
    cmocka_unit_test(closing_cancels_and_waits),
    cmocka_unit_test(groups_inside_the_tasks_of_a_group_end),
    cmocka_unit_test(a_result_that_does_not_fit_aborts),
    cmocka_unit_test(asking_no_group_aborts),
};
TEST_MAIN_WITH_SCENES(tests, scenes)
