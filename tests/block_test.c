// SPDX-License-Identifier: MIT
// block_test.c - weft_block on fibers: calls that block go to a few threads, and stand in line for
// them.
#include "exec_helpers.h"

enum { HELPERS = 4 };

static int block_hold(struct hold *const *h, weft_none *none)
{
    return weft_block(hold, none, h);
}
WEFT_TASK(block_hold, struct hold *, weft_none);

static weft_future *block_hold_on_fiber(struct hold *h)
{
    weft_future *f = weft_start(WEFT_FIBERS, block_hold, &h);
    assert_non_null(f);
    return f;
}

struct crowd {
    struct hold holds[HELPERS];
    weft_future *futures[HELPERS];
};

static void occupy_all(struct crowd *c)
{
    for (int i = 0; i < HELPERS; i++) {
        hold_init(&c->holds[i]);
        c->futures[i] = block_hold_on_fiber(&c->holds[i]);
    }
    for (int i = 0; i < HELPERS; i++)
        sem_take(&c->holds[i].started);
}

static void release_all(struct crowd *c)
{
    for (int i = 0; i < HELPERS; i++)
        assert_int_equal(let_go(&c->futures[i], &c->holds[i]), 0);
}

static bool has_begun(struct hold *h)
{
    int n = 0;
    return sem_getvalue(&h->started, &n) == 0 && n > 0;
}

// A fiber, on each loop, that answers: so others that were started before have had their turn.
static int wave(const weft_none *unused, weft_none *none)
{
    (void)unused, (void)none;
    return 0;
}
WEFT_TASK(wave, weft_none, weft_none);

static void let_fibers_run(void)
{
    for (int i = 0; i < 2 * weft_cores(); i++) {
        weft_future *f = weft_start(WEFT_FIBERS, wave, &(weft_none){0});
        assert_int_equal(weft_join(&f, NULL, 0), 0);
    }
}

// ---- in line ----------------------------------------------------------------------------

static void who_finds_all_helpers_busy_waits_his_turn(void **state)
{
    (void)state;
    struct crowd c;
    struct hold fifth;
    occupy_all(&c);
    hold_init(&fifth);
    weft_future *f = block_hold_on_fiber(&fifth);
    let_fibers_run(); // the loops go on
    assert_false(has_begun(&fifth));
    assert_int_equal(let_go(&c.futures[2], &c.holds[2]), 0);
    sem_take(&fifth.started);
    assert_int_equal(let_go(&f, &fifth), 0);
    c.futures[2] = block_hold_on_fiber(&c.holds[2]);
    sem_take(&c.holds[2].started);
    release_all(&c);
}

static void who_is_cancelled_in_the_line_leaves_it(void **state)
{
    (void)state;
    struct crowd c;
    struct hold fifth;
    occupy_all(&c);
    hold_init(&fifth);
    weft_future *f = block_hold_on_fiber(&fifth);
    let_fibers_run();
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    assert_true(weft_error()[0] != '\0');
    release_all(&c);
    assert_false(has_begun(&fifth)); // nor after
}

static void who_has_a_deadline_leaves_the_line_then(void **state)
{
    (void)state;
    struct crowd c;
    struct hold fifth, *arg = &fifth;
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 1);
    occupy_all(&c);
    hold_init(&fifth);
    weft_future *f = weft_submit_until(pool, weft_after_ms(20), block_hold, &arg);
    assert_int_equal(weft_wait(f, much_later()), 0); // not in place, on this thread
    assert_int_equal(weft_join(&f, NULL, 0), -ETIMEDOUT);
    release_all(&c);
    assert_false(has_begun(&fifth));
    weft_pool_close(&pool);
}

static int block_hold_shielded(struct hold *const *h, weft_none *none)
{
    (void)weft_shield(true);
    return weft_block(hold, none, h);
}
WEFT_TASK(block_hold_shielded, struct hold *, weft_none);

static void who_is_shielded_stays_in_the_line(void **state)
{
    (void)state;
    struct crowd c;
    struct hold fifth, *arg = &fifth;
    occupy_all(&c);
    hold_init(&fifth);
    weft_future *f = weft_start(WEFT_FIBERS, block_hold_shielded, &arg);
    let_fibers_run();
    weft_cancel(f);
    release_all(&c);
    sem_take(&fifth.started);
    assert_int_equal(let_go(&f, &fifth), 0);
}

static void once_begun_it_is_waited_for_and_hears_of_the_request(void **state)
{
    (void)state;
    struct hold h;
    hold_init(&h);
    weft_future *f = block_hold_on_fiber(&h);
    sem_take(&h.started);
    weft_cancel(f);
    let_fibers_run(); // the request has been passed on
    assert_false(weft_done(f));
    assert_int_equal(let_go(&f, &h), -ECANCELED); // of the weft_check in it
}

