// SPDX-License-Identifier: MIT
// text.h - bytes from the network, made fit to be shown.
//
// A stream cuts characters anywhere. A half character is kept until the rest comes; what can never
// become a character is shown as U+FFFD, one for each piece that Unicode calls a maximal subpart
// (as Python's errors='replace' does). On a terminal, control characters are shown and not obeyed:
// a stranger's bytes must not move the cursor, set the title or answer questions.
#ifndef WEFT_CHAT_TEXT_H
#define WEFT_CHAT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    bool terminal;         // make control characters visible
    unsigned char kept[4]; // the beginning of a character
    size_t kept_size, wanted;
};

enum { TEXT_GROWTH = 3, TEXT_KEPT = 12 };

// Bytes to show, written to out, which has room for TEXT_GROWTH * size + TEXT_KEPT; their number.
// Zeroed is a fresh stream.
size_t text_add(struct text *t, const void *bytes, size_t size, char *out);
// The end of the stream: what is shown for a half character, if one is left.
size_t text_end(struct text *t, char *out);

#endif
