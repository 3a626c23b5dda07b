// SPDX-License-Identifier: MIT
// explorer.c - all scenarios, one after the other, and a table of what was done, which is TAP too.
//
//     explorer [--short] [--less] [--only PATTERN] [--part K/N] [--stop] [--list]
//
// A part is every N-th scenario, so that two processes share the work. --less allows one
// interruption less than a scenario's bound.
//
// 0: none failed, and each was exhausted to its bound (drawn ones: for their time).
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/scenario.h"

enum { MOST_SECONDS = 120 };

static const struct scenario *const tables[] = {
    park_scenarios,  mutex_scenarios,  cond_scenarios,       sync_scenarios,
    queue_scenarios, future_scenarios, group_scenarios,      pool_scenarios,
    exit_scenarios,  fiber_scenarios,  fiber_wait_scenarios, shared_scenarios,
};

static struct {
    bool is_short, is_less, lists, stops;
    const char *only;
    int part, parts, seen;
    int ran, failed;
    long runs;
    double seconds;
} all;

static int bound(const struct scenario *s)
{
    return all.is_less && s->bound > 1 ? s->bound - 1 : s->bound;
}

static const char *bound_of(const struct scenario *s, char *text, size_t size)
{
    const char *stores = s->delayed_stores ? ", delayed stores" : "";
    if (s->search == WEFT_EXHAUSTIVE)
        (void)snprintf(text, size, "all orders%s", stores);
    else if (s->search == WEFT_BOUNDED)
        (void)snprintf(text, size, "%d interruptions%s", bound(s), stores);
    else
        (void)snprintf(text, size, "drawn%s", stores);
    return text;
}

static void run(const struct scenario *s)
{
    char how[64];
    struct weft_explored did = {0};
    int arg = s->arg;
    bool is_drawn = s->search == WEFT_RANDOM || s->search == WEFT_PCT;
    // Beside a planted defect a drawn search goes on until it is found, on a busy machine, too.
    double seconds = is_drawn && !all.stops ? s->seconds : (double)MOST_SECONDS;
    int rc = weft_explore(
        s->run, .arg = &arg, .name = s->name, .search = s->search, .bound = bound(s),
        .faults = s->faults, .delayed_stores = s->delayed_stores, .allows_leaks = s->allows_leaks,
        .details = true, .seconds = seconds, .runs = is_drawn ? 1000000000 : 0, .explored = &did);
    bool unfinished = rc == 0 && !is_drawn && !did.exhausted && !getenv("WEFT_SCHEDULE");
    bool good = rc == 0 && !unfinished;
    all.ran++;
    printf("%s %3d - %-46s # %-34s %10ld runs %8.2f s%s\n", good ? "ok" : "not ok", all.ran,
           s->name, bound_of(s, how, sizeof how), did.runs, did.seconds,
           unfinished ? ", not all of them" : "");
    (void)fflush(stdout);
    all.failed += !good;
    all.runs += did.runs;
    all.seconds += did.seconds;
}

static void consider(const struct scenario *s)
{
    if (all.only && fnmatch(all.only, s->name, 0) != 0)
        return;
    if ((all.is_short && s->is_long) || (all.stops && all.failed > 0))
        return;
    if (all.parts > 0 && all.seen++ % all.parts != all.part - 1)
        return;
    if (all.lists)
        printf("%s\n", s->name);
    else
        run(s);
}

static int usage(void)
{
    (void)fprintf(stderr, "usage: explorer [--short] [--less] [--only PATTERN] [--part K/N] "
                          "[--stop] [--list]\n");
    return 2;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--short") == 0)
            all.is_short = true;
        else if (strcmp(argv[i], "--less") == 0)
            all.is_less = true;
        else if (strcmp(argv[i], "--stop") == 0) // at the first failure
            all.stops = true;
        else if (strcmp(argv[i], "--list") == 0)
            all.lists = true;
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            all.only = argv[++i];
        else if (strcmp(argv[i], "--part") == 0 && i + 1 < argc &&
                 sscanf(argv[i + 1], "%d/%d", &all.part, &all.parts) == 2)
            i++;
        else
            return usage();
    }
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct scenario *s = tables[i]; s->name; s++)
            consider(s);
    if (all.lists)
        return 0;
    printf("1..%d\n# %d scenarios, %d failed, %ld runs, %.1f s\n", all.ran, all.ran, all.failed,
           all.runs, all.seconds);
    return all.failed > 0 || all.ran == 0;
}
