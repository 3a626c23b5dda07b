// SPDX-License-Identifier: MIT
// bench.c - one at a time against many at once.
//
// The two ways take turns, so that a network that gets slower meanwhile is slow for both. Each run
// begins without open connections, as a program that was just started. The ratio is that of the
// medians: one run that met a hiccup moves a mean, but no median.
#include "fetch/bench.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fetch/lecture.h"

struct timings {
    double *seconds; // sorted by print_way
    int length;
};

static int take_page(void *results, const char *url, const struct page *page)
{
    return results_page(results, url, page);
}

static int take_pause(void *results, const struct pages_now *now)
{
    return results_idle(results, now);
}

static int run(const struct bench *b, const struct fetch_settings *set, double *seconds)
{
    const struct pages_seen seen = {take_page, take_pause, b->results};
    weft_time begin = weft_now();
    input_rewind(b->in);
    int rc = fetch_pages(b->pool, set, b->in, &seen);
    *seconds = (double)(weft_now().ns - begin.ns) / 1e9;
    return rc;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double mean_of(const struct timings *t)
{
    double sum = 0;
    for (int i = 0; i < t->length; i++)
        sum += t->seconds[i];
    return sum / t->length;
}

static double deviation_of(const struct timings *t)
{
    double mean = mean_of(t), sum = 0;
    for (int i = 0; i < t->length; i++)
        sum += (t->seconds[i] - mean) * (t->seconds[i] - mean);
    return t->length > 1 ? sqrt(sum / (t->length - 1)) : 0;
}

static double median_of(const struct timings *sorted)
{
    int half = sorted->length / 2;
    return sorted->length % 2 ? sorted->seconds[half]
                              : (sorted->seconds[half - 1] + sorted->seconds[half]) / 2;
}

static void print_way(const char *way, struct timings *t)
{
    qsort(t->seconds, (size_t)t->length, sizeof *t->seconds, by_value);
    printf("%-14s %9.3f %9.3f %9.3f %9.3f %9.3f\n", way, mean_of(t), median_of(t), deviation_of(t),
           t->seconds[0], t->seconds[t->length - 1]);
}

static int print_ways(int at_once, struct timings *one, struct timings *many,
                      struct results *results)
{
    char way[32];
    (void)snprintf(way, sizeof way, "%d at once", at_once);
    printf("%-14s %9s %9s %9s %9s %9s\n", "seconds", "mean", "median", "sd", "min", "max");
    print_way("one at a time", one);
    print_way(way, many);
    printf("%d at once took %.2f of the time of one at a time (medians of %d runs)\n", at_once,
           median_of(many) / median_of(one), one->length);
    return results_flush(results);
}

// Run both ways, in turns, into timings with room for all runs.
static int take_turns(const struct bench *b, struct timings *one, struct timings *many)
{
    struct fetch_settings alone = *b->set;
    int rc = 0;
    alone.at_once = 1;
    b->results->output.pages_hidden = true;
    for (int i = 0; rc == 0 && i < b->set->bench; i++) {
        rc = run(b, &alone, &one->seconds[i]);
        b->results->output.failures_hidden = true; // they were told once
        one->length += rc == 0;
        if (rc == 0)
            rc = run(b, b->set, &many->seconds[i]);
        many->length += rc == 0;
    }
    return rc;
}

int bench(const struct bench *b)
{
    size_t runs = (size_t)b->set->bench;
    double *seconds = calloc(2 * runs, sizeof *seconds);
    if (!seconds)
        return weft_fail(-ENOMEM, "out of memory");
    struct timings one = {.seconds = seconds}, many = {.seconds = seconds + runs};
    int rc = take_turns(b, &one, &many);
    if (many.length > 0) { // also of what was interrupted
        int printed = print_ways(b->set->at_once, &one, &many, b->results);
        rc = rc < 0 ? rc : printed;
    }
    free(seconds);
    return rc;
}

int bench_lecture(const struct bench *b)
{
    double sum = 0;
    int rc = 0;
    for (int i = 0; rc == 0 && i < b->set->bench; i++) {
        double seconds;
        rc = run(b, b->set, &seconds);
        sum += seconds;
        if (rc == 0)
            printf("\n");
    }
    if (rc < 0)
        return rc;
    lecture_print_float(stdout, sum / b->set->bench);
    return results_flush(b->results);
}
