// SPDX-License-Identifier: MIT
#ifndef WF_NET_CONN_H
#define WF_NET_CONN_H

#include <weft/net.h>

#include "net/address.h"

// A connection on a connected, non-blocking socket, which it takes over, also if it fails: then
// NULL, with -ENOMEM set.
weft_conn *wf_conn_new(int fd);

// A stream socket for that kind of address, non-blocking, closed on exec; or a negative errno.
int wf_socket_new(int family);

#endif
