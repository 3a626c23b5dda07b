// SPDX-License-Identifier: MIT
// deaf.h - a host that does not answer, on the loopback: a listener whose queue is full, so that
// whoever connects now waits.
#ifndef WEFT_TESTS_DEAF_H
#define WEFT_TESTS_DEAF_H

#include "net_helpers.h"

struct deaf {
    int fd, knocking[8];
    uint16_t port;
    char address[64];
};

SHARED void go_deaf(struct deaf *d)
{
    struct sockaddr_in sin = loopback(0);
    socklen_t size = sizeof sin;
    d->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(d->fd, (struct sockaddr *)&sin, sizeof sin), 0);
    assert_int_equal(listen(d->fd, 0), 0);
    assert_int_equal(getsockname(d->fd, (struct sockaddr *)&sin, &size), 0);
    d->port = ntohs(sin.sin_port);
    snprintf(d->address, sizeof d->address, "127.0.0.1:%u", d->port);
    int unanswered = 0;
    for (size_t i = 0; i < COUNT(d->knocking); i++) {
        d->knocking[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(d->knocking[i], (struct sockaddr *)&sin, sizeof sin); // the last ones wait
        // One after the other: of many at once the kernel may answer all before one is queued.
        struct pollfd knock = {d->knocking[i], POLLOUT, 0};
        if (unanswered < 2)
            unanswered = poll(&knock, 1, i == 0 ? -1 : 10) == 0 ? unanswered + 1 : 0;
    }
    assert_int_equal(unanswered, 2);
}

SHARED void end_deaf(struct deaf *d)
{
    for (size_t i = 0; i < COUNT(d->knocking); i++)
        close(d->knocking[i]);
    close(d->fd);
}

#endif
