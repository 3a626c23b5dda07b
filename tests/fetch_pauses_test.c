// SPDX-License-Identifier: MIT
// fetch_pauses_test.c - programs/fetch/turns.h: whose turn it is, where time has a say: the delay
// between two at a host, and the pause that a host asked for.
#include "turns_helpers.h"

// ---- the delay ------------------------------------------------------------------------------

enum { DELAY_NS = 30 * 1000 * 1000 };

TEST(between_two_starts_at_a_host_there_is_the_delay)
{
    struct turns *t = open_turns(9, 0, DELAY_NS);
    weft_time before = weft_now();
    struct turn *turns[4];
    for (int i = 0; i < 4; i++) {
        turns[i] = begin(t, "a");
        assert_true(weft_now().ns >= before.ns + i * (int64_t)DELAY_NS);
    }
    struct turn *other = begin(t, "b");
    turn_end(&other);
    for (int i = 0; i < 4; i++)
        turn_end(&turns[i]);
    turns_close(&t);
}

TEST(the_delay_outlives_the_turn)
{
    struct turns *t = open_turns(1, 0, DELAY_NS);
    weft_time before = weft_now();
    for (int i = 0; i < 3; i++) {
        struct turn *turn = begin(t, "a");
        assert_true(weft_now().ns >= before.ns + i * (int64_t)DELAY_NS);
        turn_end(&turn);
    }
    turns_close(&t);
}

TEST(who_waits_for_the_delay_is_served_in_order_and_may_give_up)
{
    struct turns *t = open_turns(9, 0, 3600 * 1000 * (int64_t)1000000);
    struct turn *first = begin(t, "a");
    struct visit visits[3];
    struct away crowd[3];
    for (int i = 0; i < 3; i++) {
        visits[i] = visit_to(t, "a");
        comes(&crowd[i], &visits[i]);
    }
    assert_false(is_free(t, "a"));
    assert_true(is_free(t, "b"));
    for (int i = 0; i < 3; i++) {
        weft_cancel(crowd[i].task);
        assert_int_equal(back(&crowd[i]), -ECANCELED);
    }
    turn_end(&first);
    assert_int_equal(turns_hosts(t), 2); // their delays are not over
    turns_close(&t);
}

// The second of a host gets past it only when the first has started: the delay counts from there.
TEST(the_delay_counts_from_the_start_and_not_from_the_wait_for_a_place)
{
    struct turns *t = open_turns(1, 0, DELAY_NS);
    struct turn *other = begin(t, "b");
    struct visit visits[2] = {visit_to(t, "a"), visit_to(t, "a")};
    struct away crowd[2];
    comes(&crowd[0], &visits[0]);
    comes(&crowd[1], &visits[1]);
    nap_ms(2 * DELAY_NS / 1000000);
    weft_time before = weft_now();
    turn_end(&other);
    assert_int_equal(back(&crowd[0]), 0);
    turn_end(&visits[0].turn);
    assert_int_equal(back(&crowd[1]), 0);
    assert_true(weft_now().ns >= before.ns + DELAY_NS);
    turn_end(&visits[1].turn);
    turns_close(&t);
}

TEST(hosts_whose_delay_is_over_do_not_pile_up)
{
    struct turns *t = open_turns(2, 1, 1);
    char host[32];
    for (int i = 0; i < 10000; i++) {
        snprintf(host, sizeof host, "host-%d", i);
        struct turn *turn = begin(t, host);
        turn_end(&turn);
    }
    assert_true(turns_hosts(t) < 10);
    turns_close(&t);
}

TEST(hosts_whose_delay_is_not_over_do_not_keep_others)
{
    struct turns *t = open_turns(2, 1, 0);
    char host[32];
    for (int i = 0; i < 2000; i++) { // every other one is held for long
        snprintf(host, sizeof host, "host-%d", i);
        struct turn *turn = begin(t, host);
        turn_hold(turn, i % 2 ? INT64_MAX : 1);
        turn_end(&turn);
    }
    for (int i = 0; i < 2000; i++) {
        snprintf(host, sizeof host, "later-%d", i);
        assert_true(is_free(t, host));
    }
    assert_int_equal(turns_hosts(t), 1000);
    turns_close(&t);
}

// ---- pauses ---------------------------------------------------------------------------------

TEST(a_host_that_is_held_lets_nobody_start_and_others_are_free)
{
    struct turns *t = open_turns(9, 0, 0);
    struct turn *runs = begin(t, "a"), *asks = begin(t, "a");
    assert_int_equal(turn_held_until(asks).ns, 0);
    weft_time before = weft_now();
    turn_hold(asks, 2 * (int64_t)DELAY_NS);
    int64_t until = turn_held_until(runs).ns;
    assert_true(until == 0 || until >= before.ns + 2 * (int64_t)DELAY_NS); // 0: it is over already
    assert_true(is_free(t, "b"));
    turn_end(&asks);
    struct turn *later = begin(t, "a");
    assert_true(weft_now().ns >= until);
    assert_int_equal(turn_held_until(later).ns, 0);
    turn_end(&later);
    turn_end(&runs);
    assert_true(is_free(t, "b"));
    turns_close(&t);
}

