// SPDX-License-Identifier: MIT
// process_nested_test.c - what a task in a process starts there: a pool, and tasks that go on when
// it leaves.
#include "process_helpers.h"

static int square_in_a_pool(const int *n, long *out)
{
    WEFT_SCOPED(weft_pool_close) weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    weft_future *f = pool ? weft_submit(pool, square, n) : NULL;
    return f ? weft_join_as(&f, square, out) : weft_error_code();
}
WEFT_TASK(square_in_a_pool, int, long);

// Sanitizers see here whether its own pool is looked for where the pool of its task is not.
static void a_task_may_open_a_pool_and_close_it(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(1);
    long out = 0;
    weft_future *f = weft_submit(pool, square_in_a_pool, &(int){5});
    assert_int_equal(weft_join_as(&f, square_in_a_pool, &out), 0);
    assert_int_equal(out, 25);
    weft_pool_close(&pool);
}

static int send_late(const struct bearer *b, weft_none *none)
{
    (void)none;
    WEFT_SCOPED(weft_end_close) weft_end end = b->end;
    nap_ms(50);
    return weft_send(end, "late", 4, WEFT_FOREVER);
}
WEFT_TASK(send_late, struct bearer, weft_none, .ends = {WEFT_END(struct bearer, end)});

static int leave_early(const struct bearer *b, weft_none *none)
{
    static weft_future *volatile left; // here who looks for leaks finds it
    (void)none;
    left = weft_start(WEFT_THREADS, send_late, b);
    exit(left ? 3 : 4);
}
WEFT_TASK(leave_early, struct bearer, weft_none, .ends = {WEFT_END(struct bearer, end)});

static void a_task_that_calls_exit_waits_for_those_that_it_started(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(1);
    for (int alone = 0; alone < 2; alone++) {
        struct bearer theirs;
        weft_end ours;
        char text[4];
        assert_int_equal(weft_pipe(&ours, &theirs.end), 0);
        weft_future *f = alone ? weft_start(WEFT_PROCESSES, leave_early, &theirs)
                               : weft_submit(pool, leave_early, &theirs);
        assert_int_equal(weft_recv(ours, text, sizeof text, WEFT_FOREVER), sizeof text);
        assert_int_equal(weft_join(&f, NULL, 0), -EOWNERDEAD);
        assert_non_null(strstr(weft_error(), "status 3"));
        weft_end_close(&ours);
    }
    weft_pool_close(&pool);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_task_may_open_a_pool_and_close_it),
    cmocka_unit_test(a_task_that_calls_exit_waits_for_those_that_it_started),
};

TEST_MAIN(tests)
