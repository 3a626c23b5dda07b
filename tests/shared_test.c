// SPDX-License-Identifier: MIT
// shared_test.c - regions and what synchronises them, between the tasks of one process.
// shared_queue_test.c has the queue, shared_misuse_test.c what is misuse, waits_test.c how waits
// end early; shared_processes_test.c, shared_faults_test.c and shared_limits_test.c have the other
// processes.
#include "shared_helpers.h"

#include <sys/sysinfo.h>

// ---- regions ------------------------------------------------------------------------

static bool all_are(unsigned char value, const unsigned char *bytes, size_t size)
{
    return size == 0 || (bytes[0] == value && memcmp(bytes, bytes + 1, size - 1) == 0);
}

TEST(a_region_is_zeroed_and_page_aligned_also_when_it_was_used_before)
{
    const size_t sizes[] = {1, 7, 64, 4095, 4096, 4097, 12288, 65536, 100000, 1u << 20, 5u << 20};
    for (int round = 0; round < 5; round++)
        for (size_t i = 0; i < COUNT(sizes); i++) {
            unsigned char *r = weft_shared(sizes[i]);
            assert_non_null(r);
            assert_int_equal((uintptr_t)r % (size_t)sysconf(_SC_PAGESIZE), 0);
            assert_true(all_are(0, r, sizes[i]));
            memset(r, 0xff, sizes[i]);
            weft_shared_free(&r);
            assert_null(r);
        }
}

TEST(many_regions_of_many_sizes_lie_apart)
{
    enum { REGIONS = 200, CHANGES = 3000 };
    static unsigned char *regions[REGIONS];
    static size_t sizes[REGIONS];
    unsigned seed = 5;
    for (int change = 0; change < CHANGES; change++) {
        seed = seed * 1103515245u + 12345u;
        size_t i = seed / 65536 % REGIONS;
        if (regions[i]) {
            assert_true(all_are((unsigned char)(i + 1), regions[i], sizes[i]));
            weft_shared_free(&regions[i]);
            continue;
        }
        sizes[i] = 1 + seed / 7 % (change % 50 == 0 ? 300000 : 9000);
        assert_non_null(regions[i] = weft_shared(sizes[i]));
        assert_true(all_are(0, regions[i], sizes[i]));
        memset(regions[i], (int)(i + 1), sizes[i]);
    }
    for (size_t i = 0; i < REGIONS; i++) {
        assert_true(!regions[i] || all_are((unsigned char)(i + 1), regions[i], sizes[i]));
        weft_shared_free(&regions[i]);
    }
}

static int make_and_free(void *arg)
{
    (void)arg;
    for (int i = 1; i <= 300; i++) {
        size_t size = (size_t)i * 97;
        unsigned char *r = weft_shared(size);
        CHECK(r && all_are(0, r, size));
        memset(r, i, size);
        weft_yield();
        CHECK(all_are((unsigned char)i, r, size));
        weft_shared_free(&r);
    }
    return 0;
}

TEST(regions_are_made_and_freed_by_many_at_once)
{
    struct away crowd[6];
    go_all(crowd, COUNT(crowd), make_and_free, NULL);
    all_back_with(0, crowd, COUNT(crowd));
}

TEST(freeing_nothing_is_harmless)
{
    long *none = NULL;
    weft_shared_queue *no_queue = NULL;
    weft_shared_free(&none);
    weft_shared_queue_free(&no_queue);
    assert_null(none);
    assert_null(no_queue);
}

// There are addresses for it, but no memory: to take that ended the program.
static size_t more_than_the_machine_has(void)
{
    struct sysinfo s;
    assert_int_equal(sysinfo(&s), 0);
    return (s.totalram + s.totalswap) * s.mem_unit + ((size_t)1 << 30);
}

TEST(what_is_too_large_is_an_error_with_text)
{
    const size_t sizes[] = {SIZE_MAX,        SIZE_MAX - 4095, SIZE_MAX / 2 + 2,
                            (size_t)1 << 62, (size_t)1 << 50, more_than_the_machine_has()};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        (void)weft_fail(-EIO, "something else");
        void *r = weft_shared(sizes[i]);
        assert_null(r);
        assert_int_equal(weft_error_code(), -ENOMEM);
        assert_string_not_equal(weft_error(), "something else");
    }
    long *small = weft_shared(sizeof *small); // nothing was lost by it
    assert_non_null(small);
    weft_shared_free(&small);
}

