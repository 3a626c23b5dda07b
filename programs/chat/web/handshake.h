// SPDX-License-Identifier: MIT
// handshake.h - from an HTTP request to a WebSocket (RFC 6455, section 4.2).
#ifndef WEFT_WEB_HANDSHAKE_H
#define WEFT_WEB_HANDSHAKE_H

#include "chat/web/http.h"

enum { HANDSHAKE_MAX = 256 };

struct handshake {
    bool binary;                // lines travel as binary messages: binary.ircv3.net
    const char *why;            // of an error: one line
    char answer[HANDSHAKE_MAX]; // the whole of it, with status 101
    size_t size;
};

// Does the request want to become a WebSocket? Other upgrades (h2c) are no concern of ours, and
// such a request is answered as if it wanted none.
bool handshake_is_wanted(const struct http_request *r);

// 0: send h->answer, and speak WebSocket. Less: -status of a refusal, 400 or 426 (another version
// than 13; the answer's fields say ours). Of the protocols that are offered the first is taken that
// we know; without one of ours none is named, and lines are text. -ENOMEM: no memory for a digest.
int handshake_answer(const struct http_request *r, struct handshake *h);

#endif
