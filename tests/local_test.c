// SPDX-License-Identifier: MIT
// local_test.c - values of a task, and cleanup at the end of a block.
#include "contract.h"

// ---- values -------------------------------------------------------------------------

static atomic_int destroyed, destroyed_null;

static void count_one(void *value)
{
    atomic_fetch_add(value ? &destroyed : &destroyed_null, 1);
}

static weft_local counted = WEFT_LOCAL(count_one);
static weft_local plain; // valid when zeroed
static weft_local owned = WEFT_LOCAL(free);
static weft_local many[300];

static int use_values(void *arg)
{
    int a, b;
    (void)arg;
    CHECK(weft_local_get(&counted) == NULL);
    CHECK(weft_local_get(&plain) == NULL);
    CHECK(weft_local_set(&counted, &a) == 0);
    CHECK(weft_local_set(&plain, &b) == 0);
    CHECK(weft_local_get(&counted) == &a);
    CHECK(weft_local_get(&plain) == &b);
    CHECK(weft_local_set(&counted, &b) == 0); // the old value is ours again
    CHECK(weft_local_get(&counted) == &b);
    return 0;
}

static int use_no_value(void *arg)
{
    int a;
    (void)arg;
    CHECK(weft_local_get(&counted) == NULL);
    CHECK(weft_local_set(&counted, &a) == 0);
    CHECK(weft_local_set(&counted, NULL) == 0);
    CHECK(weft_local_get(&counted) == NULL);
    return 0;
}

TEST(it_is_null_until_set_and_then_what_was_set)
{
    int here;
    assert_null(weft_local_get(&plain));
    assert_int_equal(weft_local_set(&plain, &here), 0);
    assert_ptr_equal(weft_local_get(&plain), &here);
    assert_int_equal(weft_local_set(&plain, NULL), 0);
    assert_null(weft_local_get(&plain));
}

TEST(a_value_is_destroyed_once_at_the_end_of_its_task_or_thread)
{
    for (int where = IN_TASK; where <= IN_THREAD; where++) {
        struct away a;
        atomic_store(&destroyed, 0);
        go(&a, (enum where)where, use_values, NULL);
        assert_int_equal(back(&a), 0);
        assert_int_equal(destroyed, 1);
        go(&a, (enum where)where, use_no_value, NULL);
        assert_int_equal(back(&a), 0);
        assert_int_equal(destroyed, 1);
        assert_int_equal(destroyed_null, 0);
    }
}

static int keep_for_the_end(void *arg)
{
    CHECK(weft_local_set(&counted, arg) == 0);
    CHECK(eventually(weft_check() == -ECANCELED));
    CHECK(weft_local_get(&counted) == arg);
    CHECK(weft_local_set(&plain, arg) == 0);
    CHECK(weft_local_get(&plain) == arg);
    return -ECANCELED;
}

TEST(a_request_to_stop_keeps_values_usable_until_the_end)
{
    int here;
    atomic_store(&destroyed, 0);
    assert_int_equal(cancel_before(keep_for_the_end, &here), -ECANCELED);
    assert_int_equal(destroyed, 1);
}

static int own_a_block(void *arg)
{
    (void)arg;
    char *block = malloc(100); // a leak checker sees whether free was called
    CHECK(block);
    CHECK(weft_local_set(&owned, block) == 0);
    block[99] = 1;
    return 0;
}

static int compare_with_others(void *arg)
{
    pthread_barrier_t *turn = arg;
    int mine;
    CHECK(weft_local_get(&plain) == NULL);
    CHECK(weft_local_set(&plain, &mine) == 0);
    CHECK(own_a_block(NULL) == 0);
    pthread_barrier_wait(turn);
    CHECK(weft_local_get(&plain) == &mine);
    return 0;
}

TEST(each_task_and_thread_has_its_own)
{
    pthread_barrier_t turn;
    struct away crowd[6];
    int ours;
    assert_int_equal(weft_local_set(&plain, &ours), 0);
    pthread_barrier_init(&turn, NULL, COUNT(crowd));
    go_all(crowd, COUNT(crowd), compare_with_others, &turn);
    all_back_with(0, crowd, COUNT(crowd));
    pthread_barrier_destroy(&turn);
    assert_ptr_equal(weft_local_get(&plain), &ours);
    assert_int_equal(weft_local_set(&plain, NULL), 0);
}

