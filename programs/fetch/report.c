// SPDX-License-Identifier: MIT
// report.c - what is printed of each page.
//
// Lines are flushed whenever no more results are ready: whoever reads the pipe wants them as they
// come, and a call of the system for each would cost as much as the rest of the line.
#include "fetch/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <weft/error.h>

#include "fetch/fault.h"
#include "fetch/lecture.h"

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

static void print_page(FILE *out, const char *url, const struct page *page)
{
    (void)fprintf(out, "%d %12lld bytes %8.3f s  ", page->status, (long long)page->encoded,
                  seconds(page->ns));
    print_clean(out, url);
    if (page->redirects > 0) {
        (void)fprintf(out, " -> ");
        print_clean(out, page->target);
    }
    if (page->encoding[0]) { // we asked for none; the size is that of what was sent
        (void)fprintf(out, " (");
        print_clean(out, page->encoding);
        (void)putc(')', out);
    }
    (void)putc('\n', out);
}

static void print_failure(FILE *out, const char *url, const struct page *page)
{
    (void)fprintf(out, "weft fetch: ");
    print_clean(out, url[0] != '\0' ? url : "''");
    (void)fprintf(out, ": ");
    fault_print(out, page);
    (void)putc('\n', out);
}

int report_flush(struct report *report)
{
    errno = EIO; // where ferror remembers that a write failed, but not why
    if (!ferror(stdout) && fflush(stdout) == 0)
        return 0;
    report->write_error = errno;
    __fpurge(stdout); // it was told now: not once more when the program ends
    clearerr(stdout);
    return weft_fail(-report->write_error, "standard output: %s", strerror(report->write_error));
}

int report_page(void *ctx, const char *url, const struct page *page)
{
    struct report *report = ctx;
    bool failed = page->fault != FAULT_NONE;
    report->pages++;
    report->failed += failed;
    report->bytes += failed ? 0 : page->encoded;
    if (report->lecture)
        lecture_print(stdout, url, page);
    else if (failed && !report->hide_failures)
        print_failure(stderr, url, page);
    else if (!failed && !report->hide_pages)
        print_page(stdout, url, page);
    return report->at_once ? report_flush(report) : 0;
}

int report_pause(void *ctx)
{
    return report_flush(ctx);
}

void report_summary(const struct report *report, int64_t ns, bool interrupted)
{
    if (report->lecture || (report->pages < 2 && !interrupted))
        return;
    (void)fprintf(stderr, "%s%ld of %ld page%s, %lld bytes in %.3f s",
                  interrupted ? "interrupted: " : "", report->pages - report->failed, report->pages,
                  report->pages == 1 ? "" : "s", (long long)report->bytes, seconds(ns));
    if (report->failed > 0)
        (void)fprintf(stderr, "; %ld failed", report->failed);
    (void)putc('\n', stderr);
}
