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

static int end_thread(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    pthread_exit(NULL);
}
WEFT_TASK(end_thread, weft_none, weft_none);

static int run_wrong_task(const struct weft_task *what)
{
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    weft_future *f = weft_submit_(pool, WEFT_FOREVER, what, &(weft_none){0});
    CHECK(weft_join(&f, NULL, 0) == -EOWNERDEAD);
    CHECK(strstr(weft_error(), what->name) && strstr(weft_error(), "SIGABRT"));
    long out = 0;
    f = weft_submit(pool, square, &(int){3});
    CHECK(weft_join_as(&f, square, &out) == 0 && out == 9);
    weft_pool_close(&pool);
    return 0;
}

static int scene_of_a_wrong_call(void)
{
    return run_wrong_task(&unlock_nothing_task);
}

static int scene_of_an_ended_thread(void)
{
    return run_wrong_task(&end_thread_task);
}

static void assert_ends_its_worker(const char *scene, const char *word)
{
    struct ran ran;
    run_scene(scene, false, &ran);
    show_unless(WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 0 && is_one_line(ran.err) &&
                    has_all(ran.err, WORDS_(word)),
                scene, &ran);
}

static void misuse_in_a_task_ends_its_worker(void **state)
{
    (void)state;
    assert_ends_its_worker("scene_of_a_wrong_call", "weft_unlock(NULL)");
    assert_ends_its_worker("scene_of_an_ended_thread", "task end_thread has ended its thread");
}

// ---- what on_start is called with -------------------------------------------------------------

static struct setting {
    int number;
} setting = {42};
static int number_there;

static int read_setting(void *ctx)
{
    number_there = ((struct setting *)ctx)->number;
    return 0;
}

static int take_setting(void *ctx)
{
    (void)read_setting(ctx);
    return ctx == &setting ? 0 : weft_fail(-EFAULT, "it is another one");
}

static int take_number(void *ctx)
{
    number_there = (int)(intptr_t)ctx;
    return 0;
}

static int tell_number(const weft_none *none, int *out)
{
    (void)none;
    *out = number_there;
    return 0;
}
WEFT_TASK(tell_number, weft_none, int);

// That a pool's worker has from its on_start.
static int number_by(int (*on_start)(void *ctx), void *ctx)
{
    int out = 0;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1, .on_start = on_start, .ctx = ctx,
                                     .name = "ctx");
    weft_future *f = weft_submit(pool, tell_number, &(weft_none){0});
    int rc = weft_join_as(&f, tell_number, &out);
    weft_pool_close(&pool);
    return rc < 0 ? rc : out;
}

static int scene_of_good_ctxs(void)
{
    setting.number = 43; // in this process
    CHECK(number_by(take_setting, &setting) == 42);
    CHECK(number_by(take_number, (void *)7) == 7);
    struct setting *shared = weft_shared(sizeof *shared);
    CHECK(shared);
    shared->number = 44;
    CHECK(number_by(read_setting, shared) == 44);
    weft_shared_free(&shared);
    return 0;
}

static int scene_of_a_heap_as_ctx(void)
{
    struct setting *heap = malloc(sizeof *heap);
    CHECK(number_by(take_number, heap) == (int)(intptr_t)heap);
    CHECK(number_by(NULL, heap) == 0); // for on_error, in the root
    free(heap);
    return 0;
}

static void ctx_may_be_what_workers_have_too(void **state)
{
    (void)state;
    expect_clean_end(scene_of_good_ctxs);
    struct ran ran;
    run_scene("scene_of_a_heap_as_ctx", true, &ran);
    bool is_said = is_one_line(ran.err) && has_all(ran.err, WORDS_("weft: pool ctx: ctx holds"));
    show_unless(ran.status == 0 && is_said, "scene_of_a_heap_as_ctx", &ran);
}

// ---- a descriptor that is not open ------------------------------------------------------------

struct heavy_bearer {
    weft_end ends[2];
    char load[4096]; // goes over as a file of its own
};

