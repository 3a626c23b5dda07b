// SPDX-License-Identifier: MIT
// pipe.h - what a message costs: the rows of pipe_c.c and pipe_weft.c, and their main. Each of them
// brings the two ends, 0 for this process and 1 for its child.
#ifndef WEFT_BENCH_PIPE_H
#define WEFT_BENCH_PIPE_H

#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

enum { STREAMED = 1000000, ROUND_TRIPS = 100000 };

static char message[65536];

static void open_ends(void);
static void say(int end, size_t size);
static void hear(int end, size_t cap);

static void start_child(void (*run)(long n, size_t size), long n, size_t size)
{
    open_ends();
    if (fork() == 0) {
        run(n, size);
        _exit(0);
    }
}

static void send_all(long n, size_t size)
{
    for (long i = 0; i < n; i++)
        say(1, size);
}

static void echo_all(long n, size_t size)
{
    for (long i = 0; i < n; i++) {
        hear(1, size);
        say(1, size);
    }
}

static double stream_of(long n, size_t size)
{
    double begin = now_ns();
    start_child(send_all, n, size);
    for (long i = 0; i < n; i++)
        hear(0, size);
    (void)wait(NULL);
    return (now_ns() - begin) / (double)n;
}

static double stream(void)
{
    return stream_of(STREAMED, 64);
}

static double large(void)
{
    return stream_of(STREAMED / 20, sizeof message);
}

static double round_trip(void)
{
    double begin = now_ns();
    start_child(echo_all, ROUND_TRIPS, 64);
    for (long i = 0; i < ROUND_TRIPS; i++) {
        say(0, 64);
        hear(0, 64);
    }
    (void)wait(NULL);
    return (now_ns() - begin) / ROUND_TRIPS;
}

static const struct row rows[] = {{"stream", stream}, {"large", large}, {"round_trip", round_trip}};

int main(int argc, char **argv)
{
    return measure_row(rows, sizeof rows / sizeof *rows, argc, argv);
}

#endif
