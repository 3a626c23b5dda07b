// SPDX-License-Identifier: MIT
// carry.c - see carry.h: sendmsg and recvmsg with SCM_RIGHTS.
#define _GNU_SOURCE // MSG_CMSG_CLOEXEC
#include "os/carry.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(WF_CARRY_FDS * sizeof(int))];
};

static void pack(struct msghdr *header, union control *control, const struct wf_carry *message)
{
    size_t size = (size_t)message->count * sizeof(int);
    memset(control, 0, sizeof *control);
    header->msg_control = control;
    header->msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *c = CMSG_FIRSTHDR(header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(c), message->fds, size);
}

// Others take the descriptors that are under way in a moment, as a rule: up to 20 tries in 0.2 s.
static bool comes_again(bool waits, int *tries)
{
    if (errno != ETOOMANYREFS)
        return errno == EINTR;
    if (!waits || ++*tries > 20)
        return false;
    (void)poll(NULL, 0, *tries);
    return true;
}

int wf_carry_send(int socket, const struct wf_carry *message, bool waits)
{
    struct iovec part = {message->bytes, message->size};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    union control control;
    if (message->count > 0)
        pack(&header, &control, message);
    int flags = MSG_NOSIGNAL | (waits ? 0 : MSG_DONTWAIT);
    int tries = 0;
    ssize_t n;
    while ((n = sendmsg(socket, &header, flags)) < 0 && comes_again(waits, &tries))
        continue;
    if (n < 0)
        return errno == ENOBUFS ? -ENOMEM : -errno;
    return 0;
}

static void unpack(struct msghdr *header, struct wf_carry *message)
{
    message->count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t size = c->cmsg_len - CMSG_LEN(0);
        memcpy(message->fds, CMSG_DATA(c), size);
        message->count = (int)(size / sizeof(int));
    }
}

ssize_t wf_carry_receive(int socket, struct wf_carry *message, bool waits)
{
    struct iovec part = {message->bytes, message->size};
    union control control;
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof control};
    int flags = MSG_CMSG_CLOEXEC | (waits ? 0 : MSG_DONTWAIT);
    ssize_t n;
    while ((n = recvmsg(socket, &header, flags)) < 0 && errno == EINTR)
        continue;
    if (n < 0)
        return -errno;
    unpack(&header, message);
    if (!(header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        return n;
    wf_carry_drop(message);
    return header.msg_flags & MSG_TRUNC ? -EPROTO : -EMFILE;
}

void wf_carry_drop(struct wf_carry *message)
{
    while (message->count > 0)
        (void)close(message->fds[--message->count]);
}

void wf_carry_hang_up(int socket)
{
    (void)shutdown(socket, SHUT_RDWR); // fails if the other side has: as good
}
