// SPDX-License-Identifier: MIT
// utf8.h - is it UTF-8, as RFC 3629 has it, and may it be shown?
#ifndef WEFT_PROGRAMS_UTF8_H
#define WEFT_PROGRAMS_UTF8_H

#include <stdbool.h>
#include <stddef.h>

// Not: overlong forms, surrogates, anything beyond U+10FFFF, a character that is cut off.
bool utf8_is_valid(const void *bytes, size_t size);
// The size of the character that the bytes, at least one, begin with; 0: it is none.
size_t utf8_character(const void *bytes, size_t size);
// Where to cut `size` bytes of text so that at most cap are left, and no character is cut.
size_t utf8_cut(const void *bytes, size_t size, size_t cap);

// The code point of a valid character, of the size that utf8_character says.
unsigned utf8_code(const void *bytes, size_t size);
// What a terminal or a reader of lines could obey: control characters (C1 too), those that turn the
// direction of writing, line separators, the byte order mark. All of them are below U+10000.
bool utf8_is_unsafe(unsigned code);

#endif
