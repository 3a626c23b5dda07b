// SPDX-License-Identifier: MIT
// json.c - see json.h.
//
// Nearly all of what is written is plain ASCII, so a string goes out in runs of it.
#define _GNU_SOURCE
#include "common/json.h"

#include <string.h>

#include "common/number.h"
#include "common/utf8.h"

static size_t escape(char out[JSON_CHARACTER], unsigned code)
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
           6); // what is unsafe is below U+10000
    return 6;
}

size_t json_character(char out[JSON_CHARACTER], const char *text, size_t size, bool quoted,
                      size_t *took)
{
    size_t n = utf8_character(text, size);
    *took = n ? n : 1;
    if (n == 0) {
        memcpy(out, (const char[]){'\xEF', '\xBF', '\xBD'}, 3); // U+FFFD
        return 3;
    }
    unsigned code = utf8_code(text, n);
    if (utf8_is_unsafe(code))
        return escape(out, code);
    size_t before = quoted && (*text == '"' || *text == '\\') ? 1 : 0;
    out[0] = '\\';
    memcpy(out + before, text, n);
    return before + n;
}

static size_t plain_run(const char *text, size_t size)
{
    size_t n = 0;
    while (n < size && text[n] >= ' ' && text[n] < 0x7F && text[n] != '"' && text[n] != '\\')
        n++;
    return n;
}

void json_string(FILE *out, const char *text, size_t size)
{
    (void)putc_unlocked('"', out);
    while (size > 0) {
        char one[JSON_CHARACTER];
        size_t took = plain_run(text, size);
        if (took > 0)
            (void)fwrite_unlocked(text, 1, took, out);
        else
            (void)fwrite_unlocked(one, 1, json_character(one, text, size, true, &took), out);
        text += took;
        size -= took;
    }
    (void)putc_unlocked('"', out);
}

void json_number(FILE *out, int64_t number)
{
    char text[NUMBER_TEXT], *end = text + sizeof text;
    char *begin = number_before(end, number, 1);
    (void)fwrite_unlocked(begin, 1, (size_t)(end - begin), out);
}
