// SPDX-License-Identifier: MIT
// shared_misuse_test.c - calls of shared memory that no correct program makes.
#include "shared_helpers.h"

// ---- regions and objects ------------------------------------------------------------

static int free_a_stranger(void)
{
    long here = 0, *p = &here;
    weft_shared_free(&p);
    return 0;
}

static int free_a_stranger_among_regions(void)
{
    struct board *b = weft_shared(sizeof *b);
    return b ? free_a_stranger() : 1;
}

static int free_twice(void)
{
    char *r = weft_shared(100), *again = r;
    weft_shared_free(&r);
    weft_shared_free(&again);
    return 0;
}

static int free_the_middle(void)
{
    char *r = weft_shared(3 * 4096), *middle = r + 4096;
    weft_shared_free(&middle);
    return 0;
}

static int make_one_of_no_size(void)
{
    void *r = weft_shared(0);
    return r != NULL;
}

static int unlock_a_free_one(void)
{
    struct board *b = board_new();
    weft_shared_unlock(&b->mu);
    return 0;
}

static int unlock_anothers(void)
{
    struct board *b = board_new();
    struct away a;
    go(&a, IN_TASK, lock_it, b);
    if (back(&a) == 0)
        weft_shared_unlock(&b->mu);
    return 0;
}

static int lock_twice(void)
{
    struct board *b = board_new();
    return lock_it(b) == 0 ? lock_it(b) : 1;
}

static int lock_twice_with_patience(void)
{
    struct board *b = board_new();
    return lock_it(b) == 0 ? lock_soon(b) : 1;
}

static int release_too_many(void)
{
    struct board *b = board_new();
    weft_shared_release(&b->sem, INT32_MAX);
    weft_shared_release(&b->sem, 1);
    return 0;
}

static int release_far_too_many(void)
{
    struct board *b = board_new();
    weft_shared_release(&b->sem, (uint32_t)INT32_MAX + 1);
    return 0;
}

static void *volatile nothing; // so that the compiler does not see it

static int lock_nothing(void)
{
    return weft_shared_lock(nothing, WEFT_POLL);
}

static int unlock_nothing(void)
{
    weft_shared_unlock(nothing);
    return 0;
}

static int acquire_nothing(void)
{
    return weft_shared_acquire(nothing, WEFT_POLL);
}

static int release_nothing(void)
{
    weft_shared_release(nothing, 1);
    return 0;
}

static int set_nothing(void)
{
    weft_shared_event_set(nothing);
    return 0;
}

static int await_nothing(void)
{
    return weft_shared_event_wait(nothing, WEFT_POLL);
}

TEST(misuse_aborts_with_one_line)
{
    expect_abort(free_a_stranger, "weft_shared_free(");
    expect_abort(free_a_stranger_among_regions, "weft_shared_free(");
    expect_abort(free_twice, "weft_shared_free(");
    expect_abort(free_the_middle, "weft_shared_free(");
    expect_abort(make_one_of_no_size, "weft_shared", "no size");
    expect_abort(unlock_a_free_one, "weft_shared_unlock(");
    expect_abort(unlock_anothers, "weft_shared_unlock(");
    expect_abort(lock_twice, "weft_shared_lock(");
    expect_abort(lock_twice_with_patience, "weft_shared_lock(");
    expect_abort(release_too_many, "weft_shared_release(", "INT32_MAX");
    expect_abort(release_far_too_many, "weft_shared_release(", "INT32_MAX");
}

TEST(nothing_instead_of_an_object_aborts_with_one_line)
{
    expect_abort(lock_nothing, "weft_shared_lock(NULL");
    expect_abort(unlock_nothing, "weft_shared_unlock(NULL");
    expect_abort(acquire_nothing, "weft_shared_acquire(NULL");
    expect_abort(release_nothing, "weft_shared_release(NULL");
    expect_abort(set_nothing, "weft_shared_event_set(NULL");
    expect_abort(await_nothing, "weft_shared_event_wait(NULL");
}

// ---- queues -------------------------------------------------------------------------

static int put_nothing(void)
{
    weft_shared_queue *q = nothing;
    return weft_shared_put(q, &(int){1}, WEFT_POLL);
}

static int get_from_nothing(void)
{
    int item;
    weft_shared_queue *q = nothing;
    return weft_shared_get(q, &item, WEFT_POLL);
}

static int put_no_item(void)
{
    weft_shared_queue *q = weft_shared_queue_new(sizeof(int), 4);
    const int *item = nothing;
    return weft_shared_put(q, item, WEFT_POLL);
}

static int get_to_no_place(void)
{
    weft_shared_queue *q = weft_shared_queue_new(sizeof(int), 4);
    int *item = nothing;
    return weft_shared_get(q, item, WEFT_POLL);
}

static int close_nothing(void)
{
    weft_shared_queue_close(nothing);
    return 0;
}

static int put_another_size(void)
{
    weft_shared_queue *q = weft_shared_queue_new(sizeof(int), 4);
    return weft_shared_put(q, &(long){1}, WEFT_POLL);
}

static int get_another_size(void)
{
    char item;
    weft_shared_queue *q = weft_shared_queue_new(sizeof(int), 4);
    return weft_shared_get(q, &item, WEFT_POLL);
}

static int queue_of_no_size(void)
{
    weft_shared_queue *q = weft_shared_queue_new(0, 4);
    return q != NULL;
}

static int free_a_queue_twice(void)
{
    weft_shared_queue *q = weft_shared_queue_new(sizeof(int), 4), *again = q;
    weft_shared_queue_free(&q);
    weft_shared_queue_free(&again);
    return 0;
}

TEST(misuse_of_a_queue_aborts_with_one_line)
{
    expect_abort(put_nothing, "weft_shared_put(NULL)", "no queue");
    expect_abort(get_from_nothing, "weft_shared_get(NULL)", "no queue");
    expect_abort(put_no_item, "weft_shared_put(0x", "NULL): there is no item");
    expect_abort(get_to_no_place, "weft_shared_get(0x", "NULL): no place");
    expect_abort(close_nothing, "weft_shared_queue_close(NULL");
    expect_abort(put_another_size, "weft_shared_put(", "4", "8");
    expect_abort(get_another_size, "weft_shared_get(", "4", "1");
    expect_abort(queue_of_no_size, "weft_shared_queue_new", "no size");
    expect_abort(free_a_queue_twice, "weft_shared_free(", "free already");
}

static const struct scene scenes[] = {
    SCENE(free_a_stranger),
    SCENE(free_a_stranger_among_regions),
    SCENE(free_twice),
    SCENE(free_the_middle),
    SCENE(make_one_of_no_size),
    SCENE(unlock_a_free_one),
    SCENE(unlock_anothers),
    SCENE(lock_twice),
    SCENE(lock_twice_with_patience),
    SCENE(release_too_many),
    SCENE(release_far_too_many),
    SCENE(lock_nothing),
    SCENE(unlock_nothing),
    SCENE(acquire_nothing),
    SCENE(release_nothing),
    SCENE(set_nothing),
    SCENE(await_nothing),
    SCENE(put_nothing),
    SCENE(get_from_nothing),
    SCENE(put_no_item),
    SCENE(get_to_no_place),
    SCENE(close_nothing),
    SCENE(put_another_size),
    SCENE(get_another_size),
    SCENE(queue_of_no_size),
    SCENE(free_a_queue_twice),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(misuse_aborts_with_one_line),
    cmocka_unit_test(nothing_instead_of_an_object_aborts_with_one_line),
    cmocka_unit_test(misuse_of_a_queue_aborts_with_one_line),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
