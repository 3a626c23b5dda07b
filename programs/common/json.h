// SPDX-License-Identifier: MIT
// json.h - text as JSON (RFC 8259), whoever it comes from: bytes that are no UTF-8 become U+FFFD,
// and what a terminal or a reader of lines could obey (utf8_is_unsafe) is escaped as well.
#ifndef WEFT_PROGRAMS_JSON_H
#define WEFT_PROGRAMS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_CHARACTER = 8 }; // bytes that one character takes at most

// The first character of a text that is not empty, as it is to be written. Returns how many bytes
// that is; *took: how many it was. `quoted`: it stands in quotes, so that they are escaped too.
// Touches nothing else: a handler of signals may call it.
size_t json_character(char out[JSON_CHARACTER], const char *text, size_t size, bool quoted,
                      size_t *took);

// A string with its quotes, and a number. As fwrite they report nothing: ferror(out) tells.
void json_string(FILE *out, const char *text, size_t size);
void json_number(FILE *out, int64_t number);

#endif
