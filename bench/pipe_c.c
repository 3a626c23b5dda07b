// SPDX-License-Identifier: MIT
// pipe_c.c - what a message costs on a bare socketpair: pipe_c ROW prints nanoseconds.
#define _GNU_SOURCE
#include <poll.h>
#include <sys/socket.h>

#include "pipe.h"

static int ends[2];

static void open_ends(void)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0)
        (void)die("socketpair");
}

static void say(int end, size_t size)
{
    while (send(ends[end], message, size, MSG_DONTWAIT) < 0)
        (void)poll(&(struct pollfd){.fd = ends[end], .events = POLLOUT}, 1, -1);
}

static void hear(int end, size_t cap)
{
    while (recv(ends[end], message, cap, MSG_DONTWAIT) < 0)
        (void)poll(&(struct pollfd){.fd = ends[end], .events = POLLIN}, 1, -1);
}
