// SPDX-License-Identifier: MIT
// fetch.c - weft fetch: how big are these pages?
//
// The lecture's second program. What it reads is input.c, what it does pages.c and page.c, what it
// prints report.c and lecture.c; here they are put together, for one pass or, with --bench, many.
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft/weft.h>

#include "common/commands.h"
#include "common/limits.h"
#include "common/options.h"
#include "common/output.h"
#include "common/status.h"
#include "fetch/bench.h"
#include "fetch/input.h"
#include "fetch/lecture.h"
#include "fetch/pages.h"
#include "fetch/report.h"
#include "fetch/stop.h"

enum { FILES_MAX = 64, JOBS_MAX = 1000 };

struct files {
    const char *paths[FILES_MAX];
    int length;
};

struct settings {
    int at_once;
    double timeout;
    int64_t max_size;
    struct files files;
    bool lecture;
    bool duplicates;
    int bench; // runs; 0: no comparison
};

// ---- the command line ------------------------------------------------------------

// 500, 500K, 20M, 1G: powers of 1024.
static const char *read_size(const char *value, void *target)
{
    static const char suffixes[] = "KMG";
    char *end;
    errno = 0;
    long long size = strtoll(value, &end, 10);
    const char *suffix = *end ? strchr(suffixes, *end) : NULL;
    int shift = suffix ? 10 * (int)(suffix - suffixes + 1) : 0;
    bool whole = end != value && (!*end || (suffix && !end[1]));
    if (!whole || errno != 0 || size < 1 || size > INT64_MAX >> shift)
        return "is not a size (500, 500K, 20M or 1G)";
    *(int64_t *)target = size << shift;
    return NULL;
}

static const char *read_jobs(const char *value, void *target)
{
    int *jobs = target;
    bool right = option_count(value, jobs) == NULL && *jobs <= JOBS_MAX;
    return right ? NULL : "is not a number of pages at once (1 to 1000)";
}

static const char *read_file(const char *value, void *target)
{
    struct files *files = target;
    if (files->length == FILES_MAX)
        return "is one file too many (64 at most)";
    files->paths[files->length++] = value;
    return NULL;
}

static int fill_input(struct input *in, const struct settings *s, int argc, char **argv)
{
    int rc = 0;
    for (int i = 0; rc == 0 && i < argc; i++)
        rc = strcmp(argv[i], "-") == 0 ? input_add_file(in, "-") : input_add_url(in, argv[i]);
    for (int i = 0; rc == 0 && i < s->files.length; i++)
        rc = input_add_file(in, s->files.paths[i]);
    if (s->lecture && input_is_empty(in))
        for (int i = 0; rc == 0 && i < LECTURE_URLS; i++)
            rc = input_add_url(in, lecture_urls[i]);
    return rc;
}

// ---- the work --------------------------------------------------------------------

static int read_all(struct input *const *in, weft_none *none)
{
    (void)none;
    return input_read_all(*in);
}
WEFT_TASK(read_all, struct input *, weft_none);

static int work(weft_pool *pool, const struct fetch_settings *set, struct input *in,
                struct report *report)
{
    const struct pages_seen seen = {report_page, report_pause, report};
    if (set->bench == 0)
        return fetch_pages(pool, set, in, &seen);
    // In a task, so that Ctrl+C ends the reading too.
    weft_future *f = weft_submit(pool, read_all, &in);
    if (!f)
        return weft_error_code();
    int rc = weft_join(&f, NULL, 0);
    if (rc < 0)
        return rc;
    const struct bench b = {pool, set, in, report};
    return report->lecture ? bench_lecture(&b) : bench(&b);
}

static void tell_repeated(const struct input *in)
{
    size_t n = input_repeated(in);
    if (n > 0)
        (void)fprintf(stderr, "%zu URL%s came again, fetched once (--duplicates fetches each)\n", n,
                      n == 1 ? "" : "s");
}

static int failed(const char *what)
{
    complain("weft fetch", "%s", what);
    return STATUS_FAILED;
}

