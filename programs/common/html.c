// SPDX-License-Identifier: MIT
// html.c - text from elsewhere, written into HTML.
//
// Text is taken apart into characters, and each is either shown, escaped, or spelled. Which is
// decided by its general category in Unicode, not by a list of bad ones: a list is never complete.
// Escaping five characters is enough for content and for attributes in either kind of quotes, so
// that there is one function for both.
#include "common/html.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <utf8proc.h>

enum { PERCENT = 3, CHARACTER_MAX = 4 }; // bytes of "%E4"; of a character in UTF-8

struct character {
    int code;     // Unicode's, or -1: the byte is not UTF-8
    size_t taken; // bytes of the text that stand for it
    size_t size;  // of its own
    char bytes[CHARACTER_MAX];
};

static struct character character_of(const char *bytes, size_t size)
{
    utf8proc_int32_t code;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)bytes, (utf8proc_ssize_t)size,
                                          &code);
    size_t own = n > 0 ? (size_t)n : 1;
    struct character c = {.code = n > 0 ? code : -1, .taken = own, .size = own};
    memcpy(c.bytes, bytes, own);
    return c;
}

static bool is_visible(int code)
{
    switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_CC: // control
    case UTF8PROC_CATEGORY_CF: // format: directions, joiners, a soft hyphen
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return false;
    default:
        return true;
    }
}

static void spell(FILE *out, const struct character *c)
{
    if (c->code < 0x80) // or not UTF-8
        (void)fprintf(out, "\\x%02x", (unsigned char)c->bytes[0]);
    else
        (void)fprintf(out, "\\u%04x", (unsigned)c->code);
}

static const char *entity(int code)
{
    switch (code) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static void show(FILE *out, const struct character *c)
{
    const char *escaped = entity(c->code);
    if (escaped)
        (void)fputs(escaped, out);
    else if (c->code >= 0 && is_visible(c->code))
        (void)fwrite(c->bytes, 1, c->size, out);
    else
        spell(out, c);
}

static int hex(char digit)
{
    return isdigit((unsigned char)digit) ? digit - '0' : tolower((unsigned char)digit) - 'a' + 10;
}

// The byte that "%E4" stands for, or -1.
static int percent_byte(const char *text)
{
    if (text[0] != '%' || !isxdigit((unsigned char)text[1]) || !isxdigit((unsigned char)text[2]))
        return -1;
    return hex(text[1]) << 4 | hex(text[2]);
}

static bool is_space(int code)
{
    return utf8proc_category(code) == UTF8PROC_CATEGORY_ZS;
}

// The character that "%E4%B8%AD..." begins with, if it is one to be shown; else what "%" is.
static struct character decoded(const char *text)
{
    char bytes[CHARACTER_MAX];
    size_t n = 0;
    for (int byte; n < CHARACTER_MAX && (byte = percent_byte(text + PERCENT * n)) >= 0x80; n++)
        bytes[n] = (char)byte;
    struct character c = {.code = -1};
    if (n > 0)
        c = character_of(bytes, n);
    if (c.code < 0 || !is_visible(c.code) || is_space(c.code))
        return character_of(text, 1);
    c.taken *= PERCENT;
    return c;
}

static struct character next_of(const char *text, size_t left, bool decode)
{
    return decode && *text == '%' ? decoded(text) : character_of(text, left);
}

static int count(const char *text, bool decode)
{
    int n = 0;
    for (size_t left = strlen(text); left > 0; n++) {
        struct character c = next_of(text, left, decode);
        text += c.taken;
        left -= c.taken;
    }
    return n;
}

// What does not fit is left out of the middle, after two thirds: the end of a URL says as much as
// its beginning.
static void write_text(FILE *out, const char *text, int most, bool decode)
{
    int all = most == HTML_WHOLE ? 0 : count(text, decode);
    int shown = most - 1, gap = all > most ? shown - shown / 3 : -1, skipped = all - shown;
    size_t left = strlen(text);
    for (int n = 0; left > 0; n++) {
        struct character c = next_of(text, left, decode);
        if (n == gap)
            (void)fputs("…", out);
        if (gap < 0 || n < gap || n >= gap + skipped)
            show(out, &c);
        text += c.taken;
        left -= c.taken;
    }
}

void html_text(FILE *out, const char *text, int most)
{
    write_text(out, text, most, false);
}

void html_url(FILE *out, const char *url, int most)
{
    write_text(out, url, most, true);
}

bool html_may_link(const char *url)
{
    return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
}

void html_href(FILE *out, const char *url)
{
    for (; *url; url++) {
        unsigned char byte = (unsigned char)*url;
        const char *escaped = entity(byte);
        if (escaped)
            (void)fputs(escaped, out);
        else if (byte > ' ' && byte < 0x7f)
            (void)putc(byte, out);
        else
            (void)fprintf(out, "%%%02X", byte);
    }
}
