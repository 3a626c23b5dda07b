// SPDX-License-Identifier: MIT
// process_misuse_test.c - what a program does wrong with processes ends it, or the worker that does
// it, in one line that names it. pool_end_test.c has what is wrong with any kind of pool.
#include "process_helpers.h"

static int scene_of_a_wrong_size(void)
{
    short out;
    weft_future *f = weft_start(WEFT_PROCESSES, square, &(int){1});
    return weft_join(&f, &out, sizeof out);
}

static int scene_of_ends_outside(void)
{
    static const struct weft_task wrong = {.name = "misfit",
                                           .arg_size = sizeof(int),
                                           .arg_align = 1,
                                           .result_align = 1,
                                           .ends = {sizeof(int)}};
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    weft_future *f = weft_submit_(pool, WEFT_FOREVER, &wrong, &(int){0});
    return weft_join(&f, NULL, 0);
}

static int scene_of_no_future(void)
{
    return weft_kill(NULL);
}

static void misuse_of_a_future_ends_the_program(void **state)
{
    (void)state;
    expect_abort(scene_of_a_wrong_size, "weft_join", "square");
    expect_abort(scene_of_ends_outside, "misfit", ".ends[0]");
    expect_abort(scene_of_no_future, "weft_kill", "NULL");
}

static int unlock_nothing(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    weft_mutex *volatile nothing = NULL;
    weft_unlock(nothing);
    return 0;
}
WEFT_TASK(unlock_nothing, weft_none, weft_none);

static int scene_of_a_wrong_task(void)
{
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    weft_future *f = weft_submit(pool, unlock_nothing, &(weft_none){0});
    CHECK(weft_join(&f, NULL, 0) == -EOWNERDEAD);
    CHECK(strstr(weft_error(), "unlock_nothing") && strstr(weft_error(), "SIGABRT"));
    long out = 0;
    f = weft_submit(pool, square, &(int){3});
    CHECK(weft_join_as(&f, square, &out) == 0 && out == 9);
    weft_pool_close(&pool);
    return 0;
}

static void misuse_in_a_task_ends_its_worker(void **state)
{
    (void)state;
    struct ran ran;
    run_scene("scene_of_a_wrong_task", false, &ran);
    show_unless(WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 0 && is_one_line(ran.err) &&
                    has_all(ran.err, WORDS_("weft_unlock(NULL)")),
                "scene_of_a_wrong_task", &ran);
}

static const struct scene scenes[] = {
    SCENE(scene_of_a_wrong_size),
    SCENE(scene_of_ends_outside),
    SCENE(scene_of_no_future),
    SCENE(scene_of_a_wrong_task),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(misuse_of_a_future_ends_the_program),
    cmocka_unit_test(misuse_in_a_task_ends_its_worker),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
