// SPDX-License-Identifier: MIT
// barrier_test.c - parties that wait for each other, round after round, until one breaks it.
#include "contract.h"

static int meet(void *b)
{
    return weft_barrier_wait(b, WEFT_FOREVER);
}

static int meet_soon(void *b)
{
    return weft_barrier_wait(b, soon());
}

static int meet_now(void *b)
{
    return weft_barrier_wait(b, WEFT_POLL);
}

static void complete(void *b)
{
    (void)weft_barrier_wait(b, WEFT_POLL); // what the other party gets is what is looked at
}

// The barrier for two does its work: one round of us and another.
static void assert_works(weft_barrier *b)
{
    struct away a;
    go(&a, IN_THREAD, meet, b);
    int mine = weft_barrier_wait(b, much_later()), other = back(&a);
    assert_true(mine == 0 || mine == 1);
    assert_int_equal(mine + other, 1);
}

static void assert_broken(weft_barrier *b)
{
    const weft_time deadlines[] = {WEFT_FOREVER, WEFT_POLL, long_past, soon()};
    for (size_t i = 0; i < COUNT(deadlines); i++) {
        assert_int_equal(weft_barrier_wait(b, deadlines[i]), -EPIPE);
        assert_non_null(strstr(weft_error(), "broken"));
    }
}

TEST(one_party_never_waits)
{
    const weft_time deadlines[] = {WEFT_FOREVER, WEFT_POLL, long_past, {-5}, soon()};
    weft_barrier b = WEFT_BARRIER(1);
    for (size_t i = 0; i < 3 * COUNT(deadlines); i++)
        assert_int_equal(weft_barrier_wait(&b, deadlines[i % COUNT(deadlines)]), 0);
}

// ---- rounds -------------------------------------------------------------------------

enum { ROUNDS = 50, MOST = 8 };

struct rounds {
    weft_barrier barrier;
    atomic_int arrived[ROUNDS];
    atomic_int taken[ROUNDS][MOST]; // how often each index was given out
};

static int go_round(void *arg)
{
    struct rounds *r = arg;
    int parties = (int)r->barrier.parties;
    for (int i = 0; i < ROUNDS; i++) {
        atomic_fetch_add(&r->arrived[i], 1);
        int index = weft_barrier_wait(&r->barrier, WEFT_FOREVER);
        CHECK(index >= 0 && index < parties);
        CHECK(atomic_load(&r->arrived[i]) == parties);
        atomic_fetch_add(&r->taken[i][index], 1);
    }
    return 0;
}

TEST(each_index_is_given_once_a_round_and_nobody_leaves_before_the_last_came)
{
    for (uint32_t parties = 2; parties <= MOST; parties += 3) {
        static struct rounds r;
        r = (struct rounds){.barrier = WEFT_BARRIER(parties)};
        struct away crowd[MOST];
        go_all(crowd, parties, go_round, &r);
        all_back_with(0, crowd, parties);
        for (int i = 0; i < ROUNDS; i++)
            for (uint32_t index = 0; index < parties; index++)
                assert_int_equal(r.taken[i][index], 1);
    }
}

TEST(the_last_to_come_need_not_wait_whatever_its_deadline)
{
    const weft_time deadlines[] = {WEFT_FOREVER, WEFT_POLL, long_past, {-5}};
    weft_barrier b = WEFT_BARRIER(2);
    for (size_t i = 0; i < COUNT(deadlines); i++) {
        struct away a;
        go(&a, i % 2 ? IN_THREAD : IN_TASK, meet, &b);
        await_asleep(&a);
        int mine = weft_barrier_wait(&b, deadlines[i]);
        assert_true(mine == 0 || mine == 1);
        assert_int_equal(back(&a), 1 - mine);
    }
}

struct shared_sum {
    weft_barrier barrier;
    int parts[4]; // plain: each written by one before the barrier, read by all after it
    atomic_int next;
};

static int add_up(void *arg)
{
    struct shared_sum *s = arg;
    int me = atomic_fetch_add(&s->next, 1);
    s->parts[me] = me + 1;
    CHECK(weft_barrier_wait(&s->barrier, WEFT_FOREVER) >= 0);
    CHECK(s->parts[0] + s->parts[1] + s->parts[2] + s->parts[3] == 10);
    return 0;
}

TEST(what_all_wrote_before_it_is_seen_after_it)
{
    for (int i = 0; i < 10; i++) {
        struct shared_sum s = {.barrier = WEFT_BARRIER(4)};
        struct away crowd[4];
        go_all(crowd, 4, add_up, &s);
        all_back_with(0, crowd, 4);
    }
}

// ---- broken -------------------------------------------------------------------------

TEST(one_that_times_out_breaks_it_for_all_until_a_reset)
{
    weft_barrier b = WEFT_BARRIER(5);
    struct away crowd[3];
    go_all(crowd, COUNT(crowd), meet, &b);
    await_all_asleep(crowd, COUNT(crowd));
    weft_time deadline = soon();
    assert_int_equal(weft_barrier_wait(&b, deadline), -ETIMEDOUT);
    assert_true(weft_now().ns >= deadline.ns);
    all_back_with(-EPIPE, crowd, COUNT(crowd));
    assert_broken(&b);
    weft_barrier_reset(&b);
    assert_int_equal(weft_barrier_wait(&b, WEFT_POLL), -ETIMEDOUT);
}

