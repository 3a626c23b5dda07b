// SPDX-License-Identifier: MIT
// origin.h - who may speak to us from a browser.
//
// A browser carries out what any page tells it, also towards servers that only its user reaches.
// Two checks keep foreign pages out. Host: a page of evil.example whose name suddenly means
// 127.0.0.1 (DNS rebinding) still sends its own name. Origin: the page that opens a WebSocket is
// named there.
#ifndef WEFT_WEB_ORIGIN_H
#define WEFT_WEB_ORIGIN_H

#include "chat/web/http.h"

// Lists end with NULL, and may be NULL.
struct origin_rules {
    // Names by which clients reach us, besides localhost, 127.0.0.1, [::1] and the address that the
    // connection came to: "chat.example.org", "[fd00::1]". With a port it is for that port only,
    // "*" is any.
    const char *const *hosts;
    // Pages of other servers that may speak to us: "https://app.example.org", "*" for all but null.
    const char *const *origins;
};

// Why this request is refused with 403, one line; NULL: it is not. local is our end of the
// connection as weft_conn_local says it.
const char *origin_refusal(const struct origin_rules *rules, const struct http_request *r,
                           const char *local);

// Does a program on this machine ask, for itself? It comes from loopback or by a Unix socket (peer:
// the other end, as weft_peer says it), names a host of loopback, so that no page asks through a
// browser under a name of its own, and no field says that a proxy passes it on.
bool origin_is_near(const struct http_request *r, const char *peer);

#endif
