// SPDX-License-Identifier: MIT
// error_test.c - a code and a message, kept per task, and who hears of a failure nobody joins.
#include "contract.h"

#include <limits.h>

enum { MOST = WEFT_ERROR_MAX - 1 }; // bytes of text

static int no_failure_yet(void *arg)
{
    (void)arg;
    CHECK(weft_error() != NULL);
    CHECK(weft_error()[0] == '\0');
    CHECK(weft_error_code() == 0);
    return 0;
}

static void assert_failed(int code, const char *text)
{
    assert_int_equal(weft_error_code(), code);
    assert_string_equal(weft_error(), text);
}

TEST(who_never_failed_has_no_code_and_an_empty_text)
{
    struct away crowd[2];
    assert_int_equal(no_failure_yet(NULL), 0);
    go_all(crowd, COUNT(crowd), no_failure_yet, NULL);
    all_back_with(0, crowd, COUNT(crowd));
}

TEST(a_failure_returns_its_code_and_keeps_its_text)
{
    assert_int_equal(weft_fail(-EIO, "read %s: %d", "a.txt", 17), -EIO);
    assert_failed(-EIO, "read a.txt: 17");
    assert_int_equal(weft_fail(-ENOENT, "gone"), -ENOENT);
    assert_failed(-ENOENT, "gone");
    assert_int_equal(weft_fail(-12345, "%s", ""), -12345);
    assert_failed(-12345, "");
}

TEST(a_success_clears_nothing)
{
    weft_mutex m = {0};
    weft_sem s = WEFT_SEM(1);
    weft_fail(-EIO, "before");
    const char *text = weft_error();
    assert_int_equal(weft_lock_until(&m, WEFT_POLL), 0);
    weft_unlock(&m);
    assert_int_equal(weft_acquire(&s, WEFT_FOREVER), 0);
    assert_int_equal(weft_sleep(WEFT_POLL), 0);
    assert_int_equal(weft_check(), 0);
    struct away a;
    go(&a, IN_TASK, no_failure_yet, NULL);
    assert_int_equal(back(&a), 0);
    assert_failed(-EIO, "before");
    assert_string_equal(text, "before"); // it lived until now
}

TEST(the_arguments_may_include_the_last_text)
{
    weft_fail(-EIO, "disk");
    assert_int_equal(weft_fail(weft_error_code(), "save: %s", weft_error()), -EIO);
    assert_failed(-EIO, "save: disk");
    weft_fail(-EAGAIN, "%s, %s, %d", weft_error(), weft_error(), weft_error_code());
    assert_failed(-EAGAIN, "save: disk, save: disk, -5");
    weft_fail(-EIO, "%0*d", MOST, 7);
    weft_fail(-EIO, "%s", weft_error());
    assert_int_equal(strlen(weft_error()), MOST);
    weft_fail(-EIO, "again: %s", weft_error());
    assert_int_equal(strlen(weft_error()), MOST);
    assert_memory_equal(weft_error(), "again: 000", 10);
}

// ---- cut to size --------------------------------------------------------------------

// What is left of a text: whole characters, as many as fit.
static size_t kept_of(const char *text)
{
    size_t n = strlen(text);
    if (n <= MOST)
        return n;
    for (n = MOST; ((unsigned char)text[n] & 0xc0) == 0x80;)
        n--;
    return n;
}

TEST(a_longer_text_is_cut_at_a_character)
{
    const char *const characters[] = {"x", "\xc3\xa9", "\xe7\xbb\x87", "\xf0\x9f\xa7\xb5"};
    for (size_t c = 0; c < COUNT(characters); c++)
        for (size_t lead = MOST - 9; lead <= MOST + 1; lead++) {
            char text[2 * MOST] = "";
            memset(text, 'a', lead);
            while (strlen(text) < MOST + 8)
                strcat(text, characters[c]);
            weft_fail(-EIO, "%s", text);
            size_t kept = kept_of(text);
            assert_int_equal(strlen(weft_error()), kept);
            assert_memory_equal(weft_error(), text, kept);
        }
}

