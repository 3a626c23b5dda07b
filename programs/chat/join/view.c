// SPDX-License-Identifier: MIT
// view.c - see view.h.
//
// The whole screen is painted each time, row by row, each placed by itself and cleared to its end:
// some 4 KB, once for all that happened since the last time. What differs could be sent instead,
// but where a terminal takes another width for a character than we do, the rest would be wrong for
// ever.
#include "chat/join/view.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/width.h"

enum { TIME_COLUMNS = 6, FRAME_ROWS = 3, LEAST_TEXT = 8 };

#define PLAIN "\x1b[m"
#define REVERSE "\x1b[7m"
#define BOLD "\x1b[1m"
#define DIM "\x1b[2m"

// ---- bytes ---------------------------------------------------------------------------------

static void put(struct view *v, const char *bytes, size_t size)
{
    if (v->size + size > v->room) {
        size_t room = (v->size + size) * 2 + 4096;
        char *more = realloc(v->bytes, room);
        if (!more) {
            v->failed = true;
            return;
        }
        v->bytes = more;
        v->room = room;
    }
    memcpy(v->bytes + v->size, bytes, size);
    v->size += size;
}

static void put_code(struct view *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put_code(struct view *v, const char *fmt, ...)
{
    char code[64];
    va_list args;
    va_start(args, fmt);
    int size = vsnprintf(code, sizeof code, fmt, args);
    va_end(args);
    if (size > 0 && size < (int)sizeof code)
        put(v, code, (size_t)size);
}

// The one way for text to the terminal: characters that glyph_first lets through, in so many
// columns at most. Returns the columns that are left.
static int put_text(struct view *v, const char *text, size_t size, int columns)
{
    int used;
    size_t fits = text_fit(text, size, columns, &used);
    for (size_t at = 0; at < fits;) {
        struct glyph g = glyph_first(text + at, fits - at);
        put(v, g.bytes, g.size);
        at += g.taken;
    }
    return columns - used;
}

static int put_string(struct view *v, const char *text, int columns)
{
    return put_text(v, text, strlen(text), columns);
}

static void begin_row(struct view *v, int row, const char *style)
{
    put_code(v, "\x1b[%d;1H%s\x1b[K", row, style);
}

static void fill_row(struct view *v, int columns)
{
    for (; columns > 0; columns--)
        put(v, " ", 1);
    put_code(v, PLAIN);
}

// ---- what was said -------------------------------------------------------------------------

int view_page(const struct view *v)
{
    return v->rows > FRAME_ROWS ? v->rows - FRAME_ROWS : 1;
}

static int text_width(const struct view *v)
{
    int width = v->columns - TIME_COLUMNS;
    return width > LEAST_TEXT ? width : LEAST_TEXT;
}

// Where row number `row` of a line begins; size if there are not so many.
static size_t row_start(const struct view *v, const struct said *line, int row)
{
    size_t at = 0;
    for (; row > 0 && at < line->size; row--)
        at += text_row(line->text + at, line->size - at, text_width(v));
    return at;
}

static int rows_of(const struct view *v, const struct said *line)
{
    int rows = 0;
    size_t at = 0;
    do {
        at += text_row(line->text + at, line->size - at, text_width(v));
        rows++;
    } while (at < line->size);
    return rows;
}

static const char *style_of(const struct said *line)
{
    static const char *const nicks[] = {"\x1b[31m", "\x1b[32m", "\x1b[33m",
                                        "\x1b[34m", "\x1b[35m", "\x1b[36m"};
    unsigned hash = 5381;
    if (line->kind == SAID_EVENT)
        return DIM;
    if (line->kind == SAID_ERROR)
        return "\x1b[31m";
    if (line->mention)
        return BOLD REVERSE;
    if (line->mine)
        return BOLD;
    for (size_t i = 0; i < line->head; i++)
        hash = hash * 33 + (unsigned char)line->text[i];
    return nicks[hash % (sizeof nicks / sizeof nicks[0])];
}

static void put_time(struct view *v, const struct said *line)
{
    char text[TIME_COLUMNS + 1] = "      ";
    struct tm tm;
    time_t when = (time_t)line->time_s;
    if (localtime_r(&when, &tm))
        (void)strftime(text, sizeof text, "%H:%M ", &tm);
    put_code(v, DIM);
    (void)put_string(v, text, v->columns);
    put_code(v, PLAIN);
}

static void paint_row(struct view *v, const struct said *line, int row)
{
    size_t at = row_start(v, line, row);
    size_t end = at + text_row(line->text + at, line->size - at, text_width(v));
    bool whole = line->kind >= SAID_EVENT;
    int columns = v->columns - TIME_COLUMNS;
    if (row == 0)
        put_time(v, line);
    else
        (void)put_string(v, "      ", v->columns);
    size_t styled = whole || line->head > end ? end : line->head;
    if (at < styled) {
        put_code(v, "%s", style_of(line));
        columns = put_text(v, line->text + at, styled - at, columns);
        put_code(v, PLAIN);
        at = styled;
    }
    (void)put_text(v, line->text + at, end - at, columns);
}

// From the bottom upwards.
static void paint_said(struct view *v, const struct room *r)
{
    uint64_t number = r->bottom ? r->bottom : r->added;
    int y = 1 + view_page(v), hidden = r->bottom ? r->hidden : 0;
    const struct said *line;
    for (; y > 1 && (line = model_line(r, number)) != NULL; number--, hidden = 0)
        for (int row = rows_of(v, line) - 1 - hidden; row >= 0 && y > 1; row--, y--) {
            begin_row(v, y, PLAIN);
            paint_row(v, line, row);
        }
    for (; y > 1; y--)
        begin_row(v, y, PLAIN);
}

// ---- scrolling -----------------------------------------------------------------------------

struct spot {
    uint64_t number;
    int hidden;
};

// Upwards by so many rows; how many were not to be had.
static int go_up(const struct view *v, const struct room *r, struct spot *at, int rows)
{
    const struct said *line;
    while (rows > 0 && (line = model_line(r, at->number)) != NULL) {
        int above = rows_of(v, line) - 1 - at->hidden;
        if (rows <= above) {
            at->hidden += rows;
            return 0;
        }
        if (!model_line(r, at->number - 1)) {
            at->hidden += above;
            return rows - above;
        }
        rows -= above + 1;
        at->number--;
        at->hidden = 0;
    }
    return rows;
}

static void go_down(const struct view *v, const struct room *r, struct spot *at, int rows)
{
    while (rows > at->hidden) {
        const struct said *below = model_line(r, at->number + 1);
        rows -= at->hidden + 1;
        at->hidden = 0;
        if (!below)
            return;
        at->number++;
        at->hidden = rows_of(v, below) - 1;
    }
    at->hidden -= rows;
}

void view_scroll(const struct view *v, struct model *m, int rows)
{
    struct room *r = model_active(m);
    struct spot at = {r->bottom ? r->bottom : r->added, r->bottom ? r->hidden : 0};
    if (r->count == 0)
        return;
    if (rows > 0)
        (void)go_up(v, r, &at, rows);
    else
        go_down(v, r, &at, -rows);
    struct spot top = at; // a page is full as long as there are lines for it
    int missing = go_up(v, r, &top, view_page(v) - 1);
    go_down(v, r, &at, missing);
    bool newest = at.number == r->added && at.hidden == 0;
    r->bottom = newest ? 0 : at.number;
    r->hidden = newest ? 0 : at.hidden;
}

bool view_at_top(const struct view *v, const struct model *m)
{
    const struct room *r = model_active(m);
    struct spot top = {r->bottom ? r->bottom : r->added, r->bottom ? r->hidden : 0};
    int missing = go_up(v, r, &top, view_page(v) - 1);
    const struct said *line = model_line(r, top.number);
    bool first = !model_line(r, top.number - 1);
    return missing > 0 || !line || (first && top.hidden == rows_of(v, line) - 1);
}

// ---- the frame -----------------------------------------------------------------------------

static void paint_topic(struct view *v, const struct model *m)
{
    static const char more[] = " PageDown: more";
    const struct room *r = model_active(m);
    int mark = r->bottom ? (int)sizeof more - 1 : 0;
    begin_row(v, 1, REVERSE);
    int left = v->columns - mark > 0 ? v->columns - mark : 0;
    left = put_string(v, " ", left);
    left = put_string(v, r->name, left);
    left = put_string(v, r->topic ? "  " : "", left);
    left = put_string(v, r->topic ? r->topic : "", left);
    for (; left > 0; left--)
        put(v, " ", 1);
    left = mark ? put_string(v, more, mark < v->columns ? mark : v->columns) : 0;
    fill_row(v, left);
}

// "2:#lobby+3", "[1:server]"
static void write_tab(const struct model *m, int i, char *out, size_t room)
{
    const struct room *r = m->rooms[i];
    char marks[32] = "";
    if (r->mentions > 0)
        (void)snprintf(marks, sizeof marks, "!%d", r->mentions);
    else if (r->unread > 0)
        (void)snprintf(marks, sizeof marks, "+%d", r->unread);
    bool active = i == m->active;
    (void)snprintf(out, room, active ? "[%d:%s]" : "%d:%s%s", i + 1, r->name,
                   marks); // cut on purpose; the active one has no marks
}

// The first tab to show, so that the active one is within the columns.
static int first_tab(const struct model *m, int columns)
{
    char tab[256];
    int used = 0, i = m->active;
    for (; i >= 0; i--) {
        write_tab(m, i, tab, sizeof tab);
        used += text_columns(tab, strlen(tab)) + 2;
        if (used > columns)
            break;
    }
    return i < m->active ? i + 1 : m->active;
}

// What is to be seen in rooms that have no place: '!' somebody calls us, '+' lines, 0 nothing.
static char hidden_mark(const struct model *m, int from, int to)
{
    char mark = '\0';
    for (int i = from; i < to; i++) {
        if (m->rooms[i]->mentions > 0)
            return '!';
        if (m->rooms[i]->unread > 0)
            mark = '+';
    }
    return mark;
}

static int put_mark(struct view *v, const char *format, char mark, int columns)
{
    char text[8];
    (void)snprintf(text, sizeof text, format, mark);
    return mark ? put_string(v, text, columns) : columns;
}

static void paint_rooms(struct view *v, const struct model *m)
{
    char tab[256];
    begin_row(v, v->rows - 1, REVERSE);
    int left = put_string(v, " ", v->columns);
    left = put_string(v, m->short_of_memory ? "out of memory: lines are missing " : "", left);
    left = put_string(v, *m->state ? m->state : m->nick, left);
    int i = first_tab(m, left - 4);
    left = put_mark(v, " <%c", hidden_mark(m, 0, i), left);
    for (; i < m->count; i++) {
        write_tab(m, i, tab, sizeof tab);
        bool fits = text_columns(tab, strlen(tab)) + 2 + 3 <= left || i == m->active;
        if (!fits)
            break;
        left = put_string(v, "  ", left);
        if (m->rooms[i]->mentions > 0)
            put_code(v, BOLD);
        left = put_string(v, tab, left);
        put_code(v, PLAIN REVERSE);
    }
    left = put_mark(v, " %c>", hidden_mark(m, i, m->count), left);
    fill_row(v, left);
}

// The line being typed, from where the cursor is within the columns. Returns the cursor's column.
static int paint_typed(struct view *v, const struct editor *e, int columns)
{
    size_t from = 0;
    int before = text_columns(e->text, e->cursor);
    while (before >= columns && from < e->cursor) {
        size_t next = cluster_end(e->text, e->size, from);
        before -= text_columns(e->text + from, next - from);
        from = next;
    }
    (void)put_text(v, e->text + from, e->size - from, columns);
    return before;
}

static void paint_input(struct view *v, const struct model *m, const struct editor *e,
                        const char *hint)
{
    begin_row(v, v->rows, PLAIN);
    if (hint) {
        put_code(v, BOLD);
        int left = put_string(v, hint, v->columns - 1);
        put_code(v, PLAIN "\x1b[%d;%dH\x1b[?25h", v->rows, v->columns - left);
        return;
    }
    int most = v->columns / 3, left = put_string(v, model_active(m)->name, most);
    int used = most - left;
    left = put_string(v, "> ", v->columns - used);
    int cursor = paint_typed(v, e, left) + v->columns - left;
    put_code(v, "\x1b[%d;%dH\x1b[?25h", v->rows, cursor + 1);
}

void view_paint(struct view *v, const struct model *m, const struct editor *e, const char *hint)
{
    v->size = 0;
    v->failed = false;
    put_code(v, "\x1b[?25l");
    paint_topic(v, m);
    paint_said(v, model_active(m));
    if (v->rows > 1)
        paint_rooms(v, m);
    paint_input(v, m, e, hint);
}

void view_release(struct view *v)
{
    free(v->bytes);
    v->bytes = NULL;
    v->size = v->room = 0;
}