// How many of its pages are in memory, whether this process has touched them or not. Of what is
// not mapped at all: none.
static size_t resident(void *region, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (size + page - 1) / page, count = 0;
    unsigned char *there = malloc(pages);
    assert_non_null(there);
    if (mincore(region, size, there) == 0)
        for (size_t i = 0; i < pages; i++)
            count += there[i] & 1;
    free(there);
    return count;
}

TEST(its_memory_is_taken_at_once_and_given_back_when_it_is_freed)
{
    const size_t sizes[] = {4096, 3 * 4096, 1u << 20, 20u << 20};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char *r = weft_shared(sizes[i]), *was = r;
        assert_non_null(r);
        assert_int_equal(resident(r, sizes[i]), sizes[i] / 4096);
        memset(r, 1, sizes[i]);
        weft_shared_free(&r);
        assert_int_equal(resident(was, sizes[i]), 0);
    }
}

static long resident_shared_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *f = fopen("/proc/self/status", "re");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        (void)sscanf(line, "RssShmem: %ld", &kib); // most lines are others
    fclose(f);
    return kib;
}

TEST(what_was_freed_does_not_add_up)
{
    enum { SIZE = 8 << 20, ROUNDS = 20 };
    long before = resident_shared_kib();
    for (int i = 0; i < ROUNDS; i++) {
        char *r = weft_shared(SIZE);
        assert_non_null(r);
        memset(r, 1, SIZE);
        weft_shared_free(&r);
    }
    assert_true(resident_shared_kib() < before + SIZE / 1024);
}

// ---- the mutex ----------------------------------------------------------------------

static int lock_and_unlock(void *board)
{
    CHECK(lock_it(board) == 0);
    weft_shared_unlock(&((struct board *)board)->mu);
    return 0;
}

TEST(a_free_mutex_is_taken_whatever_the_deadline)
{
    const weft_time deadlines[] = {WEFT_FOREVER, WEFT_POLL, long_past, {-5}, soon()};
    struct board *b = board_new();
    for (size_t i = 0; i < COUNT(deadlines); i++) {
        assert_int_equal(weft_shared_lock(&b->mu, deadlines[i]), 0);
        weft_shared_unlock(&b->mu);
    }
    weft_shared_free(&b);
}

TEST(a_held_mutex_is_had_by_nobody_else_until_it_is_unlocked)
{
    struct board *b = board_new();
    struct away crowd[4];
    assert_int_equal(lock_it(b), 0);
    go(&crowd[0], IN_TASK, lock_soon, b);
    go(&crowd[1], IN_THREAD, lock_soon, b);
    all_back_with(-ETIMEDOUT, crowd, 2);
    go_all(crowd, COUNT(crowd), lock_and_unlock, b);
    await_all_asleep(crowd, COUNT(crowd));
    assert_int_equal(how_many_ended(crowd, COUNT(crowd)), 0);
    weft_shared_unlock(&b->mu);
    all_back_with(0, crowd, COUNT(crowd));
    assert_int_equal(weft_shared_lock(&b->mu, WEFT_POLL), 0);
    weft_shared_unlock(&b->mu);
    weft_shared_free(&b);
}

static int count_under_the_mutex(void *board)
{
    struct board *b = board;
    for (int i = 0; i < 2000;) {
        weft_time patience = i % 5 ? WEFT_FOREVER : weft_after_ns(20 * 1000);
        int rc = weft_shared_lock(&b->mu, patience);
        if (rc == -ETIMEDOUT)
            continue;
        CHECK(rc == 0);
        b->total++;
        if (i++ % 64 == 0)
            weft_yield(); // with the lock held, so that others must wait
        weft_shared_unlock(&b->mu);
        weft_shared_add(&b->counter, i % 2 ? 3 : -1);
    }
    return 0;
}

TEST(what_many_count_under_it_adds_up)
{
    struct board *b = board_new();
    struct away crowd[8];
    go_all(crowd, COUNT(crowd), count_under_the_mutex, b);
    all_back_with(0, crowd, COUNT(crowd));
    assert_int_equal(b->total, 8 * 2000);
    assert_int_equal(weft_shared_value(&b->counter), 8 * 2000);
    weft_shared_free(&b);
}

