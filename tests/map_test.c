// SPDX-License-Identifier: MIT
// map_test.c - a function over an array, on a pool.
#include "board.h"
#include "exec_helpers.h"

#include <stdalign.h>

static int square(const int *n, long *out)
{
    *out = (long)*n * *n;
    return 0;
}
WEFT_TASK(square, int, long);

static void results_keep_the_order_of_their_arguments(void **state)
{
    (void)state;
    enum { N = 20000 };
    static int in[N];
    static long out[N];
    for (int i = 0; i < N; i++)
        in[i] = i - 77;
    weft_pool *pool = weft_pool_open(KIND, .workers = 3);
    for (size_t n = 0; n <= N; n = n * 3 + 1) {
        memset(out, 0xff, sizeof out);
        assert_int_equal(weft_map(pool, WEFT_FOREVER, square, n, out, in), 0);
        for (size_t i = 0; i < N; i++)
            if (out[i] != (i < n ? (long)in[i] * in[i] : -1L))
                fail_msg("of %zu: out[%zu] is %ld", n, i, out[i]);
    }
    assert_int_equal(weft_map(pool, much_later(), square, N, out, in), 0);
    assert_int_equal(out[N - 1], (long)in[N - 1] * in[N - 1]);
    weft_pool_close(&pool);
}

static void a_map_of_nothing_succeeds(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    assert_int_equal(weft_map(pool, WEFT_FOREVER, square, 0, (long *)NULL, (int *)NULL), 0);
    weft_pool_close(&pool);
}

struct wide {
    alignas(64) int n;
};

static int widen(const struct wide *in, struct wide *out)
{
    *out = (struct wide){in->n + 1};
    return (uintptr_t)in % 64 == 0 && (uintptr_t)out % 64 == 0 ? 0 : -EFAULT;
}
WEFT_TASK(widen, struct wide, struct wide);

static void aligned_items_stay_aligned(void **state)
{
    (void)state;
    struct wide in[37], out[37];
    for (int i = 0; i < 37; i++)
        in[i].n = i;
    weft_pool *pool = weft_pool_open(KIND, .workers = 2);
    assert_int_equal(weft_map(pool, WEFT_FOREVER, widen, 37, out, in), 0);
    for (int i = 0; i < 37; i++)
        assert_int_equal(out[i].n, i + 1);
    weft_pool_close(&pool);
}

static void the_caller_works_with_them_where_the_workers_are_busy(void **state)
{
    (void)state;
    not_with_processes("the caller shares nothing with the items");
    struct hold *h = on_board(struct hold);
    int in[50];
    long out[50];
    for (int i = 0; i < 50; i++)
        in[i] = i;
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    weft_future *busy = hold_a_worker(pool, h);
    assert_int_equal(weft_map(pool, WEFT_FOREVER, square, 50, out, in), 0); // or it never ends
    assert_int_equal(out[49], 49 * 49);
    assert_int_equal(let_go(&busy, h), 0);
    weft_pool_close(&pool);
}

// ---- failures --------------------------------------------------------------------------

struct item {
    int number, bad;
    atomic_int *running; // on the board
};

// Those before the bad one end at once: items may be run one after the other.
static int fail_or_wait(const struct item *item, weft_none *none)
{
    (void)none;
    if (item->number < item->bad)
        return 0;
    if (item->number == item->bad)
        return weft_fail(-EDOM, "a bad apple");
    atomic_fetch_add(item->running, 1);
    int rc = weft_sleep(WEFT_FOREVER);
    atomic_fetch_sub(item->running, 1);
    return rc;
}
WEFT_TASK(fail_or_wait, struct item, weft_none);

enum { APPLES = 20 };

static int map_apples(weft_pool *pool, weft_time deadline, int bad, atomic_int *running)
{
    struct item in[APPLES];
    weft_none out[APPLES];
    for (int i = 0; i < APPLES; i++)
        in[i] = (struct item){i, bad, running};
    return weft_map(pool, deadline, fail_or_wait, APPLES, out, in);
}

