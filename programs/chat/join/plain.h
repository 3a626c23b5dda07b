// SPDX-License-Identifier: MIT
// plain.h - the lecture's client: lines go out as they are, what comes is printed.
#ifndef WEFT_CHAT_JOIN_PLAIN_H
#define WEFT_CHAT_JOIN_PLAIN_H

#include <weft/net.h>

// Talk until the server closes. What went wrong is told on standard error; the status to end with.
int plain_talk(weft_conn *conn);

#endif
