// SPDX-License-Identifier: MIT
// shortage_fibers_test.c - what starting fibers says when the system has no memory, no thread or no
// descriptor left for their loops; and that the next attempt finds everything in order.
#include "shortage.h"

struct place {
    weft_pool *pool;
};

static int try_pool(struct place *p)
{
    (void)p;
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 2, .name = "short");
    int rc = pool ? 0 : failure();
    weft_pool_close(&pool);
    return rc;
}

// The first of the process starts the loops that all share.
static int try_start(struct place *p)
{
    (void)p;
    return square_of(weft_start(WEFT_FIBERS, square, &(int){3}));
}

static int try_submit(struct place *p)
{
    return square_of(weft_submit(p->pool, square, &(int){3}));
}

static const struct step start = {"weft_start", try_start};
static const struct step pool = {"weft_pool_open", try_pool};
static const struct step submit = {"weft_submit", try_submit};

static void starve_step(const struct step *step, enum resource of, int error)
{
    struct place p = {.pool = weft_pool_open(WEFT_FIBERS, .workers = 1)};
    starve(step, &p, (struct shortage){.of = of, .error = error});
    assert_int_equal(step->call(&p), 0);
    starve(step, &p, (struct shortage){.of = of, .error = error, .once = true});
    weft_pool_close(&p.pool);
}

// The first of the process's starts fails at each place; the last attempt has loops at last.
static void the_first_start_without(enum resource of, int error)
{
    struct place none = {NULL};
    shortage = (struct shortage){.of = of, .error = error};
    assert_int_equal(try_start(&none), -error);
    assert_true(end_shortage() > 0);
}

static void the_loops_that_all_share_are_begun_again_after_a_failure(void **state)
{
    (void)state;
    struct place none = {NULL};
    the_first_start_without(FILES, EMFILE);
    the_first_start_without(FILES, ENFILE);
    the_first_start_without(THREADS, EAGAIN);
    the_first_start_without(MEMORY, ENOMEM);
    starve(&start, &none, (struct shortage){.of = FILES, .error = EMFILE});
    assert_int_equal(try_start(&none), 0);
}

static void without_memory_fibers_are_refused(void **state)
{
    (void)state;
    starve_step(&start, MEMORY, ENOMEM);
    starve_step(&pool, MEMORY, ENOMEM);
    starve_step(&submit, MEMORY, ENOMEM);
}

static void without_threads_there_are_no_loops(void **state)
{
    (void)state;
    starve_step(&pool, THREADS, EAGAIN);
}

static void without_descriptors_there_are_no_loops(void **state)
{
    (void)state;
    starve_step(&pool, FILES, EMFILE);
    starve_step(&pool, FILES, ENFILE);
}

// On a thread, with a deadline that does not come.
static int join_without_memory(weft_pool *const *threads, int *out)
{
    weft_future *f = weft_submit_until(*threads, much_later(), square, &(int){7});
    shortage = (struct shortage){.of = MEMORY, .error = ENOMEM};
    int rc = weft_join_as(&f, square, out);
    int refused = end_shortage();
    return rc < 0 ? rc : refused == 0 ? -ERANGE : 0;
}
WEFT_TASK(join_without_memory, weft_pool *, int);

static void who_joins_without_memory_for_a_timer_waits_for_the_end(void **state)
{
    (void)state;
    struct hold h;
    weft_pool *fibers = weft_pool_open(WEFT_FIBERS, .workers = 1); // its loop had no timer yet
    weft_pool *threads = weft_pool_open(WEFT_THREADS, .workers = 1);
    weft_future *busy = hold_a_worker(threads, &h);
    weft_future *joins = weft_submit(fibers, join_without_memory, &threads);
    assert_int_equal(weft_wait(joins, weft_after_ms(30)), -ETIMEDOUT);
    assert_int_equal(let_go(&busy, &h), 0);
    int out = 0;
    assert_int_equal(weft_join_as(&joins, join_without_memory, &out), 0);
    assert_int_equal(out, 49);
    weft_pool_close(&threads);
    weft_pool_close(&fibers);
}

// The spare worker that ran the second task has nothing to do, and no memory to wait for a second.
struct spare {
    weft_pool *pool;
    weft_event over;
};

static int take_memory(struct spare *const *spare, int *none)
{
    (void)none;
    shortage = (struct shortage){.of = MEMORY, .error = ENOMEM}; // its thread's: also the first's
    weft_event_set(&(*spare)->over);
    return 0;
}
WEFT_TASK(take_memory, struct spare *, int);

static int count_refusals(struct spare *const *spare, int *refused)
{
    weft_future *f = weft_submit((*spare)->pool, take_memory, spare);
    int rc = weft_event_wait(&(*spare)->over, WEFT_FOREVER);
    for (int i = 0; i < 1000; i++)
        weft_yield();
    *refused = end_shortage();
    return rc < 0 ? rc : weft_join(&f, NULL, 0);
}
WEFT_TASK(count_refusals, struct spare *, int);

static void a_spare_worker_without_memory_for_a_timer_ends(void **state)
{
    (void)state;
    struct spare spare = {.pool = weft_pool_open(WEFT_FIBERS, .workers = 1)}, *arg = &spare;
    weft_future *f = weft_submit(spare.pool, count_refusals, &arg);
    int refused = 0;
    assert_int_equal(weft_wait(f, much_later()), 0); // not run by us
    assert_int_equal(weft_join_as(&f, count_refusals, &refused), 0);
    assert_int_equal(refused, 1);
    weft_pool_close(&spare.pool);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_loops_that_all_share_are_begun_again_after_a_failure), // comes first
    cmocka_unit_test(without_memory_fibers_are_refused),
    cmocka_unit_test(who_joins_without_memory_for_a_timer_waits_for_the_end),
    cmocka_unit_test(a_spare_worker_without_memory_for_a_timer_ends),
    cmocka_unit_test(without_threads_there_are_no_loops),
    cmocka_unit_test(without_descriptors_there_are_no_loops),
};
TEST_MAIN(tests)