static int bear_much(const struct heavy_bearer *b, weft_none *none)
{
    (void)none;
    for (int i = 0; i < 2; i++)
        weft_end_close(&(weft_end){b->ends[i].fd});
    return 0;
}
WEFT_TASK(bear_much, struct heavy_bearer, weft_none,
          .ends = {WEFT_END(struct heavy_bearer, ends[0]), WEFT_END(struct heavy_bearer, ends[1])});

static weft_end closed_end(void)
{
    int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 500); // where nothing else comes to lie
    assert_true(fd >= 0 && close(fd) == 0);
    return (weft_end){fd};
}

static void assert_fails_alone(weft_pool *pool, weft_future *f, const char *name)
{
    long out = 0;
    weft_future *next = weft_submit(pool, square, &(int){3});
    assert_non_null(f);
    assert_int_equal(weft_join_as(&next, square, &out), 0);
    assert_int_equal(out, 9);
    assert_int_equal(weft_join(&f, NULL, 0), -EBADF);
    assert_non_null(strstr(weft_error(), name));
    assert_non_null(strstr(weft_error(), "descriptors cannot be sent"));
}

static void a_closed_descriptor_fails_its_task_alone(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(2);
    struct heavy_bearer heavy = {.ends = {closed_end(), closed_end()}};
    weft_end ours;
    assert_fails_alone(pool, weft_submit(pool, bear_end, &(struct bearer){closed_end()}),
                       "bear_end");
    assert_int_equal(weft_pipe(&ours, &heavy.ends[0]), 0);
    assert_fails_alone(pool, weft_submit(pool, bear_much, &heavy), "bear_much");
    char byte;
    assert_int_equal(weft_recv(ours, &byte, 1, much_later()), -EPIPE); // the other was closed
    weft_end_close(&ours);
    weft_pool_close(&pool);
}

static void a_closed_descriptor_fails_the_start(void **state)
{
    (void)state;
    weft_end ours;
    struct heavy_bearer heavy = {.ends = {closed_end(), closed_end()}};
    assert_failed_with(weft_start(WEFT_PROCESSES, bear_end, &(struct bearer){closed_end()}),
                       -EBADF);
    assert_non_null(strstr(weft_error(), "bear_end: its descriptors cannot be sent"));
    assert_int_equal(weft_pipe(&ours, &heavy.ends[0]), 0);
    assert_failed_with(weft_start(WEFT_PROCESSES, bear_much, &heavy), -EBADF);
    assert_int_equal(weft_send(heavy.ends[0], "x", 1, WEFT_POLL), 0); // still the sender's
    weft_end_close(&heavy.ends[0]);
    weft_end_close(&ours);
}

// ---- a map over ends ---------------------------------------------------------------------------

static void a_map_over_ends_is_refused_and_closes_them(void **state)
{
    (void)state;
    weft_pool *pool = pool_of(1);
    weft_end ours[2];
    struct bearer theirs[2];
    weft_none out[2];
    char byte;
    for (int i = 0; i < 2; i++)
        assert_int_equal(weft_pipe(&ours[i], &theirs[i].end), 0);
    assert_int_equal(weft_map(pool, WEFT_FOREVER, bear_end, 2, out, theirs), -ENOTSUP);
    assert_non_null(strstr(weft_error(), "bear_end has .ends"));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(weft_recv(ours[i], &byte, 1, much_later()), -EPIPE);
        weft_end_close(&ours[i]);
    }
    weft_pool_close(&pool);
}

static const struct scene scenes[] = {
    SCENE(scene_of_a_wrong_size),  SCENE(scene_of_ends_outside),    SCENE(scene_of_no_future),
    SCENE(scene_of_a_wrong_call),  SCENE(scene_of_an_ended_thread), SCENE(scene_of_good_ctxs),
    SCENE(scene_of_a_heap_as_ctx),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(misuse_of_a_future_ends_the_program),
    cmocka_unit_test(misuse_in_a_task_ends_its_worker),
    cmocka_unit_test(ctx_may_be_what_workers_have_too),
    cmocka_unit_test(a_closed_descriptor_fails_its_task_alone),
    cmocka_unit_test(a_closed_descriptor_fails_the_start),
    cmocka_unit_test(a_map_over_ends_is_refused_and_closes_them),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
