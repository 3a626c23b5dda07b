// SPDX-License-Identifier: MIT
// query.h - what stands behind the "?" of a target: "name=value&name=value".
//
// Pure functions on bytes. As with a head (http.h) nothing is guessed: a parameter that nobody
// knows, or that is there twice, would be passed over, and the answer be one to another question.
#ifndef WEFT_WEB_QUERY_H
#define WEFT_WEB_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chat/web/host.h"

// One that may be there.
struct query_parameter {
    const char *name;
    char *value; // NUL-terminated. "" if it is not there
    size_t room; // for it, with the NUL
};

// Read those of the table; %XX is a byte and '+' a space, as forms and browsers write them. NULL,
// or what is wrong, in one line that stays: a name that is not in the table, one that is there
// twice, no '=', a broken escape, a control character, no UTF-8, or a value that is too long.
const char *query_read(struct http_text query, const struct query_parameter *table, size_t count);

// A time of RFC 3339, "2026-01-31T23:59:59.5+01:00", as milliseconds since 1970 UTC, cut. False: it
// is none. A leap second is the first of the next minute.
bool query_time(const char *text, int64_t *ms);

#endif
