// SPDX-License-Identifier: MIT
// tally.c - see tally.h.
//
// When has a turn's post been handed over? A loop sends at the end of the turn, before it looks
// which fibers have slept long enough. So a fiber that waits with a deadline that has passed
// already goes on when that has been done: no hook in the loop is needed, and it costs a switch for
// a message that is timed, nothing but a look at `armed` for all others.
#include "chat/tally.h"

#include <errno.h>

enum { PAUSE_MS = 10, SLEEP_MS = 250 };

const int64_t histogram_bounds_ns[HISTOGRAM_BOUNDS] = {
    50000,    100000,   200000,   500000,    1000000,   2000000,   5000000,
    10000000, 20000000, 50000000, 100000000, 200000000, 500000000, 1000000000,
};

void histogram_add(struct histogram *h, int64_t ns)
{
    int i = 0;
    while (i < HISTOGRAM_BOUNDS && ns > histogram_bounds_ns[i])
        i++;
    h->counts[i]++;
    h->sum_ns += ns > 0 ? (uint64_t)ns : 0;
}

void tally_message(struct tally *t, weft_time begun)
{
    t->armed = false;
    t->begun = begun;
    weft_event_set(&t->timed);
}

// Until it is cancelled; likewise below.
static int time_deliveries(struct tally *const *arg, weft_none *none)
{
    struct tally *t = *arg;
    int rc = 0;
    (void)none;
    while (rc != -ECANCELED) {
        t->armed = true;
        rc = weft_event_wait(&t->timed, WEFT_FOREVER);
        if (rc < 0)
            continue;
        weft_event_clear(&t->timed);
        (void)weft_event_wait(&t->never, weft_now()); // to the end of the turn
        histogram_add(&t->delivery, weft_now().ns - t->begun.ns);
        rc = weft_sleep(weft_after_ms(PAUSE_MS));
    }
    t->armed = false;
    return 0;
}
WEFT_TASK(time_deliveries, struct tally *, weft_none);

static int time_sleeps(struct tally *const *arg, weft_none *none)
{
    struct tally *t = *arg;
    (void)none;
    for (;;) {
        weft_time until = weft_after_ms(SLEEP_MS);
        if (weft_sleep(until) < 0)
            return 0;
        histogram_add(&t->lag, weft_now().ns - until.ns);
    }
}
WEFT_TASK(time_sleeps, struct tally *, weft_none);

int tally_start(struct tally *t)
{
    t->timer = weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .name = "timer"), time_deliveries, &t);
    if (!t->timer)
        return weft_error_code();
    t->sleeper = weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .name = "sleeper"), time_sleeps, &t);
    return t->sleeper ? 0 : weft_error_code();
}

static void stop(weft_future **task)
{
    if (!*task)
        return;
    weft_cancel(*task);
    (void)weft_join(task, NULL, 0); // it returns nothing but 0
}

void tally_end(struct tally *t)
{
    stop(&t->timer);
    stop(&t->sleeper);
}