static int use_in_a_pool(const int *code, weft_none *none)
{
    (void)none;
    int rc = use_values(NULL);
    return rc ? rc : *code;
}
WEFT_TASK(use_in_a_pool, int, weft_none);

TEST(a_workers_next_task_begins_with_none_however_the_last_one_ended)
{
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    assert_non_null(pool);
    atomic_store(&destroyed, 0);
    for (int i = 0; i < 6; i++) {
        int code = i % 2 ? -EIO : 0;
        weft_future *f = weft_submit(pool, use_in_a_pool, &code);
        assert_int_equal(weft_wait(f, much_later()), 0); // so that the worker runs it
        assert_int_equal(weft_join(&f, NULL, 0), code);
        assert_int_equal(destroyed, i + 1);
    }
    weft_pool_close(&pool);
}

static void fail_with_eio(void *value)
{
    (void)value;
    (void)weft_fail(-EIO, "of the destructor");
}

static weft_local failing = WEFT_LOCAL(fail_with_eio);

static int fail_before_it(const int *words, weft_none *none)
{
    (void)none;
    int rc = weft_local_set(&failing, &failing);
    return rc < 0 ? rc : *words ? weft_fail(-EIO, "of the task") : -EIO;
}
WEFT_TASK(fail_before_it, int, weft_none);

TEST(what_fails_in_a_destructor_is_not_why_the_task_failed)
{
    for (int kind = WEFT_FIBERS; kind <= WEFT_PROCESSES; kind++)
        for (int words = 0; words < 2; words++) {
            weft_future *f = weft_start((enum weft_kind)kind, fail_before_it, &words);
            assert_non_null(f);
            assert_int_equal(weft_join(&f, NULL, 0), -EIO);
            const char *why = words ? "of the task" : "fail_before_it: Input/output error";
            assert_string_equal(weft_error(), why);
        }
}

static int use_many(void *arg)
{
    static int values[COUNT(many)];
    (void)arg;
    for (size_t i = 0; i < COUNT(many); i++) {
        CHECK(weft_local_get(&many[i]) == NULL);
        CHECK(weft_local_set(&many[i], &values[i]) == 0);
    }
    for (size_t i = 0; i < COUNT(many); i++)
        CHECK(weft_local_get(&many[i]) == &values[i]);
    return 0;
}

TEST(there_may_be_many_and_first_uses_may_meet)
{
    struct away crowd[4];
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = (weft_local)WEFT_LOCAL(count_one);
    atomic_store(&destroyed, 0);
    go_all(crowd, COUNT(crowd), use_many, NULL);
    all_back_with(0, crowd, COUNT(crowd));
    assert_int_equal(destroyed, COUNT(crowd) * COUNT(many));
}

static int set_without_memory(void)
{
    static int value;
    int refused = 0;
    CHECK(weft_check() == 0); // so that weft knows this thread
    exhaust_memory();
    for (size_t i = 0; i < COUNT(many); i++) {
        int rc = weft_local_set(&many[i], &value);
        CHECK(rc == 0 || rc == -ENOMEM);
        CHECK(weft_local_get(&many[i]) == (rc == 0 ? &value : NULL));
        CHECK(rc == 0 || weft_error_code() == -ENOMEM);
        refused += rc < 0;
    }
    return refused ? 0 : 1;
}

TEST(without_memory_a_set_is_refused_and_nothing_is_set)
{
    if (UNDER_ASAN || UNDER_TSAN)
        skip(); // they need more memory than there would be
    assert_ends("set_without_memory", 0, "");
}

// ---- at the end of a block ----------------------------------------------------------

static char diary[32];

static void write_down(void *word)
{
    strcat(diary, word);
}

static void assert_diary(const char *expected)
{
    assert_string_equal(diary, expected);
    diary[0] = '\0';
}

static char one[] = "1", two[] = "2", three[] = "3";

static int leave_by_return(bool early)
{
    weft_defer(write_down, one);
    if (early)
        return 7;
    weft_defer(write_down, two);
    return 8;
}

