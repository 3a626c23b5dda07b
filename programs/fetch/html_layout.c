// SPDX-License-Identifier: MIT
// html_layout.c - where things lie in a drawing of the report: numbers only, no markup.
//
// A page's times are those of its last request; its whole time is longer by redirects, attempts
// that failed and pauses. So the last request lies at the right end of the page's bar, and what is
// left of it is one phase of its own, rather than to be spread over the others.
#include "fetch/html_parts.h"

enum { MARKS = 5 }; // at most, beside 0

const char *const html_phase_names[PHASES] = {
    [PHASE_BEFORE] = "before: redirects, retries, pauses, preparation",
    [PHASE_NAME] = "name",
    [PHASE_CONNECT] = "connect",
    [PHASE_TLS] = "TLS",
    [PHASE_FIRST_BYTE] = "first byte",
    [PHASE_BODY] = "body",
};

// The least step of 1, 2, 5, 10, 20... units with which so many marks do.
static int64_t step_in(int64_t unit, int64_t largest)
{
    static const int factors[] = {1, 2, 5};
    for (int64_t power = unit;; power *= 10)
        for (int i = 0; i < 3; i++)
            if (largest / (power * factors[i]) <= MARKS)
                return power * factors[i];
}

// Not so large that a step of ten times as much would not be a number.
static int64_t drawable(int64_t largest)
{
    return largest < 1 ? 1 : largest > INT64_MAX / 16 ? INT64_MAX / 16 : largest;
}

struct html_axis html_axis_of_times(int64_t largest)
{
    int64_t max = drawable(largest);
    return (struct html_axis){.max = max, .step = step_in(1, max)};
}

struct html_axis html_axis_of_sizes(int64_t largest)
{
    int64_t max = drawable(largest), unit = 1;
    while (max / unit / MARKS > 500) // 500 B or KiB, then 1 of what is 1024 times that
        unit *= 1024;
    return (struct html_axis){.max = max, .step = step_in(unit, max)};
}

double html_percent(int64_t value, int64_t max)
{
    if (value <= 0 || max <= 0)
        return 0;
    return value >= max ? 100 : (double)value * 100 / (double)max;
}

// ---- phases ----------------------------------------------------------------------

static enum html_phase last_phase(const struct page *page)
{
    static const enum html_phase of_stage[] = {
        [STAGE_NAME] = PHASE_NAME,    [STAGE_CONNECT] = PHASE_CONNECT,
        [STAGE_TLS] = PHASE_TLS,      [STAGE_FIRST_BYTE] = PHASE_FIRST_BYTE,
        [STAGE_HEADERS] = PHASE_BODY, [STAGE_BODY] = PHASE_BODY,
    };
    return page->fault == FAULT_NONE ? PHASE_BODY : of_stage[page->stage];
}

static int64_t ns_of(int64_t us)
{
    return us > 0 && us < INT64_MAX / 1000 ? us * 1000 : 0;
}

static int64_t clamped(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

// How long the last request took. Where libcurl does not say, all of it, if nothing was before.
static int64_t request_ns(const struct page *page, int64_t whole)
{
    int64_t total = ns_of(page->times.total), first = ns_of(page->times.first_byte);
    if (total == 0 && page->redirects == 0 && page->attempts <= 1)
        total = whole;
    return clamped(total > first ? total : first, 0, whole);
}

void html_phases_of(const struct page *page, struct html_phases *phases)
{
    const struct page_times *t = &page->times;
    const int64_t reached[PHASES] = {
        [PHASE_NAME] = ns_of(t->name),
        [PHASE_CONNECT] = ns_of(t->connect),
        [PHASE_TLS] = ns_of(t->tls),
        [PHASE_FIRST_BYTE] = ns_of(t->first_byte),
    };
    int64_t whole = clamped(page->ns, 0, INT64_MAX);
    int64_t before = whole - request_ns(page, whole), at = before;
    enum html_phase last = last_phase(page);
    for (int i = 0; i < PHASES; i++) {
        if (i >= (int)last)
            at = whole;
        else if (reached[i] > 0)
            at = clamped(before + reached[i], at, whole);
        phases->end[i] = at;
    }
}
