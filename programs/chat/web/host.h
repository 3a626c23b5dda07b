// SPDX-License-Identifier: MIT
// host.h - "name[:port]", as it stands in Host, in Origin and in an absolute target.
#ifndef WEFT_WEB_HOST_H
#define WEFT_WEB_HOST_H

#include <stdbool.h>
#include <stddef.h>

// Bytes of somebody else's, not NUL-terminated.
struct http_text {
    const char *at;
    size_t size;
};

struct host {
    struct http_text name; // "[::1]" keeps its brackets
    int port;              // -1: none was named
};

// Take a text apart. False: it is no host - empty, with a user's name, a space, a list, a strange
// character, or a port above 65535.
bool host_parse(struct http_text text, struct host *host);

struct http_text text_of(const char *string);
// Without regard to the case of ASCII letters.
bool text_is(struct http_text a, const char *b);
bool text_same(struct http_text a, struct http_text b);
// To the byte.
bool text_equals(struct http_text a, const char *b);

#endif