static void a_failure_cancels_the_rest_and_names_its_index(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(KIND, .workers = 2);
    static const int places[] = {0, 7, APPLES - 1};
    for (size_t i = 0; i < COUNT(places); i++) {
        atomic_int *running = on_board(atomic_int);
        char index[8];
        snprintf(index, sizeof index, "%d", places[i]);
        assert_int_equal(map_apples(pool, WEFT_FOREVER, places[i], running), -EDOM);
        assert_int_equal(weft_error_code(), -EDOM);
        assert_non_null(strstr(weft_error(), "a bad apple"));
        assert_non_null(strstr(weft_error(), index));
        assert_int_equal(atomic_load(running), 0); // it waited for all
    }
    weft_pool_close(&pool);
}

struct pair {
    atomic_int *begun; // on the board
    int who_fails;     // in the order in which they begin
};

// Two of them run at once; the one that does not fail waits, and the other lets it begin to.
static int one_of_two_fails(const struct pair *pair, weft_none *none)
{
    (void)none;
    int order = atomic_fetch_add(pair->begun, 1);
    while (order == pair->who_fails && atomic_load(pair->begun) < 2)
        if (weft_sleep(weft_after_ms(1)) < 0)
            return weft_error_code();
    return order == pair->who_fails ? weft_fail(-EDOM, "a bad apple") : weft_sleep(WEFT_FOREVER);
}
WEFT_TASK(one_of_two_fails, struct pair, weft_none);

// Of the helpers the first and the last: whichever fails, the other must hear of it.
static void a_failure_stops_whichever_other_waits(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(KIND, .workers = 2);
    for (int who = 0; who < 2; who++) {
        struct pair in[2] = {{on_board(atomic_int), who}};
        weft_none out[2];
        in[1] = in[0];
        assert_int_equal(weft_map(pool, WEFT_FOREVER, one_of_two_fails, 2, out, in), -EDOM);
    }
    weft_pool_close(&pool);
}

static int sometimes(const int *n, long *out)
{
    *out = *n;
    return *n % 1000 == 999 ? weft_fail(-ERANGE, "unlucky") : 0;
}
WEFT_TASK(sometimes, int, long);

static void what_came_before_the_failure_is_in_its_place(void **state)
{
    (void)state;
    int in[1000];
    long out[1000];
    for (int i = 0; i < 1000; i++)
        in[i] = i;
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    assert_int_equal(weft_map(pool, WEFT_FOREVER, sometimes, 1000, out, in), -ERANGE);
    assert_non_null(strstr(weft_error(), "999"));
    assert_non_null(strstr(weft_error(), "unlucky"));
    weft_pool_close(&pool);
}

// A process that gets no core in the 100 ms that it has is killed, and leaves no note.
static void assert_ran_out_of_time(int rc, atomic_int *running)
{
    assert_int_equal(weft_error_code(), rc);
    if (ON_PROCESSES && rc == -EOWNERDEAD) {
        assert_non_null(strstr(weft_error(), "deadline"));
        return;
    }
    assert_int_equal(rc, -ETIMEDOUT);
    assert_string_equal(weft_error(), "weft_map: the deadline passed");
    assert_int_equal(atomic_load(running), 0);
}

static int run_out_of_patience(const int *n, long *out)
{
    *out = 0;
    return *n == 3 ? weft_fail(-ETIMEDOUT, "no answer") : 0;
}
WEFT_TASK(run_out_of_patience, int, long);

static void an_item_that_timed_out_by_itself_is_named(void **state)
{
    (void)state;
    long out[4];
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    int rc = weft_map(pool, much_later(), run_out_of_patience, 4, out, ((int[]){0, 1, 2, 3}));
    assert_int_equal(rc, -ETIMEDOUT);
    assert_string_equal(weft_error(), "run_out_of_patience of item 3: no answer");
    weft_pool_close(&pool);
}

static int fail_without_words(const int *n, long *out)
{
    *out = 0;
    return *n == 3 ? -ENOLCK : 0;
}
WEFT_TASK(fail_without_words, int, long);

