// SPDX-License-Identifier: MIT
// budget.c - see budget.h.
//
// Two sorted tables: whole URLs, and beginnings. The longest beginning of a URL is found without
// trying each: the last one in order that is not behind the URL either is one, or shares with the
// URL all that the right one has, and so begins with it. Each knows the longest that it begins
// with itself: so the right one is at the end of a short chain.
#include "fetch/budget.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <weft/error.h>

enum { LINE_MOST = 65536 };

struct budget {
    char *url; // of a beginning without its *
    size_t length;
    int64_t size;
    long line;
    ptrdiff_t up; // of a beginning: the longest other one that it begins with, or -1
    bool found;
};

struct table {
    struct budget *rows;
    size_t length, room;
};

struct budgets {
    struct table whole, beginnings;
};

// ---- lines ----------------------------------------------------------------------------

struct reader {
    const char *path;
    long line;
    option_reader *size;
    struct budgets *budgets;
};

static const char spaces[] = " \t\r\n";

static bool is_url(const char *url, bool beginning)
{
    return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0 ||
           (beginning && !*url);
}

__attribute__((nonnull)) static int add(struct table *t, struct budget row)
{
    if (t->length == t->room) {
        size_t room = t->room ? 2 * t->room : 16;
        struct budget *rows = realloc(t->rows, room * sizeof *rows);
        if (!rows)
            return -ENOMEM;
        t->rows = rows;
        t->room = room;
    }
    char *own = malloc(row.length + 2); // room for a *: see budgets_missing
    if (!own)
        return -ENOMEM;
    row.url = memcpy(own, row.url, row.length + 1);
    t->rows[t->length++] = row;
    return 0;
}

static int take_words(struct reader *r, char *url, const char *size_word)
{
    int64_t size = 0;
    size_t length = strlen(url);
    bool beginning = url[length - 1] == '*';
    const char *wrong = r->size(size_word, &size);
    if (wrong)
        return weft_fail(-EINVAL, "%s:%ld: %s %s", r->path, r->line, size_word, wrong);
    if (beginning)
        url[--length] = '\0';
    if (!is_url(url, beginning))
        return weft_fail(-EINVAL, "%s:%ld: %s begins with neither http:// nor https://", r->path,
                         r->line, url);
    int rc = add(beginning ? &r->budgets->beginnings : &r->budgets->whole,
                 (struct budget){url, length, size, r->line, -1, false});
    return rc < 0 ? weft_fail(rc, "%s: out of memory", r->path) : 0;
}

// A # begins a comment where a word could begin, so that it may stand in a URL.
static void cut_comment(char *line)
{
    for (char *p = line; *p; p++)
        if (*p == '#' && (p == line || strchr(spaces, p[-1])))
            *p = '\0';
}

static int take_line(struct reader *r, char *line)
{
    char *rest;
    cut_comment(line);
    char *url = strtok_r(line, spaces, &rest);
    if (!url)
        return 0;
    const char *size = strtok_r(NULL, spaces, &rest);
    if (!size)
        return weft_fail(-EINVAL, "%s:%ld: there is no size behind the URL", r->path, r->line);
    if (strtok_r(NULL, spaces, &rest))
        return weft_fail(-EINVAL, "%s:%ld: more than a URL and a size", r->path, r->line);
    return take_words(r, url, size);
}

// At the beginning of a file some editors put a mark that it is UTF-8, which nobody sees.
static char *behind_mark(char *line)
{
    static const char mark[] = "\xef\xbb\xbf";
    return strncmp(line, mark, strlen(mark)) == 0 ? line + strlen(mark) : line;
}

static int take_lines(struct reader *r, FILE *file)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    int rc = 0;
    while (rc == 0 && (n = getline(&line, &room, file)) >= 0) {
        r->line++;
        if (n > LINE_MOST || strlen(line) < (size_t)n)
            rc = weft_fail(-EINVAL, "%s:%ld: %s", r->path, r->line,
                           n > LINE_MOST ? "a line of more than 64 KiB" : "there is a zero byte");
        else
            rc = take_line(r, r->line == 1 ? behind_mark(line) : line);
    }
    if (rc == 0 && ferror(file))
        rc = weft_fail(errno ? -errno : -EIO, "%s: %s", r->path, strerror(errno ? errno : EIO));
    free(line);
    return rc;
}

