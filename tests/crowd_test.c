// SPDX-License-Identifier: MIT
// crowd_test.c - a hundred thousand fibers at once: started, waiting in each kind of wait, asked to
// stop, joined or dropped; and afterwards everything is as it was before.
#include "bad_days.h"

// A sanitizer's stacks are eight times as large, and each switch costs it a hundred times as much.
enum { CROWD = UNDER_TSAN ? 8000 : UNDER_ASAN ? 20000 : 100000 };
// The first test has them all, twice. For the others, whose point is another, fewer will do: on a
// slow machine a crowd takes ten seconds.
enum { FEWER = CROWD / 10 };

// What the crowd waits in. Nothing of it ever comes.
static struct {
    weft_mutex held, mu;
    weft_recursive recursive;
    weft_cond cond;
    weft_sem sem;
    weft_event event, another;
    weft_waitgroup group;
    weft_barrier *barriers; // one each: who leaves breaks it
    weft_queue *empty, *full;
    weft_future *endless;
    int quiet[2]; // a pipe that nobody writes to
    atomic_int begun, ended;
} s;

struct place {
    int number;
    weft_time deadline;
};

static int in_sleep(const struct place *p)
{
    int rc = weft_sleep(p->deadline);
    return rc == 0 ? -ETIMEDOUT : rc; // it slept it out
}

static int in_lock(const struct place *p)
{
    return weft_lock_until(&s.held, p->deadline);
}

static int in_recursive(const struct place *p)
{
    return weft_recursive_lock_until(&s.recursive, p->deadline);
}

static int in_cond(const struct place *p)
{
    weft_guard(&s.mu);
    return weft_cond_wait(&s.cond, &s.mu, p->deadline);
}

static int in_sem(const struct place *p)
{
    return weft_acquire(&s.sem, p->deadline);
}

static int in_event(const struct place *p)
{
    return weft_event_wait(&s.event, p->deadline);
}

static int in_waitgroup(const struct place *p)
{
    return weft_waitgroup_wait(&s.group, p->deadline);
}

static int in_barrier(const struct place *p)
{
    return weft_barrier_wait(&s.barriers[p->number], p->deadline);
}

static int in_get(const struct place *p)
{
    int item;
    return weft_get(s.empty, &item, p->deadline);
}

static int in_put(const struct place *p)
{
    return weft_put(s.full, &p->number, p->deadline);
}

static int in_wait(const struct place *p)
{
    return weft_wait(s.endless, p->deadline);
}

static int in_wait_fd(const struct place *p)
{
    return weft_wait_fd(s.quiet[0], POLLIN, p->deadline);
}

// Not in_wait_fd, but for a few: each byte would wake all who wait for it.
static int (*const kinds[])(const struct place *) = {
    in_sleep,     in_lock,    in_recursive, in_cond, in_sem,  in_event,
    in_waitgroup, in_barrier, in_get,       in_put,  in_wait,
};

static int wait_in_place(const struct place *p, weft_none *none)
{
    (void)none;
    atomic_fetch_add(&s.begun, 1);
    bool rare = p->number % 1000 == 999;
    int rc = rare ? in_wait_fd(p) : kinds[(size_t)p->number % COUNT(kinds)](p);
    atomic_fetch_add(&s.ended, 1);
    return rc;
}
WEFT_TASK(wait_in_place, struct place, weft_none);

static int wait_for_ever(weft_event *const *event, weft_none *none)
{
    (void)none;
    return weft_event_wait(*event, WEFT_FOREVER);
}
WEFT_TASK(wait_for_ever, weft_event *, weft_none);

static int set_up(void **state)
{
    (void)state;
    weft_lock(&s.held);
    weft_recursive_lock(&s.recursive);
    weft_waitgroup_add(&s.group, 1);
    s.barriers = calloc(CROWD, sizeof *s.barriers);
    s.empty = weft_queue_new(sizeof(int), .capacity = 1);
    s.full = weft_queue_new(sizeof(int), .capacity = 1);
    if (!s.barriers || !s.empty || !s.full || pipe2(s.quiet, O_CLOEXEC) < 0)
        return -1;
    s.endless = weft_start(WEFT_FIBERS, wait_for_ever, &(weft_event *){&s.another});
    if (!s.endless || !eventually(fibers_alive() == 1))
        return -1;
    return weft_put(s.full, &(int){-1}, WEFT_POLL);
}

