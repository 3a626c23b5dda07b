// SPDX-License-Identifier: MIT
// pages.h - the lecture's five pages, without the Internet: 16 and 17 load them.
//
// Each page takes its time, and then is so many bytes or fails. `weft fetch` does the real thing.
#ifndef WEFT_EXAMPLE_PAGES_H
#define WEFT_EXAMPLE_PAGES_H

#include <errno.h>

#include "example.h"

struct page {
    const char *url;
    double seconds;    // how long it takes
    long size;         // in bytes
    const char *error; // or what goes wrong
};

static const struct page pages[] = {
    {"http://www.foxnews.com/", 0.3, 283456, NULL},
    {"http://www.cnn.com/", 0.5, 1123456, NULL},
    {"http://europe.wsj.com/", 0.2, 0, "HTTP Error 401: Unauthorized"},
    {"http://www.bbc.co.uk/", 0.4, 345678, NULL},
    {"http://some-made-up-domain.com/", 0.1, 0, "HTTP Error 502: Name or service not known"},
};
enum { PAGES = sizeof pages / sizeof *pages };

static int load_url(const struct page *page, long *size)
{
    int rc = weft_sleep(after_seconds(page->seconds));
    if (rc < 0)
        return rc;
    if (page->error)
        return weft_fail(-EIO, "%s", page->error);
    *size = page->size;
    return 0;
}
WEFT_TASK(load_url, struct page, long);

// The lecture's two lines: its `except`, and its `else`.
static void print_page(const char *url, int code, const char *message, long size)
{
    if (code < 0)
        printf("'%s' generated an exception: %s\n", url, message);
    else
        printf("'%s' page is %ld bytes\n", url, size);
}

#endif
