// SPDX-License-Identifier: MIT
// fibers_st.c - the same with State Threads: no queue there, so two tasks talk by conditions.
#include <st.h>

#include "measure.h"

static void *keep_yielding(void *n)
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

static struct {
    st_cond_t there, back;
    int full, answered, ended;
} court;

static void *answer(void *arg)
{
    for (;;) {
        while (!court.full && !court.ended)
            st_cond_wait(court.there);
        if (court.ended)
            return arg;
        court.full = 0;
        court.answered = 1;
        st_cond_signal(court.back);
    }
}

static double ping_pong(void)
{
    enum { N = 500000 };
    court.there = st_cond_new();
    court.back = st_cond_new();
    st_thread_t other = st_thread_create(answer, NULL, 1, 65536);
    double begin = now_ns();
    for (long i = 0; i < N; i++) {
        court.full = 1;
        st_cond_signal(court.there);
        while (!court.answered)
            st_cond_wait(court.back);
        court.answered = 0;
    }
    double took = now_ns() - begin;
    court.ended = 1;
    st_cond_signal(court.there);
    st_thread_join(other, NULL);
    return took / N;
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
