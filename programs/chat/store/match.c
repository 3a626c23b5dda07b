// SPDX-License-Identifier: MIT
// match.c - what FTS5 shall match: see tokens.h.
//
// What stands between two spaces is a phrase, so that foo-bar and 多线程 mean what they show. But
// Chinese beside Latin, as in 多线程threads, is written so by some and with a space by others: the
// phrase is cut there. A single character is the beginning of a pair or the end of a run, which is
// what a prefix finds.
#include "chat/store/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct match {
    FILE *out;
    bool open;       // a phrase
    bool east_asian; // its words are
    bool single;     // the phrase is one such character: it becomes a prefix
    bool anything;   // was written
};

static void end_phrase(struct match *m)
{
    if (!m->open)
        return;
    fputs(m->single ? "\" *" : "\"", m->out);
    m->open = false;
}

// A word is of East Asia if it is not ASCII and has at most two characters: pairs have two. Another
// script's short word is then cut off from its neighbours, which finds a little more, never less.
static size_t characters_in(const char *word, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += ((unsigned char)word[i] & 0xC0) != 0x80;
    return count;
}

static bool looks_east_asian(const char *word, size_t size)
{
    return (unsigned char)word[0] >= 0xE1 && characters_in(word, size) <= 2;
}

static int add_word(void *ctx, const char *word, size_t size)
{
    struct match *m = ctx;
    bool east_asian = looks_east_asian(word, size);
    if (m->open && east_asian != m->east_asian)
        end_phrase(m);
    if (!m->open)
        fputs(m->anything ? " AND \"" : "\"", m->out);
    else
        fputc(' ', m->out);
    m->single = !m->open && east_asian && characters_in(word, size) == 1;
    m->open = m->anything = true;
    m->east_asian = east_asian;
    fwrite(word, 1, size, m->out);
    return 0;
}

// The size of a space that text begins with, 0 if there is none. Who writes Chinese has a wide one.
static size_t space_at(const char *text)
{
    static const char wide[] = "\xE3\x80\x80"; // U+3000
    if (strncmp(text, wide, sizeof wide - 1) == 0)
        return sizeof wide - 1;
    return *text && strchr(" \t\r\n", *text) ? 1 : 0;
}

static size_t size_until_space(const char *text)
{
    size_t size = 0;
    while (text[size] && space_at(text + size) == 0)
        size++;
    return size;
}

char *tokens_match(const char *words)
{
    char *text = NULL;
    size_t size;
    struct match m = {.out = open_memstream(&text, &size)};
    if (!m.out)
        return NULL;
    int rc = 0;
    for (const char *at = words; *at && rc == 0;) {
        size_t part = size_until_space(at);
        rc = tokens_of(at, part, true, add_word, &m);
        end_phrase(&m);
        at += part + space_at(at + part);
    }
    if (fclose(m.out) == EOF || rc < 0) { // of memory only
        free(text);
        return NULL;
    }
    return text;
}
