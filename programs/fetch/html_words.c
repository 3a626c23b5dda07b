// SPDX-License-Identifier: MIT
// html_words.c - numbers, links and faults, as the parts of the report write them.
#include <inttypes.h>
#include <stdlib.h>

#include "common/html.h"
#include "fetch/fault.h"
#include "fetch/html_parts.h"
#include "fetch/units.h"

// ---- numbers ---------------------------------------------------------------------

void html_count(FILE *out, int64_t n)
{
    char digits[32];
    int size = snprintf(digits, sizeof digits, "%" PRId64, n);
    for (int i = 0; i < size; i++) {
        (void)putc(digits[i], out);
        int left = size - 1 - i;
        if (left > 0 && left % 3 == 0 && digits[i] != '-')
            (void)putc(',', out);
    }
}

void html_number(FILE *out, double x)
{
    if (x < 999.5)
        (void)fprintf(out, "%.*f", x < 9.995 ? 2 : x < 99.95 ? 1 : 0, x);
    else
        html_count(out, x < 1e18 ? (int64_t)(x + 0.5) : INT64_MAX);
}

// As everywhere, with the unit written out: "44.1K" is 44.1 KiB.
void html_size(FILE *out, int64_t bytes)
{
    char text[UNITS_TEXT];
    size_t digits = size_text(text, bytes, true);
    if (bytes < 1024)
        (void)fprintf(out, "%s B", text);
    else
        (void)fprintf(out, "%.*s %ciB", (int)digits - 1, text, text[digits - 1]);
}

void html_time(FILE *out, int64_t ns)
{
    double seconds = (double)ns / 1e9;
    if (seconds >= 0.9995) {
        html_number(out, seconds);
        (void)fputs(" s", out);
    } else if (ns >= 1000000) {
        html_number(out, seconds * 1e3);
        (void)fputs(" ms", out);
    } else {
        (void)fprintf(out, "%.*f ms", ns == 0 ? 0 : 2, seconds * 1e3);
    }
}

// So small a change is told in bytes: "+0.0 %" would say that there is none.
static void print_small(FILE *out, int64_t before, int64_t now)
{
    (void)putc(now > before ? '+' : '-', out);
    html_size(out, now > before ? now - before : before - now);
}

void html_change(FILE *out, int64_t before, int64_t now)
{
    double percent = before > 0 ? ((double)now - (double)before) * 100 / (double)before : 0;
    if (now == before)
        (void)fputs("same", out);
    else if (percent > -0.05 && percent < 0.05) // or there was nothing
        print_small(out, before, now);
    else
        (void)fprintf(out, "%+.1f\u00a0%%", percent);
}

// ---- words -----------------------------------------------------------------------

char *html_words(const struct page *page)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    fault_print(out, page);
    bool short_of_memory = ferror(out) != 0;
    if (fclose(out) == 0 && !short_of_memory)
        return text;
    free(text);
    return NULL;
}

void html_link(FILE *out, const char *url, int most)
{
    bool link = html_may_link(url);
    (void)fputs(link ? "<a class=u href=\"" : "<span class=u>", out);
    if (link) {
        html_href(out, url);
        (void)fputs("\">", out);
    }
    if (url[0] == '\0')
        (void)fputs("(empty)", out);
    html_url(out, url, most);
    (void)fputs(link ? "</a>" : "</span>", out);
}

void html_limit(FILE *out, const struct html_picks *p, const char *which)
{
    if (p->offered <= HTML_SHOWN)
        return;
    (void)fprintf(out, "<p class=limit>Shown are the %d %s of ", HTML_SHOWN, which);
    html_count(out, p->offered);
    (void)fputs(". <a href=\"#all\">The table</a> has all.</p>\n", out);
}

// A few more are not worth a click.
static bool is_folded(const struct html_picks *p)
{
    return p->length > HTML_OPEN + HTML_OPEN / 2;
}

bool html_fold(FILE *out, const struct html_picks *p, int i, const char *end)
{
    if (i != HTML_OPEN || !is_folded(p))
        return false;
    (void)fprintf(out, "%s<details><summary>%d more</summary>\n", end, p->length - HTML_OPEN);
    return true;
}

void html_unfold(FILE *out, const struct html_picks *p)
{
    if (is_folded(p))
        (void)fputs("</details>", out);
}
