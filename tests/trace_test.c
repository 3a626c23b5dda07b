// SPDX-License-Identifier: MIT
// trace_test.c - the calls of weft/trace.h where nothing is recorded, as nearly all programs run.
// What is written under WEFT_TRACE is read by trace_file_test.py.
#include "exec_helpers.h"

#include "core/trace.h"

static void say_all(void)
{
    weft_trace_end(); // of nothing
    weft_trace_begin("span");
    weft_trace_mark("mark");
    weft_trace_mark(NULL);
    weft_trace_begin("left open");
    weft_trace_end();
}

static int say_all_in_a_task(const int *n, int *out)
{
    (void)weft_fail(-EIO, "before");
    errno = 42;
    for (int i = 0; i < *n; i++)
        say_all();
    *out = errno == 42 && weft_error_code() == -EIO; // they have no errors of their own
    return 0;
}
WEFT_TASK(say_all_in_a_task, int, int);

static void the_calls_do_nothing_in_a_plain_thread(void **state)
{
    (void)state;
    errno = 42;
    say_all();
    assert_int_equal(errno, 42);
    assert_false(wf_tracing);
    assert_null(wf_trace_buffers());
    assert_int_equal(wf_trace_tracks(), 0);
}

static void the_calls_do_nothing_in_a_task_of_any_kind(void **state)
{
    (void)state;
    static const enum weft_kind kinds[] = {WEFT_THREADS, WEFT_FIBERS, WEFT_PROCESSES};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        int out = 0;
        weft_future *f = weft_start(kinds[i], say_all_in_a_task, &(int){1000});
        assert_non_null(f);
        assert_int_equal(weft_join_as(&f, say_all_in_a_task, &out), 0);
        assert_int_equal(out, 1);
    }
    assert_null(wf_trace_buffers());
    assert_int_equal(wf_trace_dropped_elsewhere(), 0);
}

static void a_task_that_waited_has_left_nothing_behind(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 2);
    weft_future *f = weft_submit(pool, say_all_in_a_task, &(int){1});
    assert_non_null(f);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    weft_pool_close(&pool);
    assert_null(wf_trace_buffers());
    assert_null(wf_self()->waker);
    assert_int_equal(wf_self()->track, 0);
}

static const struct scene scenes[] = {{NULL, NULL}}; // nothing here aborts

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_calls_do_nothing_in_a_plain_thread),
    cmocka_unit_test(the_calls_do_nothing_in_a_task_of_any_kind),
    cmocka_unit_test(a_task_that_waited_has_left_nothing_behind),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
