// SPDX-License-Identifier: MIT
// request.h - one HTTP request on libcurl: what page.c makes a page of.
//
// request.c has the handle and its options, answer.c what its callbacks do in the driver's task,
// unpack.c how a body is decoded, meaning.c what an end of libcurl's means.
#ifndef WEFT_PROGRAMS_FETCH_REQUEST_H
#define WEFT_PROGRAMS_FETCH_REQUEST_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include <weft/time.h>

#include "fetch/certificate.h"
#include "fetch/driver.h"
#include "fetch/page.h"
#include "fetch/resolve.h"

struct decoder;
struct fetcher;

enum {
    REQUEST_READ = 65536, // the most that libcurl reads at once
    // Over TLS it reads 16 KB at once, whatever there is room for. But of HTTP/2 libcurl 7.88 puts
    // the headers, up to 128 KB, and what came of the body with them, up to 32 KB, into one buffer,
    // and where that is too small it does not see that the body has ended.
    REQUEST_READ_TLS = (128 + 32) * 1024,
};

// A handle, for one task at a time. It keeps the cookies of one chain of redirects.
struct request {
    struct transfer transfer;
    struct fetcher *fetcher;
    struct request *next; // while it is idle
    CURL *easy;
    struct page *page;           // being filled, during a request
    weft_time end;               // of the attempt
    enum page_patience patience; // which limit transfer.due is
    bool tls, elsewhere;         // what the handle is set to: for https; for another host
    bool shares, alone;          // its connection may be one of HTTP/2; may never be so again
    struct resolved resolved;
    bool keeps_cookies, has_cookies; // since there was a redirect; some came in this chain
    // ---- of the answer that comes, or came last
    bool tls_begun;                  // the TCP connection stands, TLS is next
    bool plain_there;                // it began to speak TLS, and an answer of HTTP came
    bool resumes;                    // it offered to go on with a session of TLS
    bool asked;                      // the request is sent, or about to be
    bool streams;                    // by HTTP/2
    bool refused;                    // of that, and the server refused to answer on this connection
    bool status_seen;                // a status line came
    bool first_header;               // the next line is the first behind that
    bool headers_ended;              // and the empty line after the headers
    bool chunked;                    // it says itself where the body ends
    bool not_chunked;                // it says that it does not
    bool leads_on;                   // it is a redirect, to be followed however its body ends
    bool enough;                     // a callback ended the transfer, for nothing more is wanted
    bool may_go;                     // that its connection is closed means nothing
    bool again;                      // it was not asked, and is to be, alone
    const char *plain;               // the last header's name if that may not fold, or NULL
    int64_t length;                  // its Content-Length, or -1
    struct decoder *decoder;         // of its body, or NULL
    struct certificate *certificate; // of a TLS server, once it has shown one; or NULL
    char *error;                     // of CURL_ERROR_SIZE, during a request: libcurl's words, or ""
};

struct request *request_open(struct fetcher *f); // NULL: out of memory
void request_close(struct request **r);

// A new chain begins: forget the cookies of the one before.
void request_begin(struct request *r);
// A redirect's status line has come: keep those of this answer and of all that follow. Not from the
// beginning, for a page that waits for its answer would hold half a kilobyte for them. False: no
// memory.
bool request_keep_cookies(struct request *r);

struct place {
    const char *url;
    const char *origin; // "http://example.org:80"
    bool elsewhere;     // it is not the origin that the user named
};

// Ask for the place, follow nothing; until `end` at most. Fills in what struct page says of one
// request. Returns page->fault; a redirect is no fault here. Blocks the task.
enum page_fault request_ask(struct request *r, const struct place *place, weft_time end,
                            struct page *page);

// The last answer's header of this name, or NULL. Lives until the next request.
const char *request_header(struct request *r, const char *name);

// answer.c: set the callbacks that fill in the page; false: libcurl does not take them.
bool answer_watch(struct request *r);
// Before a request: nothing came yet.
void answer_reset(struct request *r);
// After one: whether what came is whole. libcurl is content.
enum page_fault answer_check(struct request *r);

// Whether an answer like that has no body, whatever its headers claim (RFC 9112, 6.3).
bool answer_has_no_body(const struct page *page);

// unpack.c: decode the body; what is wrong becomes the page's fault. Once the headers are there:
// r->decoder, if it is encoded. Then what came, of that; where more than a moment's work is left,
// it is behind, and others may have their turns between one slice and the next. End does the rest.
void unpack_begin(struct request *r);
void unpack(struct request *r, const void *bytes, size_t size);
bool unpack_is_behind(const struct request *r);
void unpack_some(struct request *r);
enum page_fault unpack_end(struct request *r);

// meaning.c: what it means that libcurl ended with this code, when the callbacks found nothing
// wrong: a fault with its words.
enum page_fault meaning_of(struct request *r, CURLcode code);
// After it said FAULT_NAME: libcurl does not say whether there is no such name or nobody to ask, so
// look once more, and keep what that says. Blocks.
void meaning_ask_again(struct request *r);
enum page_fault long_header_line(struct page *page);

#endif
