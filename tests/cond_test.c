// SPDX-License-Identifier: MIT
// cond_test.c - the condition: who is woken, who is not, and what is held on return.
//
// That somebody waits can be observed here: a waiter counts itself in `waiting` with the mutex
// held, and only its wait lets the mutex go. So a signal that follows that count under the mutex
// has a waiter, and the tests of order and number hang on no guess.
#include "contract.h"

_Static_assert(sizeof(weft_cond) == 16, "two words");

struct place {
    weft_mutex mu;
    weft_cond cond;
    int waiting, woken; // guarded by mu
    bool ready;         // guarded by mu
    struct diary diary; // in the order of waking, one after another under mu
    weft_time patience;
};

static int wait_once(void *arg)
{
    struct place *p = arg;
    weft_lock(&p->mu);
    int me = p->waiting++;
    int rc = weft_cond_wait(&p->cond, &p->mu, p->patience);
    CHECK(!weft_trylock(&p->mu)); // we hold it, whatever was returned
    p->woken++;
    note(&p->diary, me);
    weft_unlock(&p->mu);
    return rc;
}

static int waiting_in(struct place *p)
{
    weft_guard(&p->mu);
    return p->waiting;
}

static int woken_in(struct place *p)
{
    weft_guard(&p->mu);
    return p->woken;
}

// n of them wait, in the order of their numbers, tasks and threads by turns.
static void line_up(struct place *p, struct away *crowd, int n)
{
    for (int i = 0; i < n; i++) {
        go(&crowd[i], i % 2 ? IN_THREAD : IN_TASK, wait_once, p);
        assert_true(eventually(waiting_in(p) == i + 1));
    }
}

static struct place patient(void)
{
    return (struct place){.patience = WEFT_FOREVER};
}

// ---- who wakes ----------------------------------------------------------------------

TEST(each_signal_wakes_one_and_the_oldest_first)
{
    struct place p = patient();
    struct away crowd[6];
    line_up(&p, crowd, 6);
    for (int i = 0; i < 6; i++) {
        weft_cond_signal(&p.cond);
        assert_true(eventually(woken_in(&p) == i + 1));
        nap_ms(5);
        assert_int_equal(woken_in(&p), i + 1);
        assert_int_equal(p.diary.who[i], i);
    }
    all_back_with(0, crowd, 6);
}

TEST(n_signals_at_once_wake_the_n_oldest)
{
    struct place p = patient();
    struct away crowd[6];
    line_up(&p, crowd, 6);
    weft_lock(&p.mu);
    for (int i = 0; i < 4; i++)
        weft_cond_signal(&p.cond);
    assert_int_equal(p.woken, 0); // they must have the mutex first
    weft_unlock(&p.mu);
    assert_true(eventually(woken_in(&p) == 4));
    nap_ms(20);
    assert_int_equal(woken_in(&p), 4);
    unsigned seen = 0;
    for (int i = 0; i < 4; i++)
        seen |= 1u << p.diary.who[i];
    assert_int_equal(seen, 0xf);
    weft_cond_broadcast(&p.cond);
    all_back_with(0, crowd, 6);
}

TEST(a_broadcast_wakes_all_with_the_mutex_or_without)
{
    for (int held = 0; held <= 1; held++) {
        struct place p = patient();
        struct away crowd[5];
        line_up(&p, crowd, 5);
        if (held)
            weft_lock(&p.mu);
        weft_cond_broadcast(&p.cond);
        if (held) {
            assert_int_equal(p.woken, 0);
            weft_unlock(&p.mu);
        }
        all_back_with(0, crowd, 5);
        assert_int_equal(p.woken, 5);
    }
}

TEST(a_signal_to_nobody_is_not_kept)
{
    struct place p = {.patience = soon()};
    weft_cond_signal(&p.cond);
    weft_cond_broadcast(&p.cond);
    assert_int_equal(wait_once(&p), -ETIMEDOUT);
    assert_int_equal(wait_once(&p), -ETIMEDOUT);
}

