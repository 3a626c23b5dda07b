// SPDX-License-Identifier: MIT
// html_summary.c - the top of the report: the verdict, the figures, what failed, what changed.
#include <time.h>
#include <weft/base.h>

#include "common/html.h"
#include "fetch/fault.h"
#include "fetch/html_parts.h"

// ---- head ------------------------------------------------------------------------

static const char *plural(int64_t n)
{
    return n == 1 ? "" : "s";
}

static bool are_budgets_kept(const struct html_changes *c)
{
    return c->over == 0 && c->not_fetched == 0 && c->earlier == 0;
}

static void write_budgets(FILE *out, const struct html_changes *c)
{
    if (c->over > 0) {
        (void)putc(' ', out);
        html_count(out, c->over);
        (void)fputs(" over budget.", out);
    }
    if (c->earlier > 0) {
        (void)fputs(" Of those that were fetched before, ", out);
        html_count(out, c->earlier);
        (void)fputs(c->earlier == 1 ? " is over budget." : " are over budget.", out);
    }
    if (c->not_fetched > 0) {
        (void)putc(' ', out);
        html_count(out, c->not_fetched);
        (void)fputs(c->not_fetched == 1 ? " budget is of a page that was not fetched."
                                        : " budgets are of pages that were not fetched.",
                    out);
    }
}

static void write_verdict(FILE *out, const struct html *h, const struct totals_sum *sum)
{
    bool kept = are_budgets_kept(&h->changes);
    bool good = sum->pages > 0 && sum->failed == 0 && kept && !h->cut_short;
    (void)fprintf(out, "<p class=\"verdict %s\">", good ? "fine" : "poor");
    if (h->cut_short)
        (void)fputs("The run was cut short: what it had not asked for is not here. ", out);
    if (sum->pages == 0) {
        (void)fputs("There was no page to fetch.", out);
    } else if (sum->failed == 0) {
        (void)fputs(sum->pages == 1 ? "The page" : "All ", out);
        if (sum->pages != 1)
            html_count(out, sum->pages);
        (void)fputs(sum->pages == 1 ? " arrived." : " pages arrived.", out);
    } else {
        html_count(out, sum->failed);
        (void)fputs(" of ", out);
        html_count(out, sum->pages);
        (void)fprintf(out, " page%s failed.", plural(sum->pages));
    }
    write_budgets(out, &h->changes);
    (void)fputs("</p>\n", out);
}

static void write_day(FILE *out)
{
    char day[64];
    time_t now = time(NULL);
    struct tm tm;
    if (gmtime_r(&now, &tm) && strftime(day, sizeof day, "%Y-%m-%d %H:%M UTC", &tm) > 0)
        (void)fprintf(out, "<time>%s</time>", day);
}

static bool has_changes(const struct html_changes *c)
{
    return c->grown + c->shrunk + c->same + c->over > 0 || c->fresh > 0 || c->gone > 0;
}

static void write_contents(FILE *out, const struct html *h, const struct totals_sum *sum)
{
    (void)fputs("<nav aria-label=Contents>", out);
    if (sum->failed > 0)
        (void)fputs("<a href=\"#failures\">Failures</a> ", out);
    if (has_changes(&h->changes))
        (void)fputs("<a href=\"#changes\">Changes</a> ", out);
    if (h->largest->length > 0)
        (void)fputs("<a href=\"#sizes\">Sizes</a> ", out);
    if (h->pages > 0)
        (void)fputs("<a href=\"#times\">Times</a> <a href=\"#all\">All pages</a>", out);
    (void)fputs("</nav>\n", out);
}

void html_head(FILE *out, const struct html *h, const struct totals_sum *sum)
{
    (void)fputs("<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
                "<meta http-equiv=Content-Security-Policy "
                "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
                "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=color-scheme content=\"light dark\">\n"
                "<meta name=referrer content=no-referrer>\n<title>Page sizes: ",
                out);
    html_count(out, sum->pages - sum->failed);
    (void)fputs(" of ", out);
    html_count(out, sum->pages);
    (void)fputs(" arrived</title>\n<style>\n", out);
    (void)fwrite(html_css, 1, html_css_size, out);
    (void)fprintf(out, "</style>\n</head>\n<body%s>\n<main>\n<header>\n<p>weft fetch %s · ",
                  h->changes.grown + h->changes.shrunk + h->changes.same + h->changes.over > 0
                      ? ""
                      : " class=unchanged",
                  weft_version());
    write_day(out);
    (void)fputs("</p>\n<h1>Page sizes</h1>\n", out);
    write_verdict(out, h, sum);
    write_contents(out, h, sum);
    (void)fputs("</header>\n", out);
}

