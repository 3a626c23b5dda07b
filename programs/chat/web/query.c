// SPDX-License-Identifier: MIT
// query.c - see query.h.
#define _GNU_SOURCE // timegm
#include "chat/web/query.h"

#include <string.h>
#include <time.h>

#include "chat/web/target.h"
#include "common/utf8.h"

enum { DELETE = 0x7F, MINUTE_MS = 60000 };

// What is before the first `c`; *rest begins behind it, or is empty.
static struct http_text cut(struct http_text *rest, char c)
{
    const char *at = rest->size > 0 ? memchr(rest->at, c, rest->size) : NULL;
    size_t size = at ? (size_t)(at - rest->at) : rest->size;
    struct http_text first = {rest->at, size};
    size += at ? 1 : 0;
    rest->at += size;
    rest->size -= size;
    return first;
}

static const char *decode(struct http_text text, char *out, size_t room)
{
    size_t size = 0;
    for (size_t taken; text.size > 0; text.at += taken, text.size -= taken) {
        int byte = target_byte(text, &taken);
        if (byte < 0)
            return "a broken escape in the query";
        if (byte < ' ' || byte == DELETE)
            return "a control character in the query";
        if (size + 1 >= room)
            return "a value in the query is too long";
        out[size++] = (char)byte;
        if (*text.at == '+')
            out[size - 1] = ' ';
    }
    out[size] = '\0';
    return utf8_is_valid(out, size) ? NULL : "a value in the query is no UTF-8";
}

// Names are matched as they stand: no name of ours needs an escape.
static const char *read_one(struct http_text part, const struct query_parameter *table,
                            size_t count, uint64_t *seen)
{
    bool has_value = memchr(part.at, '=', part.size) != NULL;
    struct http_text name = cut(&part, '=');
    for (size_t i = 0; i < count; i++) {
        if (strlen(table[i].name) != name.size || memcmp(table[i].name, name.at, name.size) != 0)
            continue;
        if (*seen & (UINT64_C(1) << i))
            return "a parameter is there twice";
        *seen |= UINT64_C(1) << i;
        return has_value ? decode(part, table[i].value, table[i].room) : "a parameter has no value";
    }
    return "there is no such parameter";
}

const char *query_read(struct http_text query, const struct query_parameter *table, size_t count)
{
    uint64_t seen = 0;
    const char *why = NULL;
    for (size_t i = 0; i < count; i++)
        table[i].value[0] = '\0';
    while (query.size > 0 && !why) {
        struct http_text part = cut(&query, '&');
        if (part.size > 0)
            why = read_one(part, table, count, &seen);
    }
    return why;
}

// ---- times ------------------------------------------------------------------------------------

// A number of so many digits, and *text behind it; -1: there is none.
static int number(const char **text, int digits)
{
    int value = 0;
    for (; digits > 0; digits--, ++*text) {
        if (**text < '0' || **text > '9')
            return -1;
        value = value * 10 + (**text - '0');
    }
    return value;
}

static bool take(const char **text, const char *set)
{
    bool there = **text && strchr(set, **text);
    *text += there ? 1 : 0;
    return there;
}

static bool read_clock(const char **text, struct tm *t)
{
    int year = number(text, 4);
    t->tm_year = year - 1900;
    bool good = year >= 0 && take(text, "-") && (t->tm_mon = number(text, 2) - 1) >= 0 &&
                take(text, "-") && (t->tm_mday = number(text, 2)) > 0 && take(text, "Tt ") &&
                (t->tm_hour = number(text, 2)) >= 0 && take(text, ":") &&
                (t->tm_min = number(text, 2)) >= 0 && take(text, ":") &&
                (t->tm_sec = number(text, 2)) >= 0;
    return good && t->tm_hour < 24 && t->tm_min < 60 && t->tm_sec <= 60;
}

// ".25": 250. No digit behind the point is none; -1.
static int read_fraction(const char **text)
{
    int ms = 0, unit = 100;
    if (!take(text, "."))
        return 0;
    if (**text < '0' || **text > '9')
        return -1;
    for (; **text >= '0' && **text <= '9'; ++*text, unit /= 10)
        ms += (**text - '0') * unit;
    return ms;
}

// "Z" or "+01:30", in minutes.
static bool read_offset(const char **text, int *minutes)
{
    *minutes = 0;
    if (take(text, "Zz"))
        return true;
    bool west = **text == '-';
    if (!take(text, "+-"))
        return false;
    int hour = number(text, 2), minute = take(text, ":") ? number(text, 2) : -1;
    *minutes = (west ? -1 : 1) * (hour * 60 + minute);
    return hour >= 0 && hour < 24 && minute >= 0 && minute < 60;
}

bool query_time(const char *text, int64_t *ms)
{
    struct tm t = {0};
    int minutes;
    if (!read_clock(&text, &t))
        return false;
    int fraction = read_fraction(&text);
    if (fraction < 0 || !read_offset(&text, &minutes) || *text)
        return false;
    const struct tm meant = t;
    *ms = (int64_t)timegm(&t) * 1000 + fraction - (int64_t)minutes * MINUTE_MS;
    struct tm day = {.tm_year = meant.tm_year, .tm_mon = meant.tm_mon, .tm_mday = meant.tm_mday};
    (void)timegm(&day);
    return day.tm_mon == meant.tm_mon && day.tm_mday == meant.tm_mday; // else no such day
}
