// SPDX-License-Identifier: MIT
// page.h - one page: fetch it, and say how big it was or what broke.
//
//     struct fetcher *f = fetcher_open(&settings);
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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Beside each: what page.code and page.detail hold, if anything.
enum page_fault {
    FAULT_NONE,
    FAULT_NO_SCHEME,       // "www.example.org/"
    FAULT_SCHEME,          // neither http nor https: the scheme
    FAULT_URL,             // not a URL: what is wrong with it
    FAULT_NAME,            // getaddrinfo's code and text; page.aside: of which proxy
    FAULT_CONNECT,         // errno and its text; page.aside: of which proxy
    FAULT_TLS,             // OpenSSL's reason (code 1), or libcurl's sentence (0); page.aside
    FAULT_PROXY,           // what it answered, or what libcurl said
    FAULT_TIMEOUT,         // page.stage: what it was waiting for; an enum page_patience
    FAULT_NO_ANSWER,       // the connection closed before the first byte
    FAULT_BROKEN,          // the connection failed: errno and its text
    FAULT_NOT_HTTP,        // the line that came instead of a status line
    FAULT_ANSWER,          // an HTTP answer that breaks the rules: how; code 1: it breaks off
    FAULT_HEADERS,         // a header line, or all of them, beyond the limit: which
    FAULT_HTTP,            // an answer, but not the page: status, reason
    FAULT_REDIRECT_LOOP,   // page.target: where it would go next
    FAULT_REDIRECT_SCHEME, // page.target: neither http nor https
    FAULT_CUT,             // the body ended before its announced end
    FAULT_SIZE,            // the body is larger than page_limits.encoded
    FAULT_ENCODING,        // not what Content-Encoding says (code 0), or it cannot be decoded (1)
    FAULT_ENCODING_CUT,    // the body came whole, but its compressed stream has no end
    FAULT_DECODED_SIZE,    // decoded, it is larger than page_limits.decoded
    FAULT_CANCELED,        // this task was asked to stop
    FAULT_MEMORY,          // out of memory
    FAULT_OTHER,           // what libcurl said
    FAULTS,                // how many there are
};

// Which of the limits of time was reached.
enum page_patience { PATIENCE_TOTAL, PATIENCE_CONNECT, PATIENCE_FIRST_BYTE, PATIENCE_IDLE };

enum page_stage {
    STAGE_NAME,
    STAGE_CONNECT,
    STAGE_TLS,
    STAGE_FIRST_BYTE,
    STAGE_HEADERS,
    STAGE_BODY,
};

struct page_limits {    // each ends a page; there is no way to have none
    int64_t total_ns;   // each attempt: name, redirects, body; not its turn at the host
    int64_t connect_ns; // a connection, with its name and TLS; not the line that lookups stand in
    int64_t first_byte_ns;
    int64_t idle_ns; // without a byte, once an answer has begun
    int64_t encoded; // bytes of the body as sent
    int64_t decoded; // bytes of a compressed body, decoded
    int64_t plain;   // bytes of one that is not; 0: `encoded` is limit enough
    int64_t header;  // bytes of all headers of one request
    int redirects;
};

struct page_times { // microseconds from the last request's start; 0: not reached
    int64_t name, connect, tls, first_byte, total;
};

struct page_hop { // a redirect that was followed
    int status;
    char *url; // that answered so
};

struct page {
    enum page_fault fault;
    enum page_stage stage; // how far the last request came
    int code;              // see page_fault
    int status;            // of the last answer; 0: none
    int http;              // its version: 10, 11, 20; 0: none
    int attempts;          // made; 1: no retry
    int redirects;         // followed in the last attempt: hops[0] to hops[redirects - 1]
    struct page_hop *hops;
    int64_t encoded;       // body bytes received; without chunk framing, not decompressed
    int64_t decoded;       // and after decompression; the same if there was none
    int64_t claimed;       // the Content-Length, or -1
    int64_t header_bytes;  // received for the last request
    int64_t request_bytes; // sent for it
    int64_t ns;            // all of it: redirects, retries, pauses; not the wait for its turn
    int64_t begin_ns;      // when that began, since the run began
    bool head;             // only the claimed size was asked for: encoded and decoded are 0
    bool excess;           // more came than was claimed: the claim is the size
    bool unverified;       // it ended when the connection closed: nothing says that it is whole
    struct page_times times;
    char *target;      // the URL after redirects, or the one that was refused; else NULL
    char reason[128];  // the server's own words after the status, as they came
    char encoding[64]; // Content-Encoding, "" if none
    char address[48];  // the peer's; of FAULT_CONNECT the name's first, or ""
    char detail[256];  // see page_fault
    char aside[128];   // more of what broke: of the certificate, the server, the proxy; or ""
};

// What pages are fetched with: threads, open connections, whose turn it is, names that are known.
// For any number of tasks at once. The settings stay the caller's, and must stay. NULL with the
// reason in weft_error(): no memory, no thread, or an option that libcurl does not take.
struct fetch_settings;
struct fetcher;
struct fetcher *fetcher_open(const struct fetch_settings *set);
void fetcher_close(struct fetcher **f); // no fetch_page is under way

// Fetch and count, a few times if need be. Returns page->fault; *page is filled in any case, and
// freed by page_free. Blocks the task: a fiber, for it is there that thousands may wait, or a
// thread. Obeys cancellation at once.
enum page_fault fetch_page(struct fetcher *f, const char *url, struct page *page);
void page_free(struct page *page);

// Record a fault and its words; returns it.
enum page_fault page_fail(struct page *page, enum page_fault fault, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
