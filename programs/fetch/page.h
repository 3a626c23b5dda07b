// SPDX-License-Identifier: MIT
// page.h - one page: fetch it, and say how big it was or what broke.
//
//     struct fetcher *f = fetcher_open(&(struct page_limits){.ns = 60000000000, .bytes = 1 << 30});
//     struct page page;
//     if (fetch_page(f, "http://example.org/", &page) == FAULT_NONE)
//         printf("%lld bytes\n", (long long)page.encoded);
//     page_free(&page);
//     fetcher_close(&f);
//
// A body is counted and dropped, so memory does not grow with the page. What broke is a kind and
// the words that came with it, not a sentence: fault.c makes ours from them, lecture.c Python's.
#ifndef WEFT_PROGRAMS_FETCH_PAGE_H
#define WEFT_PROGRAMS_FETCH_PAGE_H

#include <stddef.h>
#include <stdint.h>

// Beside each: what page.code and page.detail hold, if anything.
enum page_fault {
    FAULT_NONE,
    FAULT_NO_SCHEME,       // "www.example.org/"
    FAULT_SCHEME,          // neither http nor https: the scheme
    FAULT_URL,             // not a URL: what is wrong with it
    FAULT_NAME,            // getaddrinfo's code and text
    FAULT_CONNECT,         // errno and its text
    FAULT_TLS,             // OpenSSL's reason (code 1), or libcurl's sentence (0)
    FAULT_PROXY,           // what it answered, or what libcurl said
    FAULT_TIMEOUT,         // page.stage: what it was waiting for
    FAULT_NO_ANSWER,       // the connection closed before the first byte
    FAULT_BROKEN,          // the connection failed: errno and its text
    FAULT_NOT_HTTP,        // the line that came instead of a status line
    FAULT_ANSWER,          // an HTTP answer that breaks the rules: how
    FAULT_HEADERS,         // a header line, or all of them, beyond the limit: which
    FAULT_HTTP,            // an answer, but not the page: status, reason
    FAULT_REDIRECT_LOOP,   // page.target: where it would go next
    FAULT_REDIRECT_SCHEME, // page.target: neither http nor https
    FAULT_CUT,             // the body ended before its announced end
    FAULT_SIZE,            // the body is larger than page_limits.bytes
    FAULT_CANCELED,        // this task was asked to stop
    FAULT_MEMORY,          // out of memory
    FAULT_OTHER,           // what libcurl said
};

enum page_stage {
    STAGE_NAME,
    STAGE_CONNECT,
    STAGE_TLS,
    STAGE_FIRST_BYTE,
    STAGE_HEADERS,
    STAGE_BODY,
};

struct page_limits {
    int64_t ns;    // for everything: name, redirects, body
    int64_t bytes; // of the body as sent
};

struct page_times { // microseconds from the last request's start; 0: not reached
    int64_t name, connect, tls, first_byte;
};

struct page {
    enum page_fault fault;
    enum page_stage stage; // how far the last request came
    int code;              // see page_fault
    int status;            // of the last answer; 0: none
    int redirects;         // followed
    int64_t encoded;       // body bytes received; without chunk framing, not decompressed
    int64_t claimed;       // the Content-Length, or -1
    int64_t header_bytes;  // received for the last request
    int64_t ns;            // all of it, redirects too
    struct page_times times;
    char *target;      // the URL after redirects, or the one that was refused; else NULL
    char reason[128];  // the server's own words after the status, Latin-1
    char encoding[16]; // Content-Encoding, "" if none
    char detail[256];  // see page_fault
};

// A libcurl handle and its open connections, for one task at a time. NULL: out of memory.
struct fetcher;
struct fetcher *fetcher_open(const struct page_limits *limits);
void fetcher_close(struct fetcher **f);

// Fetch and count. Returns page->fault; *page is filled in any case, and freed by page_free.
// Obeys cancellation within a tenth of a second.
enum page_fault fetch_page(struct fetcher *f, const char *url, struct page *page);
void page_free(struct page *page);

// Record a fault and its words; returns it.
enum page_fault page_fail(struct page *page, enum page_fault fault, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