// ---- figures ---------------------------------------------------------------------

static void tile_begin(FILE *out, const char *name)
{
    (void)fprintf(out, "<div><dt>%s<dd>", name);
}

static void tile_arrived(FILE *out, const struct totals_sum *sum)
{
    tile_begin(out, "Arrived");
    html_count(out, sum->pages - sum->failed);
    (void)fputs("<small>of ", out);
    html_count(out, sum->pages);
    (void)fprintf(out, " page%s</small></div>\n", plural(sum->pages));
    (void)fprintf(out, "<div%s><dt>Failed<dd>", sum->failed > 0 ? " class=poor" : "");
    html_count(out, sum->failed);
    (void)fputs("<small>", out);
    if (sum->failed > 0)
        html_number(out, (double)sum->failed * 100 / (double)sum->pages);
    (void)fputs(sum->failed > 0 ? " % of all</small></div>\n" : "none</small></div>\n", out);
}

static void tile_sizes(FILE *out, const struct totals_sum *sum)
{
    if (sum->heads > 0) {
        tile_begin(out, "Claimed");
        html_size(out, sum->claimed);
        (void)fputs("<small>as the servers say</small></div>\n", out);
    }
    if (sum->heads == sum->pages - sum->failed)
        return;
    tile_begin(out, "Size, decoded");
    html_size(out, sum->decoded);
    (void)fputs("<small>of the pages that arrived</small></div>\n", out);
    tile_begin(out, "Encoded");
    html_size(out, sum->encoded);
    (void)fputs("<small>as sent", out);
    if (sum->decoded > 0) {
        (void)fputs(": ", out);
        html_number(out, (double)sum->encoded * 100 / (double)sum->decoded);
        (void)fputs(" % of it", out);
    }
    (void)fputs("</small></div>\n", out);
}

static void tile_time(FILE *out, const struct totals_sum *sum, int64_t ns)
{
    tile_begin(out, "Time");
    html_time(out, ns);
    if (ns > 0 && sum->pages > 0) {
        (void)fputs("<small>", out);
        html_number(out, (double)sum->pages * 1e9 / (double)ns);
        (void)fputs(" pages a second</small>", out);
    }
    (void)fputs("</div>\n", out);
}

static void percentiles(FILE *out, const char *name, const struct totals *t,
                        int64_t (*at)(const struct totals *, double),
                        void (*print)(FILE *, int64_t))
{
    static const double shares[] = {50, 90, 99, 100};
    (void)fprintf(out, "<tr><th scope=row>%s", name);
    for (int i = 0; i < 4; i++) {
        (void)fputs("<td>", out);
        print(out, at(t, shares[i]));
    }
    (void)putc('\n', out);
}

void html_summary(FILE *out, const struct totals *totals, int64_t ns)
{
    const struct totals_sum *sum = totals_sum(totals);
    (void)fputs("<section id=summary aria-label=Summary>\n<dl class=tiles>\n", out);
    tile_arrived(out, sum);
    tile_sizes(out, sum);
    tile_time(out, sum, ns);
    (void)fputs("</dl>\n", out);
    if (sum->pages > 1 && sum->pages > sum->failed) {
        (void)fputs(
            "<table class=spread><caption>Of the pages that arrived</caption>\n<thead><tr><td>"
            "<th scope=col>half within<th scope=col>90 % within<th scope=col>99 % within"
            "<th scope=col>the most\n"
            "<tbody>\n",
            out);
        if (sum->heads < sum->pages - sum->failed)
            percentiles(out, "Size, decoded", totals, totals_size_at, html_size);
        percentiles(out, "Time", totals, totals_ns_at, html_time);
        (void)fputs("</table>\n", out);
    }
    (void)fputs("</section>\n", out);
}

// ---- failures --------------------------------------------------------------------

static void write_kinds(FILE *out, const struct totals_sum *sum)
{
    (void)fputs("<p class=kinds>", out);
    for (int i = FAULT_NONE + 1; i < FAULTS; i++) {
        if (sum->failed_by[i] == 0)
            continue;
        (void)fprintf(out, "<span><b class=kind>%s</b> ", fault_name((enum page_fault)i));
        html_count(out, sum->failed_by[i]);
        (void)fputs("</span> ", out);
    }
    (void)fputs("</p>\n", out);
}

static void failure_row(FILE *out, const struct html_pick *pick)
{
    (void)fputs("<tr class=bad><td>", out);
    html_link(out, pick->url, URL_ROW);
    (void)fputs("<p>", out);
    html_text(out, pick->words, HTML_WHOLE);
    (void)fprintf(out, "</p><td><b class=kind>%s</b><td>", fault_name(pick->page.fault));
    html_time(out, pick->page.ns);
    (void)fprintf(out, "<td>%d\n", pick->page.attempts);
}

