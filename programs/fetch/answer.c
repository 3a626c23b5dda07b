// SPDX-License-Identifier: MIT
// answer.c - an answer, as it arrives: the callbacks of a transfer, in the driver's task.
//
// libcurl is asked for bytes, and the rest is judged here, where libcurl is content with less: it
// takes the last of two different lengths and drops what comes behind the announced end; it checks
// only sizes that a server announces; it has no limit on silence that begins with the request; and
// it reports a header line over its own limit as "out of memory". What is no HTTP at all arrives as
// a body without a status line, since HTTP/0.9 is allowed, so that it can be shown.
//
// A callback that finds a fault notes it in the page and ends the transfer; libcurl's code for that
// end is then not looked at.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 // memmem
#endif
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "fetch/decode.h"
#include "fetch/fetcher.h"
#include "fetch/request.h"
#include "fetch/sockets.h"
#include "fetch/text.h"

enum {
    HEADER_LINE_MAX = 65536, // as in Python's http.client
    OTHER_BODY_MAX = 65536,  // of an error's page, or a redirect's: read to keep the connection
};

static const struct page_limits *limits_of(const struct request *r)
{
    return &r->fetcher->set->limits;
}

// From now on so long, and for the whole attempt no longer than there is.
static void wait_for(struct request *r, enum page_patience patience, int64_t ns)
{
    weft_time due = {transfer_now(&r->transfer).ns + ns};
    bool total = r->end.ns <= due.ns;
    r->patience = total ? PATIENCE_TOTAL : patience;
    transfer_due(&r->transfer, total ? r->end : due);
}

enum page_fault long_header_line(struct page *page)
{
    return page_fail(page, FAULT_HEADERS, 0, "a header line of more than %d bytes",
                     HEADER_LINE_MAX);
}

// ---- the status line -------------------------------------------------------------

// Three digits; libcurl checks them more closely. 0: it will.
static int status_at(const char *at, const char *end)
{
    int status = 0;
    for (int i = 0; i < 3; i++, at++) {
        if (at == end || *at < '0' || *at > '9')
            return 0;
        status = 10 * status + (*at - '0');
    }
    return status;
}

