// SPDX-License-Identifier: MIT
// irc_pattern.h - what a transcript says of a line: * is any text, \* that character, \s a space,
// \xNN a byte, {name} a word, the same each time.
//
// "@a=b;c=* rest" wants these tags at least, "@- rest" none; without '@' tags are not looked at.
#ifndef WEFT_TESTS_IRC_PATTERN_H
#define WEFT_TESTS_IRC_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

enum { PATTERN_TEXT = 20000 };

// Whether the line is so; new words are then remembered.
bool pattern_fits(const char *pattern, const char *line);
// What a client says: escapes, and words that were found. Its size: there may be NULs.
size_t pattern_expand(const char *from, char *out);

#endif
