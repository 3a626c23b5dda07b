// SPDX-License-Identifier: MIT
// store_test.c - blocks of memory, very many of them, taken and given back by any thread.
#include "unit.h"

#include "os/store.h"

enum { MANY = 20000, SIZE = 300, THREADS = 4 };

static void *take(struct wf_store *store, size_t size)
{
    bool first;
    return wf_store_take(store, size, &first);
}

static void give(struct wf_store *store, void *block, size_t size)
{
    (void)wf_store_give(store, wf_store_chain(block, size, NULL));
}

static void fill(void *block, size_t size, int with)
{
    memset(block, with, size);
}

static void assert_filled(const unsigned char *block, size_t size, int with)
{
    for (size_t i = 0; i < size; i++)
        assert_int_equal(block[i], with & 0xff);
}

static void blocks_do_not_overlap_and_are_aligned(void **state)
{
    (void)state;
    struct wf_store store = {.used = 0};
    static unsigned char *blocks[MANY];
    for (int i = 0; i < MANY; i++) {
        blocks[i] = take(&store, SIZE);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % WF_STORE_UNIT, 0);
        fill(blocks[i], SIZE, i);
    }
    for (int i = 0; i < MANY; i++)
        assert_filled(blocks[i], SIZE, i);
    for (int i = 0; i < MANY; i++)
        give(&store, blocks[i], SIZE);
    wf_store_end(&store);
}

static void sizes_have_their_own_blocks(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 64, 65, 512, WF_STORE_MOST, WF_STORE_MOST + 1, 1 << 20};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    struct wf_store store = {.used = 0};
    for (int again = 0; again < 3; again++) {
        void *blocks[SIZES];
        for (int i = 0; i < SIZES; i++) {
            blocks[i] = take(&store, sizes[i]);
            assert_non_null(blocks[i]);
            fill(blocks[i], sizes[i], i);
        }
        for (int i = 0; i < SIZES; i++)
            assert_filled(blocks[i], sizes[i], i);
        for (int i = 0; i < SIZES; i++)
            give(&store, blocks[i], sizes[i]);
    }
    wf_store_end(&store);
}

// Twice, because the store starts again when none is in use.
static void all_that_was_given_back_is_taken_again(void **state)
{
    (void)state;
    struct wf_store store = {.used = 0};
    static void *blocks[MANY];
    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < MANY; i++)
            blocks[i] = take(&store, SIZE);
        for (int i = 0; i < MANY; i++)
            give(&store, blocks[(i + 7) % MANY], SIZE);
    }
    wf_store_end(&store);
}

static void the_first_and_the_last_are_known(void **state)
{
    (void)state;
    static const size_t sizes[] = {64, SIZE, WF_STORE_MOST + 1};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    struct wf_store store = {.used = 0};
    for (int again = 0; again < 3; again++) {
        void *blocks[SIZES];
        for (int i = 0; i < SIZES; i++) {
            bool first = false;
            blocks[i] = wf_store_take(&store, sizes[i], &first);
            assert_non_null(blocks[i]);
            assert_int_equal(first, i == 0);
        }
        struct wf_store_block *chain = NULL;
        for (int i = 1; i < SIZES; i++)
            chain = wf_store_chain(blocks[i], sizes[i], chain);
        assert_false(wf_store_give(&store, chain));
        assert_true(wf_store_give(&store, wf_store_chain(blocks[0], sizes[0], NULL)));
    }
    wf_store_end(&store);
}

static void a_very_large_one_is_not_taken_for_a_small_one(void **state)
{
    (void)state;
    struct wf_store_block block;
    (void)wf_store_chain(&block, (size_t)1 << 32 | SIZE, NULL);
    assert_true(block.size > WF_STORE_MOST);
}

// A future says there that it is gone.
static void a_word_of_the_user_stays_in_what_was_given_back(void **state)
{
    (void)state;
    if (SANITIZED)
        skip(); // then a block is malloc's, and gone
    struct wf_store store = {.used = 0};
    struct wf_store_block *kept = take(&store, SIZE), *block = take(&store, SIZE);
    block->theirs = 7;
    give(&store, block, SIZE);
    assert_ptr_equal(take(&store, SIZE), block);
    assert_int_equal(block->theirs, 7);
    give(&store, block, SIZE);
    give(&store, kept, SIZE);
    wf_store_end(&store);
}

static struct wf_store shared;

static void *take_and_give(void *arg)
{
    void *blocks[50];
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 50; i++) {
            blocks[i] = take(&shared, SIZE);
            if (!blocks[i])
                return NULL;
            memset(blocks[i], *(int *)arg, SIZE);
        }
        for (int i = 0; i < 50; i++) {
            if (((unsigned char *)blocks[i])[SIZE - 1] != *(int *)arg)
                return NULL;
            give(&shared, blocks[i], SIZE);
        }
    }
    return arg;
}

static void threads_share_one(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int numbers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &numbers[i]);
    }
    wf_store_end(&shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_do_not_overlap_and_are_aligned),
        cmocka_unit_test(sizes_have_their_own_blocks),
        cmocka_unit_test(all_that_was_given_back_is_taken_again),
        cmocka_unit_test(the_first_and_the_last_are_known),
        cmocka_unit_test(a_very_large_one_is_not_taken_for_a_small_one),
        cmocka_unit_test(a_word_of_the_user_stays_in_what_was_given_back),
        cmocka_unit_test(threads_share_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
