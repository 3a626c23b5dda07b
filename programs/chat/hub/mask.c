// SPDX-License-Identifier: MIT
// mask.c - see mask.h.
//
// Only the last * need be remembered: what an earlier one matched can stay as it is, because a
// longer match of it would only leave less for the rest. So there is no recursion, and no pattern
// takes exponential time.
#include "chat/hub/mask.h"

#include <stdio.h>
#include <string.h>

#include "chat/hub/name.h"

// The next character, which may be of several bytes.
static const char *next_character(const char *text)
{
    do
        text++;
    while (((unsigned char)*text & 0xC0) == 0x80);
    return text;
}

bool mask_fits(const char *mask, const char *text)
{
    const char *star = NULL, *retry = NULL;
    while (*text) {
        if (*mask == '*') {
            star = ++mask;
            retry = text;
        } else if (*mask == '?') {
            mask++;
            text = next_character(text);
        } else if (name_fold_char(*mask) == name_fold_char(*text)) {
            mask++;
            text++;
        } else if (star) {
            mask = star;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (*mask == '*')
        mask++;
    return *mask == '\0';
}

bool mask_complete(char out[MASK_MAX + 1], const char *written)
{
    const char *bang = strchr(written, '!');
    const char *at = strchr(bang ? bang : written, '@');
    const char *nick = "", *user = "";
    if (!bang)
        nick = at ? "*!" : "";
    if (!bang && !at)
        user = "!*";
    int size = snprintf(out, MASK_MAX + 1, "%s%s%s%s", nick, written, user, at ? "" : "@*");
    return *written && *written != ':' && size > 0 && size <= MASK_MAX;
}
