// SPDX-License-Identifier: MIT
// explore.c - weft_explore: search, make what was found shorter, print it.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/current.h"
#include "search.h"

enum { SEED = 2048, SHORTER_RUNS = 20000 };

// What outlives a run, and the putting back of variables.
struct report {
    char failure[XP_TEXT];
    char seed[SEED];
    char path[SEED]; // the seed without its name
    struct weft_explored explored;
    const struct weft_explore_options *options; // while it explores
    int kept;                                   // stderr while it is hushed, else -1
};

static struct report *report; // of the latest weft_explore

// ---- the table --------------------------------------------------------------------------

static const char *short_file(const char *file)
{
    while (file && strncmp(file, "../", 3) == 0)
        file += 3;
    return file ? file : "";
}

// Is it in this part of the library?
static bool is_within(const struct xp_step *step, const char *in)
{
    return step->place.file && strstr(step->place.file, in);
}

static void print_step(uint64_t i, bool in_detail)
{
    const struct xp_step *step = &xp->trace[i];
    const char *how = step->move >= XP_LAND     ? "now seen by all: "
                      : step->move >= XP_FAULT  ? "refused: "
                      : step->move >= XP_EXPIRE ? "its deadline passes: "
                                                : "";
    char values[64] = "", where[64] = "";
    if (step->has_values && step->before == step->after)
        (void)snprintf(values, sizeof values, " is %#llx", (unsigned long long)step->after);
    else if (step->has_values)
        (void)snprintf(values, sizeof values, " %#llx -> %#llx", (unsigned long long)step->before,
                       (unsigned long long)step->after);
    const char *what = step->place.what;
    if (!in_detail && is_within(step, "src/core/mutex.c")) {
        what = step->before == 0 ? "takes mutex" : "gives back mutex";
        (void)snprintf(values, sizeof values, " %p", (void *)(uintptr_t)step->address);
    }
    if (step->place.file && step->place.file[0])
        (void)snprintf(where, sizeof where, "%s:%d", short_file(step->place.file),
                       step->place.line);
    (void)fprintf(stderr, "%5llu  %-22.22s %-30s %s%s%s%s%s\n", (unsigned long long)i,
                  xp->tasks[xp_owner(step->move)].name, where, how, what, step->call ? " in " : "",
                  step->call ? step->call : values, xp->odd[i] ? "   <- switched" : "");
}

// For those who use weft: their own steps, locks that change hands, sleeps, and what is odd.
static bool is_worth_a_line(uint64_t i, bool in_detail)
{
    const struct xp_step *step = &xp->trace[i];
    if (xp->odd[i] || !step->place.file || step->move >= XP_EXPIRE)
        return true;
    if (is_within(step, "src/core/current.c") || is_within(step, "src/os/futex.h"))
        return false;
    if (in_detail)
        return !step->address || xp_is_shared(step->address);
    if (is_within(step, "src/core/mutex.c"))
        return step->has_values && step->before != step->after;
    return !is_within(step, "src/core/") && !is_within(step, "src/exec/");
}

static void print_table(const struct weft_explore_options *options)
{
    (void)fprintf(stderr, "weft_explore: %s: %s\n", options->name, report->failure);
    (void)fprintf(stderr, " step  %-22s %-30s %s\n", "task", "place", "what");
    for (uint64_t i = 0; i < xp->steps; i++)
        if (is_worth_a_line(i, options->details))
            print_step(i, options->details);
    (void)fprintf(stderr, "again: WEFT_SCHEDULE='%s'\n", report->seed);
}

static void print_without_table(const char *why)
{
    if (!report->options->quiet)
        (void)fprintf(stderr, "weft_explore: %s: %s (no table: %s)\nagain: WEFT_SCHEDULE='%s'\n",
                      report->options->name, report->failure, why, report->seed);
}

// Make the run of the path again, and print it if it breaks. False: the path is no seed.
static bool replay_and_print(const struct weft_explore_options *options, enum xp_end *end)
{
    xp->trace = calloc(XP_STEPS, sizeof *xp->trace);
    bool good = xp_replay(options, report->path, end);
    if (good && *end == XP_BROKEN) {
        memcpy(report->failure, xp->failure, sizeof report->failure);
        if (!options->quiet && xp->trace)
            print_table(options);
    }
    free(xp->trace);
    xp->trace = NULL;
    return good;
}

// ---- shorter ----------------------------------------------------------------------------

static void keep(const struct weft_explore_options *options)
{
    memcpy(report->failure, xp->failure, sizeof report->failure);
    xp_write_seed(report->path, sizeof report->path);
    (void)snprintf(report->seed, sizeof report->seed, "%s@%.*s", options->name,
                   (int)(sizeof report->seed - strlen(options->name) - 2), report->path);
}

// What a run says on the way is said once more by the one that is printed.
static void hush(void)
{
    (void)fflush(stderr);
    report->kept = dup(STDERR_FILENO);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) {
        (void)dup2(nowhere, STDERR_FILENO);
        (void)close(nowhere);
    }
}

