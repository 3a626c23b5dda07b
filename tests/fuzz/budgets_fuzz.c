// SPDX-License-Identifier: MIT
// budgets_fuzz.c - any bytes as the file of budgets of weft fetch (fetch/budget.h).
//
// The file is memory that has a name. A mistake is one line that says where. Else each line is
// found by its own URL, the longest beginning as the plain way finds it, and once all are found
// none is missing.
#define _GNU_SOURCE // memfd_create
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <weft/error.h>

#include "fetch/budget.h"

enum { LINES = 64 };

struct lines {
    struct {
        char *url; // without its *
        int64_t size;
        bool beginning;
    } rows[LINES];
    int length;
};

static const char *read_size(const char *value, void *target)
{
    char *end;
    long long size = strtoll(value, &end, 10);
    *(int64_t *)target = size;
    return *end == '\0' && size > 0 ? NULL : "is not a size";
}

static void add(void *ctx, const char *url, int64_t size)
{
    struct lines *lines = ctx;
    size_t length = strlen(url);
    must(size > 0 && length > 0 && !strpbrk(url, " \t\r\n"));
    if (lines->length == LINES)
        return;
    bool beginning = url[length - 1] == '*';
    char *own = strndup(url, beginning ? length - 1 : length);
    must(own);
    lines->rows[lines->length].url = own;
    lines->rows[lines->length].size = size;
    lines->rows[lines->length++].beginning = beginning;
}

// Each is tried: its own line, or else the longest beginning.
static int64_t plain(const struct lines *lines, const char *url)
{
    int64_t found = -1;
    size_t length = 0;
    for (int i = 0; i < lines->length; i++) {
        size_t own = strlen(lines->rows[i].url);
        if (!lines->rows[i].beginning && strcmp(lines->rows[i].url, url) == 0)
            return lines->rows[i].size;
        if (lines->rows[i].beginning && (found < 0 || own > length) &&
            strncmp(lines->rows[i].url, url, own) == 0) {
            found = lines->rows[i].size;
            length = own;
        }
    }
    return found;
}

static void count(void *ctx, const char *url, int64_t size)
{
    (void)url, (void)size;
    ++*(int *)ctx;
}

static void find_all(struct budgets *b, const struct lines *lines)
{
    for (int i = 0; i < lines->length; i++) {
        const char *url = lines->rows[i].url;
        char longer[4200]; // the longest input has 4096 bytes
        must((size_t)snprintf(longer, sizeof longer, "%s\x01", url) < sizeof longer);
        must(budgets_find(b, url) == plain(lines, url));
        must(budgets_find(b, longer) == plain(lines, longer));
        longer[strlen(url)] = '~';
        must(budgets_find(b, longer) == plain(lines, longer));
    }
}

static void check(struct budgets *b)
{
    struct lines lines = {.length = 0};
    int missing = 0;
    budgets_missing(b, add, &lines);
    if (lines.length < LINES) { // else there may be more
        find_all(b, &lines);
        budgets_missing(b, count, &missing);
        must(missing == 0);
    }
    for (int i = 0; i < lines.length; i++)
        free(lines.rows[i].url);
}

static void check_wrong(const char *path)
{
    size_t size = strlen(path);
    must(strncmp(weft_error(), path, size) == 0 && weft_error()[size] == ':');
    must(strtol(weft_error() + size + 1, NULL, 10) > 0);
    must(!strchr(weft_error(), '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("budgets", MFD_CLOEXEC);
    if (size > 4096)
        size = 4096;
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct budgets *b = budgets_read(path, read_size);
    if (b)
        check(b);
    else
        check_wrong(path);
    budgets_free(&b);
    (void)close(fd); // it is memory
    return 0;
}