TEST(a_text_that_just_fits_is_kept_whole)
{
    const char *const ends[] = {"x", "\xc3\xa9", "\xe7\xbb\x87", "\xf0\x9f\xa7\xb5"};
    for (size_t c = 0; c < COUNT(ends); c++) {
        char text[2 * MOST] = "";
        memset(text, 'a', MOST - strlen(ends[c]));
        strcat(text, ends[c]);
        weft_fail(-EIO, "%s", text);
        assert_failed(-EIO, text);
    }
}

TEST(a_text_that_is_no_utf_8_is_cut_too)
{
    char text[1000];
    const char bytes[] = {'\x80', '\xff', '\xbf'};
    for (size_t i = 0; i < COUNT(bytes); i++) {
        memset(text, bytes[i], sizeof text);
        text[sizeof text - 1] = '\0';
        weft_fail(-EIO, "%s", text);
        assert_int_equal(weft_error_code(), -EIO);
        assert_true(strlen(weft_error()) <= MOST);
    }
}

// ---- whose it is --------------------------------------------------------------------

static int fail_in_turn(void *arg)
{
    pthread_barrier_t *turn = arg;
    char text[32];
    CHECK(no_failure_yet(NULL) == 0);
    snprintf(text, sizeof text, "mine is %d", gettid());
    pthread_barrier_wait(turn);
    weft_fail(-gettid(), "%s", text);
    pthread_barrier_wait(turn);
    CHECK(weft_error_code() == -gettid());
    CHECK(strcmp(weft_error(), text) == 0);
    return 0;
}

TEST(each_task_and_thread_has_its_own)
{
    pthread_barrier_t turn;
    struct away crowd[4];
    weft_fail(-EPERM, "ours");
    pthread_barrier_init(&turn, NULL, COUNT(crowd));
    go_all(crowd, COUNT(crowd), fail_in_turn, &turn);
    all_back_with(0, crowd, COUNT(crowd));
    pthread_barrier_destroy(&turn);
    assert_failed(-EPERM, "ours");
}

static int fail_at_length(const int *length, weft_none *none)
{
    (void)none;
    return weft_fail(-EIO, "%0*d", *length, 1);
}
WEFT_TASK(fail_at_length, int, weft_none);

static int look_around(const int *any, int *code)
{
    (void)any;
    *code = weft_error_code() || weft_error()[0] != '\0';
    return 0;
}
WEFT_TASK(look_around, int, int);

TEST(it_travels_with_the_result_to_whoever_joins)
{
    const int lengths[] = {1, 20, MOST, 500};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        char expected[MOST + 1];
        snprintf(expected, sizeof expected, "%0*d", lengths[i], 1);
        weft_future *f = weft_start(WEFT_THREADS, fail_at_length, &lengths[i]);
        assert_non_null(f);
        weft_fail(-EPERM, "ours");
        assert_int_equal(weft_wait(f, WEFT_FOREVER), 0);
        assert_failed(-EPERM, "ours"); // to wait for it is not to be told
        assert_int_equal(weft_join(&f, NULL, 0), -EIO);
        assert_failed(-EIO, expected);
    }
}

TEST(a_workers_next_task_begins_without_one)
{
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    assert_non_null(pool);
    for (int i = 0; i < 3; i++) {
        int seen = 1;
        weft_future *f = weft_submit(pool, fail_at_length, &(int){9});
        weft_future *g = weft_submit(pool, look_around, &(int){0});
        assert_int_equal(weft_wait(g, much_later()), 0);
        assert_int_equal(weft_join(&f, NULL, 0), -EIO);
        assert_int_equal(weft_join_as(&g, look_around, &seen), 0);
        assert_int_equal(seen, 0);
    }
    weft_pool_close(&pool);
}

static void assert_told(int rc, int code)
{
    assert_int_equal(rc, code);
    assert_int_equal(weft_error_code(), code);
    assert_true(weft_error()[0] != '\0');
    weft_fail(-EPERM, "%s", "");
}

