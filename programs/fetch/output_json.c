// SPDX-License-Identifier: MIT
// output_json.c - JSON, as one object at the end, or as lines while it goes on.
//
//     {"run":{"format":1,"weft":"1.0.0","begun":"2026-11-29T01:17:05Z"},
//     "pages":[
//     {"url":"http://x.test/","target":null,"ok":true,...,"hops":[{"status":301,"url":"..."}]},
//     ...],
//     "summary":{"pages":2,"failed":1,...}}
//
// A line of JSON lines is a page or, the last one, the summary, which has "run" in it; its "type"
// says which. Of both, a row is one line and is written as its page completes; so an object that
// was cut short by a kill is still readable, up to its end, by who reads lines. "format" changes
// when a field goes or means something else, not when one is added.
#define _GNU_SOURCE
#include <string.h>

#include <weft/base.h>

#include "common/json.h"
#include "fetch/change.h"
#include "fetch/fault.h"
#include "fetch/output_fields.h"
#include "fetch/totals.h"
#include "fetch/units.h"

static void put(FILE *out, const char *text)
{
    (void)fwrite_unlocked(text, 1, strlen(text), out);
}

static void put_string(FILE *out, const char *text)
{
    json_string(out, text, strlen(text));
}

// ,"name": - or without the comma, where it is the first. In one piece: a row has forty of them.
static void put_name(FILE *out, const char *name, bool first)
{
    char text[64] = ",\""; // names are ours, and much shorter
    char *end = stpcpy(stpcpy(text + 2, name), "\":");
    (void)fwrite_unlocked(text + first, 1, (size_t)(end - text) - first, out);
}

static void put_seconds(FILE *out, int64_t ns)
{
    char text[UNITS_TEXT];
    (void)fwrite_unlocked(text, 1, seconds_text(text, ns, 6), out);
}

// ---- pages ---------------------------------------------------------------------------------

static void put_value(FILE *out, const struct field *f)
{
    switch (f->kind) {
    case FIELD_TEXT:
        json_string(out, f->text, f->size);
        break;
    case FIELD_NUMBER:
        json_number(out, f->number);
        break;
    case FIELD_SECONDS:
        put_seconds(out, f->number);
        break;
    case FIELD_BOOL:
        put(out, f->number ? "true" : "false");
        break;
    case FIELD_NULL:
        put(out, "null");
        break;
    }
}

static void put_hops(FILE *out, const struct page *page)
{
    put(out, ",\"hops\":[");
    for (int i = 0; page->hops && i < page->redirects; i++) {
        put(out, i > 0 ? ",{" : "{");
        put_name(out, "status", true);
        json_number(out, page->hops[i].status);
        put_name(out, "url", false);
        put_string(out, page->hops[i].url);
        put(out, "}");
    }
    put(out, "]");
}

// All but the braces.
static void put_page(struct output *o, const char *url, const struct page *page,
                     const struct page_change *change, bool first)
{
    struct field fields[FIELDS_MAX];
    size_t n = output_fields(o, url, page, change, fields);
    for (size_t i = 0; i < n; i++) {
        put_name(o->out, fields[i].name, first && i == 0);
        put_value(o->out, &fields[i]);
    }
    put_hops(o->out, page);
}

// ---- the run and its sum -------------------------------------------------------------------

static void put_moment(FILE *out, time_t seconds)
{
    char text[32];
    struct tm tm = {0};
    (void)gmtime_r(&seconds, &tm); // fails only beyond the year 2^31
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    put_string(out, text);
}

static void put_run(struct output *o)
{
    put(o->out, "\"run\":{\"format\":1,\"weft\":");
    put_string(o->out, weft_version());
    put(o->out, ",\"begun\":");
    put_moment(o->out, o->begun);
    put(o->out, "}");
}

static void put_count(FILE *out, const char *name, int64_t count)
{
    put_name(out, name, false);
    json_number(out, count);
}

static void put_failures(FILE *out, const struct totals_sum *sum)
{
    bool first = true;
    put(out, ",\"failed_by\":{");
    for (int i = 0; i < FAULTS; i++) {
        if (sum->failed_by[i] == 0)
            continue;
        put_name(out, fault_name((enum page_fault)i), first);
        json_number(out, sum->failed_by[i]);
        first = false;
    }
    put(out, "}");
}

static void put_nullable(FILE *out, int64_t value, bool is_time)
{
    if (value < 0)
        put(out, "null");
    else if (is_time)
        put_seconds(out, value);
    else
        json_number(out, value);
}

static void put_percentiles(FILE *out, const char *name, const struct totals *totals, bool is_time)
{
    static const int percents[] = {50, 90, 99, 100};
    put_name(out, name, false);
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        put(out, i == 0 ? "{\"p" : ",\"p");
        json_number(out, percents[i]);
        put(out, "\":");
        put_nullable(out, (is_time ? totals_ns_at : totals_size_at)(totals, percents[i]), is_time);
    }
    put(out, "}");
}