static int status_of(int rc, const struct stop *stop, const struct report *report)
{
    if (rc == -ECANCELED && weft_event_is_set(&stop->asked))
        return STATUS_SIGNAL + stop->signal;
    if (report->write_error == EPIPE) // nobody reads on, as with "| head": nothing to say
        return STATUS_SIGNAL + SIGPIPE;
    if (rc < 0)
        return failed(weft_error());
    if (report->pages == 0)
        return failed("no URL in the input");
    return report->failed > 0 ? STATUS_FAILED : STATUS_OK;
}

static int fetch(const struct settings *s, struct input *in, weft_pool *pool, struct stop *stop)
{
    if (stop_watch(stop, pool) < 0)
        return failed(weft_error());
    struct report report = {.lecture = s->lecture, .at_once = isatty(STDOUT_FILENO)};
    int64_t ns = (int64_t)(s->timeout * 1e9);
    const struct fetch_settings set = {
        .at_once = s->at_once,
        .limits = {.total_ns = ns,
                   .connect_ns = ns,
                   .first_byte_ns = ns,
                   .idle_ns = ns,
                   .encoded = s->max_size,
                   .decoded = s->max_size,
                   .header = 262144,
                   .redirects = 10},
        .identity = true,
        .http1 = s->lecture,
        .bench = s->bench,
    };
    weft_time begin = weft_now();
    int rc = work(pool, &set, in, &report);
    int status = status_of(rc, stop, &report);
    if (rc == 0 || rc == -ECANCELED)
        report_summary(&report, weft_now().ns - begin.ns, rc == -ECANCELED);
    tell_repeated(in);
    stop_end(stop);
    return status;
}

static int fetch_with_pool(struct settings *s, struct input *in, struct stop *stop)
{
    size_t known = input_known(in);
    if (known > 0 && known < (size_t)s->at_once)
        s->at_once = (int)known;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return failed("libcurl does not start");
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 1, .name = "fetch");
    int status = pool ? fetch(s, in, pool, stop) : failed(weft_error());
    weft_pool_close(&pool);
    curl_global_cleanup();
    return status;
}

int command_fetch(int argc, char **argv)
{
    struct settings s = {.at_once = 5, .timeout = 60, .max_size = (int64_t)1 << 30};
    const struct option_row rows[] = {
        {"jobs", 'j', "N", "fetch so many at once; 1: in order, one after another [5]", read_jobs,
         &s.at_once},
        {"timeout", 't', "S", "give each page S seconds in all, name and redirects included [60]",
         option_seconds, &s.timeout},
        {"max-size", 'm', "SIZE", "stop at pages larger than this: 500K, 20M, 1G [1G]", read_size,
         &s.max_size},
        {"file", 'f', "FILE", "also take URLs from FILE, one a line, # comments; - is stdin",
         read_file, &s.files},
        {"duplicates", 0, NULL, "fetch a URL as often as it is named, not once", option_flag,
         &s.duplicates},
        {"bench", 'b', "N", "fetch all N times one at a time, N times -j at once, and compare",
         option_count, &s.bench},
        {"lecture", 0, NULL, "print as the lecture does; without URLs, take its five", option_flag,
         &s.lecture},
        {0},
    };
    const struct command_line line = {
        "weft fetch", "[OPTION...] [URL...]",
        "Print the size of web pages, as they arrive. - reads URLs from stdin.", rows};
    int first = options_read(&line, argc, argv);
    if (first < 0)
        return options_status(first);
    if (first == argc && s.files.length == 0 && !s.lecture) {
        options_usage(&line, false);
        return STATUS_USAGE;
    }

    stop_block();
    (void)signal(SIGPIPE, SIG_IGN); // of a closed stdout writes tell; TLS cannot ask to be spared
    raise_descriptor_limit();
    struct stop stop = {0};
    // The lecture's program asks as often as its list says.
    struct input *in = input_new(&stop.asked, s.duplicates || s.lecture);
    int rc = in ? fill_input(in, &s, argc - first, argv + first) : -ENOMEM;
    int status = rc == 0 ? fetch_with_pool(&s, in, &stop)
                         : failed(in ? weft_error() : "out of memory");
    input_free(&in);
    return status;
}
