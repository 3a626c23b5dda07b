// SPDX-License-Identifier: MIT
// task_test.c - what a task is: its argument and result, its name, its errors, its requests to
// stop, its values. Tasks run on threads of their own here; pool_test.c has those of pools.
#include "exec_helpers.h"

#include <alloca.h>
#include <stdalign.h>

// ---- argument and result ---------------------------------------------------------------

static int square(const int *n, long *out)
{
    *out = (long)*n * *n;
    return 0;
}
WEFT_TASK(square, int, long);

static int nothing(const weft_none *none, weft_none *out)
{
    (void)none;
    (void)out;
    return 0;
}
WEFT_TASK(nothing, weft_none, weft_none);

static void a_started_task_returns_its_result(void **state)
{
    (void)state;
    long out = 0;
    weft_future *f = weft_start(WEFT_THREADS, square, &(int){7});
    assert_non_null(f);
    assert_int_equal(weft_join_as(&f, square, &out), 0);
    assert_int_equal(out, 49);
    assert_null(f);
}

static void a_task_needs_neither_argument_nor_result(void **state)
{
    (void)state;
    weft_future *f = weft_start(WEFT_THREADS, nothing, &(weft_none){0});
    assert_int_equal(weft_join(&f, NULL, 0), 0);
}

struct slow_square {
    sem_t *go; // until then the argument lies where weft put it
    int n;
};

static int square_later(const struct slow_square *arg, long *out)
{
    sem_take(arg->go);
    *out = (long)arg->n * arg->n;
    return 0;
}
WEFT_TASK(square_later, struct slow_square, long);

static void the_argument_is_copied_at_the_start(void **state)
{
    (void)state;
    sem_t go;
    sem_init(&go, 0, 0);
    struct slow_square arg = {&go, 5};
    weft_future *f = weft_start(WEFT_THREADS, square_later, &arg);
    arg.n = 100;
    sem_post(&go);
    long out = 0;
    assert_int_equal(weft_join_as(&f, square_later, &out), 0);
    assert_int_equal(out, 25);
}

struct wide {
    alignas(64) unsigned char bytes[192];
};

static int wide_sum(const struct wide *arg, struct wide *out)
{
    if ((uintptr_t)arg % 64 != 0 || (uintptr_t)out % 64 != 0)
        return weft_fail(-EFAULT, "argument at %p, result at %p", (const void *)arg, (void *)out);
    for (size_t i = 0; i < sizeof arg->bytes; i++)
        out->bytes[i] = (unsigned char)(arg->bytes[i] + 1);
    return 0;
}
WEFT_TASK(wide_sum, struct wide, struct wide);

static void an_aligned_argument_and_result_stay_aligned(void **state)
{
    (void)state;
    struct wide in, out;
    for (size_t i = 0; i < sizeof in.bytes; i++)
        in.bytes[i] = (unsigned char)i;
    for (int round = 0; round < 20; round++) {
        weft_future *f = weft_start(WEFT_THREADS, wide_sum, &in);
        assert_int_equal(weft_join_as(&f, wide_sum, &out), 0);
        assert_int_equal(out.bytes[191], 192);
    }
}

struct megabyte {
    uint32_t words[1 << 18];
};

static int invert(const struct megabyte *arg, struct megabyte *out)
{
    for (size_t i = 0; i < COUNT(arg->words); i++)
        out->words[i] = ~arg->words[i];
    return 0;
}
WEFT_TASK(invert, struct megabyte, struct megabyte);

static void a_megabyte_travels_in_and_out(void **state)
{
    (void)state;
    static struct megabyte in, out;
    for (size_t i = 0; i < COUNT(in.words); i++)
        in.words[i] = (uint32_t)(i * 2654435761u);
    weft_future *f = weft_start(WEFT_THREADS, invert, &in);
    assert_int_equal(weft_join_as(&f, invert, &out), 0);
    for (size_t i = 0; i < COUNT(in.words); i++)
        if (out.words[i] != ~in.words[i])
            fail_msg("word %zu differs", i);
}

static int write_and_fail(const int *code, long *out)
{
    *out = 666;
    return weft_fail(*code, "no luck with %d", *code);
}
WEFT_TASK(write_and_fail, int, long);

