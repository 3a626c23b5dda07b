// SPDX-License-Identifier: MIT
// process_many_test.c - many pools, one after the other; many processes, started at once from
// threads and fibers; many tasks that wait for each other. Nothing is left of them.
// WEFT_TEST_LONG makes it longer.
#include "process_helpers.h"

// ---- nothing is left over -----------------------------------------------------------------------

struct left {
    int descriptors, mappings, processes;
};

static int mappings(void)
{
    FILE *f = fopen("/proc/self/maps", "re");
    assert_non_null(f);
    int count = 0;
    for (int c = fgetc(f); c != EOF; c = fgetc(f))
        count += c == '\n';
    fclose(f);
    return count;
}

static struct left what_is_left(void)
{
    return (struct left){open_descriptors(), mappings(), (int)weft_list(WEFT_PROCESSES, NULL, 0)};
}

static void use_a_pool(int i)
{
    long out = 0;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    assert_non_null(pool);
    weft_future *f = weft_submit(pool, square, &i);
    assert_int_equal(weft_join_as(&f, square, &out), 0);
    assert_int_equal(out, (long)i * i);
    weft_pool_close(&pool);
}

static void pools_leave_nothing(void **state)
{
    (void)state;
    int pools = SANITIZED ? 30 : 400;
    if (getenv("WEFT_TEST_LONG")) {
        pools = 10000;
        alarm(600);
    }
    for (int i = 0; i < 20; i++)
        use_a_pool(i); // the ancestor, the keeper, and what the allocator keeps
    struct left before = what_is_left();
    for (int i = 0; i < pools; i++)
        use_a_pool(i);
    struct left after = what_is_left();
    assert_int_equal(after.descriptors, before.descriptors);
    assert_int_equal(after.processes, 0);
    assert_in_range(after.mappings, 0, before.mappings + 4); // the allocator's own
}

// ---- started from anywhere ----------------------------------------------------------------------

enum { STARTERS = 8, EACH = SANITIZED ? 3 : 10 };

// Some have ten at once, some one after the other.
static int start_processes(const int *place, long *sum)
{
    weft_future *futures[EACH] = {NULL};
    *sum = 0;
    for (int i = 0; i < 2 * EACH; i++) {
        weft_future **f = &futures[i % EACH];
        long out = 0;
        if (i < EACH && !(*f = weft_start(WEFT_PROCESSES, square, &i)))
            return weft_error_code();
        if (i < EACH ? *place % 2 == 0 : *place % 2 != 0) {
            int rc = weft_join_as(f, square, &out);
            if (rc < 0)
                return rc;
            *sum += out;
        }
    }
    return 0;
}
WEFT_TASK(start_processes, int, long);

static void start_on(enum weft_kind kind)
{
    weft_future *starters[STARTERS];
    for (int i = 0; i < STARTERS; i++)
        assert_non_null(starters[i] = weft_start(kind, start_processes, &i));
    for (int i = 0; i < STARTERS; i++) {
        long sum = 0;
        assert_int_equal(weft_join_as(&starters[i], start_processes, &sum), 0);
        assert_int_equal(sum, (EACH - 1) * EACH * (2 * EACH - 1) / 6);
    }
    assert_int_equal(weft_list(WEFT_PROCESSES, NULL, 0), 0);
}

static int scene_of_first_starts(void) // the first of all makes the ancestor
{
    weft_future *starters[STARTERS];
    for (int i = 0; i < STARTERS; i++)
        CHECK(starters[i] = weft_start(i % 2 ? WEFT_FIBERS : WEFT_THREADS, start_processes, &i));
    for (int i = 0; i < STARTERS; i++)
        CHECK(weft_join(&starters[i], NULL, 0) == 0);
    return 0;
}

static void threads_start_processes_at_once(void **state)
{
    (void)state;
    start_on(WEFT_THREADS);
}

static void fibers_start_processes_at_once(void **state)
{
    (void)state;
    start_on(WEFT_FIBERS);
}

static void the_first_starts_may_come_at_once(void **state)
{
    (void)state;
    assert_ends("scene_of_first_starts", 0, "");
}

// ---- tasks that wait for each other -------------------------------------------------------------

struct link {
    weft_end from, to; // {-1}: it is the last, and waits for nobody
};

static int pass_on(const struct link *link, weft_none *none)
{
    (void)none;
    WEFT_SCOPED(weft_end_close) weft_end from = link->from;
    WEFT_SCOPED(weft_end_close) weft_end to = link->to;
    int hops = 0;
    ssize_t n = from.fd < 0 ? 0 : weft_recv(from, &hops, sizeof hops, WEFT_FOREVER);
    if (n < 0)
        return (int)n;
    hops++;
    return weft_send(to, &hops, sizeof hops, WEFT_FOREVER);
}
WEFT_TASK(pass_on, struct link, weft_none,
          .ends = {WEFT_END(struct link, from), WEFT_END(struct link, to)});

// Each waits for the one that is submitted after it, so each needs a worker while the others wait.
static void workers_that_all_wait_are_joined_by_spares(void **state)
{
    (void)state;
    enum { LINKS = 12 };
    weft_future *futures[LINKS];
    weft_end ours;
    struct link link;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    assert_int_equal(weft_pipe(&ours, &link.to), 0);
    for (int i = 0; i < LINKS; i++) {
        weft_end next = {-1};
        link.from = next;
        if (i < LINKS - 1)
            assert_int_equal(weft_pipe(&link.from, &next), 0);
        assert_non_null(futures[i] = weft_submit(pool, pass_on, &link));
        link.to = next;
    }
    int hops = 0;
    assert_int_equal(weft_recv(ours, &hops, sizeof hops, much_later()), sizeof hops);
    assert_int_equal(hops, LINKS);
    for (int i = 0; i < LINKS; i++)
        assert_int_equal(weft_join(&futures[i], NULL, 0), 0);
    weft_end_close(&ours);
    weft_pool_close(&pool);
    assert_int_equal(weft_list(WEFT_PROCESSES, NULL, 0), 0);
}

static const struct scene scenes[] = {SCENE(scene_of_first_starts)};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(pools_leave_nothing),
    cmocka_unit_test(threads_start_processes_at_once),
    cmocka_unit_test(fibers_start_processes_at_once),
    cmocka_unit_test(the_first_starts_may_come_at_once),
    cmocka_unit_test(workers_that_all_wait_are_joined_by_spares),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
