// SPDX-License-Identifier: MIT
// linger.h - the end of a connection that a client did not end.
#ifndef WEFT_CHAT_LINGER_H
#define WEFT_CHAT_LINGER_H

#include <weft/net.h>

// Read and throw away what still comes, until the client's own end or until then: to close with
// unread bytes resets the connection, and a reset may overtake our last words. After weft_shutdown.
void linger(weft_conn *conn, weft_time until);

#endif
