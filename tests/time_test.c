// SPDX-License-Identifier: MIT
// time_test.c - deadlines, and the calls of a task that deal with nothing but time and the
// request to stop.
//
// Only lower bounds are tested: that a wait lasted at least its time.
#include "contract.h"

static int64_t monotonic_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

// ---- deadlines ----------------------------------------------------------------------

TEST(now_is_the_monotonic_clock)
{
    int64_t before = monotonic_ns();
    weft_time now = weft_now();
    assert_true(before <= now.ns && now.ns <= monotonic_ns());
    assert_true(WEFT_POLL.ns <= now.ns && now.ns < WEFT_FOREVER.ns);
}

TEST(a_deadline_is_that_far_from_now)
{
    const int64_t spans_ms[] = {0, 1, 5, 1000, 86400000};
    for (size_t i = 0; i < COUNT(spans_ms); i++) {
        int64_t before = monotonic_ns(), ns = spans_ms[i] * 1000000;
        weft_time a = weft_after_ms(spans_ms[i]), b = weft_after_ns(ns);
        int64_t after = monotonic_ns();
        assert_true(before + ns <= a.ns && a.ns <= b.ns && b.ns <= after + ns);
    }
}

TEST(a_past_one_counts_as_now)
{
    const int64_t past[] = {-1, -1000000000, INT64_MIN + 1, INT64_MIN};
    for (size_t i = 0; i < COUNT(past); i++) {
        int64_t before = monotonic_ns();
        weft_time a = weft_after_ns(past[i]), b = weft_after_ms(past[i]);
        assert_true(before <= a.ns && a.ns <= b.ns && b.ns <= monotonic_ns());
    }
}

TEST(a_sum_too_large_counts_as_for_ever)
{
    const int64_t ns[] = {INT64_MAX, INT64_MAX - 1};
    const int64_t ms[] = {INT64_MAX, INT64_MAX / 1000, INT64_MAX / 1000000, INT64_MAX - 1};
    for (size_t i = 0; i < COUNT(ns); i++)
        assert_true(weft_after_ns(ns[i]).ns == WEFT_FOREVER.ns);
    for (size_t i = 0; i < COUNT(ms); i++)
        assert_true(weft_after_ms(ms[i]).ns == WEFT_FOREVER.ns);
}

TEST(the_sooner_of_two_is_the_sooner_either_way)
{
    weft_time a = {5}, b = {6};
    assert_int_equal(weft_sooner(a, b).ns, 5);
    assert_int_equal(weft_sooner(b, a).ns, 5);
    assert_int_equal(weft_sooner(a, a).ns, 5);
    assert_int_equal(weft_sooner(WEFT_FOREVER, b).ns, 6);
    assert_int_equal(weft_sooner(WEFT_FOREVER, WEFT_POLL).ns, 0);
}

// ---- sleeping -----------------------------------------------------------------------

static int sleep_soon(void *arg)
{
    (void)arg;
    weft_time until = soon();
    int rc = weft_sleep(until);
    CHECK(rc < 0 || weft_now().ns >= until.ns);
    return rc;
}

static int sleep_for_ever(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_FOREVER);
}

static int sleep_until_past(void *arg)
{
    (void)arg;
    CHECK(weft_sleep(WEFT_POLL) == weft_sleep(long_past));
    return weft_sleep((weft_time){-5});
}

TEST(a_sleep_lasts_at_least_its_time_in_tasks_and_threads)
{
    struct away crowd[4];
    assert_int_equal(sleep_soon(NULL), 0);
    go_all(crowd, COUNT(crowd), sleep_soon, NULL);
    all_back_with(0, crowd, COUNT(crowd));
}

TEST(a_sleep_until_the_past_is_over)
{
    assert_int_equal(sleep_until_past(NULL), 0);
}

