// SPDX-License-Identifier: MIT
// names.h - when two names of IRC are the same, as the server says it (CASEMAPPING).
#ifndef WEFT_CHAT_JOIN_NAMES_H
#define WEFT_CHAT_JOIN_NAMES_H

#include <stdbool.h>
#include <stddef.h>

enum casemap {
    CASEMAP_ASCII,
    CASEMAP_RFC1459, // []\~ are the capitals of {}|^
};

enum casemap casemap_read(const char *value); // of ISUPPORT; one that is not known is ascii
bool names_equal(enum casemap map, const char *a, const char *b);
bool name_begins(enum casemap map, const char *name, const char *start, size_t size);
// Whether the text calls this name: as a word of its own.
bool text_calls(enum casemap map, const char *text, const char *name);

#endif
