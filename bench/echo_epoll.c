// SPDX-License-Identifier: MIT
// echo_epoll.c - the least that an echo server does in C: level-triggered epoll, one buffer.
#define _GNU_SOURCE // accept4
#include <sys/epoll.h>

#include "server.h"

enum { AT_ONCE = 256 };

static void watch(int poller, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll_ctl");
}

static void welcome(int poller, int listener)
{
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;)
        watch(poller, fd);
}

static void echo(int fd)
{
    static char bytes[PIECE];
    ssize_t n = recv(fd, bytes, sizeof bytes, 0);
    if (n <= 0 || send(fd, bytes, (size_t)n, MSG_NOSIGNAL) != n)
        close(fd);
}

int main(void)
{
    struct epoll_event events[AT_ONCE];
    int listener = listen_here(SOCK_NONBLOCK), poller = epoll_create1(0);
    watch(poller, listener);
    for (;;) {
        int n = epoll_wait(poller, events, AT_ONCE, -1);
        for (int i = 0; i < n; i++)
            if (events[i].data.fd == listener)
                welcome(poller, listener);
            else
                echo(events[i].data.fd);
    }
}
