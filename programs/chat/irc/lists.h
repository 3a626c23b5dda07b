// SPDX-License-Identifier: MIT
// lists.h - a parameter that is a list: a,b,c.
#ifndef WEFT_CHAT_IRC_LISTS_H
#define WEFT_CHAT_IRC_LISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "chat/hub/name.h"

// The next item, ended in place, and *list behind it. NULL: there is none; "a,,b" has two.
static inline char *list_next(char **list)
{
    char *item;
    do
        item = *list ? strsep(list, ",") : NULL;
    while (item && !*item);
    return item;
}

// Whether the item that was taken last stood in the list before. To be told once is enough: a line
// of one letter and commas would be 250 answers.
static inline bool list_repeats(const char *list, const char *item)
{
    while (list < item && !name_same(list, item))
        list += strlen(list) + 1; // each was ended in place
    return list < item;
}

// "" and ",": nothing is named.
static inline bool list_is_empty(const char *list)
{
    return list[strspn(list, ",")] == '\0';
}

#endif
