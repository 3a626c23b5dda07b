// SPDX-License-Identifier: MIT
// log_line.c - see log_line.h.
//
// Own arithmetic for the date, and no printf: neither is among the calls that a handler of signals
// may make.
#include "chat/log_line.h"

#include <stdbool.h>
#include <string.h>

#include "common/json.h"
#include "common/number.h"

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
    char text[NUMBER_TEXT];
    char *at = number_before(text + sizeof text, number, digits);
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

// At most LOG_VALUE bytes of it.
static void put_escaped(struct line *line, const char *text, bool quoted)
{
    char one[JSON_CHARACTER];
    size_t left = strlen(text), written = 0;
    for (size_t took; left > 0; text += took, left -= took) {
        size_t size = json_character(one, text, left, quoted, &took);
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
