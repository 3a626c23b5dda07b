// SPDX-License-Identifier: MIT
// html.h - the report as one self-contained page: bars of size, a waterfall of time, inline SVG.
#ifndef WEFT_PROGRAMS_FETCH_HTML_H
#define WEFT_PROGRAMS_FETCH_HTML_H

#include <stdint.h>

#include "fetch/output.h"

// Beside the file until it is whole, then in its place: who looks sees the old or the new. NULL:
// the reason is in weft_error(). Pages go to a temporary file as they come, so memory does not grow.
struct html;
struct html *html_open(const char *path);
void html_page(struct html *h, const char *url, const struct page *page,
               const struct page_change *change);
int html_close(struct html **h, const struct totals *totals, int64_t ns); // 0, or -errno

#endif