TEST(a_wait_that_failed_is_the_last_failure_and_has_a_text)
{
    weft_mutex m = {0};
    weft_cond c = {0};
    weft_sem s = {0};
    weft_event e = {0};
    weft_waitgroup w = {0};
    weft_barrier b = WEFT_BARRIER(2);
    weft_queue *q = weft_queue_new(sizeof(int));
    int item;
    weft_waitgroup_add(&w, 1);
    weft_lock(&m);
    assert_told(weft_lock_until(&m, soon()), -ETIMEDOUT);
    assert_told(weft_lock_until(&m, WEFT_POLL), -ETIMEDOUT);
    assert_told(weft_cond_wait(&c, &m, soon()), -ETIMEDOUT);
    assert_told(weft_acquire(&s, soon()), -ETIMEDOUT);
    assert_told(weft_acquire(&s, WEFT_POLL), -ETIMEDOUT);
    assert_told(weft_event_wait(&e, soon()), -ETIMEDOUT);
    assert_told(weft_waitgroup_wait(&w, soon()), -ETIMEDOUT);
    assert_told(weft_barrier_wait(&b, soon()), -ETIMEDOUT);
    assert_told(weft_barrier_wait(&b, soon()), -EPIPE);
    assert_told(weft_get(q, &item, soon()), -ETIMEDOUT);
    weft_queue_close(q);
    assert_told(weft_get(q, &item, soon()), -EPIPE);
    weft_queue_free(&q);
    weft_unlock(&m);
}

static int await_and_look(void *e)
{
    CHECK(weft_event_wait(e, WEFT_FOREVER) == -ECANCELED);
    CHECK(weft_error_code() == -ECANCELED);
    CHECK(weft_error()[0] != '\0');
    return 0;
}

TEST(a_cancelled_wait_is_a_failure_with_a_text)
{
    weft_event e = {0};
    assert_int_equal(cancel_while_waiting(await_and_look, &e), 0);
    assert_int_equal(cancel_before(await_and_look, &e), 0);
}

TEST(the_version_is_that_of_the_headers)
{
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", WEFT_VERSION_MAJOR, WEFT_VERSION_MINOR,
             WEFT_VERSION_PATCH);
    assert_string_equal(weft_version(), version);
}

// ---- nobody joins -------------------------------------------------------------------

struct ending {
    atomic_bool *may_end;
    int code;
};

static int end_badly(const struct ending *e, weft_none *none)
{
    (void)none;
    while (!atomic_load(e->may_end))
        nap_ms(1);
    return e->code < 0 ? weft_fail(e->code, "disk on fire") : e->code;
}
WEFT_TASK(end_badly, struct ending, weft_none);

static struct heard {
    atomic_int count;
    char task[64], message[WEFT_ERROR_MAX];
    int code, own_code;
    void *ctx;
} heard;

static void hear(const char *task, int code, const char *message, void *ctx)
{
    snprintf(heard.task, sizeof heard.task, "%s", task);
    snprintf(heard.message, sizeof heard.message, "%s", message);
    heard.code = code;
    heard.ctx = ctx;
    heard.own_code = weft_error_code();
    atomic_fetch_add(&heard.count, 1);
}

static void start_and_drop(int code)
{
    static atomic_bool may_end[16];
    static int next;
    atomic_bool *mine = &may_end[next++];
    weft_future *f = weft_start(WEFT_THREADS, end_badly, &(struct ending){mine, code});
    assert_non_null(f);
    weft_drop(&f);
    assert_null(f);
    atomic_store(mine, true);
}

TEST(a_dropped_task_that_fails_is_told_to_the_hook)
{
    int here;
    memset(&heard, 0, sizeof heard);
    weft_on_unobserved(hear, &here);
    start_and_drop(-EIO);
    assert_true(eventually(atomic_load(&heard.count) == 1));
    weft_on_unobserved(NULL, NULL);
    assert_non_null(strstr(heard.task, "end_badly"));
    assert_string_equal(heard.message, "disk on fire");
    assert_int_equal(heard.code, -EIO);
    assert_int_equal(heard.own_code, -EIO); // in the failed task
    assert_ptr_equal(heard.ctx, &here);
}

