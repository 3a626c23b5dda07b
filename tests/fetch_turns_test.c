// SPDX-License-Identifier: MIT
// fetch_turns_test.c - programs/fetch/turns.h: whose turn it is, by number and order.
#include "turns_helpers.h"

// ---- memory that is refused -----------------------------------------------------------------

static _Thread_local int mallocs_spared = -1; // so many succeed, then one fails; -1: all succeed

static bool is_refused(void)
{
    if (mallocs_spared < 0 || mallocs_spared-- > 0)
        return false;
    errno = ENOMEM;
    return true;
}

void *real_malloc(size_t size) __asm__("__real_malloc");
void *wrapped_malloc(size_t size) __asm__("__wrap_malloc");
void *wrapped_malloc(size_t size)
{
    return is_refused() ? NULL : real_malloc(size);
}

// A compiler may make one call of malloc and memset.
void *real_calloc(size_t count, size_t size) __asm__("__real_calloc");
void *wrapped_calloc(size_t count, size_t size) __asm__("__wrap_calloc");
void *wrapped_calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : real_calloc(count, size);
}

// ---- how many -------------------------------------------------------------------------------

TEST(there_are_so_many_places_in_all)
{
    struct turns *t = open_turns(2, 0, 0);
    struct turn *a = begin(t, "a"), *b = begin(t, "b");
    assert_false(is_free(t, "c"));
    assert_false(is_free(t, "a"));
    turn_end(&a);
    assert_null(a);
    assert_true(is_free(t, "c"));
    a = begin(t, "c");
    turn_end(&a);
    turn_end(&b);
    turn_end(&b); // a NULL one is given back already
    close_turns(&t);
}

TEST(there_are_so_many_turns_at_each_host)
{
    struct turns *t = open_turns(9, 2, 0);
    struct turn *turns[4] = {begin(t, "a"), begin(t, "a"), begin(t, "b"), begin(t, "b")};
    assert_false(is_free(t, "a"));
    assert_false(is_free(t, "b"));
    assert_true(is_free(t, "c"));
    turn_end(&turns[0]);
    assert_true(is_free(t, "a"));
    for (int i = 1; i < 4; i++)
        turn_end(&turns[i]);
    close_turns(&t);
}

TEST(a_limit_for_hosts_above_that_of_all_means_nothing)
{
    struct turns *t = open_turns(2, 7, 0);
    struct turn *a = begin(t, "a"), *b = begin(t, "a");
    assert_false(is_free(t, "a"));
    turn_end(&a);
    turn_end(&b);
    close_turns(&t);
}

TEST(the_case_of_a_host_does_not_count_and_all_else_does)
{
    struct turns *t = open_turns(9, 1, 0);
    struct turn *turn = begin(t, "https://Example.org:443");
    assert_false(is_free(t, "https://example.ORG:443"));
    const char *others[] = {"http://example.org:443",
                            "https://example.org:444",
                            "https://example.org:44",
                            "https://example.org:4430",
                            "",
                            "https://example.org.:443"};
    for (size_t i = 0; i < COUNT(others); i++)
        assert_true(is_free(t, others[i]));
    turn_end(&turn);
    close_turns(&t);
}

TEST(hosts_are_forgotten_when_nobody_is_there)
{
    struct turns *t = open_turns(2, 1, 0);
    char host[32];
    for (int i = 0; i < 100000; i++) {
        snprintf(host, sizeof host, "host-%d", i);
        struct turn *turn = begin(t, host);
        assert_int_equal(turns_hosts(t), 1);
        turn_end(&turn);
    }
    close_turns(&t);
}

// ---- lines ----------------------------------------------------------------------------------

TEST(who_waits_at_a_slow_host_takes_no_place_from_others)
{
    struct turns *t = open_turns(3, 1, 0);
    struct turn *slow = begin(t, "slow");
    struct visit visits[4];
    struct away crowd[4];
    for (int i = 0; i < 4; i++) {
        visits[i] = visit_to(t, "slow");
        comes(&crowd[i], &visits[i]);
    }
    struct turn *b = begin(t, "b"), *c = begin(t, "c");
    turn_end(&b);
    turn_end(&c);
    for (int i = 0; i < 4; i++) {
        turn_end(i == 0 ? &slow : &visits[i - 1].turn);
        assert_int_equal(back(&crowd[i]), 0);
        assert_false(is_free(t, "slow"));
    }
    turn_end(&visits[3].turn);
    close_turns(&t);
}

