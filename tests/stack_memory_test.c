// SPDX-License-Identifier: MIT
// stack_memory_test.c - the memory of fibers' stacks comes back, and so do their addresses.
// WEFT_TEST_LONG=1 opens and closes 10,000 pools.
#include "stack_helpers.h"

// In bytes; "VmRSS", "VmSize".
static size_t held(const char *what)
{
    char line[128];
    size_t kib = 0, length = strlen(what);
    FILE *f = fopen("/proc/self/status", "re");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (strncmp(line, what, length) == 0)
            assert_int_equal(sscanf(line + length, ": %zu", &kib), 1);
    fclose(f);
    return kib << 10;
}

static void memory_comes_back_from_the_unused_and_from_a_store_that_ends(void **state)
{
    (void)state;
    enum { N = 1000, MIB = 1 << 20 };
    static struct wf_stack *taken[N];
    if (SANITIZED)
        skip(); // their shadows stay
    struct wf_stacks *stacks = new_stacks();
    size_t before = held("VmRSS");
    take_many(stacks, taken, N, 0);
    fill(taken, N);
    assert_true(held("VmRSS") > before + (size_t)50 * MIB);
    give_many(taken, N);
    assert_true(held("VmRSS") < before + (size_t)20 * MIB); // 16 stay warm
    take_many(stacks, taken, N, 0);
    fill(taken, N);
    give_many(taken, N);
    wf_stacks_free(stacks);
    assert_true(held("VmRSS") < before + (size_t)2 * MIB);
}

// Each of one kind, after the other: no more is held in the end than after the first few.
static void assert_bounded(void (*open_and_close)(void), int n)
{
    enum { FIRST = 20, MIB = 1 << 20 };
    size_t addresses = 0, memory = 0;
    for (int i = 0; i < n; i++) {
        if (i == FIRST) {
            addresses = held("VmSize");
            memory = held("VmRSS");
        }
        open_and_close();
    }
    if (held("VmSize") > addresses + (size_t)256 * MIB)
        fail_msg("addresses: %zu MiB, and then %zu", addresses / MIB, held("VmSize") / MIB);
    if (!SANITIZED && held("VmRSS") > memory + (size_t)2 * MIB)
        fail_msg("memory: %zu KiB, and then %zu", memory >> 10, held("VmRSS") >> 10);
}

static void use_a_store(void)
{
    struct wf_stack *taken[3];
    struct wf_stacks *stacks = new_stacks();
    take_many(stacks, taken, 2, 0);
    taken[2] = wf_stack_take(stacks, 1 << 20);
    assert_non_null(taken[2]);
    for (size_t i = 0; i < 3; i++)
        taken[i]->bottom[0] = taken[i]->bottom[taken[i]->size - 1] = 1;
    give_many(taken, 3);
    wf_stacks_free(stacks);
}

static int twice(const int *n, int *out)
{
    volatile char frame[9000]; // a page or two
    keep_in_memory(frame);
    frame[0] = frame[sizeof frame - 1] = 2;
    *out = *n * frame[0];
    return 0;
}
WEFT_TASK(twice, int, int);

static void use_a_pool(void)
{
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 1);
    assert_non_null(pool);
    weft_future *f = weft_submit(pool, twice, &(int){21});
    int out = 0;
    assert_int_equal(weft_join_as(&f, twice, &out), 0);
    assert_int_equal(out, 42);
    weft_pool_close(&pool);
}

// A region for each would be 64 MiB of addresses, a page left behind in each 4 MB.
static int many(void)
{
    if (getenv("WEFT_TEST_LONG"))
        (void)alarm(10 * PROGRAM_S);
    return getenv("WEFT_TEST_LONG") ? 10000 : SANITIZED ? 300 : 1000;
}

static void stores_one_after_the_other_need_no_more_than_one(void **state)
{
    (void)state;
    assert_bounded(use_a_store, many());
}

static void pools_one_after_the_other_need_no_more_than_one(void **state)
{
    (void)state;
    assert_bounded(use_a_pool, many());
}

static weft_event morning;
static atomic_int asleep;

static int sleep_in(const weft_none *unused, weft_none *none)
{
    (void)unused, (void)none;
    volatile char frame[5000]; // so that it has a second page
    keep_in_memory(frame);
    frame[0] = frame[sizeof frame - 1] = 1;
    atomic_fetch_add(&asleep, 1);
    return weft_event_wait(&morning, WEFT_FOREVER) + frame[0] - 1;
}
WEFT_TASK(sleep_in, weft_none, weft_none);

static void after_a_burst_the_memory_of_its_fibers_comes_back(void **state)
{
    (void)state;
    enum { N = 100000 };
    static weft_future *all[N];
    if (SANITIZED)
        skip(); // their shadows stay
    size_t before = held("VmRSS");
    for (size_t i = 0; i < N; i++)
        assert_non_null(all[i] = weft_start(WEFT_FIBERS, sleep_in, &(weft_none){0}));
    while (atomic_load(&asleep) < N)
        nap_ms(1);
    size_t peak = held("VmRSS");
    weft_event_set(&morning);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(weft_join(&all[i], NULL, 0), 0);
    // A fiber gives back its stack a moment after its task has ended.
    while (held("VmRSS") > before + (peak - before) / 8)
        nap_ms(1);
    assert_true(peak - before > (size_t)N * 8000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(memory_comes_back_from_the_unused_and_from_a_store_that_ends),
    cmocka_unit_test(stores_one_after_the_other_need_no_more_than_one),
    cmocka_unit_test(pools_one_after_the_other_need_no_more_than_one),
    cmocka_unit_test(after_a_burst_the_memory_of_its_fibers_comes_back),
};
TEST_MAIN(tests)