TEST(nothing_wakes_without_a_signal)
{
    struct place p = patient();
    struct away crowd[4];
    line_up(&p, crowd, 4);
    for (int i = 0; i < 20; i++) { // much coming and going on the mutex is no signal
        weft_lock(&p.mu);
        sched_yield();
        weft_unlock(&p.mu);
        nap_ms(1);
    }
    assert_int_equal(woken_in(&p), 0);
    weft_cond_broadcast(&p.cond);
    all_back_with(0, crowd, 4);
}

TEST(one_condition_may_be_used_with_one_mutex_after_another)
{
    struct place p = patient();
    struct away a;
    for (int i = 0; i < 3; i++) {
        p.mu = (weft_mutex){0};
        p.waiting = 0;
        line_up(&p, &a, 1);
        weft_cond_signal(&p.cond);
        assert_int_equal(back(&a), 0);
    }
}

// ---- giving up ----------------------------------------------------------------------

TEST(a_wait_times_out_not_before_the_deadline_and_with_the_mutex_held)
{
    const weft_time deadlines[] = {WEFT_POLL, long_past, {-5}, soon()};
    for (size_t i = 0; i < COUNT(deadlines); i++) {
        struct place p = {.patience = deadlines[i]};
        assert_int_equal(wait_once(&p), -ETIMEDOUT);
        assert_true(weft_now().ns >= deadlines[i].ns);
        assert_true(weft_trylock(&p.mu)); // and it is released once only
        weft_unlock(&p.mu);
    }
}

// The mutex is taken here before the deadline, or it is tried again with a later one.
TEST(a_wait_that_timed_out_returns_only_with_the_mutex)
{
    bool in_time = false;
    for (int64_t ms = 50; !in_time; ms *= 2) {
        struct place p = {.patience = weft_after_ms(ms)};
        struct away a;
        line_up(&p, &a, 1);
        weft_lock(&p.mu);
        in_time = weft_now().ns < p.patience.ns;
        while (weft_now().ns < p.patience.ns)
            nap_ms(1);
        nap_ms(20);
        int woken = p.woken;
        weft_unlock(&p.mu);
        assert_int_equal(back(&a), -ETIMEDOUT);
        assert_true(woken == 0 || !in_time);
    }
}

static int wait_for_ever(void *arg)
{
    struct place *p = arg;
    weft_lock(&p->mu);
    p->waiting++;
    int rc = weft_cond_wait(&p->cond, &p->mu, WEFT_FOREVER);
    weft_unlock(&p->mu);
    return rc;
}

// One signal, sent while the first waiter gives up: either it took the signal and says so, or the
// second waiter got it. The second has no other way to return 0.
static void one_signal_for_two(struct place *p, bool cancel)
{
    struct away first, second;
    go(&first, IN_TASK, wait_once, p);
    assert_true(eventually(waiting_in(p) == 1));
    go(&second, IN_THREAD, wait_for_ever, p);
    assert_true(eventually(waiting_in(p) == 2));
    if (cancel)
        weft_cancel(first.task);
    else
        while (weft_now().ns < p->patience.ns)
            continue;
    weft_cond_signal(&p->cond);
    int rc = back(&first);
    if (rc == 0)
        weft_cond_signal(&p->cond);
    else
        assert_int_equal(rc, cancel ? -ECANCELED : -ETIMEDOUT);
    assert_int_equal(back(&second), 0);
}

TEST(a_waiter_that_gave_up_eats_no_signal)
{
    for (int i = 0; i < 30; i++) {
        struct place hasty = {.patience = weft_after_ms(8)}, stopped = patient();
        one_signal_for_two(&hasty, false);
        one_signal_for_two(&stopped, true);
    }
}

TEST(a_cancelled_waiter_returns_with_the_mutex_held)
{
    struct place p = patient();
    assert_int_equal(cancel_while_waiting(wait_once, &p), -ECANCELED);
    assert_true(weft_trylock(&p.mu));
    weft_unlock(&p.mu);
}