TEST(a_sleeper_is_woken_by_the_request_to_stop_and_does_not_fall_asleep_with_it)
{
    assert_int_equal(cancel_while_waiting(sleep_for_ever, NULL), -ECANCELED);
    assert_int_equal(cancel_before(sleep_for_ever, NULL), -ECANCELED);
    assert_int_equal(cancel_before(sleep_until_past, NULL), -ECANCELED);
}

TEST(behind_a_shield_a_sleep_lasts)
{
    assert_int_equal(cancel_before_but_shielded(sleep_soon, NULL), 0);
}

static int sleep_a_while_shielded(void *arg)
{
    weft_time until = *(weft_time *)arg;
    weft_shield(true);
    CHECK(weft_sleep(until) == 0);
    CHECK(weft_now().ns >= until.ns);
    weft_shield(false);
    return weft_sleep(WEFT_FOREVER);
}

TEST(a_shielded_sleeper_sleeps_on_and_hears_of_the_request_afterwards)
{
    weft_time until = weft_after_ms(60);
    assert_int_equal(cancel_while_waiting(sleep_a_while_shielded, &until), -ECANCELED);
}

// ---- the request --------------------------------------------------------------------

static int check_it(void *arg)
{
    (void)arg;
    return weft_check();
}

static int check_thrice(void *arg)
{
    (void)arg;
    CHECK(weft_check() == -ECANCELED);
    CHECK(weft_check() == -ECANCELED);
    return weft_check();
}

TEST(without_a_request_the_check_is_silent)
{
    struct away crowd[2];
    assert_int_equal(weft_check(), 0);
    go_all(crowd, COUNT(crowd), check_it, NULL);
    all_back_with(0, crowd, COUNT(crowd));
}

TEST(the_request_stays)
{
    assert_int_equal(cancel_before(check_thrice, NULL), -ECANCELED);
}

static int nest_shields(void *arg)
{
    (void)arg;
    CHECK(weft_shield(true) == false);
    CHECK(weft_check() == 0);
    CHECK(weft_shield(true) == true);
    CHECK(weft_check() == 0);
    CHECK(weft_shield(false) == true);
    CHECK(weft_check() == -ECANCELED);
    CHECK(weft_shield(false) == false);
    return weft_check();
}

TEST(a_shield_says_what_was_before_and_hides_the_request_while_it_is_up)
{
    assert_int_equal(cancel_before(nest_shields, NULL), -ECANCELED);
    assert_false(weft_shield(true));
    assert_true(weft_shield(true));
    assert_true(weft_shield(false));
    assert_false(weft_shield(false));
}

static int raise_shield(void *arg)
{
    (void)arg;
    return weft_shield(true) ? 1 : 0; // and leave it up
}

TEST(a_shield_belongs_to_its_task)
{
    struct away a;
    for (int i = 0; i < 4; i++) {
        go(&a, i % 2 ? IN_THREAD : IN_TASK, raise_shield, NULL);
        assert_int_equal(back(&a), 0);
    }
    assert_false(weft_shield(false));
}

static int yield_ten_times(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++)
        weft_yield();
    return 0;
}

TEST(to_yield_never_fails_and_looks_at_no_request)
{
    struct away a;
    assert_int_equal(yield_ten_times(NULL), 0);
    go(&a, IN_TASK, yield_ten_times, NULL);
    assert_int_equal(back(&a), 0);
    assert_int_equal(cancel_before(yield_ten_times, NULL), 0);
}

// ---- a task's own deadline ----------------------------------------------------------

struct trial {
    int (*fn)(void *arg);
    void *arg;
};

static int run_trial(const struct trial *t, weft_none *none)
{
    (void)none;
    return t->fn(t->arg);
}
WEFT_TASK(run_trial, struct trial, weft_none);

static int within(weft_time deadline, int (*fn)(void *arg), void *arg)
{
    WEFT_SCOPED(weft_pool_close) weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    assert_non_null(pool);
    weft_future *f = weft_submit_until(pool, deadline, run_trial,
                                       &(struct trial){.fn = fn, .arg = arg});
    assert_non_null(f);
    (void)weft_wait(f, much_later()); // so that the worker runs it, not we; join tells the end
    return weft_join(&f, NULL, 0);
}

