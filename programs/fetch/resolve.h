// SPDX-License-Identifier: MIT
// resolve.h - the addresses that a request goes to: told by --resolve, looked up by us, or none of
// our business, where a proxy looks them up.
#ifndef WEFT_PROGRAMS_FETCH_RESOLVE_H
#define WEFT_PROGRAMS_FETCH_RESOLVE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <weft/time.h>

#include "fetch/page.h"
#include "fetch/settings.h"

struct names;
struct names_time;

struct resolver { // of all requests
    struct names *names;
    struct curl_slist *told; // --resolve, as libcurl takes it
    bool proxied[2];         // is there a proxy for http, for https
};

// 0 or -ENOMEM; closed also if that failed. Waits for nothing: on the thread's stack.
int resolver_open(struct resolver *r, const struct fetch_settings *set);
void resolver_close(struct resolver *r);

struct resolved {            // of one easy handle; zeroed at first
    struct curl_slist *list; // that the handle was given, but for those of --resolve
    // ---- what it is to be told
    bool changes;
    char *entry; // NULL: those of --resolve
};

// Find the addresses of this origin ("http://example.org:80"). FAULT_NONE, FAULT_NAME,
// FAULT_CANCELED, FAULT_MEMORY, or FAULT_TIMEOUT: not in that time, whose `begun` is set if there
// was a lookup. Blocks.
enum page_fault resolve(struct resolver *r, struct resolved *done, const char *origin,
                        struct names_time *time, struct page *page);
// Tell the handle what was found, on the thread's stack. Fails where there is no memory.
CURLcode resolved_tell(const struct resolver *r, struct resolved *done, CURL *easy);
// On the thread's stack too.
void resolved_free(struct resolved *done);

#endif