static int tear_down(void **state)
{
    (void)state;
    weft_unlock(&s.held);
    weft_recursive_unlock(&s.recursive);
    weft_event_set(&s.another);
    int rc = weft_join(&s.endless, NULL, 0);
    weft_queue_free(&s.empty);
    weft_queue_free(&s.full);
    free(s.barriers);
    close(s.quiet[0]);
    close(s.quiet[1]);
    return rc;
}

// ---- crowds -----------------------------------------------------------------------------

static weft_future *crowd[CROWD];

static void begin_anew(void)
{
    s.begun = s.ended = 0;
    for (int i = 0; i < CROWD; i++)
        s.barriers[i] = (weft_barrier)WEFT_BARRIER(2);
}

struct gathering {
    int from, to;
    weft_time deadline;
};

static int start_all(const struct gathering *g, weft_none *none)
{
    (void)none;
    for (int i = g->from; i < g->to; i++) {
        crowd[i] = weft_start(WEFT_FIBERS, wait_in_place, &(struct place){i, g->deadline});
        CHECK(crowd[i]);
    }
    return 0;
}
WEFT_TASK(start_all, struct gathering, weft_none);

// Half of them on each of two loops, if there are two.
static void gather(int n, weft_time deadline)
{
    begin_anew();
    weft_future *a = weft_start(WEFT_FIBERS, start_all, &(struct gathering){0, n / 2, deadline});
    weft_future *b = weft_start(WEFT_FIBERS, start_all, &(struct gathering){n / 2, n, deadline});
    assert_int_equal(weft_join(&a, NULL, 0), 0);
    assert_int_equal(weft_join(&b, NULL, 0), 0);
}

static void all_end_with(int code, int n)
{
    for (int i = 0; i < n; i++) {
        int rc = weft_join(&crowd[i], NULL, 0);
        if (rc != code)
            fail_msg("number %d: %d", i, rc);
    }
    assert_int_equal(s.begun, n);
    assert_int_equal(s.ended, n);
}

// Nobody was let in, nothing was taken, and the next to come finds every object in order.
static void assert_nothing_happened(void)
{
    int item = 0;
    assert_false(weft_trylock(&s.held));
    assert_int_equal(weft_acquire(&s.sem, WEFT_POLL), -ETIMEDOUT);
    weft_release(&s.sem, 1);
    assert_int_equal(weft_acquire(&s.sem, WEFT_POLL), 0);
    assert_int_equal(weft_queue_length(s.empty), 0);
    assert_int_equal(weft_get(s.full, &item, WEFT_POLL), 0);
    assert_int_equal(item, -1);
    assert_int_equal(weft_put(s.full, &item, WEFT_POLL), 0);
    assert_false(weft_event_is_set(&s.event));
}

static void cancel_all(int n)
{
    for (int i = 0; i < n; i++)
        weft_cancel(crowd[i]);
}

// Stacks are kept for the next fibers: so it is the second crowd that must cost nothing.
static void everybody_who_waits_is_cancelled_and_joined(void **state)
{
    (void)state;
    long resident = 0;
    int descriptors = 0;
    size_t alive = fibers_alive();
    for (int round = 0; round < 2; round++) {
        gather(CROWD, WEFT_FOREVER);
        assert_true(eventually(s.begun == CROWD && fibers_alive() == alive + CROWD));
        cancel_all(CROWD);
        all_end_with(-ECANCELED, CROWD);
        assert_nothing_happened();
        assert_true(eventually(fibers_alive() == alive));
        if (round == 0) {
            resident = resident_kib();
            descriptors = open_descriptors();
        }
    }
    assert_int_equal(open_descriptors(), descriptors);
    if (!SANITIZED && resident_kib() > resident + 16 * 1024)
        fail_msg("%ld KiB, and after one more crowd %ld", resident, resident_kib());
}