TEST(turns_at_a_host_are_given_in_the_order_of_coming)
{
    struct turns *t = open_turns(9, 1, 0);
    struct turn *first = begin(t, "a");
    struct diary diary = {0};
    struct visit visits[5];
    struct away crowd[5];
    for (int i = 0; i < 5; i++) {
        visits[i] = visit_to(t, i % 2 ? "a" : "A");
        visits[i].diary = &diary;
        visits[i].number = i;
        comes(&crowd[i], &visits[i]);
    }
    for (int i = 0; i < 5; i++) {
        turn_end(i == 0 ? &first : &visits[i - 1].turn);
        assert_int_equal(back(&crowd[i]), 0);
        assert_int_equal(diary.entries, i + 1);
        assert_int_equal(diary.who[i], i);
    }
    turn_end(&visits[4].turn);
    close_turns(&t);
}

TEST(hosts_take_turns_at_the_places_whatever_their_lines)
{
    struct turns *t = open_turns(1, 0, 0);
    struct turn *first = begin(t, "a");
    static const char *const hosts[] = {"a", "a", "a", "b", "c"};
    static const int order[] = {3, 4, 0, 1, 2}; // a has its turn: b and c are first in theirs
    struct visit visits[5];
    struct away crowd[5];
    struct diary diary = {0};
    for (int i = 0; i < 5; i++) {
        visits[i] = visit_to(t, hosts[i]);
        visits[i].diary = &diary;
        visits[i].number = i;
        comes(&crowd[i], &visits[i]);
    }
    for (int i = 0; i < 5; i++) {
        turn_end(i == 0 ? &first : &visits[order[i - 1]].turn);
        assert_int_equal(back(&crowd[order[i]]), 0);
        assert_int_equal(diary.entries, i + 1);
    }
    turn_end(&visits[2].turn);
    close_turns(&t);
}

// ---- giving up ------------------------------------------------------------------------------

static void each_gives_up(bool at_place)
{
    for (int by_deadline = 0; by_deadline < 2; by_deadline++) {
        struct turns *t = open_turns(1, 0, 0);
        struct turn *first = begin(t, at_place ? "b" : "a");
        struct visit hasty = visit_to(t, "a"), patient = visit_to(t, "a");
        struct away crowd[2];
        hasty.deadline = by_deadline ? weft_after_ms(50) : WEFT_FOREVER;
        go(&crowd[0], IN_TASK, visit_begins, &hasty);
        await_asleep(&crowd[0]);
        comes(&crowd[1], &patient);
        if (!by_deadline)
            weft_cancel(crowd[0].task);
        assert_int_equal(back(&crowd[0]), by_deadline ? -ETIMEDOUT : -ECANCELED);
        assert_true(!by_deadline || weft_now().ns >= hasty.deadline.ns);
        assert_false(has_ended(&crowd[1]));
        turn_end(&first);
        assert_int_equal(back(&crowd[1]), 0); // nothing went with the one who left
        assert_false(is_free(t, "c"));
        turn_end(&patient.turn);
        assert_true(is_free(t, "c"));
        close_turns(&t);
    }
}

TEST(who_gives_up_in_the_line_of_a_host_leaves_it_to_the_next)
{
    each_gives_up(false);
}

TEST(who_gives_up_waiting_for_a_place_leaves_it_to_the_next)
{
    each_gives_up(true);
}

TEST(the_request_to_stop_comes_before_a_turn_that_is_free)
{
    struct turns *t = open_turns(1, 0, 0);
    struct visit v = visit_to(t, "a");
    assert_int_equal(cancel_before(visit_begins, &v), -ECANCELED);
    assert_int_equal(turns_hosts(t), 0);
    assert_int_equal(cancel_before_but_shielded(visit_begins, &v), 0);
    turn_end(&v.turn);
    close_turns(&t);
}

static int visit_begins_task(struct visit *const *v, weft_none *none)
{
    (void)none;
    return visit_begins(*v);
}
WEFT_TASK(visit_begins_task, struct visit *, weft_none);

TEST(the_tasks_own_deadline_ends_each_wait)
{
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    struct turns *t = open_turns(2, 1, 0);
    struct turn *a = begin(t, "a"), *held = begin(t, "held");
    turn_hold(held, INT64_MAX);
    static const char *const hosts[] = {"a", "held", "c"}; // the host, the pause, the place
    for (int i = 0; i < 3; i++) {
        struct visit v = visit_to(t, hosts[i]), *arg = &v;
        weft_future *f = weft_submit_until(pool, soon(), visit_begins_task, &arg);
        assert_int_equal(weft_join(&f, NULL, 0), -ETIMEDOUT);
    }
    weft_pool_close(&pool);
    turn_end(&a);
    turn_end(&held);
    assert_int_equal(turns_hosts(t), 1); // the pause is not over
    turns_close(&t);
}

// ---- without memory -------------------------------------------------------------------------

