// SPDX-License-Identifier: MIT
// log_line.c - see log_line.h.
//
// Own arithmetic for the date, and no printf: neither is among the calls that a handler of signals
// may make.
#include "chat/log_line.h"

#include <stdbool.h>
#include <string.h>

#include "chat/web/utf8.h"

enum { SPARE = 4 }; // for what ends a line: "}" and "\n"

struct line {
    char *bytes;
    size_t size;
};

// ---- pieces --------------------------------------------------------------------------------

static void put(struct line *line, const char *bytes, size_t size)
{
    if (line->size + size > LOG_LINE - SPARE)
        return;
    memcpy(line->bytes + line->size, bytes, size);
    line->size += size;
}

static void put_word(struct line *line, const char *word)
{
    put(line, word, strlen(word));
}

// At least so many digits.
static void put_number(struct line *line, long long number, int digits)
{
    char text[24];
    char *at = text + sizeof text;
    unsigned long long left = number < 0 ? 0ULL - (unsigned long long)number
                                         : (unsigned long long)number;
    for (; left > 0 || digits > 0; left /= 10, digits--)
        *--at = (char)('0' + left % 10);
    if (number < 0)
        *--at = '-';
    put(line, at, (size_t)(text + sizeof text - at));
}

// Days since the epoch as year, month and day: years begin in March, so that the leap day is their
// last, and come in cycles of 400 of 146,097 days.
static void put_date(struct line *line, long long days)
{
    days += 719468; // since the first of March of the year 0
    long long cycle = days / 146097, day = days % 146097;
    long long year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    long long month = (5 * day + 2) / 153;
    put_number(line, cycle * 400 + year + (month >= 10), 4);
    put_word(line, "-");
    put_number(line, month < 10 ? month + 3 : month - 9, 2);
    put_word(line, "-");
    put_number(line, day - (153 * month + 2) / 5 + 1, 2);
}

static void put_time(struct line *line, const struct timespec *when)
{
    long long second = when->tv_sec % 86400;
    put_date(line, when->tv_sec / 86400);
    put_word(line, "T");
    put_number(line, second / 3600, 2);
    put_word(line, ":");
    put_number(line, second / 60 % 60, 2);
    put_word(line, ":");
    put_number(line, second % 60, 2);
    put_word(line, ".");
    put_number(line, when->tv_nsec / 1000000, 3);
    put_word(line, "Z");
}

// ---- escaping ------------------------------------------------------------------------------

static unsigned code_of(const unsigned char *at, size_t size)
{
    if (size == 1)
        return at[0];
    unsigned code = at[0] & (0x7FU >> size);
    for (size_t i = 1; i < size; i++)
        code = code << 6 | (at[i] & 0x3FU);
    return code;
}

// What a terminal or a reader of lines could obey, all of it below U+10000.
static bool is_dangerous(unsigned code)
{
    static const unsigned ranges[][2] = {
        {0x00, 0x1F},     {0x7F, 0x9F},     {0x61C, 0x61C},   {0x200E, 0x200F},
        {0x2028, 0x202E}, {0x2066, 0x2069}, {0xFEFF, 0xFEFF},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i][0] && code <= ranges[i][1])
            return true;
    return false;
}

static size_t escape(char out[8], unsigned code)
{
    static const char hex[] = "0123456789abcdef";
    static const char plain[] = "\nn\tt\rr"; // a character, and its letter
    for (const char *at = plain; *at; at += 2)
        if (code == (unsigned char)at[0]) {
            memcpy(out, (char[]){'\\', at[1]}, 2);
            return 2;
        }
    memcpy(out,
           (char[]){'\\', 'u', hex[code >> 12 & 15], hex[code >> 8 & 15], hex[code >> 4 & 15],
                    hex[code & 15]},
           6);
    return 6;
}

// The next character of the text as it is to be written: its size, and how many bytes it took.
static size_t write_character(char out[8], const char *text, size_t size, bool quoted, size_t *took)
{
    size_t n = utf8_character(text, size);
    *took = n ? n : 1;
    if (n == 0) {
        memcpy(out, (const char[]){'\xEF', '\xBF', '\xBD'}, 3); // U+FFFD
        return 3;
    }
    unsigned code = code_of((const unsigned char *)text, n);
    if (is_dangerous(code))
        return escape(out, code);
    size_t before = quoted && (*text == '"' || *text == '\\') ? 1 : 0;
    out[0] = '\\';
    memcpy(out + before, text, n);
    return before + n;
}

// At most LOG_VALUE bytes of it.
static void put_escaped(struct line *line, const char *text, bool quoted)
{
    char one[8];
    size_t left = strlen(text), written = 0;
    for (size_t took; left > 0; text += took, left -= took) {
        size_t size = write_character(one, text, left, quoted, &took);
        if (written + size > LOG_VALUE - 3) {
            put_word(line, "...");
            return;
        }
        put(line, one, size);
        written += size;
    }
}

// ---- lines ---------------------------------------------------------------------------------

static bool is_bare(const char *text)
{
    static const char fine[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "-_./:@%+,[]~";
    size_t size = strspn(text, fine);
    return size > 0 && size < LOG_VALUE - 3 && !text[size];
}

static void put_value(struct line *line, const struct log_field *field, bool bare)
{
    if (!field->text) {
        put_number(line, field->number, 1);
        return;
    }
    put_word(line, bare ? "" : "\"");
    put_escaped(line, field->text, !bare);
    put_word(line, bare ? "" : "\"");
}

static bool has_room(const struct line *line, const struct log_field *field)
{
    return line->size + strlen(field->key) + LOG_VALUE + 8 <= LOG_LINE - SPARE;
}

static size_t end(struct line *line, enum log_format format)
{
    if (format == LOG_JSON)
        line->bytes[line->size++] = '}';
    line->bytes[line->size++] = '\n';
    return line->size;
}

static void begin_json(struct line *line, const struct timespec *when, const char *name)
{
    put_word(line, "{\"time\":\"");
    put_time(line, when);
    put_word(line, "\",\"event\":\"");
    put_word(line, name);
    put_word(line, "\"");
}

static void begin_text(struct line *line, const struct timespec *when, const char *name)
{
    put_time(line, when);
    put_word(line, " ");
    put_word(line, name);
}

size_t log_event(char out[LOG_LINE], enum log_format format, const struct timespec *when,
                 const char *name, const struct log_field *fields)
{
    struct line line = {.bytes = out};
    bool json = format == LOG_JSON;
    (json ? begin_json : begin_text)(&line, when, name);
    for (const struct log_field *f = fields; f->key; f++) {
        if (!has_room(&line, f))
            continue;
        put_word(&line, json ? ",\"" : " ");
        put_word(&line, f->key);
        put_word(&line, json ? "\":" : "=");
        put_value(&line, f, !json && f->text && is_bare(f->text));
    }
    return end(&line, format);
}

size_t log_sentence(char out[LOG_LINE], enum log_format format, const struct timespec *when,
                    const char *sentence)
{
    struct line line = {.bytes = out};
    if (format == LOG_JSON)
        return log_event(out, format, when, "note",
                         (const struct log_field[]){log_text("text", sentence), {0}});
    put_escaped(&line, sentence, false);
    return end(&line, format);
}
