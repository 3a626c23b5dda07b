// SPDX-License-Identifier: MIT
// fetcher.h - what the pages of a run share: page.h says what it is for.
#ifndef WEFT_PROGRAMS_FETCH_FETCHER_H
#define WEFT_PROGRAMS_FETCH_FETCHER_H

#include <curl/curl.h>
#include <weft/weft.h>

#include "fetch/driver.h"
#include "fetch/page.h"
#include "fetch/resolve.h"
#include "fetch/settings.h"
#include "fetch/turns.h"

struct request;

struct fetcher {
    const struct fetch_settings *set;
    struct driver *driver;
    struct turns *turns;
    struct resolver resolver;
    void (*on_wait)(void *ctx, int more); // one task more (1), or less (-1), waits for its turn
    void *wait_ctx;
    weft_time begun;              // of the run
    const char *agent;            // who asks, in User-Agent
    const char *ca_file;          // whom to trust; NULL: those of the folder ca_path
    const char *ca_path;          // NULL: those of the file
    struct curl_slist *headers;   // that each request has
    struct curl_slist *elsewhere; // the same without those for one host, where redirects lead
    char own_agent[64];           // "weft/1.2.3"
    unsigned char going[8192];    // a bit a port: answer.c's, on the driver's thread
    int64_t arrived;              // bytes of bodies, so far; as `going`
    bool false_http2;             // some server said HTTP/2 and spoke HTTP/1.1; as `going`
    weft_mutex mu;                // guards the rest
    struct request *idle;         // the one that was used last first: its memory is warm
};

// A request handle that nobody uses, or a new one; NULL: out of memory.
struct request *fetcher_take(struct fetcher *f);
void fetcher_give(struct fetcher *f, struct request *r);

#endif
