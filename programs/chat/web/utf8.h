// SPDX-License-Identifier: MIT
// utf8.h - is it UTF-8, as RFC 3629 has it?
#ifndef WEFT_WEB_UTF8_H
#define WEFT_WEB_UTF8_H

#include <stdbool.h>
#include <stddef.h>

// Not: overlong forms, surrogates, anything beyond U+10FFFF, a character that is cut off.
bool utf8_is_valid(const void *bytes, size_t size);
// The size of the character that the bytes, at least one, begin with; 0: it is none.
size_t utf8_character(const void *bytes, size_t size);
// The most bytes, at most cap of size, that end with a whole character. Of valid text.
size_t utf8_cut(const void *bytes, size_t size, size_t cap);

#endif