// ---- more than the line's first few -----------------------------------------------------

static int add_one(const int *n, int *out)
{
    *out = *n + 1;
    return 0;
}
WEFT_TASK(add_one, int, int);

static int block_add_one(const int *n, int *out)
{
    return weft_block(add_one, out, n);
}
WEFT_TASK(block_add_one, int, int);

static void thousands_stand_in_line_and_all_get_through(void **state)
{
    (void)state;
    enum { N = 6000 }; // more than the helpers' backlog
    static weft_future *f[N];
    struct crowd c;
    occupy_all(&c);
    for (int i = 0; i < N; i++)
        assert_non_null(f[i] = weft_start(WEFT_FIBERS, block_add_one, &i));
    let_fibers_run();
    release_all(&c);
    for (int i = 0, out; i < N; i++) {
        assert_int_equal(weft_join_as(&f[i], block_add_one, &out), 0);
        assert_int_equal(out, i + 1);
    }
}

// ---- calls in calls ---------------------------------------------------------------------

static int my_thread(const weft_none *unused, int *tid)
{
    (void)unused;
    *tid = gettid();
    return 0;
}
WEFT_TASK(my_thread, weft_none, int);

static int is_in_place(const weft_none *unused, bool *is)
{
    int tid = 0;
    int rc = weft_block(my_thread, &tid, unused);
    *is = tid == gettid();
    return rc;
}
WEFT_TASK(is_in_place, weft_none, bool);

static int block_in_block(const weft_none *unused, bool *is)
{
    return weft_block(is_in_place, is, unused);
}
WEFT_TASK(block_in_block, weft_none, bool);

static void a_call_in_a_call_is_made_in_place(void **state)
{
    (void)state;
    bool is = false;
    weft_future *f = weft_start(WEFT_FIBERS, block_in_block, &(weft_none){0});
    assert_int_equal(weft_join_as(&f, block_in_block, &is), 0);
    assert_true(is);
    f = weft_start(WEFT_FIBERS, is_in_place, &(weft_none){0});
    assert_int_equal(weft_join_as(&f, is_in_place, &is), 0);
    assert_false(is);
}

// A helper that waits for a fiber that waits for a helper.
static int through_a_fiber(const int *n, int *out)
{
    weft_future *f = weft_start(WEFT_FIBERS, block_add_one, n);
    return f ? weft_join_as(&f, block_add_one, out) : weft_error_code();
}
WEFT_TASK(through_a_fiber, int, int);

static int block_through_a_fiber(const int *n, int *out)
{
    return weft_block(through_a_fiber, out, n);
}
WEFT_TASK(block_through_a_fiber, int, int);

static void helpers_that_wait_for_helpers_do_not_deadlock(void **state)
{
    (void)state;
    enum { N = 5 * HELPERS };
    weft_future *f[N];
    for (int i = 0; i < N; i++)
        assert_non_null(f[i] = weft_start(WEFT_FIBERS, block_through_a_fiber, &i));
    for (int i = 0, out; i < N; i++) {
        assert_int_equal(weft_join_as(&f[i], block_through_a_fiber, &out), 0);
        assert_int_equal(out, i + 1);
    }
}

// ---- names ------------------------------------------------------------------------------

static int connect_by_name(const int *port, weft_none *none)
{
    (void)none;
    char address[32];
    snprintf(address, sizeof address, "localhost:%d", *port);
    weft_conn *conn = weft_connect(address, much_later());
    int rc = conn ? 0 : weft_error_code();
    weft_conn_close(&conn);
    return rc;
}
WEFT_TASK(connect_by_name, int, weft_none);

static void names_are_looked_up_though_all_helpers_are_busy(void **state)
{
    (void)state;
    struct crowd c;
    weft_listener *listener = weft_listen("127.0.0.1:0");
    assert_non_null(listener);
    const char *colon = strrchr(weft_listener_address(listener), ':');
    occupy_all(&c);
    weft_future *f = weft_start(WEFT_FIBERS, connect_by_name, &(int){atoi(colon + 1)});
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    release_all(&c);
    weft_listener_close(&listener);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(who_finds_all_helpers_busy_waits_his_turn),
    cmocka_unit_test(who_is_cancelled_in_the_line_leaves_it),
    cmocka_unit_test(who_has_a_deadline_leaves_the_line_then),
    cmocka_unit_test(who_is_shielded_stays_in_the_line),
    cmocka_unit_test(once_begun_it_is_waited_for_and_hears_of_the_request),
    cmocka_unit_test(thousands_stand_in_line_and_all_get_through),
    cmocka_unit_test(a_call_in_a_call_is_made_in_place),
    cmocka_unit_test(helpers_that_wait_for_helpers_do_not_deadlock),
    cmocka_unit_test(names_are_looked_up_though_all_helpers_are_busy),
};
TEST_MAIN(tests)