TEST(the_request_to_stop_comes_before_a_past_deadline_and_leaves_the_mutex_held)
{
    struct place p = patient();
    assert_int_equal(cancel_before(wait_once, &p), -ECANCELED);
    p.patience = WEFT_POLL;
    assert_int_equal(cancel_before(wait_once, &p), -ECANCELED);
    assert_true(weft_trylock(&p.mu));
    weft_unlock(&p.mu);
}

static void signal_it(void *arg)
{
    struct place *p = arg;
    weft_cond_signal(&p->cond);
}

TEST(behind_a_shield_a_wait_goes_on)
{
    struct place p = patient();
    assert_int_equal(cancel_in_vain(wait_once, &p, signal_it), 0);
    p.patience = soon();
    assert_int_equal(cancel_before_but_shielded(wait_once, &p), -ETIMEDOUT);
}

// ---- by predicate -------------------------------------------------------------------

static bool is_ready(const void *arg)
{
    const struct place *p = arg;
    return p->ready;
}

static bool never(const void *arg)
{
    (void)arg;
    return false;
}

struct look {
    weft_mutex *mu;
    int looks;
    bool always_held;
};

static bool look_at_mutex(const void *arg)
{
    struct look *look = *(struct look *const *)arg;
    if (weft_trylock(look->mu)) {
        weft_unlock(look->mu);
        look->always_held = false;
    }
    return look->looks++ > 0;
}

static int wait_until_ready(void *arg)
{
    struct place *p = arg;
    weft_lock(&p->mu);
    p->waiting++;
    int rc = weft_cond_wait_for(&p->cond, &p->mu, is_ready, p, p->patience);
    CHECK(!weft_trylock(&p->mu));
    p->woken++;
    CHECK(rc != 0 || p->ready);
    weft_unlock(&p->mu);
    return rc;
}

TEST(what_is_ready_needs_no_wait_whatever_the_deadline)
{
    const weft_time deadlines[] = {WEFT_FOREVER, WEFT_POLL, long_past, {-5}, soon()};
    for (size_t i = 0; i < COUNT(deadlines); i++) {
        struct place p = {.ready = true, .patience = deadlines[i]};
        assert_int_equal(wait_until_ready(&p), 0);
    }
}

TEST(what_is_not_ready_times_out)
{
    const weft_time deadlines[] = {WEFT_POLL, long_past, {-5}, soon()};
    for (size_t i = 0; i < COUNT(deadlines); i++) {
        struct place p = {.patience = deadlines[i]};
        assert_int_equal(wait_until_ready(&p), -ETIMEDOUT);
        assert_true(weft_now().ns >= deadlines[i].ns);
    }
}

TEST(the_predicate_is_asked_with_the_mutex_held)
{
    weft_mutex mu = {0};
    weft_cond cond = {0};
    struct look look = {.mu = &mu, .always_held = true}, *arg = &look;
    weft_lock(&mu);
    assert_int_equal(weft_cond_wait_for(&cond, &mu, look_at_mutex, &arg, soon()), 0);
    assert_true(look.looks >= 2); // once before the wait, once at the deadline
    assert_true(look.always_held);
    weft_unlock(&mu);
}

TEST(a_signal_without_the_predicate_wakes_nobody)
{
    struct place p = patient();
    struct away crowd[4];
    go_all(crowd, 4, wait_until_ready, &p);
    assert_true(eventually(waiting_in(&p) == 4));
    for (int i = 0; i < 8; i++) {
        weft_cond_broadcast(&p.cond);
        nap_ms(2);
    }
    assert_int_equal(woken_in(&p), 0);
    weft_lock(&p.mu);
    p.ready = true;
    weft_unlock(&p.mu);
    weft_cond_broadcast(&p.cond);
    all_back_with(0, crowd, 4);
}

