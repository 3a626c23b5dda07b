// SPDX-License-Identifier: MIT
// html_chart.c - the drawings of the report: bars of size, and a waterfall of time.
//
// A row is text and, beside or below it, one SVG as wide as there is room: its lengths are percent,
// its text is not scaled with it. So the same markup is right at 360 pixels and at 1280. One SVG
// for all rows, which we tried on paper, has labels that cannot be cut or wrapped.
#include "fetch/html_parts.h"

enum { FAR = 12 }; // a run so many times longer than its slowest page

static double percent(int64_t value, const struct html_axis *axis)
{
    return html_percent(value, axis->max);
}

// ---- axes ------------------------------------------------------------------------

static void draw_grid(FILE *out, const struct html_axis *axis)
{
    for (int64_t at = 0; at <= axis->max; at += axis->step) {
        double x = percent(at, axis);
        (void)fprintf(out, "<line x1=%.2f%% x2=%.2f%% y2=100%% />", x, x);
    }
}

// Marks are round: "10 KiB", where a size is "10.0 KiB".
static void mark_size(FILE *out, int64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    int unit = 0;
    for (; bytes >= 1024 && bytes % 1024 == 0; unit++)
        bytes /= 1024;
    if (bytes == 0)
        (void)putc('0', out);
    else
        (void)fprintf(out, "%lld %s", (long long)bytes, units[unit]);
}

static void mark_time(FILE *out, int64_t ns)
{
    if (ns == 0)
        (void)putc('0', out);
    else if (ns >= 1000000000)
        (void)fprintf(out, "%g s", (double)ns / 1e9);
    else
        (void)fprintf(out, "%g ms", (double)ns / 1e6);
}

static void draw_marks(FILE *out, const struct html_axis *axis, void (*print)(FILE *, int64_t))
{
    (void)fputs("<li class=axis aria-hidden=true><svg>", out);
    for (int64_t at = 0; at <= axis->max; at += axis->step) {
        double x = percent(at, axis);
        const char *anchor = at == 0 ? "start" : x > 92 ? "end" : "middle";
        (void)fprintf(out, "<text x=%.2f%% y=13 text-anchor=%s>", x, anchor);
        print(out, at);
        (void)fputs("</text>", out);
    }
    (void)fputs("</svg>\n", out);
}

static void begin_list(FILE *out, const struct html_picks *p, int i, const struct html_axis *axis,
                       void (*print)(FILE *, int64_t))
{
    if (!html_fold(out, p, i, "</ol>\n") && i != 0)
        return;
    (void)fputs("<ol class=chart>\n", out);
    draw_marks(out, axis, print);
}

static void end_list(FILE *out, const struct html_picks *p)
{
    (void)fputs("</ol>", out);
    html_unfold(out, p);
    (void)fputs("</section>\n", out);
}

static void begin_row(FILE *out, const struct html_pick *pick)
{
    bool failed = pick->page.fault != FAULT_NONE;
    (void)fputs(failed ? "<li class=bad>" : "<li>", out);
    html_link(out, pick->url, URL_LABEL);
    (void)fputs("<svg role=img>", out);
}

static void draw_bar(FILE *out, const char *class, double from, double to)
{
    (void)fprintf(out, "<rect class=%s x=%.2f%% width=%.2f%% />", class, from,
                  to > from ? to - from : 0);
}

// ---- sizes -----------------------------------------------------------------------

static void describe_sizes(FILE *out, const struct page *page)
{
    (void)fputs("<title>", out);
    if (!page->head) {
        (void)fputs("decoded ", out);
        html_size(out, page->decoded);
        (void)fputs(", encoded ", out);
        html_size(out, page->encoded);
        (void)fputs(", ", out);
    }
    (void)fputs("claimed ", out);
    if (page->claimed >= 0)
        html_size(out, page->claimed);
    else
        (void)fputs("nothing", out);
    (void)fputs("</title>", out);
}

static void bar_row(FILE *out, const struct html_pick *pick, const struct html_axis *axis)
{
    const struct page *page = &pick->page;
    begin_row(out, pick);
    describe_sizes(out, page);
    draw_grid(out, axis);
    if (!page->head) {
        draw_bar(out, "dec", 0, percent(page->decoded, axis));
        draw_bar(out, "enc", 0, percent(page->encoded, axis));
    }
    if (page->claimed >= 0)
        (void)fprintf(out, "<rect class=cla x=%.2f%% />", percent(page->claimed, axis));
    (void)fputs("</svg><span class=v>", out);
    html_size(out, pick->rank);
    (void)fputs("</span>\n", out);
}

static int64_t largest_of(const struct html_picks *p)
{
    int64_t largest = 0;
    for (int i = 0; i < p->length; i++) {
        const struct page *page = &p->picks[i].page;
        const int64_t sizes[] = {page->decoded, page->encoded, page->claimed};
        for (int j = 0; j < 3; j++)
            largest = sizes[j] > largest ? sizes[j] : largest;
    }
    return largest;
}