static void unhush(void)
{
    (void)fflush(stderr);
    if (report->kept < 0)
        return;
    (void)dup2(report->kept, STDERR_FILENO);
    (void)close(report->kept);
    report->kept = -1;
}

// With no interruption, then one, and so on: what is found first has the fewest.
static bool search_bounded(struct xp_search *search, int most)
{
    bool broken = false;
    for (int bound = 0; bound <= most && !broken; bound++) {
        search->options.search = WEFT_BOUNDED;
        search->options.bound = bound > 0 ? bound : -1;
        broken = xp_search(search);
    }
    return broken;
}

// The failure with the fewest interruptions that a moment's search finds.
static void look_for_shorter(const struct weft_explore_options *options)
{
    struct xp_search search = {.options = *options};
    search.options.runs = SHORTER_RUNS;
    search.options.seconds = 1;
    if (search_bounded(&search, xp->cost - 1 < 3 ? xp->cost - 1 : 3))
        keep(options);
}

// ---- when it crashes itself -------------------------------------------------------------

// A run that writes where it should not may hit the explorer, which then does not live on to print
// the table: so it says what it knows, of the failure found before or else of this run.
void xp_say_last_words(int sig)
{
    if (!report || !report->options)
        return;
    unhush();
    if (report->failure[0] == '\0') {
        (void)snprintf(xp->failure, sizeof xp->failure, "crashed: signal %d", sig);
        keep(report->options);
    }
    print_without_table("a run has overwritten the explorer's own memory");
}

// ---- all of it --------------------------------------------------------------------------

static void end_all(void)
{
    if (xp) {
        for (int i = 0; i < XP_TASKS; i++)
            free(xp->tasks[i].memory);
        free(xp);
        xp = NULL;
    }
}

static bool begin_all(void)
{
    if (!report)
        report = calloc(1, sizeof *report);
    xp = calloc(1, sizeof *xp);
    if (!report || !xp)
        return false;
    report->failure[0] = report->seed[0] = '\0';
    report->kept = -1;
    wf_seen_thread(&xp->engine_seen);
    return true;
}

static void search_all(const struct weft_explore_options *options, struct xp_search *search)
{
    hush();
    bool is_bounded = options->search == WEFT_BOUNDED;
    bool broken = is_bounded ? search_bounded(search, xp_bound(options)) : xp_search(search);
    if (broken)
        keep(options);
    if (broken && !is_bounded)
        look_for_shorter(options);
    unhush();
    enum xp_end end;
    if (broken && (!replay_and_print(options, &end) || end != XP_BROKEN))
        print_without_table("in the same order it went well: the test depends on something else");
}

// The seed in the environment if it is for this test, else NULL; "" if it is for another one.
static const char *told(const struct weft_explore_options *options)
{
    const char *seed = getenv("WEFT_SCHEDULE");
    size_t n = strlen(options->name);
    if (!seed || seed[0] == '\0')
        return NULL;
    return strncmp(seed, options->name, n) == 0 && seed[n] == '@' ? seed + n + 1 : "";
}

static int explore(struct weft_explore_options *options)
{
    struct xp_search search = {.options = *options};
    const char *seed = told(options);
    int rc = 0;
    if (!seed) {
        search_all(options, &search);
    } else if (seed[0] != '\0') {
        search.runs = 1;
        (void)snprintf(report->path, sizeof report->path, "%s", seed);
        (void)snprintf(report->seed, sizeof report->seed, "%s", getenv("WEFT_SCHEDULE"));
        enum xp_end end;
        if (!replay_and_print(options, &end)) {
            (void)fprintf(stderr, "weft_explore: %s: no seed: WEFT_SCHEDULE='%s'\n", options->name,
                          report->seed);
            rc = -EINVAL;
        } else if (end != XP_BROKEN) {
            (void)fprintf(stderr, "weft_explore: %s: nothing went wrong in this order\n",
                          options->name);
        }
    }
    report->explored = (struct weft_explored){.runs = search.runs,
                                              .seconds = search.seconds,
                                              .exhausted = search.exhausted,
                                              .failure = report->failure,
                                              .seed = report->seed};
    return rc < 0 ? rc : report->failure[0] != '\0';
}

int weft_explore_(struct weft_explore_options options)
{
    if (!options.name)
        options.name = "explore";
    int rc = -ENOMEM;
    if (begin_all() && xp_cells_begin()) {
        if (xp_search_begin() && xp_memory_begin()) {
            struct sigaction before[XP_FATAL];
            xp_catch_signals(before);
            report->options = &options;
            rc = explore(&options);
            report->options = NULL;
            xp_release_signals(before);
            xp_memory_end();
        }
        xp_search_end();
        xp_cells_end();
    }
    end_all();
    if (options.explored)
        *options.explored = report ? report->explored : (struct weft_explored){0};
    return rc;
}
