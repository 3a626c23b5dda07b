// SPDX-License-Identifier: MIT
// net_block_test.c - blocks for what goes out: each is one's own, however many there are.
#include "unit.h"

#include <stdalign.h>

#include "net/block.h"

enum { MANY = 10000, THREADS = 4, ROUNDS = 200, HELD = 300 };

static unsigned char *blocks[MANY];

static void fill(unsigned char *block, int number)
{
    memset(block, number % 251, WF_BLOCK);
    memcpy(block, &number, sizeof number);
}

static bool is_whole(const unsigned char *block, int number)
{
    int found;
    memcpy(&found, block, sizeof found);
    bool same = found == number;
    for (int i = sizeof found; i < WF_BLOCK && same; i++)
        same = block[i] == number % 251;
    return same;
}

static void take_all(void)
{
    for (int i = 0; i < MANY; i++) {
        blocks[i] = wf_block_take();
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % alignof(max_align_t), 0);
        fill(blocks[i], i);
    }
}

static void many_at_once_are_each_ones_own(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        take_all();
        for (int i = 0; i < MANY; i++)
            assert_true(is_whole(blocks[i], i));
        for (int i = 0; i < MANY; i += 2) // every other one first: slabs with holes
            wf_block_give(blocks[i]);
        for (int i = 1; i < MANY; i += 2)
            assert_true(is_whole(blocks[i], i));
        for (int i = 1; i < MANY; i += 2)
            wf_block_give(blocks[i]);
    }
    wf_block_give(NULL);
}

static void *take_and_give(void *seed)
{
    unsigned char *held[HELD] = {NULL};
    unsigned random = (unsigned)(uintptr_t)seed;
    for (int i = 0; i < ROUNDS * HELD; i++) {
        random = random * 1103515245U + 12345U;
        int at = (int)(random >> 16) % HELD, number = (int)(uintptr_t)seed * HELD + at;
        if (held[at] && !is_whole(held[at], number))
            return "another wrote into it";
        wf_block_give(held[at]);
        held[at] = held[at] ? NULL : wf_block_take();
        if (held[at])
            fill(held[at], number);
    }
    for (int i = 0; i < HELD; i++)
        wf_block_give(held[i]);
    return NULL;
}

static void threads_do_not_get_each_others(void **state)
{
    pthread_t threads[THREADS];
    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, take_and_give, (void *)(uintptr_t)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_at_once_are_each_ones_own),
        cmocka_unit_test(threads_do_not_get_each_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