static void the_result_stays_untouched_when_the_task_failed(void **state)
{
    (void)state;
    long out = 42;
    weft_future *f = weft_start(WEFT_THREADS, write_and_fail, &(int){-EDOM});
    assert_int_equal(weft_join_as(&f, write_and_fail, &out), -EDOM);
    assert_int_equal(out, 42);
    assert_null(f);
}

static void a_result_may_be_declined_whatever_its_size(void **state)
{
    (void)state;
    weft_future *f = weft_start(WEFT_THREADS, square, &(int){3});
    assert_int_equal(weft_join(&f, NULL, 12345), 0);
    f = weft_start(WEFT_THREADS, square, &(int){3});
    assert_int_equal(weft_join(&f, NULL, 0), 0);
}

// ---- errors travelling -----------------------------------------------------------------

static void code_and_message_of_a_failure_reach_the_joiner(void **state)
{
    (void)state;
    weft_future *f = weft_start(WEFT_THREADS, write_and_fail, &(int){-ERANGE});
    char expected[64];
    snprintf(expected, sizeof expected, "no luck with %d", -ERANGE);
    assert_int_equal(weft_join(&f, NULL, 0), -ERANGE);
    assert_int_equal(weft_error_code(), -ERANGE);
    assert_string_equal(weft_error(), expected);
}

static int fail_silently(const int *code, weft_none *none)
{
    (void)none;
    return *code;
}
WEFT_TASK(fail_silently, int, weft_none);

static void a_code_without_message_travels_too(void **state)
{
    (void)state;
    (void)weft_fail(-EXDEV, "of the joiner itself, long ago");
    weft_future *f = weft_start(WEFT_THREADS, fail_silently, &(int){-ENOLINK});
    assert_int_equal(weft_join(&f, NULL, 0), -ENOLINK);
    assert_int_equal(weft_error_code(), -ENOLINK);
    assert_string_not_equal(weft_error(), "of the joiner itself, long ago");
}

static int overcome(const weft_none *none, weft_none *out)
{
    (void)none;
    (void)out;
    (void)weft_fail(-EIO, "an error inside that was dealt with");
    return 0;
}
WEFT_TASK(overcome, weft_none, weft_none);

static void the_joiners_own_error_survives_a_task_that_succeeded(void **state)
{
    (void)state;
    (void)weft_fail(-EXDEV, "mine");
    weft_future *f = weft_start(WEFT_THREADS, overcome, &(weft_none){0});
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_int_equal(weft_error_code(), -EXDEV);
    assert_string_equal(weft_error(), "mine");
}

static int fresh_error(const weft_none *none, weft_none *out)
{
    (void)none;
    (void)out;
    return weft_error()[0] == '\0' ? weft_error_code() : -EEXIST;
}
WEFT_TASK(fresh_error, weft_none, weft_none);

static void a_task_begins_without_an_error(void **state)
{
    (void)state;
    (void)weft_fail(-EXDEV, "of the starter");
    weft_future *f = weft_start(WEFT_THREADS, fresh_error, &(weft_none){0});
    assert_int_equal(weft_join(&f, NULL, 0), 0);
}

static int dig(const int *depth, weft_none *none)
{
    (void)none;
    if (*depth == 0)
        return weft_fail(-ENOENT, "rock");
    weft_future *f = weft_start(WEFT_THREADS, write_and_fail, &(int){-EDOM});
    int rc = weft_join(&f, NULL, 0);
    return weft_fail(rc, "%d: %s", *depth, weft_error());
}
WEFT_TASK(dig, int, weft_none);

static void a_message_grows_on_its_way_through_several_tasks(void **state)
{
    (void)state;
    weft_future *f = weft_start(WEFT_THREADS, dig, &(int){3});
    assert_int_equal(weft_join(&f, NULL, 0), -EDOM);
    char expected[64];
    snprintf(expected, sizeof expected, "3: no luck with %d", -EDOM);
    assert_string_equal(weft_error(), expected);
}

static int fail_at_length(const int *length, weft_none *none)
{
    (void)none;
    char text[400];
    memset(text, 'x', sizeof text);
    text[*length] = '\0';
    return weft_fail(-EIO, "%s", text);
}
WEFT_TASK(fail_at_length, int, weft_none);

