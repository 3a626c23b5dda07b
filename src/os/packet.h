// SPDX-License-Identifier: MIT
// packet.h - a pair of sockets that keep messages whole: what pipes are made of (exec/pipe.c).
//
// No call here waits, and all but wf_packet_pair may be given any descriptor.
#ifndef WF_OS_PACKET_H
#define WF_OS_PACKET_H

#include <stddef.h>
#include <sys/types.h>

int wf_packet_pair(int ends[2]); // closed by exec. 0, -EMFILE, -ENFILE or -ENOMEM

// 0, -EAGAIN (no room), -EPIPE (the other end is closed), -EMSGSIZE, -ENOMEM, -EBADF, -ENOTSOCK.
int wf_packet_send(int fd, const void *msg, size_t size);

// Take the next packet: its size, -EAGAIN (there is none), -EPIPE (nor will be), -EMSGSIZE (larger
// than cap: it stays), -EBADMSG (larger than `most`: it is gone), -ENOMEM, -EBADF, -ENOTSOCK (also
// of a stream, that has no packets). One task at a time may be in here with an end, and cap is not
// more than `most`.
ssize_t wf_packet_take(int fd, void *buf, size_t cap, size_t most);

#endif