static void put_top(FILE *out, const char *name, const struct totals_top *top, bool is_time)
{
    put_name(out, name, false);
    put(out, "[");
    for (int i = 0; i < TOTALS_TOP && top[i].url; i++) {
        put(out, i > 0 ? ",{" : "{");
        put_name(out, "url", true);
        put_string(out, top[i].url);
        put_name(out, is_time ? "seconds" : "decoded", false);
        put_nullable(out, top[i].value, is_time);
        put(out, "}");
    }
    put(out, "]");
}

// Like put_count; null: less than 0, for it is not known.
static void put_known(FILE *out, const char *name, int64_t count)
{
    put_name(out, name, false);
    put_nullable(out, count, false);
}

static void put_largest_growth(FILE *out, const struct change_sum *sum)
{
    put(out, ",\"largest_growth\":");
    if (!sum->largest) {
        put(out, "null");
        return;
    }
    put(out, "{\"url\":");
    put_string(out, sum->largest);
    put_count(out, "before", sum->largest_was);
    put_count(out, "decoded", sum->largest_is);
    put(out, "}");
}

static void put_changes(FILE *out, const struct change_sum *sum, bool whole)
{
    put(out, ",\"changes\":{\"since\":");
    if (sum->last_ms != 0)
        put_moment(out, (time_t)(sum->last_ms / 1000));
    else
        put(out, "null");
    put_count(out, "grew", sum->grew);
    put_count(out, "shrank", sum->shrank);
    put_count(out, "same", sum->same);
    put_count(out, "new", sum->fresh);
    put_known(out, "gone", whole ? sum->gone : -1); // of what was not asked for, nobody knows
    put_count(out, "unknown", sum->unknown);
    put_largest_growth(out, sum);
    put(out, "}");
}

static void put_budgets(FILE *out, const struct change_sum *sum, bool whole)
{
    put(out, ",\"budgets\":{");
    put_name(out, "too_large", true);
    json_number(out, sum->too_large);
    put_count(out, "grew_too_much", sum->grew_too_much);
    put_known(out, "not_fetched", whole ? sum->missing : -1);
    put_count(out, "unknown", sum->unjudged);
    put(out, "}");
}

// What change_print says to people.
static void put_comparison(struct output *o, const struct output_end *how)
{
    const struct fetch_settings *set = o->set;
    if (how->changes && set->compare)
        put_changes(o->out, how->changes, !how->interrupted);
    else
        put(o->out, ",\"changes\":null");
    if (how->changes && (set->budgets || set->budget > 0 || set->max_growth >= 0))
        put_budgets(o->out, how->changes, !how->interrupted);
    else
        put(o->out, ",\"budgets\":null");
}

static void put_sum(struct output *o, const struct totals *totals, const struct output_end *how)
{
    FILE *out = o->out;
    const struct totals_sum *sum = totals_sum(totals);
    put(out, "\"interrupted\":");
    put(out, how->interrupted ? "true" : "false");
    put_name(out, "seconds", false);
    put_seconds(out, how->ns);
    put_count(out, "pages", sum->pages);
    put_count(out, "failed", sum->failed);
    put_failures(out, sum);
    put_count(out, "over_budget", sum->over);
    put_count(out, "encoded", sum->encoded);
    put_count(out, "decoded", sum->decoded);
    put_count(out, "received", sum->received);
    put_count(out, "heads", sum->heads);
    put_count(out, "claimed_by_heads", sum->claimed);
    put_percentiles(out, "decoded_at", totals, false);
    put_percentiles(out, "seconds_at", totals, true);
    put_top(out, "largest", sum->largest, false);
    put_top(out, "slowest", sum->slowest, true);
    put_comparison(o, how);
}

// ---- one object ----------------------------------------------------------------------------

static void begin(struct output *o)
{
    put(o->out, "{");
    put_run(o);
    put(o->out, ",\n\"pages\":[");
}

static void show(struct output *o, const char *url, const struct page *page,
                 const struct page_change *change)
{
    put(o->out, o->rows > 0 ? ",\n{" : "\n{");
    put_page(o, url, page, change, true);
    put(o->out, "}");
}

static void end(struct output *o, const struct totals *totals, const struct output_end *how)
{
    put(o->out, "],\n\"summary\":{");
    put_sum(o, totals, how);
    put(o->out, "}}\n");
}

const struct output_form output_json = {begin, show, end, true};

// ---- lines ---------------------------------------------------------------------------------

static void begin_lines(struct output *o)
{
    (void)o; // what is known now is said at the end, so that each line but that is a page
}

static void show_line(struct output *o, const char *url, const struct page *page,
                      const struct page_change *change)
{
    put(o->out, "{\"type\":\"page\"");
    put_page(o, url, page, change, false);
    put(o->out, "}\n");
}

static void end_lines(struct output *o, const struct totals *totals, const struct output_end *how)
{
    put(o->out, "{\"type\":\"summary\",");
    put_run(o);
    put(o->out, ",");
    put_sum(o, totals, how);
    put(o->out, "}\n");
}

const struct output_form output_jsonl = {begin_lines, show_line, end_lines, true};
