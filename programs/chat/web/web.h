// SPDX-License-Identifier: MIT
// web.h - the web door: HTTP on a connection, until it becomes a WebSocket.
//
//     GET /           the page (page.h), or a WebSocket
//     GET /ws         a WebSocket
//     GET /healthz    is all well? 200 or 503
//     GET /metrics    for Prometheus
//     GET /api/search what was said, as JSON
//
// What goes wrong is told in a line of text, and below /api/ as JSON.
//
// It knows nothing of what is said on the WebSocket: a stream of lines, as any other (chat/wire.h).
#ifndef WEFT_WEB_WEB_H
#define WEFT_WEB_WEB_H

#include "chat/web/origin.h"
#include "chat/wire.h"

// What a search has found: `json` from malloc, which we free, or else one line on what is wrong.
struct web_found {
    char *json;
    const char *why; // stays
    int retry_s;     // for Retry-After. 0: not said
};

// What all connections of a door share. The callbacks run on the connection's fiber.
struct web_site {
    struct origin_rules rules;
    // A text that is made for this request: its status (200, 503), and *text from malloc, which we
    // free. Less than 0: there is none, and the answer is 500. NULL: 404.
    int (*health)(void *ctx, char **text);
    int (*metrics)(void *ctx, char **text);
    void *ctx;         // of these two
    bool metrics_near; // only for programs on this machine (origin_is_near), else 403
    // A question to the history: the status of what is found. It may wait; the time that a request
    // may take begins anew behind it. NULL: 404.
    int (*search)(const struct http_request *r, void *visitor, struct web_found *found);
    // A client has come by WebSocket. What it returns, web_serve returns; then the wire is gone.
    int (*on_websocket)(struct wire *w, void *visitor);
    int head_ms;   // how long the head of a request may take, and its answer. 0: 10,000
    int idle_ms;   // how long a connection may wait for the next request. 0: 15,000
    int linger_ms; // how long a client may take to read the last answer. 0: 500
};

// Serve one connection, plain or TLS, which stays the caller's to close. site must live meanwhile;
// visitor is for on_websocket. 0: the client has gone, has been answered for the last time, or said
// nothing for too long. Less: what broke off, as weft_read and weft_write, -ENOMEM, or what
// on_websocket returned. A client's mistake is no error: it is answered.
//
// While a WebSocket lasts nothing of all this holds memory but a struct websocket on this stack.
// After a close frame of ours the connection is flushed and read to the client's end, for linger_ms
// at most: nobody else may be in weft_write or weft_flush on it by the time that on_websocket
// returns.
int web_serve(weft_conn *c, const struct web_site *site, void *visitor);

#endif
