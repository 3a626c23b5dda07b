// SPDX-License-Identifier: MIT
// conn.h - how a socket becomes a connection: for listener.c and connect.c.
#ifndef WF_NET_CONN_H
#define WF_NET_CONN_H

#include <weft/net.h>

#include "net/address.h"

// A connection on a connected, non-blocking socket, which it takes over, also if it fails: then
// NULL, with -ENOMEM set. `other` is the far end: of a peer that has reset the connection already
// getpeername knows nothing, but what it sent before can still be read, and must not be anybody's.
weft_conn *wf_conn_new(int fd, const struct wf_address *other);

// No delay and keep-alive, for one that was connected; or for a listener: what it accepts has its
// options from it (Linux: tcp_create_openreq_child), and two calls fewer.
void wf_conn_set_options(int fd);

// A stream socket for that kind of address, non-blocking, closed on exec; or a negative errno.
int wf_socket_new(int family);

#endif
