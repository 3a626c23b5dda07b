// SPDX-License-Identifier: MIT
// processes_weft.c - what a task in another process costs: processes_weft ROW prints microseconds.
#include <signal.h>
#include <weft/weft.h>

#include "measure.h"

enum { ITEMS = 100000, TRIPS = 2001, DEATHS = 51, STARTS = 201 };

static int square(const int *n, long *out)
{
    *out = (long)*n * *n;
    return 0;
}
WEFT_TASK(square, int, long);

static int die_now(const weft_none *none, weft_none *result)
{
    (void)none, (void)result;
    (void)raise(SIGKILL);
    return 0;
}
WEFT_TASK(die_now, weft_none, weft_none);

static int in[ITEMS];
static long out[ITEMS];

static weft_pool *open_pool(int workers)
{
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = workers);
    if (!pool)
        (void)die(weft_error());
    for (int i = 0; i < ITEMS; i++)
        in[i] = i;
    long first;
    for (int i = 0; i < 4 * workers; i++) { // until all are born
        weft_future *f = weft_submit(pool, square, &i);
        if (!f || weft_join_as(&f, square, &first) < 0)
            (void)die(weft_error());
    }
    return pool;
}

static void check_sum(void)
{
    long sum = 0;
    for (int i = 0; i < ITEMS; i++)
        sum += out[i];
    if (sum != 333328333350000)
        (void)die("the squares are wrong");
}

static double map(void)
{
    weft_pool *pool = open_pool(2);
    double begin = now_ns();
    if (weft_map(pool, WEFT_FOREVER, square, ITEMS, out, in) < 0)
        (void)die(weft_error());
    double end = now_ns();
    check_sum();
    weft_pool_close(&pool);
    return (end - begin) / 1e3;
}

static double submits(void)
{
    static weft_future *futures[ITEMS];
    memset(futures, 1, sizeof futures); // the pages of these two are not the question
    memset(out, 1, sizeof out);
    weft_pool *pool = open_pool(2);
    double begin = now_ns();
    for (int i = 0; i < ITEMS; i++)
        futures[i] = weft_submit(pool, square, &i);
    for (int i = 0; i < ITEMS; i++)
        if (weft_join_as(&futures[i], square, &out[i]) < 0)
            (void)die(weft_error());
    double end = now_ns();
    check_sum();
    weft_pool_close(&pool);
    return (end - begin) / 1e3;
}

struct message {
    long words[8];
};
static long told; // in the worker: the sum of what came

static int hear(const struct message *message, weft_none *none)
{
    (void)none;
    told += message->words[7];
    return 0;
}
WEFT_TASK(hear, struct message, weft_none);

static int sum_up(const weft_none *none, long *sum)
{
    (void)none;
    *sum = told;
    return 0;
}
WEFT_TASK(sum_up, weft_none, long);

// Nobody joins them; the one worker takes them in order, so the last to be asked has seen all.
static double messages(void)
{
    weft_pool *pool = open_pool(1);
    long sum = 0, expected = (long)ITEMS * (ITEMS - 1) / 2;
    double begin = now_ns();
    for (long i = 0; i < ITEMS; i++)
        if (weft_spawn(pool, hear, &(struct message){{[7] = i}}) < 0)
            (void)die(weft_error());
    weft_future *f = weft_submit(pool, sum_up, &(weft_none){0});
    if (!f || weft_join_as(&f, sum_up, &sum) < 0 || sum != expected)
        (void)die("messages were lost");
    double end = now_ns();
    weft_pool_close(&pool);
    return (end - begin) / 1e3;
}

static double trips(int idles)
{
    static double figures[TRIPS];
    weft_pool *pool = open_pool(1);
    for (int i = 0; i < TRIPS; i++) {
        const struct timespec idle = {0, 200000};
        if (idles)
            (void)nanosleep(&idle, NULL);
        double begin = now_ns();
        weft_future *f = weft_submit(pool, square, &i);
        if (!f || weft_join_as(&f, square, out) < 0)
            (void)die(weft_error());
        figures[i] = now_ns() - begin;
    }
    weft_pool_close(&pool);
    return median(figures, TRIPS) / 1e3;
}

static double round_trip(void)
{
    return trips(1);
}

// One after the other: the worker still looks for the next when it comes.
static double awake(void)
{
    return trips(0);
}

// From the submit on, so the way to the worker is in it too.
static double of_deaths(int replaced)
{
    static double figures[DEATHS];
    weft_pool *pool = open_pool(1);
    for (int i = 0; i < DEATHS; i++) {
        double begin = now_ns();
        weft_future *f = weft_submit(pool, die_now, &(weft_none){0});
        if (!f || weft_join(&f, NULL, 0) != -EOWNERDEAD)
            (void)die("it did not die");
        double dead = now_ns();
        f = weft_submit(pool, square, &i);
        if (!f || weft_join_as(&f, square, out) < 0)
            (void)die(weft_error());
        figures[i] = replaced ? now_ns() - dead : dead - begin;
    }
    weft_pool_close(&pool);
    return median(figures, DEATHS) / 1e3;
}

static double death(void)
{
    return of_deaths(0);
}

static double replaced(void)
{
    return of_deaths(1);
}

static double starts(int idles)
{
    static double figures[STARTS];
    for (int i = 0; i < STARTS; i++) {
        const struct timespec idle = {0, 2000000};
        if (idles)
            (void)nanosleep(&idle, NULL);
        double begin = now_ns();
        weft_future *f = weft_start(WEFT_PROCESSES, square, &i);
        if (!f || weft_join_as(&f, square, out) < 0)
            (void)die(weft_error());
        figures[i] = now_ns() - begin;
    }
    return median(figures, STARTS) / 1e3;
}

// One after the other: what is forked ahead is forked meanwhile, and no work is saved.
static double start(void)
{
    return starts(0);
}

static double start_after_pause(void)
{
    return starts(1);
}

static const struct row rows[] = {
    {"map", map},
    {"submits", submits},
    {"messages", messages},
    {"round_trip", round_trip},
    {"awake", awake},
    {"death", death},
    {"replaced", replaced},
    {"start", start},
    {"paused_start", start_after_pause},
};

int main(int argc, char **argv)
{
    return measure_row(rows, sizeof rows / sizeof *rows, argc, argv);
}
