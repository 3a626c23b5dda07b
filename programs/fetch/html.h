// SPDX-License-Identifier: MIT
// html.h - the report as one self-contained page: bars of size, a waterfall of time, inline SVG.
//
//     struct html *h = html_open("report.html");
//     html_page(h, url, &page, NULL);
//     int rc = html_close(&h, totals, ns);
//
// It needs no script, asks nobody for anything, and says so to the browser (a Content-Security-
// Policy). Pages go to a scratch file as they come, so that memory does not grow with their number;
// of those that are drawn or listed at the top, HTML_SHOWN at most are kept. All of it is called by
// one task at a time, and blocks on the disk.
#ifndef WEFT_PROGRAMS_FETCH_HTML_H
#define WEFT_PROGRAMS_FETCH_HTML_H

#include <stdbool.h>
#include <stdint.h>

#include "fetch/output.h"
#include "fetch/totals.h"

enum {
    HTML_SHOWN = 200, // in each drawing and list: the largest, the slowest, the first failed
    HTML_PART = 500,  // rows in each part of the table of all pages
};

// The path can be written to, or NULL: the reason, which names it, is in weft_error().
struct html;
struct html *html_open(const char *path);

// What fails here is told by html_close. `change` may be NULL.
void html_page(struct html *h, const char *url, const struct page *page,
               const struct page_change *change);

// The run did not come to its end (Ctrl+C): the report says so.
void html_cut_short(struct html *h);

// Budgets that no page of this report misses: lines of the file of budgets without any page, and
// pages that the run had before it was resumed.
void html_missed(struct html *h, int64_t not_fetched, int64_t earlier);
// Pages that the run before had not, and that only it had; -1: not known.
void html_others(struct html *h, int64_t fresh, int64_t gone);

// Put the report in its place (common/replace.h): who looks sees the old or the new. totals NULL:
// nothing is written, the old one stays. 0, or -errno with the reason in weft_error().
int html_close(struct html **h, const struct totals *totals, int64_t ns);

#endif
