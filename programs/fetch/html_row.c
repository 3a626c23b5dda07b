// SPDX-License-Identifier: MIT
// html_row.c - the table of all pages.
//
// A browser takes seconds to lay out one table of 10,000 rows; in parts of which the first is open
// it takes the time of one part. The others open by a click, when the browser searches in the page,
// and on paper.
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>

#include "common/html.h"
#include "common/replace.h"
#include "fetch/fault.h"
#include "fetch/html_parts.h"

// ---- a row -----------------------------------------------------------------------

static void write_chain(FILE *out, const char *url, const struct page *page)
{
    if (page->redirects == 0 || !page->hops)
        return;
    (void)fputs("<ol class=hops aria-label=redirects>", out);
    for (int i = 0; i < page->redirects; i++) {
        const char *next = i + 1 < page->redirects ? page->hops[i + 1].url : page->target;
        (void)fprintf(out, "<li>%d to ", page->hops[i].status);
        html_link(out, next ? next : url, URL_ROW);
    }
    (void)fputs("</ol>", out);
}

static void write_detail(FILE *out, const struct page *page)
{
    bool failed = page->fault != FAULT_NONE;
    (void)fputs("<small>", out);
    if (page->http > 0)
        (void)fprintf(out, page->http % 10 ? "HTTP/%d.%d " : "HTTP/%d ", page->http / 10,
                      page->http % 10);
    if (page->encoding[0]) {
        (void)fputs("· ", out);
        html_text(out, page->encoding, HTML_WHOLE);
        (void)putc(' ', out);
    }
    if (page->address[0]) {
        (void)fputs("· ", out);
        html_text(out, page->address, HTML_WHOLE);
    }
    if (failed && page->encoded > 0) {
        (void)fputs(" · ", out);
        html_size(out, page->encoded);
        (void)fputs(" came, which is not its size", out);
    }
    if (page->head)
        (void)fputs(" · only the claimed size was asked for", out);
    if (page->excess)
        (void)fputs(" · more came than was claimed", out);
    if (page->unverified)
        (void)fputs(" · it ended with the connection: nothing says that it is whole", out);
    (void)fputs("</small>", out);
}

static void size_cell(FILE *out, bool known, int64_t size)
{
    (void)fputs("<td>", out);
    if (known)
        html_size(out, size);
    else
        (void)fputs("–", out);
}

static void change_cell(FILE *out, const struct page *page, const struct page_change *change)
{
    int64_t now = html_size_now(page);
    bool known = change && change->before >= 0 && now >= 0;
    (void)fputs("<td>", out);
    if (known)
        html_change(out, change->before, now);
    else
        (void)fputs("–", out);
    if (change && change->over)
        (void)fputs(" <b class=over>over</b>", out);
}

void html_row(FILE *out, int64_t number, const char *url, const struct page *page,
              const char *words, const struct page_change *change)
{
    bool failed = page->fault != FAULT_NONE, sized = !failed && !page->head;
    (void)fputs(failed ? "<tr class=bad><td>" : "<tr><td>", out);
    html_count(out, number);
    (void)fputs("<td>", out);
    html_link(out, url, URL_ROW);
    if (words) {
        (void)fputs("<p>", out);
        html_text(out, words, HTML_WHOLE);
        (void)fputs("</p>", out);
    }
    write_chain(out, url, page);
    write_detail(out, page);
    (void)fputs("<td>", out);
    if (page->status > 0)
        (void)fprintf(out, "%d", page->status);
    if (failed)
        (void)fprintf(out, " <b class=kind>%s</b>", fault_name(page->fault));
    size_cell(out, sized, page->decoded);
    size_cell(out, sized, page->encoded);
    size_cell(out, page->claimed >= 0, page->claimed);
    (void)fputs("<td>", out);
    html_time(out, page->ns);
    (void)fprintf(out, "<td>%d", page->attempts);
    change_cell(out, page, change);
    (void)putc('\n', out);
}

// ---- all of them -----------------------------------------------------------------

static void begin_part(FILE *out, const struct html *h, int64_t first)
{
    int64_t last = first + HTML_PART - 1 < h->pages ? first + HTML_PART - 1 : h->pages;
    (void)fprintf(out, "<details%s><summary>Pages ", first == 1 ? " open" : "");
    html_count(out, first);
    (void)fputs(" to ", out);
    html_count(out, last);
    (void)fputs(
        "</summary>\n<table class=pages><thead><tr><th scope=col>#<th scope=col>Page"
        "<th scope=col>Status<th scope=col>Decoded<th scope=col>Encoded<th scope=col>Claimed"
        "<th scope=col>Time<th scope=col>Attempts<th scope=col>Change\n<tbody>\n",
        out);
}

static int copy_rows(FILE *out, const struct html *h)
{
    char *line = NULL;
    size_t size = 0;
    int64_t rows = 0;
    for (; getline(&line, &size, h->rows) > 0; rows++) {
        if (rows % HTML_PART == 0)
            begin_part(out, h, rows + 1);
        (void)fputs(line, out);
        if ((rows + 1) % HTML_PART == 0 || rows + 1 == h->pages)
            (void)fputs("</table></details>\n", out);
    }
    free(line);
    return rows == h->pages ? 0 : ferror(h->rows) ? -EIO : -ENOMEM;
}

int html_table(FILE *out, const struct html *h)
{
    int rc = replace_flush(h->rows);
    if (rc < 0 || h->pages == 0)
        return rc;
    rewind(h->rows);
    (void)fputs("<section id=all><h2>All pages</h2>\n<p>In the order in which they came.", out);
    if (h->pages > HTML_PART)
        (void)fprintf(out, " In parts of %d, of which the first is open.", HTML_PART);
    (void)fputs("</p>\n", out);
    rc = copy_rows(out, h);
    (void)fputs("</section>\n", out);
    return rc;
}
