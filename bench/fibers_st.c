// SPDX-License-Identifier: MIT
// fibers_st.c - the same with State Threads: no queue there, so two tasks talk by conditions.
#include <st.h>

#include "measure.h"

NOT_INLINED static void *keep_yielding(void *n)
{
    for (long i = 0; i < *(long *)n; i++)
        st_sleep(0); // it has no other
    return NULL;
}

static double yield(void)
{
    long n = 200000;
    double begin = now_ns();
    st_thread_t other = st_thread_create(keep_yielding, &n, 1, 65536);
    keep_yielding(&n);
    st_thread_join(other, NULL);
    return (now_ns() - begin) / (2.0 * (double)n);
}

static void *nothing(void *arg)
{
    return arg;
}

static double start_join(void)
{
    enum { N = 300000 };
    double begin = now_ns();
    for (long i = 0; i < N; i++)
        st_thread_join(st_thread_create(nothing, NULL, 1, 65536), NULL);
    return (now_ns() - begin) / N;
}

enum { ROUNDS = 500000 };

struct place {
    st_cond_t filled;
    int full;
};

static struct place places[2];

// What comes here goes on to the other place.
static void *relay(void *arg)
{
    struct place *here = arg, *other = here == places ? places + 1 : places;
    for (long i = 0; i < ROUNDS; i++) {
        while (!here->full)
            st_cond_wait(here->filled);
        here->full = 0;
        other->full = 1;
        st_cond_signal(other->filled);
    }
    return arg;
}

static double ping_pong(void)
{
    places[0].filled = st_cond_new();
    places[1].filled = st_cond_new();
    double begin = now_ns();
    st_thread_t one = st_thread_create(relay, &places[0], 1, 65536);
    st_thread_t other = st_thread_create(relay, &places[1], 1, 65536);
    places[0].full = 1;
    st_thread_join(one, NULL);
    st_thread_join(other, NULL);
    return (now_ns() - begin) / ROUNDS;
}

static st_cond_t morning;

static void *sleep_in(void *arg)
{
    st_cond_wait(morning);
    return arg;
}

static double parked(void)
{
    enum { N = 100000 };
    morning = st_cond_new();
    double before = resident_bytes();
    for (long i = 0; i < N; i++)
        if (!st_thread_create(sleep_in, NULL, 0, 65536))
            die("st_thread_create");
    st_sleep(1);
    return (resident_bytes() - before) / N;
}

int main(int argc, char **argv)
{
    static const struct row rows[] = {
        {"yield", yield}, {"start_join", start_join}, {"ping_pong", ping_pong}, {"parked", parked}};
    if (st_set_eventsys(ST_EVENTSYS_ALT) < 0 || st_init() < 0)
        die("st_init");
    return measure_row(rows, sizeof rows / sizeof *rows, argc, argv);
}
