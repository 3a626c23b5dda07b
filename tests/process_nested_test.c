// SPDX-License-Identifier: MIT
// process_nested_test.c - what a task in a process starts there: a pool, and tasks that go on when
// it leaves.
#include "process_helpers.h"
#include "scenes.h"

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

// ---- shared memory ----------------------------------------------------------------------------

static int take_memory(char *const *region, weft_none *none)
{
    (void)region, (void)none;
    char *r = weft_shared(10);
    return r ? 0 : weft_fail(weft_error_code(), "%s", weft_error());
}
WEFT_TASK(take_memory, char *, weft_none);

static int take_memory_below(char *const *region, weft_none *none)
{
    (void)none;
    weft_future *f = weft_start(WEFT_PROCESSES, take_memory, region);
    return f ? weft_join(&f, NULL, 0) : weft_error_code();
}
WEFT_TASK(take_memory_below, char *, weft_none);

static int scene_of_two_generations(void)
{
    char *region = weft_shared(10);
    CHECK(region);
    weft_future *f = weft_start(WEFT_PROCESSES, take_memory_below, &region);
    CHECK(weft_join(&f, NULL, 0) == -ENOTSUP);
    CHECK(strstr(weft_error(), "this process was started without shared memory"));
    weft_shared_free(&region);
    return 0;
}

static void a_process_of_a_process_shares_no_memory(void **state)
{
    (void)state;
    struct ran ran;
    scene_ends("scene_of_two_generations", false, 0, "");
    run_scene("scene_of_two_generations", true, &ran);
    bool is_said = has_all(ran.err, WORDS_("weft: take_memory: byte 0 of its argument holds"));
    show_unless(ran.status == 0 && is_one_line(ran.err) && is_said, "under check", &ran);
}

static const struct scene scenes[] = {SCENE(scene_of_two_generations)};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_task_may_open_a_pool_and_close_it),
    cmocka_unit_test(a_task_that_calls_exit_waits_for_those_that_it_started),
    cmocka_unit_test(a_process_of_a_process_shares_no_memory),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
