// SPDX-License-Identifier: MIT
// name.c - see name.h. What a character is, Unicode says, through utf8proc; we only choose classes.
#include "chat/hub/name.h"

#include <string.h>
#include <utf8proc.h>

enum {
    BRAILLE_BLANK = 0x2800, // a symbol for Unicode, a space for who reads
    EMOJI_LOOK = 0xFE0F,    // keyboards write it behind a symbol that they show in colours
};

char name_fold_char(char c)
{
    bool is_capital = c >= 'A' && c <= 'Z';
    return (char)(is_capital ? c | 0x20 : c); // the bit in which ASCII's letters differ
}

void name_fold(char *out, const char *name)
{
    while (*name)
        *out++ = name_fold_char(*name++);
    *out = '\0';
}

bool name_same(const char *a, const char *b)
{
    while (*a && name_fold_char(*a) == name_fold_char(*b))
        a++, b++;
    return name_fold_char(*a) == name_fold_char(*b);
}

// Spaces, line ends, controls, and what has no look of its own (joiners, direction marks, fillers,
// selectors of variants): a name with one of them looks like another name.
static bool is_invisible(utf8proc_int32_t character)
{
    switch (utf8proc_category(character)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
        return true;
    default:
        return character == BRAILLE_BLANK || utf8proc_get_property(character)->ignorable;
    }
}

// Of an accent, say, that is drawn upon the character before it: upon a rank's sign, or a bracket
// around the name, if the name begins with it.
static bool is_mark(utf8proc_int32_t character)
{
    utf8proc_category_t category = utf8proc_category(character);
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC ||
           category == UTF8PROC_CATEGORY_ME;
}

// `before` is 0 at the beginning.
static bool may_follow(utf8proc_int32_t before, utf8proc_int32_t character)
{
    if (character == EMOJI_LOOK)
        return utf8proc_category(before) == UTF8PROC_CATEGORY_SO;
    return !is_invisible(character) && (before != 0 || !is_mark(character));
}

// And whole, each of them.
static bool characters_are_visible(const char *text, size_t size)
{
    const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)text;
    utf8proc_int32_t before = 0;
    while (size > 0) {
        utf8proc_int32_t character;
        utf8proc_ssize_t n = utf8proc_iterate(at, (utf8proc_ssize_t)size, &character);
        if (n <= 0 || !may_follow(before, character))
            return false;
        before = character;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

bool nick_is_valid(const char *nick)
{
    size_t size = strlen(nick);
    if (size == 0 || size > NICK_MAX || strpbrk(nick, " ,*?!@.:"))
        return false;
    if (strchr("#&~%+$-0123456789", nick[0]))
        return false;
    return characters_are_visible(nick, size);
}

bool room_name_is_valid(const char *name)
{
    size_t size = strlen(name);
    if (size < 2 || size > ROOM_NAME_MAX || name[0] != '#' || strpbrk(name, " ,*?"))
        return false;
    return characters_are_visible(name + 1, size - 1);
}
