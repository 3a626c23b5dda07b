// SPDX-License-Identifier: MIT
// carry.h - whole messages with descriptors, between two processes. Over a pair of packet.h's.
#ifndef WF_OS_CARRY_H
#define WF_OS_CARRY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { WF_CARRY_FDS = 8 }; // in one message

struct wf_carry {
    void *bytes;
    size_t size; // to send; room for
    int fds[WF_CARRY_FDS];
    int count; // of descriptors
};

// Send one message; the descriptors stay the caller's. 0, -EAGAIN (`waits` is false, and there is
// no room), -EPIPE or -ECONNRESET (nobody is left to receive it), -EMSGSIZE, -ETOOMANYREFS (too
// many descriptors of this user's are under way, also a moment later if it `waits`), -ENOMEM.
int wf_carry_send(int socket, const struct wf_carry *message, bool waits);

// Receive one. Its size (> 0), and its descriptors, closed by exec, which are the caller's now. 0:
// the other side has closed. -EAGAIN: not `waits`, and there is none. -EPROTO: it was larger than
// there is room. -EMFILE: a descriptor found no place in this process; the bytes are there. Of
// either no descriptor is kept.
ssize_t wf_carry_receive(int socket, struct wf_carry *message, bool waits);

void wf_carry_drop(struct wf_carry *message); // close the descriptors that came with it

// No more messages either way: the other side receives 0.
void wf_carry_hang_up(int socket);

#endif
