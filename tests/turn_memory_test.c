// SPDX-License-Identifier: MIT
// turn_memory_test.c - memory for what goes out in a turn: whose it is, that it is used again, and
// that it goes back.
#include "refused_maps.h"

#include <sys/mman.h>
#include <unistd.h>

#include "os/block.h"
#include "os/sanitizer.h"

enum { N = 1000 };

static void *blocks[N];

static void take_all(size_t size)
{
    for (size_t i = 0; i < N; i++) {
        blocks[i] = wf_block_take(size);
        assert_non_null(blocks[i]);
        memset(blocks[i], (int)i, size);
    }
}

static void give_all(size_t size)
{
    for (size_t i = 0; i < N; i++) {
        const unsigned char *bytes = blocks[i];
        assert_int_equal(bytes[0], (unsigned char)i);
        assert_int_equal(bytes[size - 1], (unsigned char)i);
        wf_block_give(blocks[i]);
    }
}

static void blocks_are_apart_with_a_region_and_without(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        if (with)
            wf_blocks_begin();
        for (size_t size = 1; size < 20000; size = size * 3 + 1) {
            take_all(size);
            give_all(size);
        }
    }
    wf_blocks_end();
    wf_block_give(NULL);
}

static void what_is_too_much_for_the_region_comes_from_malloc(void **state)
{
    (void)state;
    wf_blocks_begin();
    take_all(100000); // 100 MB
    give_all(100000);
    wf_blocks_end();
}

static void without_addresses_there_is_no_region(void **state)
{
    (void)state;
    wf_blocks_begin();
    refuse(MMAP, 0, ENOMEM, LONG_MAX);
    void *block = wf_block_take(100);
    (void)end_wish();
    assert_non_null(block);
    wf_block_give(block);
    assert_int_equal(wf_blocks_tidy(0), INT64_MAX);
    wf_blocks_end();
}

static size_t resident(void *begin, size_t size)
{
    unsigned char pages[4096];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = size / page, found = 0;
    assert_true(count <= sizeof pages);
    assert_int_equal(mincore(begin, size, pages), 0);
    for (size_t i = 0; i < count; i++)
        found += pages[i] & 1;
    return found * page;
}

// What each period needs stays, what one did not need goes, and then nobody need ask again.
static void what_a_period_did_not_need_goes_back(void **state)
{
    (void)state;
#if defined(WF_ASAN) || defined(WF_TSAN)
    skip();
#endif
    const int64_t period = 100000000;
    const size_t size = 4000, all = (size_t)4 << 20;
    int64_t now = 1;
    wf_blocks_begin();
    assert_int_equal(wf_blocks_tidy(now), INT64_MAX);
    take_all(size);
    void *first = blocks[0];
    give_all(size);
    assert_int_equal(wf_blocks_tidy(now), now + period);
    for (int i = 0; i < 3; i++) {
        take_all(size);
        assert_ptr_equal(blocks[0], first);
        assert_true(resident(first, all) >= N * size / 2);
        give_all(size);
        now = wf_blocks_tidy(now);
    }
    void *one = wf_block_take(size);
    memset(one, 1, size);
    now = wf_blocks_tidy(now); // in use: nothing goes
    assert_true(resident(first, all) >= N * size / 2);
    wf_block_give(one);
    now = wf_blocks_tidy(now);
    assert_true(resident(first, all) <= 1 << 16);
    assert_int_equal(wf_blocks_tidy(now), INT64_MAX);
    assert_int_equal(resident(first, all), 0);
    wf_blocks_end();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(blocks_are_apart_with_a_region_and_without),
    cmocka_unit_test(what_is_too_much_for_the_region_comes_from_malloc),
    cmocka_unit_test(without_addresses_there_is_no_region),
    cmocka_unit_test(what_a_period_did_not_need_goes_back),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
