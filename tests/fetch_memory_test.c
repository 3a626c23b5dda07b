// SPDX-License-Identifier: MIT
// fetch_memory_test.c - programs/fetch/memory.h: what libcurl reads into has memory that goes back.
#include "contract.h"

#include <sys/mman.h>

#include "fetch/memory.h"
#include "fetch/request.h"

enum { SIZE = REQUEST_READ_TLS + 1, SMALLER = REQUEST_READ + 1, TWICE = 2 * SIZE, PAGE = 4096 };

static bool no_region;
static int refused;

void *__real_mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    refused += no_region;
    return no_region ? MAP_FAILED : __real_mmap64(at, size, protection, flags, fd, offset);
}

static char *take_full(char with)
{
    char *buffer = memory_take(SIZE);
    assert_non_null(buffer);
    memset(buffer, with, SIZE);
    return buffer;
}

static bool is_full(const char *buffer, char of)
{
    return buffer[0] == of && memcmp(buffer, buffer + 1, SIZE - 1) == 0;
}

TEST(each_transfer_has_pages_of_its_own)
{
    char *buffers[26];
    assert_true(memory_begin(COUNT(buffers)));
    for (size_t i = 0; i < COUNT(buffers); i++)
        buffers[i] = take_full((char)('a' + i));
    for (size_t i = 0; i < COUNT(buffers); i++) {
        assert_int_equal((uintptr_t)buffers[i] % PAGE, 0);
        assert_true(is_full(buffers[i], (char)('a' + i)));
        memory_give(buffers[i]);
    }
    memory_end();
}

TEST(a_smaller_buffer_lies_where_a_large_one_was_and_the_other_way_round)
{
    assert_true(memory_begin(1));
    char *large = take_full('x');
    memory_give(large);
    char *small = memory_take(SMALLER);
    assert_ptr_equal(small, large);
    memory_give(small);
    assert_ptr_equal(take_full('y'), large);
    memory_give(large);
    memory_end();
}

enum { FEW = 200, MANY = 500 };

// Those that have what was written into them before; what was given back reads as zeros. Gives all
// back.
static int count_full(char *const *buffers, int count)
{
    int full = 0;
    for (int i = 0; i < count; i++) {
        assert_true(is_full(buffers[i], 'x') || is_full(buffers[i], '\0'));
        full += buffers[i][0] == 'x';
    }
    for (int i = 0; i < count; i++)
        memory_give(buffers[i]);
    return full;
}

TEST(of_those_that_lie_idle_a_few_keep_their_memory)
{
    char *buffers[FEW];
    assert_true(memory_begin(FEW));
    for (int i = 0; i < FEW; i++)
        buffers[i] = take_full('x');
    for (int i = 0; i < FEW; i++)
        memory_give(buffers[i]);
    for (int i = 0; i < FEW; i++)
        buffers[i] = memory_take(SIZE);
    assert_in_range(count_full(buffers, FEW), 1, FEW / 2);
    memory_end();
}

// As in a run: the next transfer takes a buffer before the others have ended.
static int fill_and_take_another(int count)
{
    char *buffers[MANY];
    assert_true(memory_begin(count));
    for (int i = 0; i < count; i++)
        buffers[i] = take_full('x');
    for (int i = 0; i < count; i++) {
        memory_give(buffers[i]);
        buffers[i] = memory_take(SIZE);
    }
    int full = count_full(buffers, count);
    memory_end();
    return full;
}

TEST(a_transfer_after_another_does_not_keep_its_memory)
{
    assert_in_range(fill_and_take_another(FEW), 1, FEW / 2);
    assert_int_equal(fill_and_take_another(MANY), 0); // none at all, while many are in use
}

TEST(more_than_was_said_and_other_sizes_are_mallocs)
{
    char *buffers[12];
    assert_true(memory_begin(3));
    for (size_t i = 0; i < COUNT(buffers); i++)
        buffers[i] = take_full((char)('a' + i));
    char *text = memory_take(6);
    memcpy(text, "hello", 6);
    for (size_t i = 0; i < COUNT(buffers); i++) {
        assert_true(is_full(buffers[i], (char)('a' + i)));
        memory_give(buffers[i]);
    }
    assert_string_equal(text, "hello");
    memory_give(text);
    memory_give(NULL);
    memory_end();
}

TEST(a_buffer_that_is_to_be_larger_or_smaller_keeps_its_bytes)
{
    assert_true(memory_begin(2));
    char *large = memory_take_again(take_full('x'), TWICE);
    char *small = memory_take_again(take_full('y'), 100);
    char *fresh = memory_take_again(NULL, 100);
    assert_true(large && small && fresh && is_full(large, 'x'));
    for (int i = 0; i < 100; i++)
        assert_int_equal(small[i], 'y');
    memory_give(large);
    memory_give(small);
    memory_give(fresh);
    memory_end();
}

TEST(without_room_for_the_region_all_is_mallocs)
{
    no_region = true;
    assert_true(memory_begin(2));
    no_region = false;
    assert_int_equal(refused, 1);
    char *buffer = take_full('x'), *other = memory_take_again(take_full('y'), TWICE);
    assert_true(is_full(buffer, 'x') && is_full(other, 'y'));
    memory_give(buffer);
    memory_give(other);
    memory_end();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_transfer_has_pages_of_its_own),
    cmocka_unit_test(a_smaller_buffer_lies_where_a_large_one_was_and_the_other_way_round),
    cmocka_unit_test(of_those_that_lie_idle_a_few_keep_their_memory),
    cmocka_unit_test(a_transfer_after_another_does_not_keep_its_memory),
    cmocka_unit_test(more_than_was_said_and_other_sizes_are_mallocs),
    cmocka_unit_test(a_buffer_that_is_to_be_larger_or_smaller_keeps_its_bytes),
    cmocka_unit_test(without_room_for_the_region_all_is_mallocs),
};

TEST_MAIN(tests)