// Started from a thread, and before it has begun: it runs all the same.
static void cancelled_as_soon_as_it_is_started_each_still_runs(void **state)
{
    (void)state;
    enum { N = CROWD / 10 };
    begin_anew();
    for (int i = 0; i < N; i++) {
        crowd[i] = weft_start(WEFT_FIBERS, wait_in_place, &(struct place){i, WEFT_FOREVER});
        assert_non_null(crowd[i]);
        weft_cancel(crowd[i]);
    }
    all_end_with(-ECANCELED, N);
    assert_nothing_happened();
}

static void everybody_is_dropped(void **state)
{
    (void)state;
    size_t alive = fibers_alive();
    gather(FEWER, WEFT_FOREVER);
    for (int i = 0; i < FEWER; i++)
        weft_drop(&crowd[i]);
    assert_true(eventually(s.ended == FEWER && fibers_alive() == alive));
    assert_nothing_happened();
}

// One moment for all; some have not begun by then, which is as good.
static void everybodys_deadline_comes_at_once(void **state)
{
    (void)state;
    gather(FEWER, weft_after_ms(50));
    all_end_with(-ETIMEDOUT, FEWER);
    assert_nothing_happened();
}

static void deadlines_and_requests_meet(void **state)
{
    (void)state;
    int ended[2] = {0, 0};
    gather(FEWER, weft_after_ms(100));
    cancel_all(FEWER);
    for (int i = 0; i < FEWER; i++) {
        int rc = weft_join(&crowd[i], NULL, 0);
        if (rc != -ECANCELED && rc != -ETIMEDOUT)
            fail_msg("number %d: %d", i, rc);
        ended[rc == -ECANCELED]++;
    }
    assert_int_equal(ended[0] + ended[1], FEWER);
    assert_nothing_happened();
}

// ---- by another fiber of the same loop, and in a pool -----------------------------------

static int gather_and_cancel(const int *n, weft_none *none)
{
    const struct gathering all = {0, *n, WEFT_FOREVER};
    CHECK(start_all(&all, none) == 0);
    while (s.begun < *n)
        weft_yield();
    for (int i = 0; i < *n; i++)
        weft_cancel(crowd[i]);
    for (int i = 0; i < *n; i++)
        CHECK(weft_join(&crowd[i], NULL, 0) == -ECANCELED);
    return 0;
}
WEFT_TASK(gather_and_cancel, int, weft_none);

static void a_fiber_does_all_that_on_its_own_loop(void **state)
{
    (void)state;
    begin_anew();
    weft_future *f = weft_start(WEFT_FIBERS, gather_and_cancel, &(int){FEWER});
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_int_equal(s.ended, FEWER);
    assert_nothing_happened();
}

static void a_pool_is_cancelled_with_everybody_in_it(void **state)
{
    (void)state;
    enum { N = CROWD / 10 };
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 2, .backlog = N);
    assert_non_null(pool);
    begin_anew();
    for (int i = 0; i < N; i++) {
        crowd[i] = weft_submit(pool, wait_in_place, &(struct place){i, WEFT_FOREVER});
        assert_non_null(crowd[i]);
    }
    assert_true(eventually(s.begun == N));
    weft_pool_cancel(pool);
    all_end_with(-ECANCELED, N);
    weft_pool_close(&pool);
    assert_nothing_happened();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(everybody_who_waits_is_cancelled_and_joined),
    cmocka_unit_test(cancelled_as_soon_as_it_is_started_each_still_runs),
    cmocka_unit_test(everybody_is_dropped),
    cmocka_unit_test(everybodys_deadline_comes_at_once),
    cmocka_unit_test(deadlines_and_requests_meet),
    cmocka_unit_test(a_fiber_does_all_that_on_its_own_loop),
    cmocka_unit_test(a_pool_is_cancelled_with_everybody_in_it),
};

int main(void)
{
    prepare_tests();
    return end_tests(cmocka_run_group_tests(tests, set_up, tear_down));
}
