// SPDX-License-Identifier: MIT
// once_test.c - a function that runs once, is waited for, and runs again only if it failed.
#include "contract.h"

struct first_time {
    weft_once once;
    atomic_int runs, failures_left;
    atomic_bool running;
    weft_event may_end;
    int code;
    int made; // plain: written by the one run, read by all
};

static int make(void *arg)
{
    struct first_time *f = arg;
    atomic_fetch_add(&f->runs, 1);
    if (atomic_fetch_sub(&f->failures_left, 1) > 0)
        return weft_fail(-EIO, "no luck");
    f->made = 7;
    return f->code;
}

static int make_slowly(void *arg)
{
    struct first_time *f = arg;
    atomic_store(&f->running, true);
    int rc = weft_event_wait(&f->may_end, WEFT_FOREVER);
    return rc < 0 ? rc : make(f);
}

static int do_once(void *arg)
{
    struct first_time *f = arg;
    int rc = weft_once_do(&f->once, make, f);
    CHECK(rc < 0 || f->made == 7);
    return rc;
}

static int do_slowly(void *arg)
{
    struct first_time *f = arg;
    int rc = weft_once_do(&f->once, make_slowly, f);
    CHECK(rc < 0 || f->made == 7);
    return rc;
}

TEST(it_runs_once_and_then_gives_0_for_ever)
{
    struct first_time f = {0};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(do_once(&f), 0);
        assert_int_equal(f.runs, 1);
    }
}

TEST(a_positive_answer_is_a_success)
{
    struct first_time f = {.code = 3};
    assert_int_equal(do_once(&f), 0);
    assert_int_equal(do_once(&f), 0);
    assert_int_equal(f.runs, 1);
}

TEST(a_failure_goes_to_the_caller_that_ran_it_and_the_next_tries_again)
{
    struct first_time f = {.failures_left = 2};
    assert_int_equal(do_once(&f), -EIO);
    assert_string_equal(weft_error(), "no luck");
    assert_int_equal(do_once(&f), -EIO);
    assert_int_equal(do_once(&f), 0);
    assert_int_equal(do_once(&f), 0);
    assert_int_equal(f.runs, 3);
}

static int fail_without_words(void *arg)
{
    (void)arg;
    return -EBUSY;
}

TEST(a_failure_without_words_gets_those_of_its_code)
{
    weft_once once = {0};
    (void)weft_fail(-EIO, "another one, before");
    assert_int_equal(weft_once_do(&once, fail_without_words, NULL), -EBUSY);
    assert_int_equal(weft_error_code(), -EBUSY);
    assert_string_equal(weft_error(), "weft_once_do: Device or resource busy");
}

TEST(of_many_at_once_one_runs_it_and_all_see_what_it_made)
{
    for (int i = 0; i < 20; i++) {
        struct first_time f = {0};
        struct away crowd[6];
        go_all(crowd, COUNT(crowd), do_once, &f);
        all_back_with(0, crowd, COUNT(crowd));
        assert_int_equal(f.runs, 1);
    }
}

TEST(those_who_come_meanwhile_wait_for_it)
{
    struct first_time f = {0};
    struct away crowd[5];
    go(&crowd[0], IN_TASK, do_slowly, &f);
    assert_true(eventually(atomic_load(&f.running)));
    go_all(crowd + 1, 4, do_once, &f);
    await_all_asleep(crowd + 1, 4);
    assert_int_equal(how_many_ended(crowd, COUNT(crowd)), 0);
    assert_int_equal(f.runs, 0);
    weft_event_set(&f.may_end);
    all_back_with(0, crowd, COUNT(crowd));
    assert_int_equal(f.runs, 1);
}

