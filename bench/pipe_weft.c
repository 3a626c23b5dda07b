// SPDX-License-Identifier: MIT
// pipe_weft.c - what a message costs through a pipe of weft: pipe_weft ROW prints nanoseconds.
#include <sys/wait.h>
#include <unistd.h>
#include <weft/weft.h>

#include "measure.h"

enum { STREAMED = 1000000, ROUND_TRIPS = 100000 };

static weft_end ends[2];
static char message[65536];

static void say(weft_end end, size_t size)
{
    if (weft_send(end, message, size, WEFT_FOREVER) < 0)
        (void)die(weft_error());
}

static void hear(weft_end end, size_t cap)
{
    if (weft_recv(end, message, cap, WEFT_FOREVER) < 0)
        (void)die(weft_error());
}

static void start_child(void (*run)(weft_end end, long n, size_t size), long n, size_t size)
{
    if (weft_pipe(&ends[0], &ends[1]) < 0)
        (void)die(weft_error());
    if (fork() == 0) {
        run(ends[1], n, size);
        _exit(0);
    }
}

static void send_all(weft_end end, long n, size_t size)
{
    for (long i = 0; i < n; i++)
        say(end, size);
}

static void echo_all(weft_end end, long n, size_t size)
{
    for (long i = 0; i < n; i++) {
        hear(end, size);
        say(end, size);
    }
}

static double stream_of(long n, size_t size)
{
    double begin = now_ns();
    start_child(send_all, n, size);
    for (long i = 0; i < n; i++)
        hear(ends[0], size);
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
        say(ends[0], 64);
        hear(ends[0], 64);
    }
    (void)wait(NULL);
    return (now_ns() - begin) / ROUND_TRIPS;
}

static const struct row rows[] = {{"stream", stream}, {"large", large}, {"round_trip", round_trip}};

int main(int argc, char **argv)
{
    return measure_row(rows, sizeof rows / sizeof *rows, argc, argv);
}
