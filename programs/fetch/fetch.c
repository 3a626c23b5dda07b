// SPDX-License-Identifier: MIT
// fetch.c - weft fetch: how big are these pages?
//
// The lecture's second program. The options are read by options.c, the URLs by input.c; run.c goes
// through them, page by page. Here they are put together, and taken apart.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 // setenv
#endif
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <weft/weft.h>

#include "common/commands.h"
#include "common/limits.h"
#include "common/output.h"
#include "common/status.h"
#include "fetch/input.h"
#include "fetch/lecture.h"
#include "fetch/memory.h"
#include "fetch/options.h"
#include "fetch/run.h"
#include "fetch/stop.h"

static const char me[] = "weft fetch";

static int failed(const char *why)
{
    complain(me, "%s", why);
    return STATUS_FAILED;
}

static int fill_input(struct input *in, const struct fetch_settings *set, char **urls)
{
    int rc = 0;
    for (; rc == 0 && *urls; urls++)
        rc = strcmp(*urls, "-") == 0 ? input_add_file(in, "-") : input_add_url(in, *urls);
    for (int i = 0; rc == 0 && i < set->files.length; i++)
        rc = input_add_file(in, set->files.texts[i]);
    if (set->format == FORMAT_LECTURE && input_is_empty(in))
        for (int i = 0; rc == 0 && i < LECTURE_URLS; i++)
            rc = input_add_url(in, lecture_urls[i]);
    return rc;
}

static int fetch(struct run *run, struct stop *stop, weft_pool *pool)
{
    int rc = stop_watch(stop, pool);
    if (rc == 0)
        rc = run_work(run, pool);
    int status = run_end(run, rc, weft_event_is_set(&stop->asked) ? stop->signal : 0);
    stop_end(stop);
    return status;
}

// A page needs a descriptor for its connection, and a quarter is for connections that are kept for
// other hosts; OTHERS are for names that are looked up, files, and what waits. Pages for which
// there is none would fail, so there are fewer at once, and it is said.
static int at_once_allowed(int at_once, long limit)
{
    enum { OTHERS = 32 };
    long used = count_descriptors();
    if (limit < 0 || used < 0)
        return at_once; // nobody knows: then who finds none says so
    long most = (limit - used - OTHERS) / 4 * 3;
    if (at_once <= most)
        return at_once;
    int fewer = most > 1 ? (int)most : 1;
    complain(me, "-j %d: with %ld descriptors (ulimit -n) it is %d at once", at_once, limit, fewer);
    return fewer;
}

static int fetch_all(struct fetch_settings *set, struct input *in, struct stop *stop)
{
    struct run run;
    size_t known = input_known(in);
    if (known > 0 && known < (size_t)set->at_once)
        set->at_once = (int)known;
    set->at_once = at_once_allowed(set->at_once, raise_descriptor_limit());
    if (run_open(&run, set, in) < 0)
        return failed(weft_error());
    // One loop: a second one made TLS faster and everything else slower (see pages.c).
    weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 1, .name = "fetch");
    int status = pool ? fetch(&run, stop, pool) : run_end(&run, weft_error_code(), 0);
    weft_pool_close(&pool);
    return status;
}

static int begin(struct fetch_settings *set, char **urls)
{
    struct stop stop = {0};
    struct input *in = input_new(&stop.asked, set->duplicates);
    if (!in)
        return failed("out of memory");
    int status = STATUS_FAILED;
    if (fill_input(in, set, urls) < 0) // until here a signal ends us: a pipe that nobody writes
        complain(me, "%s", weft_error());
    else {
        stop_block();
        status = fetch_all(set, in, &stop);
    }
    input_free(&in);
    return status;
}

int command_fetch(int argc, char **argv)
{
    struct fetch_settings set;
    int status;
    int first = fetch_options_read(&set, argc, argv, &status);
    if (first < 0)
        return status;
    if (set.insecure)
        complain(me, "--insecure: no certificate is checked, anybody may be the server");
    (void)signal(SIGPIPE, SIG_IGN); // of a closed stdout writes tell; TLS cannot ask to be spared
    // Of the loop itself nothing waits but for the driver's epoll, for which io_uring has no better
    // way, and a longer one: 10,000 small pages, CPU 0.0409 s a thousand with it and 0.0379 so.
    (void)setenv("WEFT_IO", "epoll", 0); // whoever has set it knows why
    if (!memory_begin(set.at_once))
        return failed("libcurl does not start");
    status = begin(&set, argv + first);
    memory_end();
    return status;
}
