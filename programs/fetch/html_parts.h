// SPDX-License-Identifier: MIT
// html_parts.h - what the files of the report know of each other.
#ifndef WEFT_PROGRAMS_FETCH_HTML_PARTS_H
#define WEFT_PROGRAMS_FETCH_HTML_PARTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "fetch/html.h"

// What is drawn, compared and ranked: decoded bytes, of --head those claimed; -1: none is known.
int64_t html_size_now(const struct page *page);

enum { HTML_OPEN = 50 }; // rows that are seen at once

// ---- numbers for people (html_words.c) -------------------------------------------

void html_count(FILE *out, int64_t n);                    // 10,000
void html_number(FILE *out, double x);                    // 1.23, 12.3, 123, 1,234; not negative
void html_size(FILE *out, int64_t bytes);                 // 44.1 KiB
void html_time(FILE *out, int64_t ns);                    // 412 ms
void html_change(FILE *out, int64_t before, int64_t now); // +4.1 %

// ---- where things lie in a drawing (html_layout.c) -------------------------------

struct html_axis { // from 0
    int64_t max;   // at its right end; at least 1
    int64_t step;  // between two marks: 1, 2 or 5 times a power of the unit's base
};
struct html_axis html_axis_of_sizes(int64_t largest); // 1, 2, 5... 500 of B, KiB, MiB...
struct html_axis html_axis_of_times(int64_t largest);
double html_percent(int64_t value, int64_t max); // of max, 0 to 100

// A page's time, one phase after another. What came before the last request (redirects, earlier
// attempts, the pauses between them, what we do before libcurl begins) is one of them. Those that
// did not happen take no time.
enum html_phase {
    PHASE_BEFORE,
    PHASE_NAME,
    PHASE_CONNECT,
    PHASE_TLS,
    PHASE_FIRST_BYTE,
    PHASE_BODY,
    PHASES,
};
extern const char *const html_phase_names[PHASES];
struct html_phases {
    int64_t end[PHASES]; // ns from where the page began; never before the one in front
};
void html_phases_of(const struct page *page, struct html_phases *phases);

// ---- the pages that are kept (html_pick.c) ---------------------------------------

struct html_pick {
    int64_t rank;   // not negative; the higher, the rather kept; of equals the earlier
    int64_t number; // as which page it came, from 1
    char *url;
    char *words;      // what broke, or NULL
    struct page page; // without its texts: target and hops are NULL
    struct page_change change;
};

// The HTML_SHOWN of highest rank. Zeroed is an empty one. Twice as many are held, so that most
// that come need not be sorted.
struct html_picks {
    int length;
    int64_t offered; // how many there were in all
    int64_t floor;   // what ranks no higher is not kept
    struct html_pick picks[2 * HTML_SHOWN];
};
// Keep the page, if its rank is high enough. 0 or -ENOMEM.
int html_pick(struct html_picks *p, int64_t rank, int64_t number, const char *url,
              const struct page *page, const struct page_change *change);
void html_picks_by_rank(struct html_picks *p);  // at most HTML_SHOWN are left, the highest first
void html_picks_by_begin(struct html_picks *p); // likewise; the earliest page first
void html_picks_free(struct html_picks *p);

// ---- all that is known at the end ------------------------------------------------

struct html_changes {
    int64_t over;                 // pages
    int64_t not_fetched, earlier; // missed budgets of others: see html_missed
    int64_t fresh, gone;          // see html_others
    int64_t grown, shrunk, same;  // of those compared
    int64_t before, now;          // bytes of those compared
};

struct html {
    char *path;
    FILE *rows; // the table's, one a line
    int error;  // the first, -errno; 0: none
    bool cut_short;
    int64_t pages;
    struct html_changes changes;
    struct html_picks *largest, *slowest, *broken, *changed;
};

// ---- the parts, from top to bottom -----------------------------------------------

void html_head(FILE *out, const struct html *h, const struct totals_sum *sum);
void html_summary(FILE *out, const struct totals *totals, int64_t ns);
void html_failures(FILE *out, const struct html *h, const struct totals_sum *sum);
void html_differences(FILE *out, const struct html *h);
void html_bars(FILE *out, const struct html_picks *largest);
void html_waterfall(FILE *out, struct html_picks *slowest); // which it puts into its order
// A page as a row of the table: one line. words: what broke, or NULL.
void html_row(FILE *out, int64_t number, const char *url, const struct page *page,
              const char *words, const struct page_change *change);
int html_table(FILE *out, const struct html *h); // 0, or -errno of reading the rows back
void html_foot(FILE *out);

// ---- what they share (html_words.c) ----------------------------------------------

// A URL as a link, if it may be one; at most so many of its characters are shown.
enum { URL_ROW = 200, URL_LABEL = 54 };
void html_link(FILE *out, const char *url, int most);
// What broke, as text: the caller's to free. NULL: out of memory.
char *html_words(const struct page *page);
// "The 200 largest of 10,000 pages." and the like, if not all are shown.
void html_limit(FILE *out, const struct html_picks *p, const char *which);
// Before row i of a list or table, from 0: after HTML_OPEN of them the rest is folded away. Whether
// it does so just now; then the caller opens its list or table once more.
bool html_fold(FILE *out, const struct html_picks *p, int i, const char *end);
void html_unfold(FILE *out, const struct html_picks *p); // behind the end

extern const unsigned char html_css[]; // html.css
extern const size_t html_css_size;

#endif
