// SPDX-License-Identifier: MIT
// summary.c - see summary.h.
#include "fetch/summary.h"

#include "fetch/fault.h"
#include "fetch/units.h"

enum { ENOUGH = 10 }; // pages for percentiles

struct sheet {
    FILE *out;
    bool human;
};

static const char *size_of(const struct sheet *s, int64_t bytes, char text[UNITS_TEXT])
{
    (void)size_text(text, bytes, s->human);
    return text;
}

static const char *time_of(int64_t ns, char text[UNITS_TEXT])
{
    (void)seconds_text(text, ns, 3);
    return text;
}

static void put_bytes(const struct sheet *s, const struct totals_sum *sum)
{
    char text[UNITS_TEXT];
    bool heads = sum->heads > 0;
    (void)fprintf(s->out, "%s %s%s", heads ? " claim" : ",",
                  size_of(s, heads ? sum->claimed : sum->encoded, text), s->human ? "" : " bytes");
    if (sum->decoded != sum->encoded)
        (void)fprintf(s->out, " (%s decoded)", size_of(s, sum->decoded, text));
}

static void put_failures(const struct sheet *s, const struct totals_sum *sum)
{
    const char *between = " (";
    if (sum->failed == 0)
        return;
    (void)fprintf(s->out, "; %lld failed", (long long)sum->failed);
    for (int i = 0; i < FAULTS; i++) {
        if (sum->failed_by[i] == 0)
            continue;
        (void)fprintf(s->out, "%s%lld %s", between, (long long)sum->failed_by[i],
                      fault_name((enum page_fault)i));
        between = ", ";
    }
    (void)fputs(")", s->out);
}

static void put_first_line(const struct sheet *s, const struct totals_sum *sum,
                           const struct output_end *how)
{
    char text[UNITS_TEXT];
    (void)fprintf(s->out, "%s%lld of %lld page%s", how->interrupted ? "interrupted; so far " : "",
                  (long long)(sum->pages - sum->failed), (long long)sum->pages,
                  sum->pages == 1 ? "" : "s");
    put_bytes(s, sum);
    (void)fprintf(s->out, " in %s s", time_of(how->ns, text));
    put_failures(s, sum);
    if (sum->over > 0)
        (void)fprintf(s->out, "; %lld over budget", (long long)sum->over);
    (void)fputs("\n", s->out);
}

static void put_sizes(const struct sheet *s, const struct totals *totals)
{
    char half[UNITS_TEXT], most[UNITS_TEXT], all[UNITS_TEXT];
    const struct totals_top *top = totals_sum(totals)->largest;
    (void)fprintf(s->out, "decoded: 50 %% up to %s, 90 %% up to %s, 99 %% up to %s\n",
                  size_of(s, totals_size_at(totals, 50), half),
                  size_of(s, totals_size_at(totals, 90), most),
                  size_of(s, totals_size_at(totals, 99), all));
    for (int i = 0; i < TOTALS_TOP && top[i].url; i++) {
        (void)fprintf(s->out, "  largest %8s  ", size_of(s, top[i].value, half));
        print_clean(s->out, top[i].url);
        (void)fputs("\n", s->out);
    }
}

static void put_times(const struct sheet *s, const struct totals *totals)
{
    char half[UNITS_TEXT], most[UNITS_TEXT], all[UNITS_TEXT];
    const struct totals_top *top = totals_sum(totals)->slowest;
    (void)fprintf(s->out, "time: 50 %% up to %s s, 90 %% up to %s s, 99 %% up to %s s\n",
                  time_of(totals_ns_at(totals, 50), half), time_of(totals_ns_at(totals, 90), most),
                  time_of(totals_ns_at(totals, 99), all));
    for (int i = 0; i < TOTALS_TOP && top[i].url; i++) {
        (void)fprintf(s->out, "  slowest %8s s  ", time_of(top[i].value, half));
        print_clean(s->out, top[i].url);
        (void)fputs("\n", s->out);
    }
}

void summary_print(struct output *o, const struct totals *totals, const struct output_end *how)
{
    const struct totals_sum *sum = totals_sum(totals);
    const struct sheet s = {output_words(o), o->err_terminal && !o->set->bytes};
    int64_t whole = o->pages_hidden ? 0 : sum->pages - sum->failed;
    size_t size;
    put_first_line(&s, sum, how);
    if (whole - sum->heads >= ENOUGH)
        put_sizes(&s, totals);
    if (whole >= ENOUGH)
        put_times(&s, totals);
    const char *text = output_said(o, &size);
    (void)fwrite(text, 1, size, o->err); // there is nobody else to tell
    (void)fflush(o->err);
}
