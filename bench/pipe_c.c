// SPDX-License-Identifier: MIT
// pipe_c.c - what a message costs on a bare socketpair: pipe_c ROW prints nanoseconds.
#define _GNU_SOURCE
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

enum { STREAMED = 1000000, ROUND_TRIPS = 100000 };

static int ends[2];
static char message[65536];

static void say(int end, size_t size)
{
    while (send(end, message, size, MSG_DONTWAIT) < 0)
        (void)poll(&(struct pollfd){.fd = end, .events = POLLOUT}, 1, -1);
}

static void hear(int end, size_t cap)
{
    while (recv(end, message, cap, MSG_DONTWAIT) < 0)
        (void)poll(&(struct pollfd){.fd = end, .events = POLLIN}, 1, -1);
}

static void start_child(void (*run)(int end, long n, size_t size), long n, size_t size)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0)
        (void)die("socketpair");
    if (fork() == 0) {
        run(ends[1], n, size);
        _exit(0);
    }
}

static void send_all(int end, long n, size_t size)
{
    for (long i = 0; i < n; i++)
        say(end, size);
}

static void echo_all(int end, long n, size_t size)
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
