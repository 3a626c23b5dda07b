// SPDX-License-Identifier: MIT
// request.c - one HTTP request on libcurl.
//
// Each fetcher has an easy handle in a multi handle of its own, though it only ever runs one
// transfer: curl_easy_perform looks for a request to stop once a second, which is long for who
// pressed Ctrl+C, and here we poll ourselves (transfer, below: the one place that waits). The multi
// handle also keeps the connections and the parsed CA store from one page to the next.
//
// What libcurl does not tell is seen by the callbacks: whether TLS began (its connect time includes
// that of TLS), whether a status line came at all (HTTP/0.9 is allowed, so that what is no HTTP
// arrives as a body and can be shown), whether the headers ended, and sizes beyond our limits, for
// it checks only those that a server announces.
#include "fetch/request.h"

#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <weft/weft.h>

#include "fetch/name.h"

enum {
    LOOK_MS = 100,           // how often a transfer looks for a request to stop
    HEADER_LINE_MAX = 65536, // as in Python's http.client
    HEADERS_MAX = 256 * 1024 // of all answers to a request; libcurl's own limit is 300 KB
};

struct fetcher {
    struct page_limits limits;
    CURL *easy;
    CURLM *multi;
    struct curl_slist *headers;
    struct page *page;  // being filled, during a request
    weft_time deadline; // of the request
    bool tls_begun;     // the TCP connection stands, TLS is next
    bool status_seen;   // a status line came
    bool headers_ended; // and the empty line after the headers
    char error[CURL_ERROR_SIZE];
};

// ---- what arrives ----------------------------------------------------------

static enum page_fault long_line(struct page *page)
{
    return page_fail(page, FAULT_HEADERS, 0, "a header line of more than %d bytes",
                     HEADER_LINE_MAX);
}

// "HTTP/1.1 404 Not Found\r\n". A new answer: those before it were interim ones, or the proxy's.
static void begin_answer(struct fetcher *f, const char *line, size_t size)
{
    struct page *page = f->page;
    const char *end = line + size;
    f->status_seen = true;
    f->headers_ended = false;
    page->reason[0] = '\0';
    while (end > line && (end[-1] == '\r' || end[-1] == '\n'))
        end--;
    const char *at = line;
    for (int words = 0; words < 2 && at; words++) { // the version and the status
        at = memchr(at, ' ', (size_t)(end - at));
        at += at != NULL;
    }
    if (at)
        (void)snprintf(page->reason, sizeof page->reason, "%.*s", (int)(end - at), at);
}

static size_t on_header(char *line, size_t one, size_t size, void *arg)
{
    struct fetcher *f = arg;
    struct page *page = f->page;
    (void)one; // always 1
    if (size >= 5 && memcmp(line, "HTTP/", 5) == 0)
        begin_answer(f, line, size);
    page->header_bytes += (int64_t)size;
    if (size > HEADER_LINE_MAX)
        (void)long_line(page);
    else if (page->header_bytes > HEADERS_MAX)
        (void)page_fail(page, FAULT_HEADERS, 0, "headers of more than %d bytes", HEADERS_MAX);
    if (page->fault != FAULT_NONE)
        return 0; // ends the transfer
    if (line[0] == '\r' || line[0] == '\n')
        f->headers_ended = true;
    return size;
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

static size_t on_body(char *bytes, size_t one, size_t size, void *arg)
{
    struct fetcher *f = arg;
    (void)one;
    if (!f->status_seen)
        return on_garbage(f->page, bytes, size);
    f->page->encoded += (int64_t)size;
    if (f->page->encoded <= f->limits.encoded)
        return size;
    f->page->fault = FAULT_SIZE;
    return 0;
}

static CURLcode on_tls(CURL *easy, void *ssl_context, void *arg)
{
    struct fetcher *f = arg;
    (void)easy;
    (void)ssl_context;
    f->tls_begun = true;
    return CURLE_OK;
}

// ---- the handle --------------------------------------------------------------

static bool set_up(struct fetcher *f)
{
    CURL *c = f->easy;
    char agent[64];
    (void)snprintf(agent, sizeof agent, "weft/%s", weft_version());
    // libcurl the library, unlike curl the command and Python, does not look at this by itself.
    const char *ca_file = getenv("SSL_CERT_FILE");

    // HTTP/1.1: a fetcher has one transfer at a time, so there is nothing to multiplex, and only
    // HTTP/1 has the server's own words after the status. Threads: NOSIGNAL. QUICK_EXIT: without
    // it a name server that is silent holds this thread beyond the deadline.
    return curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HTTP09_ALLOWED, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, f->limits.encoded) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_USERAGENT, agent) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HTTPHEADER, f->headers) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_ERRORBUFFER, f->error) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HEADERDATA, f) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEDATA, f) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, on_tls) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, f) == CURLE_OK &&
           (!ca_file || curl_easy_setopt(c, CURLOPT_CAINFO, ca_file) == CURLE_OK);
}