static void an_item_that_says_no_why_has_the_words_of_its_code(void **state)
{
    (void)state;
    long out[4];
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    int rc = weft_map(pool, WEFT_FOREVER, fail_without_words, 4, out, ((int[]){0, 1, 2, 3}));
    assert_int_equal(rc, -ENOLCK);
    assert_string_equal(weft_error(), "fail_without_words of item 3: No locks available");
    weft_pool_close(&pool);
}

static void a_deadline_ends_the_map_and_its_tasks(void **state)
{
    (void)state;
    atomic_int *running = on_board(atomic_int), *late = on_board(atomic_int);
    weft_pool *pool = weft_pool_open(KIND, .workers = 2);
    assert_ran_out_of_time(map_apples(pool, weft_after_ms(10), -1, running), running);
    assert_ran_out_of_time(map_apples(pool, WEFT_POLL, -1, late), late);
    weft_pool_close(&pool);
}

struct caller {
    weft_pool *pool;
    atomic_int running;
    struct spot spot;
};

static int map_for_ever(struct caller *const *arg, weft_none *none)
{
    (void)none;
    arrive(&(*arg)->spot);
    int rc = map_apples((*arg)->pool, WEFT_FOREVER, -1, &(*arg)->running);
    return rc == -ECANCELED && atomic_load(&(*arg)->running) > 0 ? -EIO : rc;
}
WEFT_TASK(map_for_ever, struct caller *, weft_none);

static void cancelling_the_caller_ends_the_map_and_its_tasks(void **state)
{
    (void)state;
    struct caller *caller = on_board(struct caller);
    weft_pool *outer = weft_pool_open(WEFT_THREADS, .workers = 1);
    caller->pool = weft_pool_open(KIND, .workers = 2);
    weft_future *f = weft_start(WEFT_THREADS, map_for_ever, &caller);
    await_asleep(&caller->spot);
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    atomic_store(&caller->spot.tid, 0);
    f = weft_submit(outer, map_for_ever, &caller);
    await_asleep(&caller->spot);
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    weft_pool_close(&outer);
    weft_pool_close(&caller->pool);
}

// ---- maps in maps ----------------------------------------------------------------------

struct nest {
    weft_pool *pool;
    int depth;
};

static int map_in_map(const struct nest *nest, long *out);
WEFT_TASK(map_in_map, struct nest, long);

static int map_in_map(const struct nest *nest, long *out)
{
    *out = 1;
    if (nest->depth == 0)
        return 0;
    struct nest in[3];
    long outs[3];
    for (int i = 0; i < 3; i++)
        in[i] = (struct nest){nest->pool, nest->depth - 1};
    int rc = weft_map(nest->pool, WEFT_FOREVER, map_in_map, 3, outs, in);
    *out = outs[0] + outs[1] + outs[2];
    return rc;
}

static void maps_inside_maps_end_on_one_worker(void **state)
{
    (void)state;
    not_with_processes("a task does not have its pool");
    weft_pool *pool = weft_pool_open(KIND, .workers = 1);
    long out = 0;
    weft_future *f = weft_submit(pool, map_in_map, &(struct nest){pool, 4});
    assert_int_equal(weft_wait(f, much_later()), 0);
    assert_int_equal(weft_join_as(&f, map_in_map, &out), 0);
    assert_int_equal(out, 81);
    weft_pool_close(&pool);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(results_keep_the_order_of_their_arguments),
    cmocka_unit_test(a_map_of_nothing_succeeds),
    cmocka_unit_test(aligned_items_stay_aligned),
    cmocka_unit_test(the_caller_works_with_them_where_the_workers_are_busy),
    cmocka_unit_test(a_failure_cancels_the_rest_and_names_its_index),
    cmocka_unit_test(a_failure_stops_whichever_other_waits),
    cmocka_unit_test(what_came_before_the_failure_is_in_its_place),
    cmocka_unit_test(an_item_that_timed_out_by_itself_is_named),
    cmocka_unit_test(an_item_that_says_no_why_has_the_words_of_its_code),
    cmocka_unit_test(a_deadline_ends_the_map_and_its_tasks),
    cmocka_unit_test(cancelling_the_caller_ends_the_map_and_its_tasks),
    cmocka_unit_test(maps_inside_maps_end_on_one_worker),
};
TEST_MAIN(tests)
