// SPDX-License-Identifier: MIT
// names.c - see names.h.
#include "chat/join/names.h"

#include <string.h>

enum casemap casemap_read(const char *value)
{
    return strncmp(value, "rfc1459", 7) == 0 ? CASEMAP_RFC1459 : CASEMAP_ASCII;
}

static char fold(enum casemap map, char c)
{
    static const char capitals[] = "[]\\~", small[] = "{}|^";
    const char *at = map == CASEMAP_RFC1459 && c ? strchr(capitals, c) : NULL;
    if (c >= 'A' && c <= 'Z')
        return (char)(c + ('a' - 'A'));
    if (at)
        c = small[at - capitals];
    return c;
}

bool name_begins(enum casemap map, const char *name, const char *start, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!name[i] || fold(map, name[i]) != fold(map, start[i]))
            return false;
    return true;
}

bool names_equal(enum casemap map, const char *a, const char *b)
{
    size_t size = strlen(a);
    return strlen(b) == size && name_begins(map, a, b, size);
}

// Part of a word: ASCII letters and digits. A Chinese text knows no spaces, so between ideographs a
// name stands by itself.
static bool in_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool text_calls(enum casemap map, const char *text, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = text; size > 0 && *at; at++)
        if (name_begins(map, at, name, size) && (at == text || !in_word(at[-1])) &&
            !in_word(at[size]))
            return true;
    return false;
}