static void fail_and_hear(const char *task, int code, const char *message, void *ctx)
{
    weft_event never = {0};
    if (weft_event_wait(&never, WEFT_POLL) < 0 && weft_error()[0] != '\0')
        hear(task, code, message, ctx);
}

TEST(what_fails_in_the_hook_leaves_the_message_that_it_was_told)
{
    memset(&heard, 0, sizeof heard);
    weft_on_unobserved(fail_and_hear, NULL);
    start_and_drop(-EIO);
    assert_true(eventually(atomic_load(&heard.count) == 1));
    weft_on_unobserved(NULL, NULL);
    assert_string_equal(heard.message, "disk on fire");
}

TEST(joined_cancelled_and_successful_tasks_are_not_told_to_the_hook)
{
    atomic_bool at_once = true;
    memset(&heard, 0, sizeof heard);
    weft_on_unobserved(hear, NULL);
    start_and_drop(-ECANCELED);
    start_and_drop(0);
    start_and_drop(3);
    weft_future *f = weft_start(WEFT_THREADS, end_badly, &(struct ending){&at_once, -EIO});
    assert_int_equal(weft_join(&f, NULL, 0), -EIO);
    nap_ms(30);
    assert_int_equal(heard.count, 0);
    start_and_drop(-ENOENT); // the hook is there
    assert_true(eventually(atomic_load(&heard.count) == 1));
    assert_int_equal(heard.code, -ENOENT);
    weft_on_unobserved(NULL, NULL);
}

static int fail_unobserved(void)
{
    weft_on_unobserved(hear, NULL);
    weft_on_unobserved(NULL, NULL); // as it was
    start_and_drop(-EIO);
    return 0; // the end of the program waits for the task
}

TEST(without_a_hook_one_line_on_stderr_names_the_task_and_the_failure)
{
    struct ran ran;
    run_scene("fail_unobserved", false, &ran);
    bool good = WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 0 && is_one_line(ran.err) &&
                has_all(ran.err, WORDS_("end_badly", "disk on fire"));
    show_unless(good, "fail_unobserved", &ran);
}

// ---- misuse and need ----------------------------------------------------------------

static int fail_with_zero(void)
{
    return weft_fail(0, "no failure");
}

static int fail_with_a_count(void)
{
    return weft_fail(5, "no failure");
}

// The same code before, from whomever, says nothing about this call.
TEST(a_call_that_fails_with_the_code_of_an_older_failure_says_its_own)
{
    weft_end gone = {1000000}; // nobody has so many
    weft_fail(-EBADF, "backend db.example: its descriptor is gone");
    assert_int_equal(weft_send(gone, "x", 1, WEFT_FOREVER), -EBADF);
    assert_failed(-EBADF, "weft_send: Bad file descriptor");
    assert_int_equal(weft_wait_fd(-1, 0, WEFT_FOREVER), -EBADF);
    assert_failed(-EBADF, "weft_wait_fd: -1 is no descriptor");
    assert_int_equal(weft_send(gone, "x", 1, WEFT_FOREVER), -EBADF);
    assert_failed(-EBADF, "weft_send: Bad file descriptor");
}

TEST(a_code_that_is_not_negative_aborts)
{
    expect_abort(fail_with_zero, "weft_fail", "negative");
    expect_abort(fail_with_a_count, "weft_fail", "5", "negative");
}

static int fail_first_without_memory(void)
{
    exhaust_memory();
    CHECK(weft_fail(-EIO, "%s", "one") == -EIO);
    CHECK(weft_error_code() == -EIO);
    const char *said = weft_error();
    CHECK(strcmp(said, "one") == 0 || strcmp(said, strerror(EIO)) == 0); // room was left, or not
    return 0;
}

static int fail_without_memory(void)
{
    CHECK(no_failure_yet(NULL) == 0);
    return fail_first_without_memory();
}

