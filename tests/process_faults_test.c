// SPDX-License-Identifier: MIT
// process_faults_test.c - the family on a bad day: its ancestor killed, and no descriptor left.
#include "process_helpers.h"

// ---- the ancestor is killed --------------------------------------------------------------------

static void without_its_ancestor_a_program_makes_another(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 2);
    weft_future *running = weft_submit(pool, never_return, &(weft_none){0});
    struct weft_info info = await_begun(running);
    pid_t ancestor = ancestor_of(info.pid);
    assert_true(ancestor > 1 && ancestor != getpid());
    assert_int_equal(kill(ancestor, SIGKILL), 0);
    assert_int_equal(weft_join(&running, NULL, 0), -EOWNERDEAD);
    for (int i = 0; i < 50; i++) {
        long out = 0;
        weft_future *f = weft_submit(pool, square, &i);
        assert_int_equal(weft_join_as(&f, square, &out), 0);
        assert_int_equal(out, (long)i * i);
    }
    assert_true(goes(ancestor) && goes(info.pid));
    weft_pool_close(&pool);
}

// ---- no descriptor is left ----------------------------------------------------------------------

static void use_a_pool(int i)
{
    long out = 0;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    assert_non_null(pool);
    weft_future *f = weft_submit(pool, square, &i);
    assert_int_equal(weft_join_as(&f, square, &out), 0);
    weft_pool_close(&pool);
}

static void without_descriptors_there_is_a_clear_error(void **state)
{
    (void)state;
    use_a_pool(1); // the ancestor is there
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    int next = dup(STDIN_FILENO);
    close(next);
    none.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    weft_future *f = weft_start(WEFT_PROCESSES, square, &(int){1});
    int code = weft_error_code();
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    int pool_code = weft_error_code();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_null(f);
    assert_int_equal(code, -EMFILE);
    assert_null(pool);
    assert_int_equal(pool_code, -EMFILE);
    use_a_pool(2);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(without_its_ancestor_a_program_makes_another),
    cmocka_unit_test(without_descriptors_there_is_a_clear_error),
};

TEST_MAIN(tests)
