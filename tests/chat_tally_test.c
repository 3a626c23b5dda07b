// SPDX-License-Identifier: MIT
// chat_tally_test.c - programs/chat/tally.h: what is timed, and how it is counted; and since when
// the history's queue waits (store/inbox.h).
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "chat/store/inbox.h"
#include "chat/tally.h"

// ---- histograms --------------------------------------------------------------------------------

static void a_time_counts_in_the_first_bucket_whose_bound_it_does_not_pass(void **state)
{
    struct histogram h = {0};
    (void)state;
    histogram_add(&h, -5); // a clock that goes back
    histogram_add(&h, 0);
    histogram_add(&h, histogram_bounds_ns[0]);
    histogram_add(&h, histogram_bounds_ns[0] + 1);
    histogram_add(&h, histogram_bounds_ns[HISTOGRAM_BOUNDS - 1]);
    histogram_add(&h, histogram_bounds_ns[HISTOGRAM_BOUNDS - 1] + 1);
    assert_int_equal(h.counts[0], 3);
    assert_int_equal(h.counts[1], 1);
    assert_int_equal(h.counts[HISTOGRAM_BOUNDS - 1], 1);
    assert_int_equal(h.counts[HISTOGRAM_BOUNDS], 1);
    uint64_t sum = 2 * (uint64_t)histogram_bounds_ns[0] + 1;
    assert_int_equal(h.sum_ns, sum + 2 * (uint64_t)histogram_bounds_ns[HISTOGRAM_BOUNDS - 1] + 1);
}

static void the_bounds_rise(void **state)
{
    (void)state;
    for (int i = 1; i < HISTOGRAM_BOUNDS; i++)
        assert_true(histogram_bounds_ns[i] > histogram_bounds_ns[i - 1]);
}

// ---- on a loop ---------------------------------------------------------------------------------

static uint64_t count_of(const struct histogram *h)
{
    uint64_t all = 0;
    for (int i = 0; i <= HISTOGRAM_BOUNDS; i++)
        all += h->counts[i];
    return all;
}

struct scene {
    struct tally tally;
    int (*play)(struct tally *t);
};

// 0, or the line that was not so.
#define IS(claim) \
    if (!(claim)) \
    return __LINE__

static int on_loop(struct scene *const *arg, weft_none *none)
{
    struct scene *scene = *arg;
    (void)none;
    int rc = tally_start(&scene->tally);
    if (rc == 0)
        rc = scene->play(&scene->tally);
    tally_end(&scene->tally);
    return -rc;
}
WEFT_TASK(on_loop, struct scene *, weft_none);

static void play(int (*fn)(struct tally *t))
{
    struct scene scene = {.play = fn}, *arg = &scene;
    weft_future *f = weft_start(WEFT_FIBERS, on_loop, &arg);
    assert_non_null(f);
    int rc = weft_join(&f, NULL, 0);
    if (rc != 0)
        fail_msg("line %d", -rc);
    assert_false(scene.tally.armed);
    assert_null(scene.tally.timer);
}

static int wait_until_armed(const struct tally *t)
{
    weft_time end = weft_after_ms(20000);
    while (!t->armed && weft_now().ns < end.ns)
        (void)weft_sleep(weft_after_ms(1));
    return t->armed;
}

// A turn that takes 5 ms after the message is taken up is in the figure.
static int time_a_slow_turn(struct tally *t)
{
    IS(wait_until_armed(t));
    weft_time begun = weft_now();
    tally_message(t, begun);
    IS(!t->armed); // the next one is not timed
    IS(count_of(&t->delivery) == 0);
    while (weft_now().ns - begun.ns < 5000000)
        continue;
    IS(count_of(&t->delivery) == 0); // the turn has not ended
    IS(wait_until_armed(t));
    IS(count_of(&t->delivery) == 1);
    IS(t->delivery.sum_ns >= 5000000);
    return 0;
}

static void a_message_is_timed_to_the_end_of_its_turn(void **state)
{
    (void)state;
    play(time_a_slow_turn);
}

// Whoever computes holds up the sleeper.
static int hold_up_the_loop(struct tally *t)
{
    IS(wait_until_armed(t)); // and the sleeper sleeps
    weft_time begun = weft_now(), end = weft_after_ms(20000);
    uint64_t sleeps = count_of(&t->lag), lagged_ns = t->lag.sum_ns;
    while (weft_now().ns - begun.ns < 600000000)
        continue;
    while (count_of(&t->lag) == sleeps && weft_now().ns < end.ns)
        (void)weft_sleep(weft_after_ms(1));
    IS(count_of(&t->lag) > sleeps);
    IS(t->lag.sum_ns - lagged_ns >= 300000000); // it was to sleep for 250 ms of these 600
    return 0;
}

static void a_loop_that_is_held_up_lags(void **state)
{
    (void)state;
    play(hold_up_the_loop);
}

static int do_nothing(struct tally *t)
{
    (void)t;
    return 0;
}

static void it_can_end_at_once(void **state)
{
    (void)state;
    play(do_nothing);
}

// ---- since when the history waits ---------------------------------------------------------------

static void put(struct inbox *inbox, int64_t time_ms)
{
    const struct store_message m = {.msgid = "x", .where = {.first = "#room"}, .time_ms = time_ms};
    assert_true(inbox_add(inbox, note_new(&m)) > 0);
}

static void the_oldest_message_is_the_first_that_is_not_settled(void **state)
{
    struct inbox inbox;
    struct notes taken, done;
    (void)state;
    inbox_init(&inbox, 10, 10000);
    assert_int_equal(inbox_oldest(&inbox), 0);
    put(&inbox, 5);
    put(&inbox, 7);
    assert_int_equal(inbox_oldest(&inbox), 5);
    inbox_take(&inbox, 1, &taken);
    assert_int_equal(inbox_oldest(&inbox), 5); // on its way to the disk
    inbox_settle(&inbox, &taken, &done);
    notes_free(&done);
    assert_int_equal(inbox_oldest(&inbox), 7);
    inbox_take(&inbox, 9, &taken);
    put(&inbox, 9);
    assert_int_equal(inbox_oldest(&inbox), 7);
    inbox_fail(&inbox, &taken, -5); // both
    assert_int_equal(inbox_oldest(&inbox), 0);
    inbox_take(&inbox, 9, &taken);
    assert_int_equal(inbox_oldest(&inbox), 0);
    inbox_free(&inbox);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_counts_in_the_first_bucket_whose_bound_it_does_not_pass),
        cmocka_unit_test(the_bounds_rise),
        cmocka_unit_test(a_message_is_timed_to_the_end_of_its_turn),
        cmocka_unit_test(a_loop_that_is_held_up_lags),
        cmocka_unit_test(it_can_end_at_once),
        cmocka_unit_test(the_oldest_message_is_the_first_that_is_not_settled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
