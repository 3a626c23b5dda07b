// SPDX-License-Identifier: MIT
// irc_pattern.c - see irc_pattern.h. The words that were found are the program's: it plays one file
// and ends.
#include "irc_pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 64, WORD = 200 };

static struct {
    char name[WORD], value[WORD];
} words[WORDS];
static int word_count;

static char *find_word(const char *name, size_t size)
{
    for (int i = 0; i < word_count; i++)
        if (strlen(words[i].name) == size && strncmp(words[i].name, name, size) == 0)
            return words[i].value;
    return NULL;
}

static const char *read_hex(const char *at, char *out)
{
    char digits[3] = {at[0], at[0] ? at[1] : '\0', '\0'};
    *out = (char)strtol(digits, NULL, 16);
    return at + 2;
}

size_t pattern_expand(const char *from, char *out)
{
    const char *begin = out;
    while (*from) {
        const char *close = *from == '{' ? strchr(from, '}') : NULL;
        char *value = close ? find_word(from + 1, (size_t)(close - from) - 1) : NULL;
        if (value) {
            out = stpcpy(out, value);
            from = close + 1;
        } else if (from[0] == '\\' && from[1] == 'x') {
            from = read_hex(from + 2, out++);
        } else if (from[0] == '\\' && from[1] == 's') {
            *out++ = ' ';
            from += 2;
        } else {
            *out++ = *from++;
        }
    }
    return (size_t)(out - begin);
}

static bool fits(const char *pattern, const char *text);

static bool fits_word(const char *pattern, const char *text)
{
    const char *close = strchr(pattern, '}');
    size_t size = (size_t)(close - pattern) - 1;
    char *known = find_word(pattern + 1, size);
    if (known)
        return strncmp(text, known, strlen(known)) == 0 && fits(close + 1, text + strlen(known));
    size_t most = strcspn(text, " ;");
    if (word_count == WORDS || size >= WORD) {
        (void)fputs("irc_pattern: too many words\n", stderr);
        abort();
    }
    int slot = word_count++;
    (void)snprintf(words[slot].name, WORD, "%.*s", (int)size, pattern + 1);
    for (size_t n = most; n > 0; n--) {
        (void)snprintf(words[slot].value, WORD, "%.*s", (int)n, text);
        if (fits(close + 1, text + n))
            return true;
    }
    word_count = slot;
    return false;
}

static bool fits(const char *pattern, const char *text)
{
    char c;
    for (;; pattern++, text++) {
        if (*pattern == '{' && strchr(pattern, '}'))
            return fits_word(pattern, text);
        if (*pattern == '*') {
            while (!fits(pattern + 1, text))
                if (!*text++)
                    return false;
            return true;
        }
        if (!*pattern || !*text)
            return !*pattern && !*text;
        c = *pattern;
        if (c == '\\' && pattern[1] == 'x') {
            pattern = read_hex(pattern + 2, &c) - 1;
        } else if (c == '\\' && pattern[1]) {
            c = *++pattern == 's' ? ' ' : *pattern;
        }
        if (c != *text)
            return false;
    }
}

// Each tag of the pattern is one of the line's.
static bool fits_tags(const char *pattern, size_t size, const char *line)
{
    char wanted[PATTERN_TEXT], tags[PATTERN_TEXT];
    size_t tags_size = *line == '@' ? strcspn(line + 1, " ") : 0;
    (void)snprintf(wanted, sizeof wanted, "%.*s", (int)size, pattern);
    if (strcmp(wanted, "-") == 0)
        return tags_size == 0;
    char *at = wanted;
    for (char *want; (want = strsep(&at, ";"));) {
        bool found = false;
        (void)snprintf(tags, sizeof tags, "%.*s", (int)tags_size, line + 1);
        char *rest = tags;
        for (char *tag; !found && (tag = strsep(&rest, ";"));)
            found = fits(want, tag);
        if (!found)
            return false;
    }
    return true;
}

bool pattern_fits(const char *pattern, const char *line)
{
    int known = word_count;
    const char *body = *line == '@' ? line + strcspn(line, " ") + 1 : line;
    size_t size = *pattern == '@' ? strcspn(pattern + 1, " ") : 0;
    bool good = size == 0 || fits_tags(pattern + 1, size, line);
    good = good && fits(size > 0 ? pattern + 1 + size + 1 : pattern, body);
    if (!good)
        word_count = known;
    return good;
}