TEST(without_memory_a_turn_is_refused_and_nothing_is_lost)
{
    struct turns *t = open_turns(1, 0, 0);
    struct turn *turn = NULL;
    int refused = 0, rc = -ENOMEM;
    for (int spared = 0; rc < 0; spared++) {
        mallocs_spared = spared;
        rc = turn_begin(t, "a", WEFT_FOREVER, &turn);
        mallocs_spared = -1;
        if (rc == 0)
            break;
        assert_int_equal(rc, -ENOMEM);
        assert_null(turn);
        assert_string_equal(weft_error(), "out of memory");
        assert_int_equal(turns_hosts(t), 0);
        refused++;
    }
    assert_true(refused >= 3); // the turn, the host, the table of hosts
    turn_end(&turn);
    close_turns(&t);
    mallocs_spared = 0;
    t = turns_open(&(struct turns_set){.at_once = 1});
    mallocs_spared = -1;
    assert_null(t);
    turns_close(&t);
}

// ---- all at once ----------------------------------------------------------------------------

enum { HOSTS = 5, PLACES = 7, PER_HOST = 2, VISITORS = 40, VISITS = 150 };

struct fair {
    struct turns *t;
    atomic_int inside, at[HOSTS], too_many, visits, number;
};

static int visit_once(struct fair *f, unsigned random)
{
    int which = (int)(random / 64 % HOSTS);
    char host[8];
    struct turn *turn;
    snprintf(host, sizeof host, "host-%d", which);
    weft_time patience = random % 3 ? WEFT_FOREVER : weft_after_ns(random % 200000);
    int rc = turn_begin(f->t, host, patience, &turn);
    if (rc < 0)
        return rc;
    int inside = atomic_fetch_add(&f->inside, 1), there = atomic_fetch_add(&f->at[which], 1);
    if (inside >= PLACES || there >= PER_HOST)
        atomic_fetch_add(&f->too_many, 1);
    weft_yield();
    if (random % 11 == 0)
        turn_hold(turn, random % 100000);
    atomic_fetch_sub(&f->at[which], 1);
    atomic_fetch_sub(&f->inside, 1);
    turn_end(&turn);
    return 0;
}

// Every fifth is asked to stop at some time.
static int visit_often(void *arg)
{
    struct fair *f = arg;
    unsigned random = (unsigned)atomic_fetch_add(&f->number, 1) * 2654435761u + 1;
    for (int i = 0; i < VISITS; i++) {
        random = random * 1103515245 + 12345;
        int rc = visit_once(f, random >> 8);
        if (rc == -ECANCELED)
            break;
        CHECK(rc == 0 || rc == -ETIMEDOUT);
        atomic_fetch_add(&f->visits, rc == 0);
    }
    return 0;
}

TEST(in_a_crowd_the_limits_hold_and_nothing_is_lost)
{
    struct fair f = {.t = open_turns(PLACES, PER_HOST, 0)};
    struct away crowd[VISITORS];
    for (int i = 0; i < VISITORS; i++)
        go(&crowd[i], IN_TASK, visit_often, &f);
    for (int i = 0; i < VISITORS; i += 5)
        weft_cancel(crowd[i].task);
    all_back_with(0, crowd, VISITORS);
    assert_int_equal(f.too_many, 0);
    assert_true(f.visits > VISITORS * VISITS / 3);
    struct turn *turns[PLACES];
    char host[16];
    for (int i = 0; i < PLACES; i++) { // each place is there, and each turn at a host
        snprintf(host, sizeof host, "host-%d", i / PER_HOST);
        turns[i] = begin(f.t, host);
    }
    assert_false(is_free(f.t, "another"));
    for (int i = 0; i < PLACES; i++)
        turn_end(&turns[i]);
    turns_close(&f.t);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(there_are_so_many_places_in_all),
    cmocka_unit_test(there_are_so_many_turns_at_each_host),
    cmocka_unit_test(a_limit_for_hosts_above_that_of_all_means_nothing),
    cmocka_unit_test(the_case_of_a_host_does_not_count_and_all_else_does),
    cmocka_unit_test(hosts_are_forgotten_when_nobody_is_there),
    cmocka_unit_test(who_waits_at_a_slow_host_takes_no_place_from_others),
    cmocka_unit_test(turns_at_a_host_are_given_in_the_order_of_coming),
    cmocka_unit_test(hosts_take_turns_at_the_places_whatever_their_lines),
    cmocka_unit_test(who_gives_up_in_the_line_of_a_host_leaves_it_to_the_next),
    cmocka_unit_test(who_gives_up_waiting_for_a_place_leaves_it_to_the_next),
    cmocka_unit_test(the_request_to_stop_comes_before_a_turn_that_is_free),
    cmocka_unit_test(the_tasks_own_deadline_ends_each_wait),
    cmocka_unit_test(without_memory_a_turn_is_refused_and_nothing_is_lost),
    cmocka_unit_test(in_a_crowd_the_limits_hold_and_nothing_is_lost),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
