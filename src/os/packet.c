// SPDX-License-Identifier: MIT
// packet.c - messages over SOCK_SEQPACKET of AF_UNIX.
//
// One packet is one message: the kernel keeps it whole whoever else writes, drops what a writer had
// not sent when it was killed, and closes its end. A stream with lengths in it is a little faster,
// but a writer that dies in the middle of a message would spoil it for all, and what was read ahead
// could not move with the end (docs/processes.md has the figures).
//
// A packet that is too large for the reader must stay, and the kernel gives it or cuts it: so its
// size is asked for first. That is a second system call for each message. It is asked for with no
// buffer, and so costs no second copy.
//
// Descriptors that a stranger attaches to a packet are never ours: without room for control
// messages the kernel closes them as it hands over the bytes.
#define _GNU_SOURCE // SO_TIMESTAMP
#include "os/packet.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "os/aside.h"

int wf_packet_pair(int ends[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0 &&
        wf_aside_pair(ends) == 0)
        return 0;
    return errno == ENOBUFS ? -ENOMEM : -errno;
}

int wf_packet_send(int fd, const void *msg, size_t size)
{
    ssize_t n;
    while ((n = send(fd, msg, size, MSG_DONTWAIT | MSG_NOSIGNAL)) < 0 && errno == EINTR)
        continue;
    if (n >= 0)
        return 0;
    if (errno == ECONNRESET) // the other end closed with packets unread: said once, then EPIPE
        return -EPIPE;
    return errno == ENOBUFS ? -ENOMEM : -errno;
}

// Look at the next packet, or take it, whole or cut: its size.
static ssize_t receive(int fd, void *buf, size_t cap, int flags)
{
    ssize_t n;
    // ECONNRESET, as above, comes before the packets that are still to be read.
    while ((n = recv(fd, buf, cap, flags | MSG_DONTWAIT | MSG_TRUNC)) < 0 &&
           (errno == EINTR || errno == ECONNRESET))
        continue;
    if (n >= 0)
        return n;
    return errno == ENOBUFS ? -ENOMEM : -errno;
}

// The next packet has no bytes: is it one, or the end of all? Both are 0 to recv. But a packet
// bears a time, if one asks for it. A stream has none, and 0 for whoever asks for no bytes, though
// it may have some.
static int is_packet(int fd)
{
    int type = SOCK_SEQPACKET;
    socklen_t size = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM)
        return -ENOTSOCK;
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &(int){1}, sizeof(int)) < 0)
        return -errno;
    union { // room for the time alone: no descriptor finds a place behind it
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct timeval))];
    } control;
    struct msghdr message = {.msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n;
    while ((n = recvmsg(fd, &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) < 0 &&
           (errno == EINTR || errno == ECONNRESET))
        continue;
    if (n < 0)
        return -errno;
    return CMSG_FIRSTHDR(&message) ? 0 : -EPIPE;
}

ssize_t wf_packet_take(int fd, void *buf, size_t cap, size_t most)
{
    ssize_t n = receive(fd, NULL, 0, MSG_PEEK);
    if (n == 0)
        n = is_packet(fd);
    if (n < 0)
        return n;
    if ((size_t)n > most) {
        n = receive(fd, NULL, 0, 0);
        return n < 0 ? n : -EBADMSG;
    }
    if ((size_t)n > cap)
        return -EMSGSIZE;
    n = receive(fd, buf, cap, 0);
    // Another process took the one that was asked about, and this one is too large: see pipe.h.
    return n >= 0 && (size_t)n > cap ? -EMSGSIZE : n;
}
