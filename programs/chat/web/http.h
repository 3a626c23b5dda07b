// SPDX-License-Identifier: MIT
// http.h - the head of an HTTP/1.1 request, strictly.
//
//     struct http_request r = {0};
//     int n = http_parse(&r, bytes, size); // again with more of the same bytes while it is 0
//
// Pure functions on bytes. What two readers could take for two different things is refused, instead
// of guessed: so nothing can be smuggled past a proxy in front of us. Only GET and HEAD are served,
// and they have no body, so whatever is behind a head is the next request.
#ifndef WEFT_WEB_HTTP_H
#define WEFT_WEB_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "chat/web/host.h"

enum {
    HTTP_HEAD_MAX = 16384, // request line and fields: 431 beyond. Cookies of other servers on
                           // localhost come here as well, hence not less
    HTTP_LINE_MAX = 4096,  // the request line: 414 beyond
    HTTP_FIELDS_MAX = 64,  // 431 beyond
    HTTP_PATH_MAX = 64,    // longer than any path that we serve
};

struct http_field {
    struct http_text name, value; // the value without spaces at its ends
};

// Zeroed before the first call. The texts point into the bytes that were parsed, which therefore
// must not move.
struct http_request {
    struct http_text method, target;
    int minor; // of the version: HTTP/1.minor
    struct http_field fields[HTTP_FIELDS_MAX];
    size_t field_count;
    const char *why; // one line on what is wrong, after an error; static

    // Known when the head is complete.
    struct http_text host;    // from the target, else from Host; empty: HTTP/1.0 without
    char path[HTTP_PATH_MAX]; // decoded, without the query; "": longer than that, so not ours
    struct http_text query;   // still encoded: query.h. Empty: there is none
    bool is_head;
    bool keep_alive; // the client may send another request

    // How far it came.
    size_t taken;  // bytes of whole lines
    size_t looked; // of the next line: without an end so far
};

// More than 0: the size of the head, which is complete. 0: more bytes are needed. Less: -status of
// the answer, after which the connection must be closed, as nobody knows where the next request
// begins: 400, 405 (neither GET nor HEAD), 414, 431, 505 (not HTTP/1.x; HTTP/2 too).
int http_parse(struct http_request *r, const char *bytes, size_t size);

// The value of a field, {NULL, 0} if it is not there. Of fields that may come once only, no second
// one gets through http_parse.
struct http_text http_field(const struct http_request *r, const char *name);
// The number of fields of that name.
size_t http_count(const struct http_request *r, const char *name);
// Is the token in the list that all fields of this name make together? "Connection: a, b".
bool http_lists(const struct http_request *r, const char *name, const char *token);
// The parts of a list, one after the other: false at its end. *rest begins as the whole.
bool http_next_token(struct http_text *rest, struct http_text *token);

#endif
