// SPDX-License-Identifier: MIT
// shared.h - what memory that two processes share costs: the rows of shared_*.c, and their main.
// Each of them brings two queues of 64 bytes and room for 1,024, a lock, and a second process.
#ifndef WEFT_BENCH_SHARED_H
#define WEFT_BENCH_SHARED_H

#include "measure.h"

enum { STREAMED = 2000000, ROUND_TRIPS = 200000, LOCKED = 5000000, ROOM = 1024 };

struct item {
    char bytes[64];
};

static void open_all(void);
static void start_child(int what); // child_runs(what), elsewhere
static void end_child(void);
static void put(int queue, const struct item *item);
static void get(int queue, struct item *item);

enum { SENDS, ECHOES, LOCKS };

#ifdef HAS_NO_LOCK
static void lock_all(long n)
{
    (void)n;
    (void)die("there is no lock");
}
#else
static void lock(void);
static void unlock(void);

static void lock_all(long n)
{
    static volatile long inside;
    for (long i = 0; i < n; i++) {
        lock();
        inside++;
        unlock();
    }
}
#endif

static void child_runs(int what)
{
    struct item item = {{0}};
    for (long i = 0; what == SENDS && i < STREAMED; i++)
        put(0, &item);
    for (long i = 0; what == ECHOES && i < ROUND_TRIPS; i++) {
        get(0, &item);
        put(1, &item);
    }
    if (what == LOCKS)
        lock_all(LOCKED / 2);
}

static double stream(void)
{
    struct item item;
    start_child(SENDS);
    get(0, &item); // it runs
    double begin = now_ns();
    for (long i = 1; i < STREAMED; i++)
        get(0, &item);
    double took = now_ns() - begin;
    end_child();
    return took / (STREAMED - 1);
}

static double round_trip(void)
{
    struct item item = {{0}};
    start_child(ECHOES);
    put(0, &item);
    get(1, &item);
    double begin = now_ns();
    for (long i = 1; i < ROUND_TRIPS; i++) {
        put(0, &item);
        get(1, &item);
    }
    double took = now_ns() - begin;
    end_child();
    return took / (ROUND_TRIPS - 1);
}

static double lock_alone(void)
{
    double begin = now_ns();
    lock_all(LOCKED);
    return (now_ns() - begin) / LOCKED;
}

static double lock_by_two(void)
{
    double begin = now_ns();
    start_child(LOCKS);
    lock_all(LOCKED / 2);
    end_child();
    return (now_ns() - begin) / LOCKED;
}

static const struct row rows[] = {{"stream", stream},
                                  {"round_trip", round_trip},
                                  {"lock", lock_alone},
                                  {"lock_by_two", lock_by_two}};

int main(int argc, char **argv)
{
    open_all();
    return measure_row(rows, sizeof rows / sizeof *rows, argc, argv);
}

#endif