static void a_message_of_the_greatest_length_travels_whole(void **state)
{
    (void)state;
    weft_future *f = weft_start(WEFT_THREADS, fail_at_length, &(int){WEFT_ERROR_MAX - 1});
    assert_int_equal(weft_join(&f, NULL, 0), -EIO);
    assert_int_equal(strlen(weft_error()), WEFT_ERROR_MAX - 1);
    f = weft_start(WEFT_THREADS, fail_at_length, &(int){399});
    assert_int_equal(weft_join(&f, NULL, 0), -EIO);
    assert_int_equal(strlen(weft_error()), WEFT_ERROR_MAX - 1);
}

// ---- kinds and limits ------------------------------------------------------------------

static void a_thread_that_cannot_be_made_is_an_error(void **state)
{
    (void)state;
    weft_future *f = weft_start_as(WEFT_WITH(.kind = WEFT_THREADS, .stack_size = (size_t)1 << 46),
                                   square, &(int){1});
    assert_null(f);
    assert_true(weft_error_code() == -EAGAIN || weft_error_code() == -ENOMEM);
    assert_non_null(strstr(weft_error(), "no thread with a stack of 70368744177664 bytes: "));
    assert_null(weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .stack_size = (size_t)1 << 46), square,
                              &(int){1}));
    assert_int_equal(weft_error_code(), -ENOMEM);
    assert_non_null(strstr(weft_error(), "no fiber with a stack of 70368744177664 bytes: "));
    f = weft_start(WEFT_THREADS, square, &(int){1}); // and it did no harm
    assert_int_equal(weft_join(&f, NULL, 0), 0);
}

static int fill_stack(const size_t *bytes, weft_none *none)
{
    (void)none;
    volatile char *deep = alloca(*bytes);
    for (size_t i = *bytes; i > 0; i -= 512) // downwards, as a stack grows
        deep[i - 1] = 1;
    return 0;
}
WEFT_TASK(fill_stack, size_t, weft_none);

static void a_task_has_the_stack_it_asked_for(void **state)
{
    (void)state;
    weft_future *f = weft_start(WEFT_THREADS, fill_stack, &(size_t){7u << 20});
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    f = weft_start_as(WEFT_WITH(.kind = WEFT_THREADS, .stack_size = 40u << 20), fill_stack,
                      &(size_t){38u << 20});
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    f = weft_start_as(WEFT_WITH(.kind = WEFT_THREADS, .stack_size = 256u << 10), fill_stack,
                      &(size_t){64u << 10});
    assert_int_equal(weft_join(&f, NULL, 0), 0);
}

// ---- being asked to stop ---------------------------------------------------------------

struct talk {
    sem_t ready, go;
    int before, shielded, unshielded, again;
    bool was_off, was_on;
};

static int ask_often(struct talk *const *arg, weft_none *none)
{
    struct talk *t = *arg;
    (void)none;
    t->before = weft_check();
    sem_post(&t->ready);
    sem_take(&t->go); // cancelled meanwhile
    t->was_off = weft_shield(true);
    t->shielded = weft_check();
    t->was_on = weft_shield(false);
    t->unshielded = weft_check();
    t->again = weft_check();
    return 0;
}
WEFT_TASK(ask_often, struct talk *, weft_none);

static void a_request_to_stop_stays_and_a_shield_hides_it(void **state)
{
    (void)state;
    struct talk t = {.before = 1}, *arg = &t;
    sem_init(&t.ready, 0, 0);
    sem_init(&t.go, 0, 0);
    weft_future *f = weft_start(WEFT_THREADS, ask_often, &arg);
    sem_take(&t.ready);
    weft_cancel(f);
    sem_post(&t.go);
    assert_int_equal(weft_join(&f, NULL, 0), 0); // it went on: a request, never a kill
    assert_int_equal(t.before, 0);
    assert_int_equal(t.shielded, 0);
    assert_int_equal(t.unshielded, -ECANCELED);
    assert_int_equal(t.again, -ECANCELED);
    assert_false(t.was_off);
    assert_true(t.was_on);
}

