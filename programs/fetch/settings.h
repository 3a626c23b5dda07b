// SPDX-License-Identifier: MIT
// settings.h - what a run of weft fetch is asked for: the options, read.
#ifndef WEFT_PROGRAMS_FETCH_SETTINGS_H
#define WEFT_PROGRAMS_FETCH_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "fetch/page.h"

enum { LIST_MAX = 64 };

struct text_list { // of an option that may be given more than once
    const char *texts[LIST_MAX];
    int length;
};

enum fetch_format { FORMAT_TEXT, FORMAT_LECTURE, FORMAT_JSON, FORMAT_JSONL, FORMAT_CSV };

enum { SETTINGS_AT_ONCE = 10000 }; // the most

struct fetch_settings {
    // what
    struct text_list files; // --file
    bool duplicates;        // --duplicates: fetch each as often as it is named
    const char *resume;     // --resume FILE: skip what this file has already
    // how many
    int at_once;          // --jobs; at most SETTINGS_AT_ONCE
    int per_host;         // --per-host; 0: no limit beside --jobs
    int64_t delay_ns;     // --delay: between the starts of two requests to a host
    int retries;          // --retries: further attempts, of what may be tried again
    int64_t retry_cap_ns; // the longest pause that a server may ask for
    // limits
    struct page_limits limits;
    // how to ask
    bool head;                // --head
    bool http1;               // --http1.1
    int family;               // AF_UNSPEC, AF_INET (-4), AF_INET6 (-6)
    bool insecure;            // --insecure
    const char *ca_file;      // --cacert; else $SSL_CERT_FILE, else the system's
    const char *user_agent;   // --user-agent; NULL: ours
    struct text_list headers; // -H "Name: value"
    struct text_list resolve; // --resolve HOST:PORT:ADDRESS[,ADDRESS]
    bool identity;            // ask for no compression (--lecture does)
    // what to show
    enum fetch_format format;
    bool bytes;       // --bytes: no human units
    bool quiet;       // --quiet: no progress line, no summary
    const char *html; // --html FILE
    int bench;        // --bench N
    // what to keep and compare
    const char *save;    // --save FILE
    bool compare;        // --compare: with the last run in it
    int64_t budget;      // --budget, decoded bytes; 0: none
    double max_growth;   // --max-growth, percent; negative: none
    const char *budgets; // --budgets FILE: a line "URL SIZE" each
};

#endif
