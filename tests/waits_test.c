// SPDX-License-Identifier: MIT
// waits_test.c - every call that waits, one row each: asked to stop before it and while it waits,
// its deadline passed before and while it waits. It says so, and nothing is lost by it: what it
// waited for is still there for the next. waits_test.py sees that the headers name no other.
#include "waits_listeners.h"
#include "waits_locks.h"
#include "waits_pipes.h"
#include "waits_shared.h"
#include "waits_sockets.h"
#include "waits_tasks.h"

static const struct wait waits[] = {
    WAITS_FOR_LOCKS,   WAITS_FOR_TASKS,     WAITS_FOR_PIPES, WAITS_FOR_SHARED,
    WAITS_FOR_SOCKETS, WAITS_FOR_LISTENERS, {.name = NULL},
};

// ---- a call elsewhere -------------------------------------------------------------------

struct caller {
    const struct wait *wait;
    weft_time deadline;
    bool when_cancelled; // begin when the request to stop has come
    struct spot spot;
};

static int make_call(struct caller *const *arg, weft_none *none)
{
    struct caller *c = *arg;
    (void)none;
    while (c->when_cancelled && weft_check() == 0)
        weft_yield();
    arrive(&c->spot);
    return c->wait->call(c->deadline);
}
WEFT_TASK(make_call, struct caller *, weft_none);

static weft_future *call_elsewhere(struct caller *c)
{
    weft_future *f = weft_start(WEFT_THREADS, make_call, &c);
    assert_non_null(f);
    return f;
}

// Until it waits, or has ended.
static void await_wait(struct caller *c, const weft_future *f)
{
    long before = -1;
    for (int same = 0; same < 4 && !weft_done(f); nap_ms(1)) {
        int tid = atomic_load(&c->spot.tid);
        long now = tid ? sleeps_of(tid) : -1;
        same = now >= 0 && now == before ? same + 1 : 0;
        before = now;
    }
}

static void assert_gave(const struct wait *row, const char *when, int rc, int expected)
{
    if (rc != expected)
        fail_msg("%s, %s: %d (%s) instead of %d", row->name, when, rc, weft_error(), expected);
}

// A call that an interruption breaks says so now.
static void assert_broken(const struct wait *row)
{
    if (row->breaks)
        assert_gave(row, "after it", row->breaks(much_later()), -EPIPE);
}

// What the interrupted call waited for comes to the next one, once.
static void assert_nothing_was_lost(const struct wait *row, bool fed)
{
    if (row->mend)
        row->mend();
    else if (row->breaks)
        return;
    struct caller again = {.wait = row, .deadline = much_later()};
    weft_future *f = call_elsewhere(&again);
    if (!fed) {
        await_wait(&again, f);
        row->feed();
    }
    assert_gave(row, "the next one", weft_join(&f, NULL, 0), 0);
    if (row->leaves)
        assert_gave(row, "what is left", row->leaves(), 0);
}

// ---- requests to stop -------------------------------------------------------------------

static void a_request_that_came_before_goes_before_what_is_there(void **state)
{
    (void)state;
    for (const struct wait *row = waits; row->name; row++) {
        bool fed = row->feed && !row->forgets;
        row->set_up();
        if (fed)
            row->feed();
        struct caller caller = {.wait = row, .deadline = much_later(), .when_cancelled = true};
        weft_future *f = call_elsewhere(&caller);
        weft_cancel(f);
        assert_gave(row, "asked before", weft_join(&f, NULL, 0), -ECANCELED);
        assert_nothing_was_lost(row, fed);
        row->tear_down();
    }
}

static void a_request_ends_the_wait(void **state)
{
    (void)state;
    for (int for_ever = 0; for_ever < 2; for_ever++)
        for (const struct wait *row = waits; row->name; row++) {
            if (row->never_waits)
                continue;
            row->set_up();
            struct caller caller = {.wait = row,
                                    .deadline = for_ever ? WEFT_FOREVER : much_later()};
            weft_future *f = call_elsewhere(&caller);
            await_wait(&caller, f);
            assert_false(weft_done(f));
            weft_cancel(f);
            assert_gave(row, "asked while it waits", weft_join(&f, NULL, 0), -ECANCELED);
            assert_broken(row);
            assert_nothing_was_lost(row, false);
            row->tear_down();
        }
}

// ---- deadlines --------------------------------------------------------------------------

static weft_time long_past(void)
{
    return (weft_time){1};
}

static weft_time at_once(void)
{
    return WEFT_POLL;
}

static weft_time soon(void)
{
    return weft_after_ms(15);
}

static void a_deadline_ends_the_call(void **state)
{
    (void)state;
    static weft_time (*const deadlines[])(void) = {at_once, long_past, soon};
    for (size_t i = 0; i < COUNT(deadlines); i++)
        for (const struct wait *row = waits; row->name; row++) {
            if (row->no_deadline)
                continue;
            row->set_up();
            struct caller caller = {.wait = row, .deadline = deadlines[i]()};
            weft_future *f = call_elsewhere(&caller);
            assert_gave(row, "its deadline", weft_join(&f, NULL, 0), -ETIMEDOUT);
            assert_true(weft_now().ns >= caller.deadline.ns);
            assert_broken(row);
            assert_nothing_was_lost(row, false);
            row->tear_down();
        }
}

// A task's own deadline is a request to stop, with a code of its own.
static void the_tasks_own_deadline_ends_the_wait(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    for (const struct wait *row = waits; row->name; row++) {
        if (row->never_waits)
            continue;
        row->set_up();
        struct caller caller = {.wait = row, .deadline = WEFT_FOREVER}, *arg = &caller;
        for (int ms = 15; atomic_load(&caller.spot.tid) == 0; ms *= 2) { // until it began in time
            weft_future *f = weft_submit_until(pool, weft_after_ms(ms), make_call, &arg);
            assert_int_equal(weft_wait(f, much_later()), 0);
            assert_gave(row, "its task's deadline", weft_join(&f, NULL, 0), -ETIMEDOUT);
        }
        assert_broken(row);
        assert_nothing_was_lost(row, false);
        row->tear_down();
    }
    weft_pool_close(&pool);
}

// A number of times, so that in some the request comes just as the call begins.
static void a_request_at_any_moment_is_heard(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++)
        for (const struct wait *row = waits; row->name; row++) {
            if (row->never_waits)
                continue;
            row->set_up();
            struct caller caller = {.wait = row, .deadline = WEFT_FOREVER};
            weft_future *f = call_elsewhere(&caller);
            while (round > 0 && atomic_load(&caller.spot.tid) == 0)
                sched_yield();
            weft_cancel(f);
            assert_gave(row, "asked at some moment", weft_join(&f, NULL, 0), -ECANCELED);
            assert_nothing_was_lost(row, false);
            row->tear_down();
        }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_request_that_came_before_goes_before_what_is_there),
    cmocka_unit_test(a_request_ends_the_wait),
    cmocka_unit_test(a_deadline_ends_the_call),
    cmocka_unit_test(the_tasks_own_deadline_ends_the_wait),
    cmocka_unit_test(a_request_at_any_moment_is_heard),
};

int main(void)
{
    sigset_t set = waited_signals();
    pthread_sigmask(SIG_BLOCK, &set, NULL); // first thing, before any thread
    prepare_tests();
    return end_tests(cmocka_run_group_tests(tests, NULL, NULL));
}