TEST(of_two_pauses_the_longer_one_counts)
{
    struct turns *t = open_turns(9, 0, 0);
    struct turn *a = begin(t, "a");
    turn_hold(a, 0);
    turn_hold(a, -5);
    assert_int_equal(turn_held_until(a).ns, 0);
    turn_hold(a, INT64_MAX);
    int64_t until = turn_held_until(a).ns;
    turn_hold(a, 1);
    assert_int_equal(turn_held_until(a).ns, until);
    turn_end(&a);
    assert_false(is_free(t, "a"));
    turns_close(&t);
}

TEST(a_pause_that_grows_is_waited_for_to_its_end)
{
    bool grew = false;
    for (int64_t pause = DELAY_NS; !grew; pause *= 2) { // until we were not too late to let it grow
        struct turns *t = open_turns(9, 0, 0);
        struct turn *a = begin(t, "a");
        weft_time first = weft_after_ns(pause);
        turn_hold(a, pause);
        struct visit v = visit_to(t, "a");
        struct away waits;
        go(&waits, IN_TASK, visit_begins, &v);
        weft_time second = weft_after_ns(3 * pause);
        turn_hold(a, 3 * pause);
        grew = weft_now().ns < first.ns;
        assert_int_equal(back(&waits), 0);
        assert_true(!grew || weft_now().ns >= second.ns);
        turn_end(&v.turn);
        turn_end(&a);
        turns_close(&t);
    }
}

// Who got past the host, and waits for a place when it is held, has not started.
TEST(a_pause_also_holds_who_waits_for_a_place_already)
{
    struct turns *t = open_turns(2, 0, 0);
    struct turn *asks = begin(t, "a"), *other = begin(t, "b");
    struct visit visits[2] = {visit_to(t, "a"), visit_to(t, "a")};
    struct away crowd[2];
    comes(&crowd[0], &visits[0]); // waits for a place, as no more than two may pass
    comes(&crowd[1], &visits[1]); // waits at the host
    turn_hold(asks, 2 * (int64_t)DELAY_NS);
    int64_t until = turn_held_until(asks).ns;
    turn_end(&other);
    assert_true(is_free(t, "c") || weft_now().ns >= until);
    assert_int_equal(back(&crowd[0]), 0); // still the first
    assert_true(weft_now().ns >= until);
    turn_end(&asks);
    assert_int_equal(back(&crowd[1]), 0);
    turn_end(&visits[0].turn);
    turn_end(&visits[1].turn);
    close_turns(&t);
}

TEST(a_pause_keeps_the_order_of_those_whom_it_sends_back)
{
    struct turns *t = open_turns(4, 0, 0);
    struct turn *asks = begin(t, "a");
    struct turn *others[3] = {begin(t, "b"), begin(t, "b"), begin(t, "b")};
    struct visit visits[4];
    struct away crowd[4];
    struct diary diary = {0};
    for (int i = 0; i < 4; i++) {
        visits[i] = visit_to(t, "a");
        visits[i].diary = &diary;
        visits[i].number = i;
        comes(&crowd[i], &visits[i]);
    }
    turn_hold(asks, DELAY_NS);
    int64_t until = turn_held_until(asks).ns;
    while (until > 0 && weft_now().ns < until)
        nap_ms(1);
    for (int i = 0; i < 4; i++) {
        turn_end(i == 0 ? &asks : &others[i - 1]);
        assert_int_equal(back(&crowd[i]), 0);
        assert_int_equal(diary.who[i], i);
    }
    for (int i = 0; i < 4; i++)
        turn_end(&visits[i].turn);
    turns_close(&t);
}

TEST(the_first_that_gives_up_leaves_the_pause_to_be_watched_by_the_next)
{
    struct turns *t = open_turns(9, 0, 0);
    struct turn *a = begin(t, "a");
    turn_hold(a, 20 * (int64_t)DELAY_NS);
    struct visit visits[2] = {visit_to(t, "a"), visit_to(t, "a")};
    struct away crowd[2];
    for (int i = 0; i < 2; i++) {
        go(&crowd[i], IN_TASK, visit_begins, &visits[i]);
        await_asleep(&crowd[i]);
    }
    weft_cancel(crowd[0].task);
    int rc = back(&crowd[0]); // or, on a busy machine, the pause is over
    assert_true(rc == -ECANCELED || rc == 0);
    assert_int_equal(back(&crowd[1]), 0);
    turn_end(&visits[0].turn);
    turn_end(&visits[1].turn);
    turn_end(&a);
    turns_close(&t);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(between_two_starts_at_a_host_there_is_the_delay),
    cmocka_unit_test(the_delay_outlives_the_turn),
    cmocka_unit_test(who_waits_for_the_delay_is_served_in_order_and_may_give_up),
    cmocka_unit_test(the_delay_counts_from_the_start_and_not_from_the_wait_for_a_place),
    cmocka_unit_test(hosts_whose_delay_is_over_do_not_pile_up),
    cmocka_unit_test(hosts_whose_delay_is_not_over_do_not_keep_others),
    cmocka_unit_test(a_host_that_is_held_lets_nobody_start_and_others_are_free),
    cmocka_unit_test(of_two_pauses_the_longer_one_counts),
    cmocka_unit_test(a_pause_that_grows_is_waited_for_to_its_end),
    cmocka_unit_test(a_pause_also_holds_who_waits_for_a_place_already),
    cmocka_unit_test(a_pause_keeps_the_order_of_those_whom_it_sends_back),
    cmocka_unit_test(the_first_that_gives_up_leaves_the_pause_to_be_watched_by_the_next),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
