// SPDX-License-Identifier: MIT
// tokens.c - see tokens.h. FTS5's own unicode61 knows no Chinese: a sentence would be one word.
//
// The text is brought into one form first (NFKC, case folded), then cut, and of each character but
// those of East Asia the accents are taken off: a decomposed é and a composed one are the same
// letter before they meet the index. Most texts are ASCII and take a shorter way.
#include "chat/store/tokens.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "chat/store/store.h"

enum { WORD_MAX = 256, CHARACTER_MAX = 4 }; // what is longer is cut: nobody types it

struct cutter {
    tokens_each *each;
    void *ctx;
    bool whole;
    char word[WORD_MAX + CHARACTER_MAX];
    size_t size;                  // of the word
    char last[2 * CHARACTER_MAX]; // of a run: the character before, if any
    size_t last_size, run;        // run: how many characters it has
};

// ---- what characters are ---------------------------------------------------------------

static const struct {
    int32_t from, to;
} east_asia[] = {
    {0x1100, 0x11FF}, {0x3005, 0x3007},   {0x3040, 0x30FF},   {0x3100, 0x312F}, {0x31A0, 0x31BF},
    {0x31F0, 0x31FF}, {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xA960, 0xA97F}, {0xAC00, 0xD7FF},
    {0xF900, 0xFAFF}, {0x1B000, 0x1B16F}, {0x20000, 0x323AF},
};

static bool is_letter(int32_t c)
{
    utf8proc_category_t kind = utf8proc_category(c);
    return (kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO) ||
           (kind >= UTF8PROC_CATEGORY_ND && kind <= UTF8PROC_CATEGORY_NO) ||
           kind == UTF8PROC_CATEGORY_CO;
}

static bool is_mark(int32_t c)
{
    utf8proc_category_t kind = utf8proc_category(c);
    return kind >= UTF8PROC_CATEGORY_MN && kind <= UTF8PROC_CATEGORY_ME;
}

static bool is_accent(int32_t c)
{
    return c >= 0x300 && c <= 0x36F;
}

// Of its letters and marks; 、 and 。 are neither.
static bool is_east_asian(int32_t c)
{
    for (size_t i = 0; i < sizeof east_asia / sizeof *east_asia; i++)
        if (c >= east_asia[i].from && c <= east_asia[i].to)
            return is_letter(c) || is_mark(c);
    return false;
}

// ---- words and runs ----------------------------------------------------------------------

static int end_word(struct cutter *c)
{
    size_t size = c->size;
    c->size = 0;
    return size > 0 ? c->each(c->ctx, c->word, size) : 0;
}

static int end_run(struct cutter *c)
{
    bool alone = c->run == 1 || !c->whole;
    size_t size = c->run > 0 && alone ? c->last_size : 0;
    c->run = 0;
    return size > 0 ? c->each(c->ctx, c->last, size) : 0;
}

static int end_both(struct cutter *c)
{
    int rc = end_word(c);
    return rc != 0 ? rc : end_run(c);
}

static void add_to_word(struct cutter *c, int32_t character)
{
    if (c->size < WORD_MAX)
        c->size += (size_t)utf8proc_encode_char(character, (utf8proc_uint8_t *)c->word + c->size);
}

// Without accents: so the letter and what else is left of it.
static void add_letter(struct cutter *c, int32_t character)
{
    enum { PARTS = 8 };
    int32_t parts[PARTS];
    int boundary = 0;
    ssize_t n = utf8proc_decompose_char(character, parts, PARTS, UTF8PROC_DECOMPOSE, &boundary);
    if (n < 0 || n > PARTS)
        add_to_word(c, character);
    else
        for (ssize_t i = 0; i < n; i++)
            if (!is_accent(parts[i]))
                add_to_word(c, parts[i]);
}

static int add_to_run(struct cutter *c, int32_t character)
{
    char now[CHARACTER_MAX];
    size_t size = (size_t)utf8proc_encode_char(character, (utf8proc_uint8_t *)now);
    int rc = 0;
    if (c->run > 0) {
        memcpy(c->last + c->last_size, now, size);
        rc = c->each(c->ctx, c->last, c->last_size + size);
    }
    memcpy(c->last, now, size);
    c->last_size = size;
    c->run++;
    return rc;
}

static int add(struct cutter *c, int32_t character)
{
    int rc = 0;
    if (is_east_asian(character)) {
        rc = end_word(c);
        return rc != 0 ? rc : add_to_run(c, character);
    }
    bool goes_on = is_mark(character) && c->size > 0;
    if (!is_letter(character) && !goes_on)
        return is_accent(character) ? 0 : end_both(c);
    if (c->run > 0)
        rc = end_run(c);
    if (rc == 0)
        add_letter(c, character);
    return rc;
}

// ---- texts --------------------------------------------------------------------------------

static bool is_ascii(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] >= 0x80)
            return false;
    return true;
}

static int cut_ascii(struct cutter *c, const char *text, size_t size)
{
    int rc = 0;
    for (size_t i = 0; i < size && rc == 0; i++) {
        char byte = text[i];
        if (byte >= 'A' && byte <= 'Z')
            byte = (char)(byte + 'a' - 'A');
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
        if (!letter)
            rc = byte == STORE_JOINT ? 0 : end_word(c);
        else if (c->size < WORD_MAX)
            c->word[c->size++] = byte;
    }
    return rc != 0 ? rc : end_word(c);
}

// A copy without joints, in which what is no character has become spaces.
static char *made_valid(const char *text, size_t *size)
{
    char *valid = malloc(*size + 1);
    size_t kept = 0;
    if (!valid)
        return NULL;
    for (size_t i = 0; i < *size; i++)
        if (text[i] != STORE_JOINT)
            valid[kept++] = text[i];
    valid[kept] = '\0';
    for (size_t i = 0; i < kept;) {
        int32_t character;
        ssize_t n = utf8proc_iterate((utf8proc_uint8_t *)valid + i, (ssize_t)(kept - i),
                                     &character);
        if (n <= 0 || character == 0) {
            valid[i] = ' ';
            n = 1;
        }
        i += (size_t)n;
    }
    *size = kept;
    return valid;
}

static int cut(struct cutter *c, const char *text, size_t size)
{
    char *valid = made_valid(text, &size);
    if (!valid)
        return -ENOMEM;
    utf8proc_uint8_t *folded = NULL;
    ssize_t left = utf8proc_map((utf8proc_uint8_t *)valid, (ssize_t)size, &folded,
                                UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE |
                                    UTF8PROC_CASEFOLD);
    int rc = left < 0 ? -ENOMEM : 0; // of valid text nothing else fails
    for (ssize_t at = 0; at < left && rc == 0;) {
        int32_t character;
        ssize_t n = utf8proc_iterate(folded + at, left - at, &character);
        if (n <= 0)
            break;
        at += n;
        rc = add(c, character);
    }
    free(folded);
    free(valid);
    return rc != 0 ? rc : end_both(c);
}

int tokens_of(const char *text, size_t size, bool whole, tokens_each *each, void *ctx)
{
    struct cutter c = {.each = each, .ctx = ctx, .whole = whole};
    return is_ascii(text, size) ? cut_ascii(&c, text, size) : cut(&c, text, size);
}
