// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // epoll_pwait2
#include "os/poller.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "os/clock.h"

enum { AT_ONCE = 64 };
_Static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLERR == POLLERR &&
                   EPOLLHUP == POLLHUP && EPOLLRDHUP == POLLRDHUP && EPOLLPRI == POLLPRI,
               "epoll's events are poll's");

int wf_poller_new(void)
{
    int poller = epoll_create1(EPOLL_CLOEXEC);
    return poller < 0 ? -errno : poller;
}

void wf_poller_free(int poller)
{
    (void)close(poller); // nothing was written that could be lost
}

int wf_poller_watch(int poller, int fd, short events)
{
    struct epoll_event event = {.events = (uint32_t)(unsigned short)events | EPOLLONESHOT,
                                .data.fd = fd};
    if (epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event) == 0)
        return 0;
    if (errno == ENOENT && epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) == 0)
        return 0;
    return -errno;
}

int wf_poller_wait(int poller, struct wf_ready *ready, int most, int64_t deadline_ns)
{
    struct epoll_event events[AT_ONCE];
    int n;
    do {
        struct timespec left = {0, 0};
        if (deadline_ns != INT64_MAX && deadline_ns > 0) {
            int64_t ns = deadline_ns - wf_clock_now();
            left = wf_clock_timespec(ns > 0 ? ns : 0);
        }
        n = epoll_pwait2(poller, events, most < AT_ONCE ? most : AT_ONCE,
                         deadline_ns == INT64_MAX ? NULL : &left, NULL);
    } while (n < 0 && errno == EINTR); // by a signal, which says nothing about the descriptors
    for (int i = 0; i < n; i++)
        ready[i] = (struct wf_ready){.fd = events[i].data.fd, .events = (short)events[i].events};
    return n > 0 ? n : 0;
}