struct fetcher *fetcher_open(const struct page_limits *limits)
{
    struct fetcher *f = malloc(sizeof *f);
    if (!f)
        return NULL;
    *f = (struct fetcher){
        .limits = *limits,
        .easy = curl_easy_init(),
        .multi = curl_multi_init(),
        .headers = curl_slist_append(NULL, "Accept-Encoding: identity"),
    };
    if (!f->easy || !f->multi || !f->headers || !set_up(f))
        fetcher_close(&f);
    return f;
}

void fetcher_close(struct fetcher **f)
{
    if (!*f)
        return;
    curl_easy_cleanup((*f)->easy);
    (void)curl_multi_cleanup((*f)->multi); // fails only for NULL
    curl_slist_free_all((*f)->headers);
    free(*f);
    *f = NULL;
}

const struct page_limits *fetcher_limits(const struct fetcher *f)
{
    return &f->limits;
}

const char *answer_header(struct fetcher *f, const char *name)
{
    struct curl_header *header;
    if (curl_easy_header(f->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}

// ---- what went wrong -----------------------------------------------------------

typedef enum page_fault meaning(struct fetcher *f, struct page *page);

static enum page_fault unknown_name(struct fetcher *f, struct page *page)
{
    // "Could not resolve host: example.org"; the host, or the proxy.
    const char *colon = strstr(f->error, ": ");
    int code = colon ? why_unknown(colon + 2, f->deadline) : EAI_AGAIN;
    return page_fail(page, FAULT_NAME, code, "%s", gai_strerror(code));
}

static int system_error(struct fetcher *f)
{
    long code = 0;
    (void)curl_easy_getinfo(f->easy, CURLINFO_OS_ERRNO, &code); // code stays 0 if it fails
    return (int)code;
}

static enum page_fault not_connected(struct fetcher *f, struct page *page)
{
    int code = system_error(f);
    return page_fail(page, FAULT_CONNECT, code, "%s", code ? strerror(code) : f->error);
}

static enum page_fault timed_out(struct fetcher *f, struct page *page)
{
    (void)f;
    page->detail[0] = '\0'; // half a line of garbage, perhaps
    return page->fault = FAULT_TIMEOUT;
}

static enum page_fault no_answer(struct fetcher *f, struct page *page)
{
    (void)f;
    return page->fault = FAULT_NO_ANSWER;
}

static enum page_fault bad_answer(struct fetcher *f, struct page *page)
{
    return page_fail(page, FAULT_ANSWER, 0, "%s", f->error);
}

// libcurl has one code for a broken connection and a malformed chunk, and the errno may be of an
// earlier request. It counts if the message is about it.
static enum page_fault broken(struct fetcher *f, struct page *page)
{
    int code = system_error(f);
    const char *text = code ? strerror(code) : NULL;
    if (text && strstr(f->error, text))
        return page_fail(page, FAULT_BROKEN, code, "%s", text);
    return bad_answer(f, page);
}

static enum page_fault cut(struct fetcher *f, struct page *page)
{
    (void)f;
    return page->fault = FAULT_CUT;
}

static enum page_fault http_error(struct fetcher *f, struct page *page)
{
    (void)f;
    return page->fault = FAULT_HTTP;
}

// libcurl looks at the announced size before it notes it.
static enum page_fault too_large(struct fetcher *f, struct page *page)
{
    const char *length = answer_header(f, "Content-Length");
    if (length)
        page->claimed = strtoll(length, NULL, 10); // libcurl has checked that it is a number
    return page->fault = FAULT_SIZE;
}

// Of a header line of 100 KB, the longest that libcurl takes, it says "out of memory".
static enum page_fault out_of_memory(struct fetcher *f, struct page *page)
{
    if (page->stage != STAGE_HEADERS && page->stage != STAGE_FIRST_BYTE)
        return page_fail(page, FAULT_MEMORY, 0, "%s", f->error);
    return long_line(page);
}

// "error:0A00010B:SSL routines::wrong version number", or a sentence of libcurl's.
static enum page_fault tls_error(struct fetcher *f, struct page *page)
{
    const char *reason = strstr(f->error, "::");
    return page_fail(page, FAULT_TLS, reason != NULL, "%s", reason ? reason + 2 : f->error);
}

static enum page_fault proxy_error(struct fetcher *f, struct page *page)
{
    return page_fail(page, FAULT_PROXY, 0, "%s", f->error);
}

static enum page_fault bad_url(struct fetcher *f, struct page *page)
{
    return page_fail(page, FAULT_URL, 0, "%s", f->error);
}

static enum page_fault canceled(struct fetcher *f, struct page *page)
{
    (void)f;
    return page->fault = FAULT_CANCELED;
}

static const struct {
    CURLcode code;
    meaning *say;
} meanings[] = {
    {CURLE_COULDNT_RESOLVE_HOST, unknown_name},
    {CURLE_COULDNT_RESOLVE_PROXY, unknown_name},
    {CURLE_COULDNT_CONNECT, not_connected},
    {CURLE_OPERATION_TIMEDOUT, timed_out},
    {CURLE_GOT_NOTHING, no_answer},
    {CURLE_RECV_ERROR, broken},
    {CURLE_SEND_ERROR, broken},
    {CURLE_PARTIAL_FILE, cut},
    {CURLE_HTTP_RETURNED_ERROR, http_error},
    {CURLE_FILESIZE_EXCEEDED, too_large},
    {CURLE_OUT_OF_MEMORY, out_of_memory},
    {CURLE_SSL_CONNECT_ERROR, tls_error},
    {CURLE_PEER_FAILED_VERIFICATION, tls_error},
    {CURLE_SSL_CACERT_BADFILE, tls_error},
    {CURLE_SSL_CERTPROBLEM, tls_error},
    {CURLE_SSL_CIPHER, tls_error},
    {CURLE_SSL_ISSUER_ERROR, tls_error},
    {CURLE_WEIRD_SERVER_REPLY, bad_answer},
    {CURLE_UNSUPPORTED_PROTOCOL, bad_answer}, // of HTTP: the scheme was looked at before
    {CURLE_BAD_CONTENT_ENCODING, bad_answer},
    {CURLE_PROXY, proxy_error},
    {CURLE_URL_MALFORMAT, bad_url},
    {CURLE_ABORTED_BY_CALLBACK, canceled},
};

static enum page_fault explain(struct fetcher *f, CURLcode code, struct page *page)
{
    if (page->fault != FAULT_NONE) // a callback ended the transfer, and knows why
        return page->fault;
    long proxy_status = 0; // of a tunnel through it
    (void)curl_easy_getinfo(f->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
    if (proxy_status >= 300)
        return page_fail(page, FAULT_PROXY, 0, "%ld %s", proxy_status, page->reason);
    if (!f->error[0])
        (void)snprintf(f->error, sizeof f->error, "%s", curl_easy_strerror(code));
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (meanings[i].code == code)
            return meanings[i].say(f, page);
    return page_fail(page, FAULT_OTHER, (int)code, "%s", f->error);
}

// libcurl is content with an answer that breaks off before its body begins.
static enum page_fault check_complete(const struct fetcher *f, struct page *page)
{
    if (!f->status_seen)
        return page->fault = page->detail[0] ? FAULT_NOT_HTTP : FAULT_NO_ANSWER;
    if (!f->headers_ended)
        return page_fail(page, FAULT_ANSWER, 0, "it ends inside the headers");
    return page->fault;
}

// ---- one request ---------------------------------------------------------------

static CURLcode from_multi(CURLMcode code)
{
    return code == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT;
}

static CURLcode result_of(CURLM *multi)
{
    int left;
    CURLMsg *message = curl_multi_info_read(multi, &left);
    return message && message->msg == CURLMSG_DONE ? message->data.result : CURLE_FAILED_INIT;
}

// The one place that waits.
static CURLcode transfer(struct fetcher *f)
{
    CURLMcode code = curl_multi_add_handle(f->multi, f->easy);
    if (code != CURLM_OK)
        return from_multi(code);
    int running = 1;
    CURLcode result = CURLE_ABORTED_BY_CALLBACK;
    while (weft_check() == 0) {
        code = curl_multi_perform(f->multi, &running);
        if (code == CURLM_OK && running)
            code = curl_multi_poll(f->multi, NULL, 0, LOOK_MS, NULL);
        if (code != CURLM_OK || !running) {
            result = code == CURLM_OK ? result_of(f->multi) : from_multi(code);
            break;
        }
    }
    (void)curl_multi_remove_handle(f->multi, f->easy); // it is in there: cannot fail
    return result;
}

static int64_t info(struct fetcher *f, CURLINFO what)
{
    curl_off_t value = 0;
    (void)curl_easy_getinfo(f->easy, what, &value); // stays 0 if it fails
    return value;
}

static enum page_stage stage_of(struct fetcher *f, const struct page_times *times)
{
    if (f->headers_ended)
        return STAGE_BODY;
    if (f->status_seen)
        return STAGE_HEADERS;
    if (info(f, CURLINFO_PRETRANSFER_TIME_T) > 0)
        return STAGE_FIRST_BYTE;
    if (f->tls_begun)
        return STAGE_TLS;
    return times->name > 0 ? STAGE_CONNECT : STAGE_NAME;
}

static void take_figures(struct fetcher *f, struct page *page)
{
    long status = 0;
    (void)curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
    page->status = f->status_seen ? (int)status : 0;
    page->claimed = info(f, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T);
    page->times = (struct page_times){
        .name = info(f, CURLINFO_NAMELOOKUP_TIME_T),
        .connect = info(f, CURLINFO_CONNECT_TIME_T),
        .tls = info(f, CURLINFO_APPCONNECT_TIME_T),
        .first_byte = info(f, CURLINFO_STARTTRANSFER_TIME_T),
    };
    page->stage = stage_of(f, &page->times);
    const char *encoding = answer_header(f, "Content-Encoding");
    if (encoding && strcasecmp(encoding, "identity") != 0)
        (void)snprintf(page->encoding, sizeof page->encoding, "%s", encoding);
}

enum page_fault request(struct fetcher *f, const char *url, weft_time deadline, struct page *page)
{
    int64_t left_ms = (deadline.ns - weft_now().ns) / 1000000;
    page->encoded = page->header_bytes = 0;
    page->encoding[0] = '\0';
    f->page = page;
    f->deadline = deadline;
    f->tls_begun = f->status_seen = f->headers_ended = false;
    f->error[0] = '\0';
    CURLcode code = curl_easy_setopt(f->easy, CURLOPT_URL, url);
    if (code == CURLE_OK) // 0 would mean no limit
        code = curl_easy_setopt(f->easy, CURLOPT_TIMEOUT_MS, (long)(left_ms > 0 ? left_ms : 1));
    if (code != CURLE_OK)
        return page_fail(page, FAULT_MEMORY, 0, "%s", curl_easy_strerror(code));
    code = transfer(f);
    take_figures(f, page);
    return code == CURLE_OK ? check_complete(f, page) : explain(f, code, page);
}