static int fail_again_without_memory(void)
{
    weft_fail(-EPERM, "zero");
    return fail_first_without_memory();
}

static int fail_in_a_thread_without_memory(void *arg)
{
    pthread_barrier_t *turn = arg;
    CHECK(weft_check() == 0);
    pthread_barrier_wait(turn);
    pthread_barrier_wait(turn);
    weft_fail(-EIO, "%s", "one");
    return weft_error_code();
}

static int fail_elsewhere_without_memory(void)
{
    pthread_barrier_t turn;
    struct away a;
    pthread_barrier_init(&turn, NULL, 2);
    go(&a, IN_THREAD, fail_in_a_thread_without_memory, &turn);
    pthread_barrier_wait(&turn);
    exhaust_memory();
    pthread_barrier_wait(&turn);
    return back(&a) == -EIO ? 0 : 1;
}

static int least(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    return INT_MIN; // there is no -INT_MIN
}
WEFT_TASK(least, weft_none, weft_none);

TEST(the_least_of_all_codes_has_a_text_too)
{
    weft_future *f = weft_start(WEFT_THREADS, least, &(weft_none){0});
    assert_non_null(f);
    assert_int_equal(weft_join(&f, NULL, 0), INT_MIN);
    assert_string_equal(weft_error(), "least: Unknown error -2147483648");
}

TEST(without_memory_the_code_is_kept)
{
    if (UNDER_ASAN || UNDER_TSAN)
        skip(); // they need more memory than there would be
    assert_ends("fail_without_memory", 0, "");
    assert_ends("fail_again_without_memory", 0, "");
    assert_ends("fail_elsewhere_without_memory", 0, "");
}

TEST(without_memory_also_a_threads_first_call_keeps_the_code)
{
    if (UNDER_ASAN || UNDER_TSAN)
        skip();
    assert_ends("fail_first_without_memory", 0, "");
}

static const struct scene scenes[] = {
    SCENE(fail_unobserved),
    SCENE(fail_with_zero),
    SCENE(fail_with_a_count),
    SCENE(fail_first_without_memory),
    SCENE(fail_without_memory),
    SCENE(fail_again_without_memory),
    SCENE(fail_elsewhere_without_memory),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(who_never_failed_has_no_code_and_an_empty_text),
    cmocka_unit_test(a_failure_returns_its_code_and_keeps_its_text),
    cmocka_unit_test(a_success_clears_nothing),
    cmocka_unit_test(the_arguments_may_include_the_last_text),
    cmocka_unit_test(a_longer_text_is_cut_at_a_character),
    cmocka_unit_test(a_text_that_just_fits_is_kept_whole),
    cmocka_unit_test(a_text_that_is_no_utf_8_is_cut_too),
    cmocka_unit_test(each_task_and_thread_has_its_own),
    cmocka_unit_test(it_travels_with_the_result_to_whoever_joins),
    cmocka_unit_test(a_workers_next_task_begins_without_one),
    cmocka_unit_test(a_wait_that_failed_is_the_last_failure_and_has_a_text),
    cmocka_unit_test(a_cancelled_wait_is_a_failure_with_a_text),
    cmocka_unit_test(the_version_is_that_of_the_headers),
    cmocka_unit_test(a_dropped_task_that_fails_is_told_to_the_hook),
    cmocka_unit_test(what_fails_in_the_hook_leaves_the_message_that_it_was_told),
    cmocka_unit_test(joined_cancelled_and_successful_tasks_are_not_told_to_the_hook),
    cmocka_unit_test(without_a_hook_one_line_on_stderr_names_the_task_and_the_failure),
    cmocka_unit_test(a_call_that_fails_with_the_code_of_an_older_failure_says_its_own),
    cmocka_unit_test(a_code_that_is_not_negative_aborts),
    cmocka_unit_test(the_least_of_all_codes_has_a_text_too),
    cmocka_unit_test(without_memory_the_code_is_kept),
    cmocka_unit_test(without_memory_also_a_threads_first_call_keeps_the_code),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