TEST(what_is_deferred_runs_last_in_first_out_however_the_block_is_left)
{
    {
        weft_defer(write_down, one);
        weft_defer(write_down, two);
        weft_defer(write_down, three);
        assert_diary("");
    }
    assert_diary("321");
    assert_int_equal(leave_by_return(true), 7);
    assert_diary("1");
    assert_int_equal(leave_by_return(false), 8);
    assert_diary("21");
    for (int i = 0; i < 3; i++) {
        weft_defer(write_down, one);
        if (i == 0)
            continue;
        weft_defer(write_down, two);
        if (i == 1)
            break;
    }
    assert_diary("121");
    {
        weft_defer(write_down, three);
        goto out;
    }
out:
    assert_diary("3");
}

TEST(what_is_passed_is_read_when_it_is_deferred)
{
    {
        char *word = one;
        weft_defer(write_down, word);
        word = two;
        weft_defer(write_down, word);
        word = NULL;
        (void)word;
    }
    assert_diary("21");
}

static int defer_and_wait(void *e)
{
    weft_defer(write_down, one);
    return weft_event_wait(e, WEFT_FOREVER);
}

TEST(a_cancelled_task_leaves_by_the_same_door)
{
    weft_event never = {0};
    assert_int_equal(cancel_while_waiting(defer_and_wait, &never), -ECANCELED);
    assert_diary("1");
}

static void release_word(char **word)
{
    if (*word)
        strcat(diary, *word);
    *word = NULL;
}

TEST(a_scoped_variable_is_released_as_it_is_at_the_end)
{
    {
        WEFT_SCOPED(release_word) char *a = one;
        weft_defer(write_down, two);
        WEFT_SCOPED(release_word) char *b = three, *c = three;
        a = three;
        b = one;
        release_word(&c); // earlier, by hand
        assert_diary("3");
    }
    assert_diary("123");
}

static int nothing_to_do(const int *in, weft_none *none)
{
    (void)none;
    return *in;
}
WEFT_TASK(nothing_to_do, int, weft_none);

TEST(what_weft_makes_can_be_scoped_also_when_it_was_not_made)
{
    WEFT_SCOPED(weft_queue_free) weft_queue *q = weft_queue_new(sizeof(int)), *no_queue = NULL;
    WEFT_SCOPED(weft_pool_close) weft_pool *p = weft_pool_open(WEFT_THREADS), *no_pool = NULL;
    WEFT_SCOPED(weft_group_close) weft_group *g = weft_group_open(p), *no_group = NULL;
    WEFT_SCOPED(weft_drop)
    weft_future *f = weft_submit(p, nothing_to_do, &(int){0}), *no_future = NULL;
    WEFT_SCOPED(weft_conn_close) weft_conn *no_conn = NULL;
    WEFT_SCOPED(weft_listener_close) weft_listener *no_listener = NULL;
    assert_true(q && p && g && f);
}

static const struct scene scenes[] = {SCENE(set_without_memory)};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(it_is_null_until_set_and_then_what_was_set),
    cmocka_unit_test(a_value_is_destroyed_once_at_the_end_of_its_task_or_thread),
    cmocka_unit_test(a_request_to_stop_keeps_values_usable_until_the_end),
    cmocka_unit_test(each_task_and_thread_has_its_own),
    cmocka_unit_test(a_workers_next_task_begins_with_none_however_the_last_one_ended),
    cmocka_unit_test(what_fails_in_a_destructor_is_not_why_the_task_failed),
    cmocka_unit_test(there_may_be_many_and_first_uses_may_meet),
    cmocka_unit_test(without_memory_a_set_is_refused_and_nothing_is_set),
    cmocka_unit_test(what_is_deferred_runs_last_in_first_out_however_the_block_is_left),
    cmocka_unit_test(what_is_passed_is_read_when_it_is_deferred),
    cmocka_unit_test(a_cancelled_task_leaves_by_the_same_door),
    cmocka_unit_test(a_scoped_variable_is_released_as_it_is_at_the_end),
    cmocka_unit_test(what_weft_makes_can_be_scoped_also_when_it_was_not_made),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