// Fibers of one loop, all of them: who holds it must go on although the others wait.
static int hold_over_a_sleep(void *board)
{
    struct board *b = board;
    CHECK(lock_it(b) == 0);
    long before = b->total;
    CHECK(weft_sleep(weft_after_ms(1)) == 0);
    CHECK(b->total == before);
    b->total++;
    weft_shared_unlock(&b->mu);
    return 0;
}

TEST(a_holder_may_sleep)
{
    struct board *b = board_new();
    struct away crowd[12];
    go_all(crowd, COUNT(crowd), hold_over_a_sleep, b);
    all_back_with(0, crowd, COUNT(crowd));
    assert_int_equal(b->total, COUNT(crowd));
    weft_shared_free(&b);
}

// ---- the semaphore ------------------------------------------------------------------

static int take(void *board)
{
    return weft_shared_acquire(&((struct board *)board)->sem, WEFT_FOREVER);
}

static int units_in(weft_shared_sem *s)
{
    int n = 0;
    while (weft_shared_acquire(s, WEFT_POLL) == 0)
        n++;
    return n;
}

TEST(a_semaphore_gives_what_was_released_and_no_more)
{
    struct board *b = board_new();
    assert_int_equal(units_in(&b->sem), 0);
    weft_shared_release(&b->sem, 0);
    weft_shared_release(&b->sem, 2);
    weft_shared_release(&b->sem, 3);
    assert_int_equal(units_in(&b->sem), 5);
    weft_shared_release(&b->sem, INT32_MAX); // the most
    assert_int_equal(weft_shared_acquire(&b->sem, WEFT_POLL), 0);
    weft_shared_release(&b->sem, 1);
    weft_shared_release(&b->sem, 0);
    weft_shared_free(&b);
}

TEST(a_release_of_n_wakes_n)
{
    struct board *b = board_new();
    struct away crowd[6];
    go_all(crowd, COUNT(crowd), take, b);
    await_all_asleep(crowd, COUNT(crowd));
    weft_shared_release(&b->sem, 4);
    assert_true(eventually(how_many_ended(crowd, COUNT(crowd)) == 4));
    nap_ms(20);
    assert_int_equal(how_many_ended(crowd, COUNT(crowd)), 4);
    assert_int_equal(units_in(&b->sem), 0);
    weft_shared_release(&b->sem, 5);
    all_back_with(0, crowd, COUNT(crowd));
    assert_int_equal(units_in(&b->sem), 3);
    weft_shared_free(&b);
}

static int take_within_two_milliseconds(void *board)
{
    return weft_shared_acquire(&((struct board *)board)->sem, weft_after_ms(2));
}

// It was released for whoever still waits.
TEST(a_waiter_that_gave_up_eats_no_unit)
{
    struct board *b = board_new();
    for (int i = 0; i < 40; i++) {
        struct away hasty, patient;
        bool cancel = i % 2 == 0;
        go(&hasty, IN_TASK, cancel ? take : take_within_two_milliseconds, b);
        go(&patient, i % 4 < 2 ? IN_THREAD : IN_TASK, take, b);
        nap_ms(1);
        if (cancel)
            weft_cancel(hasty.task);
        weft_shared_release(&b->sem, 1);
        int rc = back(&hasty);
        if (rc == 0)
            weft_shared_release(&b->sem, 1);
        else
            assert_int_equal(rc, cancel ? -ECANCELED : -ETIMEDOUT);
        assert_int_equal(back(&patient), 0);
        assert_int_equal(units_in(&b->sem), 0);
    }
    weft_shared_free(&b);
}

static int pass_through(void *board)
{
    struct board *b = board;
    for (int i = 0; i < 500; i++) {
        CHECK(take(b) == 0);
        CHECK(weft_shared_add(&b->counter, 1) <= 3);
        if (i % 32 == 0)
            weft_yield();
        weft_shared_add(&b->counter, -1);
        weft_shared_release(&b->sem, 1);
    }
    return 0;
}

