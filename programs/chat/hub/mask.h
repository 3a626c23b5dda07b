// SPDX-License-Identifier: MIT
// mask.h - patterns of who: nick!user@host, where * stands for any run and ? for one character.
#ifndef WEFT_CHAT_MASK_H
#define WEFT_CHAT_MASK_H

#include <stdbool.h>
#include <stddef.h>

// Whether the whole text fits; case of ASCII letters does not count. Time: at most the product of
// both lengths, whatever the pattern.
bool mask_fits(const char *mask, const char *text);

enum { MASK_MAX = 200 };
// What a user wrote, completed: "bob" is "bob!*@*", "a@b" is "*!a@b". False: too long, empty, or no
// word in a line of IRC, where ':' begins the rest of the line (and no name).
bool mask_complete(char out[MASK_MAX + 1], const char *written);

#endif
