// SPDX-License-Identifier: MIT
// poller.h - wait for many descriptors at once: epoll.
#ifndef WF_OS_POLLER_H
#define WF_OS_POLLER_H

#include <stdint.h>

struct wf_ready {
    int fd;
    short events; // of poll(2)
};

int wf_poller_new(void); // a descriptor, or -EMFILE, -ENFILE, -ENOMEM
void wf_poller_free(int poller);

// Tell once when one of `events` is there for fd; a later call replaces an earlier one. 0, -EPERM
// (a file, which is always ready), -EBADF, -ENOMEM, -ENOSPC.
int wf_poller_watch(int poller, int fd, short events);

// Until something is ready, or the CLOCK_MONOTONIC time has come: how many, 0 (nothing). Does not
// wait if the deadline is not in the future.
int wf_poller_wait(int poller, struct wf_ready *ready, int most, int64_t deadline_ns);

#endif