void html_failures(FILE *out, const struct html *h, const struct totals_sum *sum)
{
    const struct html_picks *p = h->broken;
    if (p->length == 0)
        return;
    (void)fputs("<section id=failures><h2>Failures</h2>\n", out);
    write_kinds(out, sum);
    html_limit(out, p, "first failures");
    for (int i = 0; i < p->length; i++) {
        if (html_fold(out, p, i, "</table>\n") || i == 0)
            (void)fputs("<table class=failed><thead><tr><th scope=col>Page, and what broke"
                        "<th scope=col>Kind<th scope=col>Time<th scope=col>Attempts\n<tbody>\n",
                        out);
        failure_row(out, &p->picks[i]);
    }
    (void)fputs("</table>", out);
    html_unfold(out, p);
    (void)fputs("</section>\n", out);
}

// ---- changes and budgets ---------------------------------------------------------

static void write_together(FILE *out, const struct html_changes *c)
{
    (void)fputs(" Together the pages of both were ", out);
    html_size(out, c->before);
    (void)fputs(" and are ", out);
    html_size(out, c->now);
    (void)fputs(" (", out);
    html_change(out, c->before, c->now);
    (void)fputs(").", out);
}

static void write_comparison(FILE *out, const struct html_changes *c)
{
    const struct {
        int64_t count;
        const char *word;
    } counts[] = {{c->grown, " grew"},
                  {c->shrunk, " shrank"},
                  {c->same, " stayed the same"},
                  {c->fresh, " new"},
                  {c->gone, " gone"}};
    int64_t compared = c->grown + c->shrunk + c->same;
    if (compared == 0 && c->fresh <= 0 && c->gone <= 0)
        return; // only budgets
    (void)fputs("<p>Against the run before: ", out);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (i >= 3 && counts[i].count <= 0)
            continue; // most often there are none
        (void)fputs(i > 0 ? ", " : "", out);
        html_count(out, counts[i].count);
        (void)fputs(counts[i].word, out);
    }
    (void)fputc('.', out);
    if (compared > 0)
        write_together(out, c);
    (void)fputs("</p>\n", out);
}

static void known_size(FILE *out, int64_t size)
{
    (void)fputs("<td>", out);
    if (size >= 0)
        html_size(out, size);
    else
        (void)fputs("–", out);
}

static void difference_row(FILE *out, const struct html_pick *pick)
{
    const struct page_change *change = &pick->change;
    int64_t now = html_size_now(&pick->page);
    (void)fputs(change->over ? "<tr class=bad><td>" : "<tr><td>", out);
    html_link(out, pick->url, URL_ROW);
    known_size(out, change->before);
    known_size(out, now);
    (void)fputs("<td>", out);
    if (change->before >= 0 && now >= 0)
        html_change(out, change->before, now);
    else
        (void)fputs(now < 0 ? "failed" : "new", out);
    known_size(out, change->budget);
    (void)fprintf(out, "<td>%s\n", change->over ? "<b class=over>over</b>" : "–");
}

void html_differences(FILE *out, const struct html *h)
{
    const struct html_picks *p = h->changed;
    const struct html_changes *c = &h->changes;
    if (!has_changes(c))
        return;
    (void)fputs("<section id=changes><h2>Changes and budgets</h2>\n", out);
    write_comparison(out, c);
    html_limit(out, p, "pages over budget, or else most changed,");
    for (int i = 0; i < p->length; i++) {
        if (html_fold(out, p, i, "</table>\n") || i == 0)
            (void)fputs("<table class=changed><thead><tr><th scope=col>Page<th scope=col>Before"
                        "<th scope=col>Now<th scope=col>Change<th scope=col>Budget"
                        "<th scope=col>Verdict\n<tbody>\n",
                        out);
        difference_row(out, &p->picks[i]);
    }
    if (p->length > 0)
        (void)fputs("</table>", out);
    html_unfold(out, p);
    (void)fputs("</section>\n", out);
}

// ---- foot ------------------------------------------------------------------------

void html_foot(FILE *out)
{
    (void)fputs(
        "<footer><p><b>Decoded</b> is the size of the page; <b>encoded</b> are the bytes of "
        "the body as they were sent, compressed or not; <b>claimed</b> is what the server "
        "announced (Content-Length). Headers are in none of them. A page that failed has no "
        "size: what came of it is in no sum. 1 KiB is 1,024 bytes.</p></footer>\n"
        "</main>\n</body>\n</html>\n",
        out);
}
