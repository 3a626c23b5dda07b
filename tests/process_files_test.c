// SPDX-License-Identifier: MIT
// process_files_test.c - processes when a file may only be small (RLIMIT_FSIZE): what they share
// with the program lies in files in memory, so its code is -EFBIG, and no SIGXFSZ ends anything.
#include "process_helpers.h"

struct large {
    unsigned char bytes[1 << 20];
};

static int first_of(const struct large *l, long *out)
{
    *out = l->bytes[0];
    return 0;
}
WEFT_TASK(first_of, struct large, long);

static void limit_files(rlim_t size)
{
    struct rlimit r;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
    r.rlim_cur = size < r.rlim_max ? size : r.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static void assert_all_is_well(weft_pool *pool)
{
    long out = 0;
    weft_future *f = weft_submit(pool, square, &(int){7});
    assert_non_null(f);
    assert_int_equal(weft_join_as(&f, square, &out), 0);
    assert_int_equal(out, 49);
}

static void without_room_in_a_file_no_process_is_made(void **state)
{
    (void)state;
    weft_pool *here = pool_of(1);
    limit_files(1024);
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    int code = weft_error_code();
    weft_future *f = weft_start(WEFT_PROCESSES, square, &(int){1});
    int code_of_start = weft_error_code();
    limit_files(RLIM_INFINITY);
    assert_null(pool);
    assert_int_equal(code, -EFBIG);
    assert_null(f);
    assert_int_equal(code_of_start, -EFBIG);
    assert_all_is_well(here);
    weft_pool_close(&here);
}

static void what_is_larger_than_a_file_may_be_fails_alone(void **state)
{
    (void)state;
    static struct large large;
    static int in[1 << 16];
    static long out[1 << 16];
    weft_pool *pool = pool_of(1);
    limit_files(1 << 17);
    weft_future *f = weft_submit(pool, first_of, &large);
    int code = f ? weft_join(&f, NULL, 0) : weft_error_code();
    int code_of_map = weft_map(pool, WEFT_FOREVER, square, COUNT(in), out, in);
    limit_files(RLIM_INFINITY);
    assert_int_equal(code, -EFBIG);
    assert_int_equal(code_of_map, -EFBIG);
    assert_all_is_well(pool);
    weft_pool_close(&pool);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(without_room_in_a_file_no_process_is_made),
    cmocka_unit_test(what_is_larger_than_a_file_may_be_fails_alone),
};

TEST_MAIN(tests)
