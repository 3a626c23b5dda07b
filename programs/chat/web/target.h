// SPDX-License-Identifier: MIT
// target.h - what a request asks for: "/path?query" or "http://host/path?query".
#ifndef WEFT_WEB_TARGET_H
#define WEFT_WEB_TARGET_H

#include "chat/web/host.h"

struct target {
    struct http_text authority; // of the absolute form, else empty
    struct http_text path;      // still encoded; begins with "/"
    struct http_text query;     // likewise, without its "?"; empty: there is none
};

// False: neither of the two forms, or with a fragment.
bool target_parse(struct http_text text, struct target *target);

// Decode %XX into out, NUL-terminated; false: a broken escape, or one of a control character. A
// path that needs more than cap - 1 bytes is "".
bool target_decode(struct http_text path, char *out, size_t cap);
// The byte that a text begins with, which is not empty, or stands for by %XX, and how many bytes of
// the text that is; -1: a broken escape.
int target_byte(struct http_text text, size_t *taken);

#endif