TEST(one_that_cannot_wait_and_is_not_the_last_breaks_it)
{
    const weft_time deadlines[] = {WEFT_POLL, long_past, {-5}};
    for (size_t i = 0; i < COUNT(deadlines); i++) {
        weft_barrier b = WEFT_BARRIER(2);
        assert_int_equal(weft_barrier_wait(&b, deadlines[i]), -ETIMEDOUT);
        assert_broken(&b);
        weft_barrier_reset(&b);
        assert_works(&b);
    }
}

TEST(one_that_is_cancelled_breaks_it_for_all)
{
    weft_barrier b = WEFT_BARRIER(3);
    struct away a;
    go(&a, IN_THREAD, meet, &b);
    await_asleep(&a);
    assert_int_equal(cancel_while_waiting(meet, &b), -ECANCELED);
    assert_int_equal(back(&a), -EPIPE);
    assert_broken(&b);
}

TEST(the_request_to_stop_comes_first_and_breaks_it_too)
{
    weft_barrier b = WEFT_BARRIER(2), alone = WEFT_BARRIER(1);
    assert_int_equal(cancel_before(meet, &b), -ECANCELED);
    assert_broken(&b);
    assert_int_equal(cancel_before(meet, &b), -ECANCELED);
    assert_int_equal(cancel_before(meet_now, &alone), -ECANCELED);
}

TEST(behind_a_shield_it_works_as_ever)
{
    weft_barrier b = WEFT_BARRIER(2), alone = WEFT_BARRIER(1);
    assert_int_equal(cancel_before_but_shielded(meet, &alone), 0);
    int index = cancel_in_vain(meet, &b, complete);
    assert_true(index == 0 || index == 1);
    assert_int_equal(cancel_before_but_shielded(meet_soon, &b), -ETIMEDOUT);
}

TEST(an_abort_sends_all_away_and_stays_until_a_reset)
{
    weft_barrier b = WEFT_BARRIER(5);
    struct away crowd[4];
    go_all(crowd, COUNT(crowd), meet, &b);
    await_all_asleep(crowd, COUNT(crowd));
    weft_barrier_abort(&b);
    all_back_with(-EPIPE, crowd, COUNT(crowd));
    weft_barrier_abort(&b);
    assert_broken(&b);
}

TEST(an_abort_of_an_empty_one_is_found_by_the_next_to_come)
{
    weft_barrier b = WEFT_BARRIER(2), alone = WEFT_BARRIER(1);
    weft_barrier_abort(&b);
    weft_barrier_abort(&alone);
    assert_broken(&b);
    assert_broken(&alone);
    weft_barrier_reset(&b);
    weft_barrier_reset(&alone);
    assert_works(&b);
    assert_int_equal(weft_barrier_wait(&alone, WEFT_POLL), 0);
}

TEST(a_reset_sends_those_who_wait_away_and_leaves_it_usable)
{
    weft_barrier b = WEFT_BARRIER(2);
    for (int i = 0; i < 5; i++) {
        struct away a;
        go(&a, i % 2 ? IN_THREAD : IN_TASK, meet, &b);
        await_asleep(&a);
        weft_barrier_reset(&b);
        assert_int_equal(back(&a), -EPIPE);
        assert_works(&b);
    }
    weft_barrier_reset(&b);
    weft_barrier_reset(&b);
    assert_works(&b);
}

TEST(after_a_reset_those_who_were_sent_away_do_not_count)
{
    weft_barrier b = WEFT_BARRIER(3);
    struct away old[2], fresh[2];
    go_all(old, 2, meet, &b);
    await_all_asleep(old, 2);
    weft_barrier_reset(&b);
    go_all(fresh, 2, meet, &b);
    all_back_with(-EPIPE, old, 2);
    await_all_asleep(fresh, 2);
    assert_int_equal(how_many_ended(fresh, 2), 0);
    int mine = weft_barrier_wait(&b, much_later());
    int sum = mine + back(&fresh[0]) + back(&fresh[1]);
    assert_int_equal(sum, 0 + 1 + 2);
}

// ---- misuse -------------------------------------------------------------------------

static int wait_without_parties(void)
{
    weft_barrier b = {0};
    return weft_barrier_wait(&b, soon());
}

TEST(a_barrier_without_parties_aborts)
{
    expect_abort(wait_without_parties, "weft_barrier_wait", "parties");
}

static const struct scene scenes[] = {SCENE(wait_without_parties)};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_party_never_waits),
    cmocka_unit_test(each_index_is_given_once_a_round_and_nobody_leaves_before_the_last_came),
    cmocka_unit_test(the_last_to_come_need_not_wait_whatever_its_deadline),
    cmocka_unit_test(what_all_wrote_before_it_is_seen_after_it),
    cmocka_unit_test(one_that_times_out_breaks_it_for_all_until_a_reset),
    cmocka_unit_test(one_that_cannot_wait_and_is_not_the_last_breaks_it),
    cmocka_unit_test(one_that_is_cancelled_breaks_it_for_all),
    cmocka_unit_test(the_request_to_stop_comes_first_and_breaks_it_too),
    cmocka_unit_test(behind_a_shield_it_works_as_ever),
    cmocka_unit_test(an_abort_sends_all_away_and_stays_until_a_reset),
    cmocka_unit_test(an_abort_of_an_empty_one_is_found_by_the_next_to_come),
    cmocka_unit_test(a_reset_sends_those_who_wait_away_and_leaves_it_usable),
    cmocka_unit_test(after_a_reset_those_who_were_sent_away_do_not_count),
    cmocka_unit_test(a_barrier_without_parties_aborts),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