// Not a place that another task makes ready in time: on a busy machine it comes too late.
static bool is_past(const void *arg)
{
    const weft_time *deadline = arg;
    return weft_now().ns >= deadline->ns;
}

static int wait_until_past(void *arg)
{
    struct place *p = arg;
    weft_lock(&p->mu);
    int rc = weft_cond_wait_for(&p->cond, &p->mu, is_past, &p->patience, p->patience);
    weft_unlock(&p->mu);
    return rc;
}

TEST(it_succeeds_if_the_predicate_holds_at_the_deadline_though_nobody_signalled)
{
    struct place p = {.patience = weft_after_ms(50)};
    struct away a;
    go(&a, IN_TASK, wait_until_past, &p);
    assert_int_equal(back(&a), 0);
}

static int wait_in_vain(void *arg)
{
    struct place *p = arg;
    weft_lock(&p->mu);
    p->waiting++;
    int rc = weft_cond_wait_for(&p->cond, &p->mu, never, NULL, p->patience);
    weft_unlock(&p->mu);
    return rc;
}

TEST(signals_do_not_put_off_the_deadline)
{
    struct place p = {.patience = weft_after_ms(50)};
    struct away a;
    go(&a, IN_TASK, wait_in_vain, &p);
    bool ended = eventually((weft_cond_broadcast(&p.cond), has_ended(&a)));
    assert_true(ended);
    assert_int_equal(back(&a), -ETIMEDOUT);
}

TEST(the_request_to_stop_comes_before_a_predicate_that_holds)
{
    struct place p = {.ready = true, .patience = WEFT_FOREVER};
    assert_int_equal(cancel_before(wait_until_ready, &p), -ECANCELED);
    assert_int_equal(cancel_before_but_shielded(wait_until_ready, &p), 0);
    struct place q = patient();
    assert_int_equal(cancel_while_waiting(wait_until_ready, &q), -ECANCELED);
    assert_true(weft_trylock(&q.mu));
    weft_unlock(&q.mu);
}

// ---- put to use ---------------------------------------------------------------------

struct table {
    weft_mutex mu;
    weft_cond turned;
    int turn, rounds;
};

struct player {
    struct table *table;
    int me;
};

static int play(void *arg)
{
    struct player *player = arg;
    struct table *t = player->table;
    for (int i = 0; i < t->rounds; i++) {
        weft_lock(&t->mu);
        while (t->turn != player->me)
            CHECK(weft_cond_wait(&t->turned, &t->mu, WEFT_FOREVER) == 0);
        t->turn = 1 - player->me;
        weft_cond_signal(&t->turned);
        weft_unlock(&t->mu);
    }
    return 0;
}

TEST(a_task_and_a_thread_take_turns_and_lose_no_signal)
{
    struct table t = {.rounds = 500};
    struct player players[2] = {{&t, 0}, {&t, 1}};
    struct away a, b;
    go(&a, IN_TASK, play, &players[0]);
    go(&b, IN_THREAD, play, &players[1]);
    assert_int_equal(back(&a), 0);
    assert_int_equal(back(&b), 0);
}

struct counted {
    weft_mutex mu;
    weft_cond cond;
    bool done;
};

static bool done_or_wait(void *object, int who)
{
    struct counted *c = object;
    weft_lock(&c->mu);
    if (who == 0) {
        c->done = true;
        weft_cond_signal(&c->cond);
    } else {
        while (!c->done)
            (void)weft_cond_wait(&c->cond, &c->mu, WEFT_FOREVER); // what counts is done
    }
    weft_unlock(&c->mu);
    return who != 0;
}

TEST(who_was_signalled_may_free_it_while_the_other_still_returns)
{
    outlive(2, 300, done_or_wait);
}

// ---- misuse -------------------------------------------------------------------------

static int wait_without_the_mutex(void)
{
    weft_mutex m = {0};
    weft_cond c = {0};
    return weft_cond_wait(&c, &m, soon());
}