// HTTP/2 has no status line: libcurl writes one for us. That of a server which speaks HTTP/1.1
// makes libcurl 7.88 believe that its connections take several requests at once, and pages would
// get each other's answers; so from now on none is asked on one that may be shared (on_connected).
static void check_version(struct request *r)
{
    const struct curl_tlssessioninfo *session = NULL; // stays so if it is not told
    if (r->page->http < 20 || !r->asked) // what a proxy says of a tunnel is libcurl's affair
        return;
    (void)curl_easy_getinfo(r->easy, CURLINFO_TLS_SSL_PTR, &session);
    if (certificate_agrees_on_http2(session))
        return;
    r->fetcher->false_http2 |= r->shares; // of plain connections libcurl shares none
    r->page->http = 0;
    (void)page_fail(r->page, FAULT_ANSWER, 0, "it says HTTP/2 on a connection of HTTP/1.1");
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// "HTTP/1.1 404 Not Found\r\n". A new answer: those before it were interim ones, or the proxy's.
static void begin_answer(struct request *r, const char *line, size_t size)
{
    struct page *page = r->page;
    const char *end = line + size;
    r->status_seen = r->first_header = true;
    r->headers_ended = r->chunked = r->not_chunked = r->leads_on = false;
    r->plain = NULL;
    r->length = -1;
    page->encoding[0] = page->reason[0] = '\0';
    page->status = 0;
    page->http = size > 5 ? 10 * (line[5] - '0') : 0;
    if (size > 7 && line[6] == '.')
        page->http += line[7] - '0';
    while (end > line && (end[-1] == '\r' || end[-1] == '\n'))
        end--;
    const char *at = line;
    for (int words = 0; words < 2 && at; words++) { // the version and the status
        at = memchr(at, ' ', (size_t)(end - at));
        while (at && at < end && *at == ' ')
            at++;
        if (words == 0 && at)
            page->status = status_at(at, end);
    }
    if (at)
        (void)text_copy(page->reason, sizeof page->reason, at, (size_t)(end - at));
    check_version(r);
    if (is_redirect(page->status) && !request_keep_cookies(r))
        (void)page_fail(page, FAULT_MEMORY, 0, "out of memory");
}

// Keep the first line of what is no HTTP, its end included.
static size_t on_garbage(struct page *page, const char *bytes, size_t size)
{
    size_t have = strlen(page->detail);
    const char *newline = memchr(bytes, '\n', size);
    size_t take = newline ? (size_t)(newline - bytes) + 1 : size;
    bool full = take >= sizeof page->detail - have;
    if (full)
        take = sizeof page->detail - have - 1;
    memcpy(page->detail + have, bytes, take);
    page->detail[have + take] = '\0';
    if (!newline && !full)
        return size;
    page->fault = FAULT_NOT_HTTP;
    return 0;
}

// ---- headers ---------------------------------------------------------------------

struct text {
    const char *at;
    size_t size;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Whether that is the line's name: the value is what stands behind the colon. A space before that
// has no place there (RFC 9112, 5.1), and is told.
static bool value_of(const char *line, size_t size, const char *name, struct text *value,
                     bool *spaced)
{
    size_t length = strlen(name), colon = length;
    if (size <= length || strncasecmp(line, name, length) != 0)
        return false;
    while (colon < size && (line[colon] == ' ' || line[colon] == '\t'))
        colon++;
    if (colon == size || line[colon] != ':')
        return false;
    const char *at = line + colon + 1, *end = line + size;
    while (at < end && is_space(*at))
        at++;
    while (end > at && is_space(end[-1]))
        end--;
    *value = (struct text){at, (size_t)(end - at)};
    *spaced = colon > length;
    return true;
}

// A length, or -1: digits alone, and no more than there are in an int64_t.
static int64_t read_length(const char *at, const char *end)
{
    int64_t length = at < end ? 0 : -1;
    for (; at < end && length >= 0; at++) {
        int digit = *at - '0';
        if (digit < 0 || digit > 9 || length > (INT64_MAX - digit) / 10)
            return -1;
        length = 10 * length + digit;
    }
    return length;
}

// A Content-Length, or several in one line, which must all be the same (RFC 9110, 8.6).
static void on_length(struct request *r, const struct text *value)
{
    const char *at = value->at, *end = value->at + value->size;
    for (;;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        while (stop > at && is_space(stop[-1]))
            stop--;
        int64_t length = read_length(at, stop);
        if (length < 0)
            (void)page_fail(r->page, FAULT_ANSWER, 0, "Content-Length: %.*s", (int)value->size,
                            value->at);
        else if (r->length >= 0 && r->length != length)
            (void)page_fail(r->page, FAULT_ANSWER, 0,
                            "two different Content-Lengths, %lld and %lld", (long long)r->length,
                            (long long)length);
        if (r->page->fault != FAULT_NONE || !comma) {
            r->length = length;
            return;
        }
        r->length = length;
        for (at = comma + 1; at < end && is_space(*at); at++) {}
    }
}

static void on_encoding(struct request *r, const struct text *value)
{
    char *all = r->page->encoding;
    size_t have = strlen(all), room = sizeof r->page->encoding - have;
    if (value->size == 8 && strncasecmp(value->at, "identity", 8) == 0)
        return;
    int more = snprintf(all + have, room, "%s%.*s", have ? ", " : "", (int)value->size, value->at);
    if ((size_t)more >= room) // half of it would be another encoding
        (void)page_fail(r->page, FAULT_ENCODING, 1, "it is encoded too often");
}

// We ask for none but chunked (RFC 9112, 7.4), so that is all that may come: libcurl would pass on
// any other as it is, and what it holds is not the page. "identity" is what HTTP once called none.
static void on_transfer_encoding(struct request *r, const struct text *value)
{
    bool chunked = value->size == 7 && strncasecmp(value->at, "chunked", 7) == 0;
    bool none = value->size == 8 && strncasecmp(value->at, "identity", 8) == 0;
    r->chunked = r->chunked || chunked;
    r->not_chunked = r->not_chunked || none;
    if (!chunked && !none)
        (void)page_fail(r->page, FAULT_ANSWER, 0, "Transfer-Encoding: %.*s", (int)value->size,
                        value->at);
}

static void on_location(struct request *r, const struct text *value)
{
    (void)value;
    r->leads_on = is_redirect(r->page->status) && r->fetcher->set->format != FORMAT_LECTURE;
}

static void on_cookie(struct request *r, const struct text *value)
{
    (void)value;
    r->has_cookies = true;
}

// What says where a body ends, and what it holds, must be plain: of a folded line, or one with a
// space before its colon, libcurl sees half or nothing, and would take other bytes for the page.
static void look_at(struct request *r, const char *line, size_t size)
{
    static const struct {
        const char *name;
        void (*take)(struct request *r, const struct text *value);
        bool plain;
    } headers[] = {
        {"Content-Length", on_length, true},
        {"Content-Encoding", on_encoding, true},
        {"Transfer-Encoding", on_transfer_encoding, true},
        {"Location", on_location, false},
        {"Set-Cookie", on_cookie, false},
    };
    struct text value;
    bool folds = line[0] == ' ' || line[0] == '\t', spaced = false;
    if (folds && r->plain)
        (void)page_fail(r->page, FAULT_ANSWER, 0, "%s goes on in another line", r->plain);
    if (folds)
        return;
    r->plain = NULL;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        if (!value_of(line, size, headers[i].name, &value, &spaced))
            continue;
        if (headers[i].plain)
            r->plain = headers[i].name;
        if (r->plain && spaced)
            (void)page_fail(r->page, FAULT_ANSWER, 0, "a space behind %s", r->plain);
        else
            headers[i].take(r, &value);
        return;
    }
}

bool answer_has_no_body(const struct page *page)
{
    return page->head || page->status < 200 || page->status == 204 || page->status == 304;
}

// Of an interim answer: it is none, and the wait for one goes on.
static void end_interim(struct request *r)
{
    r->status_seen = false;
    r->page->status = 0;
    wait_for(r, PATIENCE_FIRST_BYTE, limits_of(r)->first_byte_ns);
}

// "Transfer-Encoding: identity" makes libcurl forget the length, and read to the connection's end.
static bool forgets_length(const struct request *r)
{
    return r->not_chunked && r->page->claimed >= 0 && !answer_has_no_body(r->page);
}

// Nothing that comes behind the headers is wanted. Of a redirect that is where it leads to; its
// body is read where that is little, so that the connection can be used again.
static bool has_enough(const struct request *r)
{
    int64_t claimed = r->page->claimed;
    bool to_the_end = claimed < 0 && !r->chunked && r->page->http < 20;
    bool long_way = r->leads_on && (claimed > OTHER_BODY_MAX || to_the_end);
    return long_way || (claimed == 0 && forgets_length(r));
}

// The empty line. What is claimed is known now.
static void end_headers(struct request *r)
{
    struct page *page = r->page;
    if (page->status / 100 == 1 && page->status != 101) {
        end_interim(r);
        return;
    }
    r->headers_ended = true;
    page->claimed = r->chunked ? -1 : r->length;
    if (page->status == 101 && r->asked) // it goes on in a protocol that nobody asked for
        page->fault = FAULT_HTTP;
    if (answer_has_no_body(page) || !r->asked) // the last: a proxy's
        return;
    r->enough = has_enough(r);
    bool counts = page->status < 400 && !is_redirect(page->status);
    if (page->claimed > limits_of(r)->encoded && counts)
        page->fault = FAULT_SIZE;
    if (page->claimed > OTHER_BODY_MAX && page->status >= 400)
        page->fault = FAULT_HTTP;
    if (counts && page->fault == FAULT_NONE)
        unpack_begin(r);
}

static size_t on_header(char *line, size_t one, size_t size, void *arg)
{
    struct request *r = arg;
    struct page *page = r->page;
    (void)one; // always 1
    wait_for(r, PATIENCE_IDLE, limits_of(r)->idle_ns);
    r->first_header = false;
    bool behind = r->asked && r->headers_ended && page->status >= 200; // the body: counts no more
    if (!behind && !r->status_seen) { // libcurl takes "http/1.1" as well; later it is a header
        if (size < 5 || memcmp(line, "HTTP/", 5) != 0)
            return on_garbage(page, line, size);
        begin_answer(r, line, size);
    }
    page->header_bytes += (int64_t)size;
    if (size > HEADER_LINE_MAX)
        (void)long_header_line(page);
    else if (page->header_bytes > limits_of(r)->header)
        (void)page_fail(page, FAULT_HEADERS, 0, "headers of more than %lld bytes",
                        (long long)limits_of(r)->header);
    else if (behind)
        return size;
    else if (line[0] == '\r' && (size < 2 || line[1] != '\n')) // libcurl: the empty line
        (void)page_fail(page, FAULT_ANSWER, 0, "a header begins with a carriage return");
    else if (line[0] == '\r' || line[0] == '\n')
        end_headers(r);
    else
        look_at(r, line, size);
    return page->fault == FAULT_NONE && !r->enough ? size : 0; // 0 ends the transfer
}

// ---- the body --------------------------------------------------------------------

// More than was claimed, in a later packet than the end. libcurl reads no further than the claim,
// and then throws the connection away without a word. What is read by one call with the headers is
// told by its log; and of TLS we cannot tell.
//
// The connection is ours until this callback returns: a moment later the next page may have asked
// on it, and what is there may be its answer. That it is ours the port tells.
static bool has_more(const struct request *r)
{
    int fd = transfer_socket(&r->transfer);
    char byte;
    return fd >= 0 && socket_port(fd) == r->transfer.port &&
           recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

static bool is_last_of_large(const struct request *r)
{
    const struct page *page = r->page;
    return page->encoded == page->claimed && page->claimed > REQUEST_READ && !r->tls &&
           page->status == 200;
}

// How many of these bytes are the body's, whose length libcurl has forgotten.
static size_t end_at_length(struct request *r, size_t size)
{
    int64_t left = r->page->claimed - r->page->encoded;
    r->enough = (int64_t)size >= left;
    r->page->excess = (int64_t)size > left;
    return r->enough ? (size_t)left : size;
}

static size_t on_body(char *bytes, size_t one, size_t size, void *arg)
{
    struct request *r = arg;
    struct page *page = r->page;
    (void)one;
    wait_for(r, PATIENCE_IDLE, limits_of(r)->idle_ns);
    if (!r->status_seen)
        return on_garbage(page, bytes, size);
    if (forgets_length(r))
        size = end_at_length(r, size);
    page->encoded += (int64_t)size;
    r->fetcher->arrived += (int64_t)size;
    if (page->status >= 400 && page->encoded > OTHER_BODY_MAX)
        page->fault = FAULT_HTTP;
    else if (r->leads_on)
        r->enough = r->enough || page->encoded > OTHER_BODY_MAX;
    else if (page->encoded > limits_of(r)->encoded)
        page->fault = FAULT_SIZE;
    else if (r->decoder)
        unpack(r, bytes, size);
    else if (limits_of(r)->plain > 0 && page->encoded > limits_of(r)->plain)
        page->fault = FAULT_DECODED_SIZE;
    if (page->fault == FAULT_NONE && is_last_of_large(r) && has_more(r))
        page->excess = true;
    return page->fault == FAULT_NONE && !r->enough ? size : 0;
}

// ---- before it, and beside it ----------------------------------------------------

static CURLcode on_tls(CURL *easy, void *ssl_context, void *arg)
{
    struct request *r = arg;
    r->tls_begun = true;
    (void)curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L); // for on_log; cannot fail
    certificate_watch(ssl_context, &r->certificate);
    return CURLE_OK;
}

// Whether the connection's server has said that it is about to go, to whichever of the requests
// that share it: a bit for each port of ours. Nothing is asked on one that is about to go.
static unsigned char *going(const struct request *r, unsigned char *bit)
{
    *bit = (unsigned char)(1U << ((unsigned)r->transfer.port % 8));
    return &r->fetcher->going[(unsigned)r->transfer.port / 8 % sizeof r->fetcher->going];
}

static void tell_going(const struct request *r, bool is)
{
    unsigned char bit, *byte = going(r, &bit);
    *byte = (unsigned char)(is ? *byte | bit : *byte & ~bit);
}

static bool is_going(const struct request *r)
{
    unsigned char bit;
    return (*going(r, &bit) & bit) != 0;
}

// The connection stands, new or known, and the request is sent next.
static int on_connected(void *arg, char *address, char *own_address, int port, int own_port)
{
    struct request *r = arg;
    (void)own_address;
    (void)port;
    if (r->fetcher->false_http2 && r->shares) {
        r->again = true;
        return CURL_PREREQFUNC_ABORT;
    }
    r->transfer.port = own_port;
    r->asked = true;
    r->may_go = r->transfer.gone = r->refused = false; // what was before is of other connections
    tell_going(r, false);
    r->status_seen = r->headers_ended = false; // a proxy's words about a tunnel are no answer
    r->page->status = 0;
    (void)curl_easy_setopt(r->easy, CURLOPT_VERBOSE, 1L); // for on_log; cannot fail
    (void)text_copy(r->page->address, sizeof r->page->address, address,
                    address ? strlen(address) : 0);
    wait_for(r, PATIENCE_FIRST_BYTE, limits_of(r)->first_byte_ns);
    return CURL_PREREQFUNC_OK;
}

static bool begins(const char *text, size_t size, const char *words)
{
    size_t length = strlen(words);
    return size >= length && memcmp(text, words, length) == 0;
}

// libcurl 7.88 takes a first header that begins with a space for more of the last one, which is the
// last answer's and freed: any server could write where that was. It shows us the line first; so we
// see to it that it begins otherwise, and refuse it.
static void defuse(struct request *r, char *line, size_t size)
{
    if (!r->first_header || size == 0 || (line[0] != ' ' && line[0] != '\t'))
        return;
    line[0] = 'x';
    (void)page_fail(r->page, FAULT_ANSWER, 0, "its first header begins with a space");
}

static bool has(const char *text, size_t size, const char *words)
{
    return memmem(text, size, words, strlen(words)) != NULL;
}

// What libcurl says in its log and nowhere else: that more came than was claimed; that it offers to
// go on with a session of TLS; that it asks as HTTP/2; that the server of that refused to answer;
// and of HTTP/2, whose bodies it calls whole also when the connection broke the rules under them,
// that it closes this, which it keeps otherwise, unless the server is about to go or there are too
// many.
static int on_log(CURL *easy, curl_infotype type, char *text, size_t size, void *arg)
{
    struct request *r = arg;
    (void)easy;
    if (type == CURLINFO_HEADER_IN)
        defuse(r, text, size);
    if (type != CURLINFO_TEXT)
        return 0;
    if (begins(text, size, "Excess found"))
        r->page->excess = r->headers_ended && !r->page->head; // of HEAD all would be
    else if (begins(text, size, "Closing connection"))
        r->transfer.gone = !r->may_go && !is_going(r) && r->page->http >= 20;
    else if (has(text, size, "using session ID")) // "re-using", or "reusing"
        r->resumes = true;
    else if (begins(text, size, "Using Stream ID"))
        r->streams = true;
    else if (begins(text, size, "REFUSED_STREAM"))
        r->refused = true;
    else if (has(text, size, "GOAWAY"))
        tell_going(r, true);
    else if (has(text, size, "wrong version number"))
        r->plain_there = certificate_came_as_http();
    else if (has(text, size, "cache is full") || has(text, size, "left intact"))
        r->may_go = true; // the oldest of those that nobody uses, perhaps this; or it is kept
    return 0;
}

bool answer_watch(struct request *r)
{
    CURL *c = r->easy;
    return curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HEADERDATA, r) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEDATA, r) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, on_connected) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PREREQDATA, r) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_DEBUGFUNCTION, on_log) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_DEBUGDATA, r) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, on_tls) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, r) == CURLE_OK;
}

void answer_reset(struct request *r)
{
    r->tls_begun = r->asked = r->status_seen = r->headers_ended = r->chunked = false;
    r->first_header = r->may_go = r->transfer.gone = r->leads_on = r->enough = r->streams = false;
    r->plain_there = r->resumes = r->refused = false;
    r->transfer.port = 0;
    r->length = -1;
    r->error[0] = '\0';
    certificate_free(&r->certificate);
    decoder_close(&r->decoder);
    const bool *proxied = r->fetcher->resolver.proxied; // its answer comes before on_connected
    (void)curl_easy_setopt(r->easy, CURLOPT_VERBOSE, proxied[0] || proxied[1] ? 1L : 0L);
}

enum page_fault answer_check(struct request *r)
{
    struct page *page = r->page;
    if (!r->status_seen)
        return page->fault = page->detail[0] ? FAULT_NOT_HTTP : FAULT_NO_ANSWER;
    if (!r->headers_ended)
        return page_fail(page, FAULT_ANSWER, 1, "it ends inside the headers");
    if (forgets_length(r) && page->encoded < page->claimed)
        return page->fault = FAULT_CUT;
    return unpack_end(r);
}
