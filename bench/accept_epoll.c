// SPDX-License-Identifier: MIT
// accept_epoll.c - the least that one does in C to take connections and close them.
#define _GNU_SOURCE // accept4
#include <sys/epoll.h>

#include "server.h"

int main(void)
{
    int listener = listen_here(SOCK_NONBLOCK), poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) < 0)
        die("epoll_ctl");
    for (;;) {
        epoll_wait(poller, &event, 1, -1);
        for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;)
            close(fd);
    }
}