static int poll_without_the_mutex(void)
{
    weft_mutex m = {0};
    weft_cond c = {0};
    return weft_cond_wait(&c, &m, WEFT_POLL);
}

static int wait_for_without_the_mutex(void)
{
    weft_mutex m = {0};
    weft_cond c = {0};
    return weft_cond_wait_for(&c, &m, never, NULL, soon());
}

static int wait_with_anothers(void)
{
    static struct place p;
    struct away a;
    p.patience = soon();
    weft_lock(&p.mu);
    (void)weft_cond_wait(&p.cond, &p.mu, WEFT_POLL); // this much is right
    go(&a, IN_TASK, wait_in_vain, &p);
    await_asleep(&a);
    weft_unlock(&p.mu);
    return back(&a) == -ETIMEDOUT ? 0 : 1;
}

static int wait_on_anothers_mutex(void *arg)
{
    struct place *p = arg;
    return weft_cond_wait(&p->cond, &p->mu, soon());
}

static int wait_while_another_holds_it(void)
{
    static struct place p;
    struct away a;
    weft_lock(&p.mu);
    go(&a, IN_TASK, wait_on_anothers_mutex, &p);
    return back(&a);
}

TEST(waiting_without_the_mutex_aborts)
{
    expect_abort(wait_without_the_mutex, "weft_cond_wait(", "mutex");
    expect_abort(poll_without_the_mutex, "weft_cond_wait(", "mutex");
    expect_abort(wait_for_without_the_mutex, "weft_cond_wait_for(", "mutex");
    expect_checked_abort(wait_while_another_holds_it, "weft_cond_wait(", "held");
}

TEST(under_check_a_wait_gives_the_mutex_away_and_takes_it_back)
{
    expect_clean_end(wait_with_anothers);
}

static const struct scene scenes[] = {
    SCENE(wait_without_the_mutex),     SCENE(poll_without_the_mutex),
    SCENE(wait_for_without_the_mutex), SCENE(wait_while_another_holds_it),
    SCENE(wait_with_anothers),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_signal_wakes_one_and_the_oldest_first),
    cmocka_unit_test(n_signals_at_once_wake_the_n_oldest),
    cmocka_unit_test(a_broadcast_wakes_all_with_the_mutex_or_without),
    cmocka_unit_test(a_signal_to_nobody_is_not_kept),
    cmocka_unit_test(nothing_wakes_without_a_signal),
    cmocka_unit_test(one_condition_may_be_used_with_one_mutex_after_another),
    cmocka_unit_test(a_wait_times_out_not_before_the_deadline_and_with_the_mutex_held),
    cmocka_unit_test(a_wait_that_timed_out_returns_only_with_the_mutex),
    cmocka_unit_test(a_waiter_that_gave_up_eats_no_signal),
    cmocka_unit_test(a_cancelled_waiter_returns_with_the_mutex_held),
    cmocka_unit_test(the_request_to_stop_comes_before_a_past_deadline_and_leaves_the_mutex_held),
    cmocka_unit_test(behind_a_shield_a_wait_goes_on),
    cmocka_unit_test(what_is_ready_needs_no_wait_whatever_the_deadline),
    cmocka_unit_test(what_is_not_ready_times_out),
    cmocka_unit_test(the_predicate_is_asked_with_the_mutex_held),
    cmocka_unit_test(a_signal_without_the_predicate_wakes_nobody),
    cmocka_unit_test(it_succeeds_if_the_predicate_holds_at_the_deadline_though_nobody_signalled),
    cmocka_unit_test(signals_do_not_put_off_the_deadline),
    cmocka_unit_test(the_request_to_stop_comes_before_a_predicate_that_holds),
    cmocka_unit_test(a_task_and_a_thread_take_turns_and_lose_no_signal),
    cmocka_unit_test(who_was_signalled_may_free_it_while_the_other_still_returns),
    cmocka_unit_test(waiting_without_the_mutex_aborts),
    cmocka_unit_test(under_check_a_wait_gives_the_mutex_away_and_takes_it_back),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
