// SPDX-License-Identifier: MIT
// http.h - a browser at the plain door: it is shown the way, and what it said is not passed on.
#ifndef WEFT_CHAT_PLAIN_HTTP_H
#define WEFT_CHAT_PLAIN_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <weft/net.h>

// Whether a client's first bytes begin with a line of HTTP; if so it has got a short page, which
// leads to `web`, an address, unless that is NULL. Never waits.
bool answer_http(weft_conn *conn, const char *bytes, size_t size, const char *web);

#endif