TEST(no_more_are_inside_than_there_are_units_and_none_is_lost)
{
    struct board *b = board_new();
    struct away crowd[8];
    weft_shared_release(&b->sem, 3);
    go_all(crowd, COUNT(crowd), pass_through, b);
    all_back_with(0, crowd, COUNT(crowd));
    assert_int_equal(units_in(&b->sem), 3);
    weft_shared_free(&b);
}

// ---- the event ----------------------------------------------------------------------

static int await_event(void *board)
{
    return weft_shared_event_wait(&((struct board *)board)->event, WEFT_FOREVER);
}

TEST(an_event_is_set_until_it_is_cleared)
{
    struct board *b = board_new();
    for (int i = 0; i < 3; i++) {
        assert_false(weft_shared_event_is_set(&b->event));
        assert_int_equal(weft_shared_event_wait(&b->event, WEFT_POLL), -ETIMEDOUT);
        assert_int_equal(weft_shared_event_wait(&b->event, soon()), -ETIMEDOUT);
        weft_shared_event_set(&b->event);
        weft_shared_event_set(&b->event);
        assert_true(weft_shared_event_is_set(&b->event));
        assert_int_equal(weft_shared_event_wait(&b->event, WEFT_POLL), 0);
        assert_int_equal(weft_shared_event_wait(&b->event, WEFT_FOREVER), 0);
        weft_shared_event_clear(&b->event);
        weft_shared_event_clear(&b->event);
    }
    weft_shared_free(&b);
}

TEST(a_set_ends_all_waits_that_have_begun_also_if_it_is_cleared_at_once)
{
    struct board *b = board_new();
    for (int round = 0; round < 10; round++) {
        struct away crowd[6];
        go_all(crowd, COUNT(crowd), await_event, b);
        await_all_asleep(crowd, COUNT(crowd));
        assert_int_equal(how_many_ended(crowd, COUNT(crowd)), 0);
        weft_shared_event_set(&b->event);
        weft_shared_event_clear(&b->event);
        all_back_with(0, crowd, COUNT(crowd));
        assert_int_equal(weft_shared_event_wait(&b->event, WEFT_POLL), -ETIMEDOUT);
    }
    weft_shared_free(&b);
}

// ---- the counter --------------------------------------------------------------------

TEST(a_counter_says_the_new_value)
{
    struct board *b = board_new();
    assert_int_equal(weft_shared_value(&b->counter), 0);
    assert_int_equal(weft_shared_add(&b->counter, 5), 5);
    assert_int_equal(weft_shared_add(&b->counter, -7), -2);
    assert_int_equal(weft_shared_add(&b->counter, 0), -2);
    assert_true(weft_shared_add(&b->counter, INT64_MAX) == INT64_MAX - 2);
    assert_true(weft_shared_value(&b->counter) == INT64_MAX - 2);
    weft_shared_free(&b);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_region_is_zeroed_and_page_aligned_also_when_it_was_used_before),
    cmocka_unit_test(many_regions_of_many_sizes_lie_apart),
    cmocka_unit_test(regions_are_made_and_freed_by_many_at_once),
    cmocka_unit_test(freeing_nothing_is_harmless),
    cmocka_unit_test(what_is_too_large_is_an_error_with_text),
    cmocka_unit_test(its_memory_is_taken_at_once_and_given_back_when_it_is_freed),
    cmocka_unit_test(what_was_freed_does_not_add_up),
    cmocka_unit_test(a_free_mutex_is_taken_whatever_the_deadline),
    cmocka_unit_test(a_held_mutex_is_had_by_nobody_else_until_it_is_unlocked),
    cmocka_unit_test(what_many_count_under_it_adds_up),
    cmocka_unit_test(a_holder_may_sleep),
    cmocka_unit_test(a_semaphore_gives_what_was_released_and_no_more),
    cmocka_unit_test(a_release_of_n_wakes_n),
    cmocka_unit_test(a_waiter_that_gave_up_eats_no_unit),
    cmocka_unit_test(no_more_are_inside_than_there_are_units_and_none_is_lost),
    cmocka_unit_test(an_event_is_set_until_it_is_cleared),
    cmocka_unit_test(a_set_ends_all_waits_that_have_begun_also_if_it_is_cleared_at_once),
    cmocka_unit_test(a_counter_says_the_new_value),
};

TEST_MAIN(tests)