void html_bars(FILE *out, const struct html_picks *largest)
{
    if (largest->length == 0)
        return;
    struct html_axis axis = html_axis_of_sizes(largest_of(largest));
    (void)fputs("<section id=sizes><h2>Sizes</h2>\n"
                "<p class=key><span><i class=dec></i>decoded</span> "
                "<span><i class=enc></i>encoded, as it was sent</span> "
                "<span><i class=cla></i>claimed by the server</span></p>\n",
                out);
    html_limit(out, largest, "largest pages");
    for (int i = 0; i < largest->length; i++) {
        begin_list(out, largest, i, &axis, mark_size);
        bar_row(out, &largest->picks[i], &axis);
    }
    end_list(out, largest);
}

// ---- times -----------------------------------------------------------------------

struct fall {
    struct html_axis axis;
    int64_t end;  // of the last page that is drawn, from the run's beginning
    bool aligned; // each page from 0; where in the run it was is a mark of its own
};

static struct fall fall_of(const struct html_picks *p)
{
    struct fall fall = {0};
    int64_t slowest = 1;
    for (int i = 0; i < p->length; i++) {
        const struct page *page = &p->picks[i].page;
        int64_t end = page->begin_ns + page->ns;
        fall.end = end > fall.end ? end : fall.end;
        slowest = page->ns > slowest ? page->ns : slowest;
    }
    fall.aligned = fall.end / FAR >= slowest;
    fall.axis = html_axis_of_times(fall.aligned ? slowest : fall.end);
    return fall;
}

static void describe_phases(FILE *out, const struct page *page, const struct html_phases *phases)
{
    (void)fputs("<title>begins at ", out);
    html_time(out, page->begin_ns);
    int64_t from = 0;
    for (int i = 0; i < PHASES; i++) {
        if (phases->end[i] > from) {
            (void)fprintf(out, "%s %s ", from == 0 ? ":" : ",", html_phase_names[i]);
            html_time(out, phases->end[i] - from);
        }
        from = phases->end[i];
    }
    (void)fputs(page->fault != FAULT_NONE ? "; then it failed</title>" : "</title>", out);
}

static void draw_phases(FILE *out, const struct fall *fall, const struct page *page,
                        const struct html_phases *phases)
{
    static const char *const classes[PHASES] = {"p0", "p1", "p2", "p3", "p4", "p5"};
    int64_t begin = fall->aligned ? 0 : page->begin_ns, from = 0;
    draw_bar(out, "all", percent(begin, &fall->axis), percent(begin + page->ns, &fall->axis));
    for (int i = 0; i < PHASES; i++) {
        if (phases->end[i] > from)
            draw_bar(out, classes[i], percent(begin + from, &fall->axis),
                     percent(begin + phases->end[i], &fall->axis));
        from = phases->end[i];
    }
    if (page->fault != FAULT_NONE)
        (void)fprintf(out, "<svg class=x x=%.2f%%><path d=\"M-4 7l8 8m0-8l-8 8\"/></svg>",
                      percent(begin + page->ns, &fall->axis));
}

static void fall_row(FILE *out, const struct html_pick *pick, const struct fall *fall)
{
    const struct page *page = &pick->page;
    struct html_phases phases;
    html_phases_of(page, &phases);
    begin_row(out, pick);
    describe_phases(out, page, &phases);
    draw_grid(out, &fall->axis);
    draw_phases(out, fall, page, &phases);
    if (fall->aligned)
        (void)fprintf(out, "<rect class=when x=%.2f%% />", html_percent(page->begin_ns, fall->end));
    (void)fputs("</svg><span class=v>", out);
    html_time(out, page->ns);
    (void)fputs("</span>\n", out);
}

static void fall_key(FILE *out, const struct fall *fall)
{
    (void)fputs("<p class=key>", out);
    for (int i = 0; i < PHASES; i++)
        (void)fprintf(out, "<span><i class=p%d></i>%s</span> ", i, html_phase_names[i]);
    (void)fputs("<span><b class=x>✕</b>failed</span>", out);
    if (fall->aligned) {
        (void)fputs(" <span><i class=when></i>when it began, from the run's beginning to ", out);
        html_time(out, fall->end);
        (void)fputs("</span>", out);
    }
    (void)fputs("</p>\n", out);
}

void html_waterfall(FILE *out, struct html_picks *slowest)
{
    if (slowest->length == 0)
        return;
    struct fall fall = fall_of(slowest);
    if (!fall.aligned)
        html_picks_by_begin(slowest);
    (void)fputs("<section id=times><h2>Times</h2>\n<p>", out);
    (void)fputs(fall.aligned ? "The slowest first; each from its own beginning, as the run is much "
                               "longer than any of them."
                             : "In the order in which they began, from the beginning of the run.",
                out);
    (void)fputs(" Waiting for a turn at the host does not count.</p>\n", out);
    fall_key(out, &fall);
    html_limit(out, slowest, "slowest pages");
    for (int i = 0; i < slowest->length; i++) {
        begin_list(out, slowest, i, &fall.axis, mark_time);
        fall_row(out, &slowest->picks[i], &fall);
    }
    end_list(out, slowest);
}
