// SPDX-License-Identifier: MIT
// report.h - what is printed of each page, and of all of them.
//
// Pages go to stdout, one line each; what broke, and the summary, to stderr, so that a pipe gets
// only sizes that are true.
//
//     200       345678 bytes    0.402 s  http://www.bbc.co.uk/ -> https://www.bbc.co.uk/
//     weft fetch: http://europe.wsj.com/: 401 Unauthorized (HTTP)
//     4 of 5 pages, 1752590 bytes in 0.524 s; 1 failed
#ifndef WEFT_PROGRAMS_FETCH_REPORT_H
#define WEFT_PROGRAMS_FETCH_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "fetch/page.h"

struct report {
    bool lecture;       // the lecture's lines instead, all on stdout, no summary
    bool at_once;       // flush each line: stdout is a terminal
    bool hide_pages;    // on stdout
    bool hide_failures; // on stderr
    long pages, failed;
    int64_t bytes;   // of the pages that did not fail
    int write_error; // of stdout: an errno, or 0
};

// For a pages_seen (pages.h); ctx is a struct report. 0, or -write_error.
int report_page(void *ctx, const char *url, const struct page *page);
int report_pause(void *ctx);
int report_flush(struct report *report); // stdout: likewise
void report_summary(const struct report *report, int64_t ns, bool interrupted);

#endif
