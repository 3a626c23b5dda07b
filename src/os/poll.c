// SPDX-License-Identifier: MIT
// poll.c - see poll.h. A bell is an eventfd: a ring that comes before the wait is kept.
#define _GNU_SOURCE // ppoll
#include "os/poll.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "os/aside.h"
#include "os/clock.h"

int wf_bell_new(void)
{
    int fd = wf_aside(eventfd(0, EFD_CLOEXEC)); // blocking: wf_bell_answer waits for the ring
    return fd < 0 ? -errno : fd;
}

int wf_bell_ring(int bell)
{
    const uint64_t one = 1;
    ssize_t n;
    do
        n = write(bell, &one, sizeof one);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

void wf_bell_answer(int bell)
{
    uint64_t rings;
    while (read(bell, &rings, sizeof rings) < 0 && errno == EINTR)
        continue;
}

void wf_bell_silence(int bell)
{
    struct pollfd rung = {.fd = bell, .events = POLLIN};
    if (poll(&rung, 1, 0) == 1)
        wf_bell_answer(bell);
}

void wf_bell_free(int bell)
{
    if (bell >= 0)
        (void)close(bell); // nothing was written that could be lost
}

int wf_poll(int fd, short events, int bell, int64_t deadline_ns)
{
    struct pollfd fds[2] = {{.fd = fd, .events = events}, {.fd = bell, .events = POLLIN}};
    struct timespec left;
    struct timespec *timeout = NULL;
    if (deadline_ns != INT64_MAX) {
        int64_t ns = deadline_ns > 0 ? deadline_ns - wf_clock_now() : 0; // else it may overflow
        left = wf_clock_timespec(ns > 0 ? ns : 0);
        timeout = &left;
    }
    int n = ppoll(fds, 2, timeout, NULL);
    if (n < 0)
        return -errno;
    if (n == 0)
        return -ETIMEDOUT;
    return fds[0].revents;
}

// A poll of an epoll looks at what it watches: as long as nobody takes an event from it, it tells
// of what is so now.
int wf_stand_in_new(int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    int stand_in = wf_aside(epoll_create1(EPOLL_CLOEXEC));
    if (stand_in >= 0 && epoll_ctl(stand_in, EPOLL_CTL_ADD, fd, &event) == 0)
        return stand_in;
    int error = errno;
    wf_bell_free(stand_in);
    return -error;
}

int wf_signal_fd(const sigset_t *set)
{
    int fd = wf_aside(signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK));
    return fd < 0 ? -errno : fd;
}

int wf_signal_take(int fd)
{
    struct signalfd_siginfo info;
    ssize_t n = read(fd, &info, sizeof info);
    return n == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}
