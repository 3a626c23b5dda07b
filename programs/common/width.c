// SPDX-License-Identifier: MIT
// width.c - see width.h.
//
// Not wcwidth: it answers for the locale, and ours may be C. Terminals differ where emoji are put
// together from several; a row that goes wrong there ends at its end, because the view places each
// row by itself.
#include "common/width.h"

#include <stdbool.h>
#include <utf8proc.h>

static const struct glyph replaced = {"\xEF\xBF\xBD", 3, 1, 1}; // U+FFFD
enum { ZERO_WIDTH_NON_JOINER = 0x200C, ZERO_WIDTH_JOINER = 0x200D };

static utf8proc_int32_t decode(const char *text, size_t size, size_t *taken)
{
    utf8proc_int32_t point;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text,
                                          (utf8proc_ssize_t)(size < 4 ? size : 4), &point);
    *taken = n > 0 ? (size_t)n : 1;
    return n > 0 ? point : -1;
}

static bool is_control(utf8proc_category_t category)
{
    return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CS ||
           category == UTF8PROC_CATEGORY_CN || category == UTF8PROC_CATEGORY_ZL ||
           category == UTF8PROC_CATEGORY_ZP;
}

struct glyph glyph_first(const char *text, size_t size)
{
    struct glyph g = replaced;
    utf8proc_int32_t point = decode(text, size, &g.taken);
    if (point == '\t')
        return (struct glyph){" ", 1, 1, 1};
    utf8proc_category_t category = point < 0 ? UTF8PROC_CATEGORY_CC : utf8proc_category(point);
    if (is_control(category))
        return g;
    bool joins = point == ZERO_WIDTH_JOINER || point == ZERO_WIDTH_NON_JOINER;
    if (category == UTF8PROC_CATEGORY_CF && !joins) // it would turn the direction of what follows
        return (struct glyph){"", 0, g.taken, 0};
    return (struct glyph){text, g.taken, g.taken, utf8proc_charwidth(point)};
}

int text_columns(const char *text, size_t size)
{
    int columns = 0;
    for (size_t at = 0; at < size;) {
        struct glyph g = glyph_first(text + at, size - at);
        columns += g.columns;
        at += g.taken;
    }
    return columns;
}

size_t text_fit(const char *text, size_t size, int columns, int *used)
{
    size_t at = 0;
    *used = 0;
    while (at < size) {
        struct glyph g = glyph_first(text + at, size - at);
        if (*used + g.columns > columns)
            break;
        *used += g.columns;
        at += g.taken;
    }
    return at;
}

// A place to end a row that is not half full is none: a long address would leave it empty.
size_t text_row(const char *text, size_t size, int columns)
{
    size_t at = 0, may_end = 0;
    int used = 0;
    while (at < size) {
        struct glyph g = glyph_first(text + at, size - at);
        bool wide = g.columns == 2, space = text[at] == ' ';
        if (wide && used * 2 >= columns)
            may_end = at;
        if (used + g.columns > columns && !(space && used == columns))
            return may_end > 0 ? may_end : at > 0 ? at : g.taken;
        used += g.columns;
        at += g.taken;
        if ((wide || space) && used * 2 >= columns)
            may_end = at;
    }
    return at;
}

size_t cluster_end(const char *text, size_t size, size_t at)
{
    utf8proc_int32_t state = 0;
    size_t taken;
    if (at >= size)
        return size;
    utf8proc_int32_t before = decode(text + at, size - at, &taken);
    for (at += taken; at < size; at += taken) {
        utf8proc_int32_t point = decode(text + at, size - at, &taken);
        if (before < 0 || point < 0 || utf8proc_grapheme_break_stateful(before, point, &state))
            break;
        before = point;
    }
    return at;
}

size_t cluster_start(const char *text, size_t at)
{
    size_t start = 0;
    for (size_t next = 0; next < at; next = cluster_end(text, at, next))
        start = next;
    return start;
}
