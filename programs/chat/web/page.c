// SPDX-License-Identifier: MIT
// page.c - see page.h.
//
// The digests are computed when the server starts, not when it is built: a build that runs nothing
// of its own can be a cross build.
#define _GNU_SOURCE // memmem
#include "chat/web/page.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <weft/error.h>

#include "chat/web/digest.h"

struct span {
    const char *at, *end;
};

struct text {
    char *at;
    size_t room; // 0: it did not fit
};

__attribute__((format(printf, 2, 3))) static void add(struct text *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out->at, out->room, format, args);
    va_end(args);
    size_t size = n < 0 || (size_t)n >= out->room ? out->room : (size_t)n;
    out->at += size;
    out->room -= size;
}

static const char *find(struct span in, const char *what)
{
    return memmem(in.at, (size_t)(in.end - in.at), what, strlen(what));
}

// The text of the next element, and *rest behind it. False: there is none.
static bool next_element(struct span *rest, const char *open, const char *close, struct span *text)
{
    const char *tag = find(*rest, open);
    const char *begin = tag ? find((struct span){tag, rest->end}, ">") : NULL;
    const char *end = begin ? find((struct span){begin, rest->end}, close) : NULL;
    if (!end)
        return false;
    *text = (struct span){begin + 1, end};
    rest->at = end;
    return true;
}

static int add_digest(struct text *out, struct span text)
{
    char digest[DIGEST_SHA256_TEXT];
    int rc = digest_sha256(text.at, (size_t)(text.end - text.at), digest);
    if (rc < 0)
        return rc;
    add(out, " 'sha256-%s'", digest);
    return 0;
}

// "; script-src 'sha256-...' ...", and nothing if there is no such element: then none may run.
static int add_elements(struct text *out, struct span html, const char *directive, const char *open,
                        const char *close)
{
    struct span text;
    bool first = true;
    for (; next_element(&html, open, close, &text); first = false) {
        if (first)
            add(out, "; %s", directive);
        int rc = add_digest(out, text);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int page_policy(const void *html, size_t size, char *out, size_t cap)
{
    struct span all = {html, (const char *)html + size};
    struct text policy = {out, cap};
    add(&policy, "default-src 'none'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
                 "form-action 'none'; frame-ancestors 'none'");
    int rc = add_elements(&policy, all, "script-src", "<script", "</script>");
    if (rc == 0)
        rc = add_elements(&policy, all, "style-src", "<style", "</style>");
    if (rc == 0 && policy.room == 0)
        rc = weft_fail(-ENOBUFS, "the page has too many scripts and styles");
    return rc;
}