static void a_plain_thread_has_no_request_to_stop(void **state)
{
    (void)state;
    assert_int_equal(weft_check(), 0);
    assert_false(weft_shield(true));
    assert_true(weft_shield(true));
    assert_true(weft_shield(false));
    assert_false(weft_shield(false));
    assert_int_equal(weft_check(), 0);
}

static int sleep_for_ever(struct spot *const *spot, weft_none *none)
{
    (void)none;
    arrive(*spot);
    return weft_sleep(WEFT_FOREVER);
}
WEFT_TASK(sleep_for_ever, struct spot *, weft_none);

static void a_cancelled_sleep_ends(void **state)
{
    (void)state;
    struct spot spot = {0};
    weft_future *f = weft_start(WEFT_THREADS, sleep_for_ever, &(struct spot *){&spot});
    await_asleep(&spot);
    assert_false(weft_done(f));
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    assert_int_equal(weft_error_code(), -ECANCELED);
}

static void a_sleep_lasts_at_least_its_time(void **state)
{
    (void)state;
    weft_time until = weft_after_ms(20);
    assert_int_equal(weft_sleep(until), 0);
    assert_true(weft_now().ns >= until.ns);
    assert_int_equal(weft_sleep(WEFT_POLL), 0); // long past
    assert_int_equal(weft_sleep(weft_after_ms(-1000)), 0);
}

static int yield_much(const weft_none *none, weft_none *out)
{
    (void)none;
    (void)out;
    while (weft_check() == 0)
        weft_yield();
    for (int i = 0; i < 100; i++)
        weft_yield(); // looks at no request
    return 0;
}
WEFT_TASK(yield_much, weft_none, weft_none);

static void yielding_is_not_interrupted(void **state)
{
    (void)state;
    weft_yield();
    weft_future *f = weft_start(WEFT_THREADS, yield_much, &(weft_none){0});
    weft_cancel(f);
    int rc = weft_join(&f, NULL, 0); // cancelled before it started it may end without running
    assert_true(rc == 0 || rc == -ECANCELED);
}

// ---- values of a task ------------------------------------------------------------------

static atomic_int destroyed;

static void count_destroyed(void *value)
{
    atomic_fetch_add(&destroyed, *(int *)value);
}

static weft_local counted = WEFT_LOCAL(count_destroyed);
static weft_local bare; // valid when zeroed
static int one = 1, ten = 10;

static int use_locals(const weft_none *none, weft_none *out)
{
    (void)none;
    (void)out;
    if (weft_local_get(&counted) || weft_local_get(&bare))
        return -EEXIST;
    if (weft_local_set(&counted, &ten) != 0 || weft_local_get(&counted) != &ten)
        return -EIO;
    if (weft_local_set(&counted, &one) != 0 || weft_local_get(&counted) != &one)
        return -EIO; // the ten is ours again: not destroyed
    return weft_local_set(&bare, &ten);
}
WEFT_TASK(use_locals, weft_none, weft_none);

static void a_local_belongs_to_one_task_and_is_destroyed_at_its_end(void **state)
{
    (void)state;
    atomic_store(&destroyed, 0);
    assert_int_equal(weft_local_set(&counted, &ten), 0); // a plain thread counts as a task
    for (int i = 0; i < 3; i++) {
        weft_future *f = weft_start(WEFT_THREADS, use_locals, &(weft_none){0});
        assert_int_equal(weft_join(&f, NULL, 0), 0);
    }
    assert_int_equal(atomic_load(&destroyed), 3);
    assert_ptr_equal(weft_local_get(&counted), &ten);
    assert_int_equal(weft_local_set(&counted, NULL), 0);
    assert_null(weft_local_get(&counted));
}

static void *set_local(void *arg)
{
    return weft_local_set(&counted, arg) == 0 ? arg : NULL;
}

static void a_plain_threads_local_is_destroyed_at_its_end(void **state)
{
    (void)state;
    atomic_store(&destroyed, 0);
    pthread_t t;
    void *result;
    assert_int_equal(pthread_create(&t, NULL, set_local, &ten), 0);
    assert_int_equal(pthread_join(t, &result), 0);
    assert_ptr_equal(result, &ten);
    assert_int_equal(atomic_load(&destroyed), 10);
}

