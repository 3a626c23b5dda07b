// SPDX-License-Identifier: MIT
// linger_test.c - who looks out before a wait holds up nobody else of his loop; who only tries does
// not look out.
//
// Nothing is decided by time: a feeder gives an item a moment after it was asked for, when a fiber
// that looks out still does, and what is counted is how many it got while another could have run.
// If the moment was too long it lay down, and the other ran: a busy machine only makes it easier.
#include "shared_helpers.h"

#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>

// The library's calls come here too.
static _Thread_local int offers;

int sched_yield(void)
{
    offers++;
    return (int)syscall(SYS_sched_yield);
}

// ---- fibers of one loop -----------------------------------------------------------------

enum { ITEMS = 600, BETWEEN_CALLS = 30, CALLS = ITEMS / BETWEEN_CALLS, MOMENT_NS = 15000 };

struct loop {
    weft_queue *items, *calls;
    int pipe[2];
    bool by_pipe;
    atomic_int asked; // gets of an item that have begun
    int late;         // items that were got between a call and when it was heard
    atomic_int runs;  // of others
    atomic_bool over;
    int alone; // items that came while no other ran
};

static struct loop *loop_new(bool by_pipe)
{
    struct loop *l = calloc(1, sizeof *l);
    assert_non_null(l);
    l->by_pipe = by_pipe;
    l->items = weft_queue_new(sizeof(int), .capacity = 4);
    l->calls = weft_queue_new(sizeof(int), .capacity = CALLS);
    assert_true(l->items && l->calls);
    assert_int_equal(pipe2(l->pipe, O_CLOEXEC | O_NONBLOCK), 0);
    return l;
}

static void loop_free(struct loop *l)
{
    (void)close(l->pipe[0]);
    (void)close(l->pipe[1]);
    weft_queue_free(&l->calls);
    weft_queue_free(&l->items);
    free(l);
}

static int call(struct loop *l)
{
    int asked = atomic_load(&l->asked);
    if (!l->by_pipe)
        return weft_put(l->calls, &asked, WEFT_FOREVER);
    return write(l->pipe[1], &asked, sizeof asked) == sizeof asked ? 0 : -EIO;
}

static int hear(struct loop *l, int *asked)
{
    if (!l->by_pipe)
        return weft_get(l->calls, asked, WEFT_FOREVER);
    int rc = weft_wait_fd(l->pipe[0], POLLIN, WEFT_FOREVER);
    return rc < 0 || read(l->pipe[0], asked, sizeof *asked) == sizeof *asked ? rc : -EIO;
}

static int feed(struct loop *const *loop, weft_none *none)
{
    struct loop *l = *loop;
    (void)none;
    for (int i = 0; i < ITEMS; i++) {
        while (atomic_load(&l->asked) <= i)
            (void)sched_yield();
        weft_time moment = weft_after_ns(MOMENT_NS);
        while (weft_now().ns < moment.ns)
            continue;
        if (i % BETWEEN_CALLS == BETWEEN_CALLS / 2)
            CHECK(call(l) == 0);
        CHECK(weft_put(l->items, &i, WEFT_FOREVER) == 0);
    }
    return 0;
}
WEFT_TASK(feed, struct loop *, weft_none);

static int consume(struct loop *const *loop, weft_none *none)
{
    struct loop *l = *loop;
    (void)none;
    for (int i = 0, item; i < ITEMS; i++) {
        int runs = atomic_load(&l->runs);
        atomic_fetch_add(&l->asked, 1);
        CHECK(weft_get(l->items, &item, WEFT_FOREVER) == 0 && item == i);
        l->alone += atomic_load(&l->runs) == runs;
    }
    atomic_store(&l->over, true);
    return 0;
}
WEFT_TASK(consume, struct loop *, weft_none);

static int hear_calls(struct loop *const *loop, weft_none *none)
{
    struct loop *l = *loop;
    (void)none;
    for (int i = 0, asked; i < CALLS; i++) {
        CHECK(hear(l, &asked) >= 0);
        l->late += atomic_load(&l->asked) - asked;
    }
    return 0;
}
WEFT_TASK(hear_calls, struct loop *, weft_none);

static int join(weft_future *f)
{
    return f ? weft_join(&f, NULL, 0) : weft_error_code();
}