static int await_event(void *e)
{
    return weft_event_wait(e, WEFT_FOREVER);
}

struct stay {
    weft_sem sem;
    bool began;
};

static int outstay(void *arg)
{
    weft_sem *s = &((struct stay *)arg)->sem;
    ((struct stay *)arg)->began = true;
    CHECK(eventually(weft_check() < 0));
    CHECK(weft_check() == -ETIMEDOUT);
    CHECK(weft_acquire(s, WEFT_FOREVER) == -ETIMEDOUT);
    CHECK(weft_acquire(s, WEFT_POLL) == -ETIMEDOUT);
    CHECK(weft_sleep(WEFT_POLL) == -ETIMEDOUT);
    weft_shield(true);
    CHECK(weft_check() == 0);
    CHECK(weft_acquire(s, WEFT_FOREVER) == 0);
    weft_shield(false);
    return weft_check();
}

static int give_up_before_the_end(void *e)
{
    CHECK(weft_event_wait(e, soon()) == -ETIMEDOUT);
    CHECK(weft_check() == 0); // that was the call's deadline, not the task's
    return weft_sleep(soon());
}

TEST(a_wait_for_ever_ends_at_the_tasks_own_deadline)
{
    weft_event never = {0};
    weft_time deadline = weft_after_ms(60);
    assert_int_equal(within(deadline, await_event, &never), -ETIMEDOUT);
    assert_true(weft_now().ns >= deadline.ns);
    assert_int_equal(within(weft_after_ms(60), sleep_for_ever, NULL), -ETIMEDOUT);
}

TEST(after_the_tasks_own_deadline_each_wait_is_refused_before_it_looks)
{
    struct stay s = {.sem = WEFT_SEM(1)};
    for (int ms = 50; !s.began; ms *= 2) // else it may end before it began
        assert_int_equal(within(weft_after_ms(ms), outstay, &s), -ETIMEDOUT);
    assert_int_equal(weft_acquire(&s.sem, WEFT_POLL), -ETIMEDOUT);
}

TEST(before_it_the_calls_deadline_counts)
{
    weft_event never = {0};
    assert_int_equal(within(much_later(), give_up_before_the_end, &never), 0);
}

static const struct scene scenes[] = {{NULL, NULL}}; // nothing here aborts

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(now_is_the_monotonic_clock),
    cmocka_unit_test(a_deadline_is_that_far_from_now),
    cmocka_unit_test(a_past_one_counts_as_now),
    cmocka_unit_test(a_sum_too_large_counts_as_for_ever),
    cmocka_unit_test(the_sooner_of_two_is_the_sooner_either_way),
    cmocka_unit_test(a_sleep_lasts_at_least_its_time_in_tasks_and_threads),
    cmocka_unit_test(a_sleep_until_the_past_is_over),
    cmocka_unit_test(a_sleeper_is_woken_by_the_request_to_stop_and_does_not_fall_asleep_with_it),
    cmocka_unit_test(behind_a_shield_a_sleep_lasts),
    cmocka_unit_test(a_shielded_sleeper_sleeps_on_and_hears_of_the_request_afterwards),
    cmocka_unit_test(without_a_request_the_check_is_silent),
    cmocka_unit_test(the_request_stays),
    cmocka_unit_test(a_shield_says_what_was_before_and_hides_the_request_while_it_is_up),
    cmocka_unit_test(a_shield_belongs_to_its_task),
    cmocka_unit_test(to_yield_never_fails_and_looks_at_no_request),
    cmocka_unit_test(a_wait_for_ever_ends_at_the_tasks_own_deadline),
    cmocka_unit_test(after_the_tasks_own_deadline_each_wait_is_refused_before_it_looks),
    cmocka_unit_test(before_it_the_calls_deadline_counts),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