static void a_task_may_have_many_locals(void **state)
{
    (void)state;
    static weft_local many[300];
    static int values[300];
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(weft_local_set(&many[i], &values[i]), 0);
    for (size_t i = 0; i < 300; i++)
        assert_ptr_equal(weft_local_get(&many[i]), &values[i]);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(weft_local_set(&many[i], NULL), 0);
}

// ---- cleanup at the end of the block ---------------------------------------------------

static char trail[16];

static void leave_mark(void *mark)
{
    strncat(trail, mark, sizeof trail - strlen(trail) - 1);
}

static int leave_early(int where)
{
    char *mark = "a";
    weft_defer(leave_mark, mark);
    mark = "x"; // the argument was read before
    if (where == 0)
        return 0;
    for (int i = 0; i < 2; i++) {
        weft_defer(leave_mark, "b");
        if (where == 1)
            break;
        weft_defer(leave_mark, "c");
        if (where == 2)
            goto out;
    }
out:; // a label belongs to a statement
    weft_defer(leave_mark, mark);
    return where;
}

static void what_is_deferred_runs_however_the_block_is_left(void **state)
{
    (void)state;
    static const char *const trails[] = {"a", "bxa", "cbxa", "cbcbxa"};
    for (int where = 0; where < 4; where++) {
        trail[0] = '\0';
        assert_int_equal(leave_early(where), where);
        assert_string_equal(trail, trails[where]);
    }
}

static void a_scoped_future_is_dropped_and_may_be_joined_before(void **state)
{
    (void)state;
    struct spot spot = {0};
    {
        WEFT_SCOPED(weft_drop)
        weft_future *f = weft_start(WEFT_THREADS, sleep_for_ever, &(struct spot *){&spot});
        WEFT_SCOPED(weft_drop) weft_future *g = weft_start(WEFT_THREADS, square, &(int){2});
        await_asleep(&spot);
        assert_int_equal(weft_join(&g, NULL, 0), 0);
        assert_null(g);
    }
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d", atomic_load(&spot.tid));
    while (access(path, F_OK) == 0) // the dropped task was cancelled and ends
        nap_ms(1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_started_task_returns_its_result),
    cmocka_unit_test(a_task_needs_neither_argument_nor_result),
    cmocka_unit_test(the_argument_is_copied_at_the_start),
    cmocka_unit_test(an_aligned_argument_and_result_stay_aligned),
    cmocka_unit_test(a_megabyte_travels_in_and_out),
    cmocka_unit_test(the_result_stays_untouched_when_the_task_failed),
    cmocka_unit_test(a_result_may_be_declined_whatever_its_size),
    cmocka_unit_test(code_and_message_of_a_failure_reach_the_joiner),
    cmocka_unit_test(a_code_without_message_travels_too),
    cmocka_unit_test(the_joiners_own_error_survives_a_task_that_succeeded),
    cmocka_unit_test(a_task_begins_without_an_error),
    cmocka_unit_test(a_message_grows_on_its_way_through_several_tasks),
    cmocka_unit_test(a_message_of_the_greatest_length_travels_whole),
    cmocka_unit_test(a_thread_that_cannot_be_made_is_an_error),
    cmocka_unit_test(a_task_has_the_stack_it_asked_for),
    cmocka_unit_test(a_request_to_stop_stays_and_a_shield_hides_it),
    cmocka_unit_test(a_plain_thread_has_no_request_to_stop),
    cmocka_unit_test(a_cancelled_sleep_ends),
    cmocka_unit_test(a_sleep_lasts_at_least_its_time),
    cmocka_unit_test(yielding_is_not_interrupted),
    cmocka_unit_test(a_local_belongs_to_one_task_and_is_destroyed_at_its_end),
    cmocka_unit_test(a_plain_threads_local_is_destroyed_at_its_end),
    cmocka_unit_test(a_task_may_have_many_locals),
    cmocka_unit_test(what_is_deferred_runs_however_the_block_is_left),
    cmocka_unit_test(a_scoped_future_is_dropped_and_may_be_joined_before),
};
TEST_MAIN(tests)