static int run_both(struct loop *const *loop, weft_none *none)
{
    (void)none;
    struct loop *l = *loop;
    weft_future *hearer = weft_start(WEFT_FIBERS, hear_calls, &l);
    weft_future *consumer = weft_start(WEFT_FIBERS, consume, &l);
    int rc = join(consumer);
    return join(hearer) < 0 ? weft_error_code() : rc;
}
WEFT_TASK(run_both, struct loop *, weft_none);

static void who_is_called_is_not_held_up(bool by_pipe)
{
    struct loop *l = loop_new(by_pipe);
    weft_future *feeder = weft_start(WEFT_THREADS, feed, &l);
    weft_future *both = weft_start(WEFT_FIBERS, run_both, &l);
    assert_int_equal(join(both), 0);
    assert_int_equal(join(feeder), 0);
    assert_in_range(l->late, 0, CALLS * 8);
    loop_free(l);
}

TEST(who_is_woken_runs_though_another_looks_out)
{
    who_is_called_is_not_held_up(false);
}

TEST(who_waits_for_a_descriptor_runs_though_another_looks_out)
{
    who_is_called_is_not_held_up(true);
}

// ---- fibers of a pool, which may not give way -------------------------------------------

static int run_on(struct loop *const *loop, weft_none *none)
{
    (void)none;
    while (!atomic_load(&(*loop)->over)) {
        atomic_fetch_add(&(*loop)->runs, 1);
        weft_yield();
    }
    return 0;
}
WEFT_TASK(run_on, struct loop *, weft_none);

TEST(who_waits_in_a_pool_lets_others_run)
{
    struct loop *l = loop_new(false);
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 1);
    assert_non_null(pool);
    weft_future *consumer = weft_submit(pool, consume, &l);
    weft_future *other = weft_submit(pool, run_on, &l);
    weft_future *feeder = weft_start(WEFT_THREADS, feed, &l);
    while (atomic_load(&l->runs) == 0) // a thread that joins what has not begun runs it itself
        nap_ms(1);
    assert_int_equal(join(consumer), 0);
    assert_int_equal(join(other), 0);
    assert_int_equal(join(feeder), 0);
    weft_pool_close(&pool);
    assert_in_range(l->alone, 0, ITEMS / 2);
    loop_free(l);
}

// ---- who only tries ---------------------------------------------------------------------

static int offers_to_lock(void *m)
{
    offers = 0;
    CHECK(weft_lock_until(m, WEFT_POLL) == -ETIMEDOUT);
    return offers;
}

static int offers_to_lock_shared(void *board)
{
    offers = 0;
    CHECK(weft_shared_lock(&((struct board *)board)->mu, WEFT_POLL) == -ETIMEDOUT);
    return offers;
}

static int offers_to_get(void *q)
{
    int item;
    offers = 0;
    CHECK(weft_get((weft_queue *)q, &item, WEFT_POLL) == -ETIMEDOUT);
    return offers;
}

static int offers_to_get_shared(void *q)
{
    int item;
    offers = 0;
    CHECK(weft_shared_get((weft_shared_queue *)q, &item, WEFT_POLL) == -ETIMEDOUT);
    return offers;
}

static void gives_its_core_to_nobody(int (*offers_of)(void *arg), void *arg)
{
    struct away a;
    for (int where = IN_TASK; where <= IN_THREAD; where++) {
        go(&a, (enum where)where, offers_of, arg);
        assert_int_equal(back(&a), 0);
    }
}

TEST(who_only_tries_keeps_the_core)
{
    weft_mutex m = {0};
    struct board *b = board_new();
    weft_queue *q = weft_queue_new(sizeof(int), .capacity = 1);
    weft_shared_queue *shared = weft_shared_queue_new(sizeof(int), 1);
    assert_true(q && shared);
    weft_lock(&m);
    assert_int_equal(lock_it(b), 0);
    gives_its_core_to_nobody(offers_to_lock, &m);
    gives_its_core_to_nobody(offers_to_lock_shared, b);
    gives_its_core_to_nobody(offers_to_get, q);
    gives_its_core_to_nobody(offers_to_get_shared, shared);
    weft_shared_unlock(&b->mu);
    weft_unlock(&m);
    weft_shared_queue_free(&shared);
    weft_queue_free(&q);
    weft_shared_free(&b);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(who_is_woken_runs_though_another_looks_out),
    cmocka_unit_test(who_waits_for_a_descriptor_runs_though_another_looks_out),
    cmocka_unit_test(who_waits_in_a_pool_lets_others_run),
    cmocka_unit_test(who_only_tries_keeps_the_core),
};

TEST_MAIN(tests)
