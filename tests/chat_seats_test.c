// SPDX-License-Identifier: MIT
// chat_seats_test.c - programs/chat/seats.h: who has the next place.
#include "unit.h"

#include "chat/seats.h"

enum { PLACES = 2, SECOND_NS = 1000000000 };

// Whether there was a place at once.
static bool sits(struct seats *seats, struct seats_party *party, struct seats_turn *turn)
{
    int rc = seats_take(seats, party, turn, WEFT_POLL);
    assert_true(rc == 0 || rc == -ETIMEDOUT);
    return rc == 0;
}

static void one_party_never_has_all_places(void **state)
{
    struct seats seats;
    struct seats_party a = {0}, b = {0}, c = {0};
    struct seats_turn first, second, other;
    (void)state;
    seats_init(&seats, PLACES);
    assert_true(sits(&seats, &a, &first));
    assert_false(sits(&seats, &a, &second));
    assert_true(sits(&seats, &b, &other));
    assert_false(sits(&seats, &c, &second));
    seats_leave(&seats, &first);
    assert_true(sits(&seats, &a, &first));
    seats_leave(&seats, &first);
    seats_leave(&seats, &other);
    assert_int_equal(seats.free, PLACES);
    assert_true(TAILQ_EMPTY(&seats.waiting)); // who did not wait longer is not in it
}

static void a_single_place_is_for_anybody(void **state)
{
    struct seats seats;
    struct seats_party a = {0};
    struct seats_turn turn;
    (void)state;
    seats_init(&seats, 1);
    assert_true(sits(&seats, &a, &turn));
    seats_leave(&seats, &turn);
}

static void what_was_used_is_held_against_a_party_for_a_while(void **state)
{
    struct seats seats;
    struct seats_party a = {0};
    struct seats_turn turn;
    (void)state;
    seats_init(&seats, PLACES);
    int64_t now = weft_now().ns;
    assert_true(sits(&seats, &a, &turn));
    turn.begun.ns -= 3 * (int64_t)SECOND_NS;
    seats_leave(&seats, &turn);
    assert_true(a.until >= now + 3 * (int64_t)SECOND_NS * SEATS_WEIGHT);
    assert_true(sits(&seats, &a, &turn)); // nobody else waits
    turn.begun.ns -= 3600 * (int64_t)SECOND_NS;
    seats_leave(&seats, &turn);
    assert_true(a.until <= weft_now().ns + SEATS_MEMORY_MS * INT64_C(1000000));
}

// ---- in line -------------------------------------------------------------------------------

static struct seats seats;
static char order[16]; // in which they had a place
static size_t had;

struct guest {
    char name;
    struct seats_party *party;
};

static int wait_in_line(const struct guest *g, weft_none *none)
{
    struct seats_turn turn;
    (void)none;
    int rc = seats_take(&seats, g->party, &turn, WEFT_FOREVER);
    if (rc < 0)
        return rc;
    order[had++] = g->name;
    seats_leave(&seats, &turn);
    return 0;
}
WEFT_TASK(wait_in_line, struct guest, weft_none);

// 0, or the line of this file where something was wrong: it is told by another task.
static int have_a_line(const weft_none *nothing, weft_none *none)
{
    struct seats_party busy = {0}, heavy = {0}, light = {0}, fresh = {0};
    const struct guest guests[] = {{'h', &heavy}, {'H', &heavy}, {'l', &light},
                                   {'f', &fresh}, {'x', &fresh}, {'F', &fresh}};
    enum { GUESTS = COUNT(guests), CANCELLED = 4 };
    struct seats_turn one, two;
    weft_future *line[GUESTS];
    (void)nothing, (void)none;
    seats_init(&seats, PLACES);
    if (seats_take(&seats, &busy, &one, WEFT_POLL) < 0 ||
        seats_take(&seats, &heavy, &two, WEFT_POLL) < 0)
        return -__LINE__;
    heavy.until = weft_now().ns + 100 * (int64_t)SECOND_NS;
    light.until = weft_now().ns + 50 * (int64_t)SECOND_NS;
    for (int i = 0; i < GUESTS; i++)
        if (!(line[i] = weft_start(WEFT_FIBERS, wait_in_line, &guests[i])))
            return -__LINE__;
    weft_yield();
    weft_cancel(line[CANCELLED]);
    if (weft_join(&line[CANCELLED], NULL, 0) != -ECANCELED)
        return -__LINE__;
    seats_leave(&seats, &one);
    for (int i = 0; i < GUESTS; i++)
        if (i != CANCELLED && i > 1 && weft_join(&line[i], NULL, 0) < 0)
            return -__LINE__;
    if (strcmp(order, "fFl") != 0) // heavy has a place, so it has no other
        return -__LINE__;
    seats_leave(&seats, &two);
    for (int i = 0; i < 2; i++)
        if (weft_join(&line[i], NULL, 0) < 0)
            return -__LINE__;
    return seats.free == PLACES && heavy.here == 0 ? 0 : -__LINE__;
}
WEFT_TASK(have_a_line, weft_none, weft_none);

static void who_used_least_goes_first_and_of_several_who_came_first(void **state)
{
    weft_none nothing = 0;
    (void)state;
    weft_future *f = weft_start(WEFT_FIBERS, have_a_line, &nothing);
    assert_non_null(f);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_string_equal(order, "fFlhH");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_party_never_has_all_places),
        cmocka_unit_test(a_single_place_is_for_anybody),
        cmocka_unit_test(what_was_used_is_held_against_a_party_for_a_while),
        cmocka_unit_test(who_used_least_goes_first_and_of_several_who_came_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