// ---- tables ---------------------------------------------------------------------------

static int by_url(const void *a, const void *b)
{
    const struct budget *one = a, *other = b;
    int order = strcmp(one->url, other->url);
    return order != 0 ? order : (one->line > other->line) - (one->line < other->line);
}

__attribute__((nonnull)) static int sort(const struct reader *r, struct table *t)
{
    if (t->length > 0)
        qsort(t->rows, t->length, sizeof *t->rows, by_url);
    for (size_t i = 1; i < t->length; i++)
        if (strcmp(t->rows[i - 1].url, t->rows[i].url) == 0)
            return weft_fail(-EINVAL, "%s:%ld: the same URL as in line %ld", r->path,
                             t->rows[i].line, t->rows[i - 1].line);
    return 0;
}

static bool begins_with(const char *url, const struct budget *row)
{
    return strncmp(url, row->url, row->length) == 0;
}

// The longest of row `at` and its chain that the URL begins with, or -1.
static ptrdiff_t climb(const struct table *t, ptrdiff_t at, const char *url)
{
    while (at >= 0 && !begins_with(url, &t->rows[at]))
        at = t->rows[at].up;
    return at;
}

__attribute__((nonnull)) static void chain(struct table *t)
{
    for (size_t i = 1; i < t->length; i++)
        t->rows[i].up = climb(t, (ptrdiff_t)i - 1, t->rows[i].url);
}

// The last row that is not behind the URL, or -1.
static ptrdiff_t last_before(const struct table *t, const char *url)
{
    size_t low = 0, high = t->length; // rows below low are not behind it, those from high on are
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(t->rows[middle].url, url) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return (ptrdiff_t)low - 1;
}

int64_t budgets_find(struct budgets *b, const char *url)
{
    struct table *t = &b->whole;
    ptrdiff_t at = last_before(t, url);
    if (at < 0 || strcmp(t->rows[at].url, url) != 0) {
        t = &b->beginnings;
        at = climb(t, last_before(t, url), url);
    }
    if (at < 0)
        return -1;
    t->rows[at].found = true;
    return t->rows[at].size;
}

void budgets_missing(const struct budgets *b, budget_seen *seen, void *ctx)
{
    const struct table *whole = &b->whole, *beginnings = &b->beginnings;
    for (size_t i = 0; i < whole->length; i++)
        if (!whole->rows[i].found)
            seen(ctx, whole->rows[i].url, whole->rows[i].size);
    for (size_t i = 0; i < beginnings->length; i++) {
        struct budget *row = &beginnings->rows[i];
        if (row->found)
            continue;
        row->url[row->length] = '*';
        row->url[row->length + 1] = '\0';
        seen(ctx, row->url, row->size);
        row->url[row->length] = '\0';
    }
}

// ---- all of it ------------------------------------------------------------------------

static void table_free(struct table *t)
{
    for (size_t i = 0; i < t->length; i++)
        free(t->rows[i].url);
    free(t->rows);
}

void budgets_free(struct budgets **b)
{
    if (!*b)
        return;
    table_free(&(*b)->whole);
    table_free(&(*b)->beginnings);
    free(*b);
    *b = NULL;
}

struct budgets *budgets_read(const char *path, option_reader *size)
{
    struct budgets *b = calloc(1, sizeof *b);
    FILE *file = b ? fopen(path, "re") : NULL;
    int rc = file ? 0
             : b  ? weft_fail(-errno, "%s: %s", path, strerror(errno))
                  : weft_fail(-ENOMEM, "%s: out of memory", path);
    struct reader r = {.path = path, .size = size, .budgets = b};
    if (rc == 0)
        rc = take_lines(&r, file);
    if (rc == 0)
        rc = sort(&r, &b->whole);
    if (rc == 0)
        rc = sort(&r, &b->beginnings);
    if (rc == 0)
        chain(&b->beginnings);
    else
        budgets_free(&b);
    if (file)
        (void)fclose(file); // only read
    return b;
}