TEST(after_a_failure_one_of_those_who_waited_runs_it)
{
    struct first_time f = {.failures_left = 1};
    struct away first, crowd[4];
    go(&first, IN_TASK, do_slowly, &f);
    assert_true(eventually(atomic_load(&f.running)));
    go_all(crowd, COUNT(crowd), do_once, &f);
    await_all_asleep(crowd, COUNT(crowd));
    weft_event_set(&f.may_end);
    assert_int_equal(back(&first), -EIO);
    all_back_with(0, crowd, COUNT(crowd));
    assert_int_equal(f.runs, 2);
}

TEST(each_of_many_failures_is_told_to_one_caller)
{
    struct first_time f = {.failures_left = 3};
    struct away crowd[6];
    int failed = 0;
    go_all(crowd, COUNT(crowd), do_once, &f);
    for (size_t i = 0; i < COUNT(crowd); i++) {
        int rc = back(&crowd[i]);
        assert_true(rc == 0 || rc == -EIO);
        failed += rc == -EIO;
    }
    assert_int_equal(failed, 3);
    assert_int_equal(f.runs, 4);
}

// ---- cancellation -------------------------------------------------------------------

TEST(it_is_not_refused_to_a_task_that_was_asked_to_stop)
{
    struct first_time f = {0};
    assert_int_equal(cancel_before(do_once, &f), 0);
    assert_int_equal(cancel_before(do_once, &f), 0);
    assert_int_equal(f.runs, 1);
}

static int do_then_check(void *arg)
{
    CHECK(do_once(arg) == 0);
    return weft_check();
}

TEST(waiting_for_it_is_not_interrupted)
{
    struct first_time f = {0};
    struct away first, second;
    go(&first, IN_THREAD, do_slowly, &f);
    assert_true(eventually(atomic_load(&f.running)));
    go(&second, IN_TASK, do_then_check, &f);
    await_asleep(&second);
    weft_cancel(second.task);
    nap_ms(20);
    assert_false(has_ended(&second));
    weft_event_set(&f.may_end);
    assert_int_equal(back(&first), 0);
    assert_int_equal(back(&second), -ECANCELED);
    assert_int_equal(f.runs, 1);
}

static int waits_inside(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_FOREVER);
}

static int do_what_waits(void *arg)
{
    struct first_time *f = arg;
    return weft_once_do(&f->once, waits_inside, NULL);
}

TEST(what_the_function_itself_waits_for_is_interrupted_and_it_was_not_done)
{
    struct first_time f = {0};
    assert_int_equal(cancel_while_waiting(do_what_waits, &f), -ECANCELED);
    assert_int_equal(do_once(&f), 0);
    assert_int_equal(f.runs, 1);
}

static int another(void *arg)
{
    struct first_time *f = arg;
    return weft_once_do(&f->once, make, f);
}

TEST(one_function_may_need_another_done_first)
{
    struct first_time inner = {0};
    weft_once outer = {0};
    assert_int_equal(weft_once_do(&outer, another, &inner), 0);
    assert_int_equal(weft_once_do(&outer, another, &inner), 0);
    assert_int_equal(inner.runs, 1);
}

static const struct scene scenes[] = {{NULL, NULL}}; // nothing here aborts

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(it_runs_once_and_then_gives_0_for_ever),
    cmocka_unit_test(a_positive_answer_is_a_success),
    cmocka_unit_test(a_failure_goes_to_the_caller_that_ran_it_and_the_next_tries_again),
    cmocka_unit_test(a_failure_without_words_gets_those_of_its_code),
    cmocka_unit_test(of_many_at_once_one_runs_it_and_all_see_what_it_made),
    cmocka_unit_test(those_who_come_meanwhile_wait_for_it),
    cmocka_unit_test(after_a_failure_one_of_those_who_waited_runs_it),
    cmocka_unit_test(each_of_many_failures_is_told_to_one_caller),
    cmocka_unit_test(it_is_not_refused_to_a_task_that_was_asked_to_stop),
    cmocka_unit_test(waiting_for_it_is_not_interrupted),
    cmocka_unit_test(what_the_function_itself_waits_for_is_interrupted_and_it_was_not_done),
    cmocka_unit_test(one_function_may_need_another_done_first),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
