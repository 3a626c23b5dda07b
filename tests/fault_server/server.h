// SPDX-License-Identifier: MIT
// server.h - what the parts of the fault server know of each other: a visit, and how a page speaks
// during it.
//
// A page is a function that has the connection to itself and says on it what it likes. It returns
// CLOSE or KEEP (the connection, for the next request), or an error, which closes too. Every call
// here waits for the peer, a minute at most, and is ended by the server's end.
#ifndef WEFT_TESTS_FAULT_SERVER_SERVER_H
#define WEFT_TESTS_FAULT_SERVER_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/weft.h>

enum { CLOSE = 0, KEEP = 1 };

struct text { // bytes, which may hold zeros
    const char *bytes;
    size_t size;
};

struct request {
    bool head;         // HEAD, not GET
    char target[1024]; // "/ok?size=5"
    char cookie[256];  // of Cookie: "a=b; c=d"
};

struct visit {
    weft_conn *c;
    struct request request;
    const struct row *row; // the page that was asked for
    int nth;               // request for this target, from 1
    int earlier;           // requests on this connection
};

typedef int page(struct visit *v);

struct row { // of the table of pages
    const char *name;
    page *page;
    struct text says;     // of pages that are hardly more than some bytes; else empty
    const char *describe; // what it does; parameters with their defaults in brackets
};

extern const struct row rows[]; // the last one's name is NULL
page ok;

// ---- parameters: say.c ---------------------------------------------------------

// "size" of "/ok?size=5&x=1", or what it is without it.
long long number(const struct visit *v, const char *name, long long without);
// The same for text, its %XX undone. False: it is not there, buf is "".
bool words(const struct visit *v, const char *name, char *buf, size_t cap);

// ---- speaking: say.c -----------------------------------------------------------

int say(struct visit *v, const void *bytes, size_t size);
int sayf(struct visit *v, const char *fmt, ...) __attribute__((format(printf, 2, 3))); // to 2 KB
int say_often(struct visit *v, const char *text, int64_t times); // negative: until it fails
// A whole answer; without its body to HEAD. `headers`: lines with their ends, or "". KEEP.
int answer(struct visit *v, const char *status, const char *headers, const void *body, size_t size);
int wait_ms(int64_t ms);
int wait_for_the_end(struct visit *v); // until the peer closes; what it says is dropped
int reset(struct visit *v);            // RST, once what was said so far has had time to arrive
int cut(struct visit *v);              // the end of TCP's stream; TLS gets no word of it

#endif
