// SPDX-License-Identifier: MIT
// request.c - one HTTP request on libcurl: the handle, its options, and its figures.
//
// What is the same for all requests is told to libcurl once for each handle, so a request costs a
// URL and little else. Limits of time are the driver's (answer.c moves them on): libcurl's would
// cost a timer each. It has one, for the connection, because it gives half of that to the first of
// several addresses, and so comes to the second.
#include "fetch/request.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <weft/weft.h>

#include "fetch/decode.h"
#include "fetch/fetcher.h"
#include "fetch/names.h"

// ---- the handle ------------------------------------------------------------------

static long connect_ms(const struct page_limits *limits)
{
    int64_t ns = limits->connect_ns < limits->total_ns ? limits->connect_ns : limits->total_ns;
    int64_t ms = ns / 1000000 + 1000; // ours, which says what it was, comes first
    return ms < 1000000000 ? (long)ms : 1000000000L;
}

// Only over TLS: libcurl copies each of these names four times for a page.
static bool set_trust(CURL *c, const struct fetcher *f, bool tls)
{
    return curl_easy_setopt(c, CURLOPT_CAINFO, tls ? f->ca_file : NULL) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_CAPATH, tls ? f->ca_path : NULL) == CURLE_OK;
}

static long family_of(const struct fetch_settings *set)
{
    return set->family == AF_INET    ? CURL_IPRESOLVE_V4
           : set->family == AF_INET6 ? CURL_IPRESOLVE_V6
                                     : CURL_IPRESOLVE_WHATEVER;
}

// Where the environment names no proxy libcurl need not look there again for each page.
static bool set_proxy(CURL *c, const struct resolver *resolver)
{
    bool none = !resolver->proxied[0] && !resolver->proxied[1];
    return !none || (curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
                     curl_easy_setopt(c, CURLOPT_PROXY_CAINFO, NULL) == CURLE_OK &&
                     curl_easy_setopt(c, CURLOPT_PROXY_CAPATH, NULL) == CURLE_OK);
}

static bool set_up(struct request *r)
{
    CURL *c = r->easy;
    const struct fetch_settings *set = r->fetcher->set;

    // Threads: NOSIGNAL. QUICK_EXIT: without it a name server that is silent holds the driver.
    // No FAILONERROR: an error's page is read, so that its connection can be used again.
    // A large page costs half of what it does with libcurl's 16 KB, a small one no more.
    return curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)REQUEST_READ) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HTTP09_ALLOWED, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HTTP_CONTENT_DECODING, 0L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, set->insecure ? 0L : 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, set->insecure ? 0L : 2L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_NOBODY, set->head ? 1L : 0L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_IPRESOLVE, family_of(set)) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, connect_ms(&set->limits)) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_USERAGENT, r->fetcher->agent) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HTTPHEADER, r->fetcher->headers) == CURLE_OK &&
           set_trust(c, r->fetcher, r->tls) && set_proxy(c, &r->fetcher->resolver) &&
           answer_watch(r);
}

// *arg is set to NULL where it fails.
static void open_there(void *arg)
{
    struct request **r = arg;
    CURL *easy = curl_easy_init();
    (*r)->easy = easy;
    (*r)->transfer = (struct transfer){.easy = easy};
    if (!easy || !set_up(*r))
        request_close(r);
}

struct request *request_open(struct fetcher *f)
{
    struct request *r = malloc(sizeof *r);
    if (!r)
        return NULL;
    *r = (struct request){.fetcher = f};
    weft_on_thread_stack(open_there, &r);
    return r;
}

static void close_there(void *arg)
{
    struct request *r = arg;
    curl_easy_cleanup(r->easy);
    certificate_free(&r->certificate);
    decoder_close(&r->decoder);
    resolved_free(&r->resolved);
}

void request_close(struct request **r)
{
    if (!*r)
        return;
    weft_on_thread_stack(close_there, *r);
    free(*r);
    *r = NULL;
}

static void forget_cookies(void *easy)
{
    (void)curl_easy_setopt(easy, CURLOPT_COOKIELIST, "ALL"); // cannot fail: nothing is made
}

void request_begin(struct request *r)
{
    if (r->has_cookies)
        weft_on_thread_stack(forget_cookies, r->easy);
    r->has_cookies = false;
}

// What is set is a comment, of which libcurl keeps nothing.
bool request_keep_cookies(struct request *r)
{
    if (!r->keeps_cookies)
        r->keeps_cookies = curl_easy_setopt(r->easy, CURLOPT_COOKIELIST, "# from now on") ==
                           CURLE_OK;
    return r->keeps_cookies;
}

struct header {
    CURL *easy;
    const char *name, *value; // NULL: there is none
};

static void find_header(void *arg)
{
    struct header *header = arg;
    struct curl_header *theirs;
    if (curl_easy_header(header->easy, header->name, 0, CURLH_HEADER, -1, &theirs) == CURLHE_OK)
        header->value = theirs->value;
}

const char *request_header(struct request *r, const char *name)
{
    struct header header = {r->easy, name, NULL};
    weft_on_thread_stack(find_header, &header);
    const char *value = header.value;
    return value ? value + strspn(value, " \t\r\n") : NULL; // of an empty one 7.88 leaves the end
}

// ---- one request -----------------------------------------------------------------

static int64_t info(struct request *r, CURLINFO what)
{
    curl_off_t value = 0;
    (void)curl_easy_getinfo(r->easy, what, &value); // stays 0 if it fails
    return value;
}

static enum page_stage stage_of(const struct request *r, const struct page_times *times)
{
    if (r->asked)
        return r->headers_ended ? STAGE_BODY : r->status_seen ? STAGE_HEADERS : STAGE_FIRST_BYTE;
    if (r->tls_begun)
        return STAGE_TLS;
    return times->name > 0 ? STAGE_CONNECT : STAGE_NAME;
}

// Whether nothing but the end of the connection said that the body was over.
static bool ends_by_close(const struct request *r)
{
    return r->page->http < 20 ? !r->chunked : r->transfer.gone;
}

// What a proxy says of a tunnel is no answer of the page's: only that it refuses is told.
static void forget_proxy(struct page *page)
{
    if (page->status < 300)
        page->status = 0;
    page->http = 0;
    page->claimed = -1;
    page->encoding[0] = '\0';
}

static void take_figures(struct request *r, struct page *page)
{
    long bytes = 0;
    (void)curl_easy_getinfo(r->easy, CURLINFO_REQUEST_SIZE, &bytes); // stays 0 if it fails
    page->request_bytes = bytes;
    page->times = (struct page_times){
        .name = info(r, CURLINFO_NAMELOOKUP_TIME_T),
        .connect = info(r, CURLINFO_CONNECT_TIME_T),
        .tls = info(r, CURLINFO_APPCONNECT_TIME_T),
        .first_byte = info(r, CURLINFO_STARTTRANSFER_TIME_T),
        .total = info(r, CURLINFO_TOTAL_TIME_T),
    };
    page->stage = stage_of(r, &page->times);
    if (!r->asked)
        forget_proxy(page);
    page->unverified = r->asked && r->headers_ended && page->claimed < 0 && ends_by_close(r) &&
                       !answer_has_no_body(page);
    page->decoded = r->decoder ? decoder_size(r->decoder) : page->encoded;
}

// HTTP/2 needs TLS to be agreed on, and only then is it worth waiting for a connection that others
// open, for it may be shared. Plain requests would wait for nothing.
static CURLcode set_tls(struct request *r, bool tls)
{
    r->shares = tls && !r->alone && !r->fetcher->set->http1;
    long version = r->shares ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1;
    CURLcode code = curl_easy_setopt(r->easy, CURLOPT_HTTP_VERSION, version);
    if (code == CURLE_OK)
        code = curl_easy_setopt(r->easy, CURLOPT_PIPEWAIT, r->shares ? 1L : 0L);
    if (code == CURLE_OK && !set_trust(r->easy, r->fetcher, tls))
        code = CURLE_OUT_OF_MEMORY;
    // Refused where the handle still has the buffer of a request that was not sent: that will do.
    long read = tls ? REQUEST_READ_TLS : REQUEST_READ;
    (void)curl_easy_setopt(r->easy, CURLOPT_BUFFERSIZE, read);
    r->tls = tls;
    return code;
}

static CURLcode set_place(struct request *r, const struct place *place)
{
    bool tls = place->origin[4] == 's', elsewhere = place->elsewhere; // behind "http"
    CURLcode code = curl_easy_setopt(r->easy, CURLOPT_URL, place->url);
    if (code == CURLE_OK && tls != r->tls)
        code = set_tls(r, tls);
    if (code == CURLE_OK && elsewhere != r->elsewhere)
        code = curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER,
                                elsewhere ? r->fetcher->elsewhere : r->fetcher->headers);
    r->elsewhere = elsewhere;
    return code;
}

// Nothing is known of this request yet.
static void begin(struct request *r, struct page *page)
{
    page->encoded = page->decoded = page->header_bytes = page->request_bytes = 0;
    page->status = page->http = 0;
    page->claimed = -1;
    page->stage = STAGE_NAME;
    page->times = (struct page_times){0};
    page->head = r->fetcher->set->head;
    page->excess = page->unverified = false;
    page->encoding[0] = page->address[0] = page->reason[0] = '\0';
    r->page = page;
}

// libcurl's clock begins behind our lookup.
static void add_lookup(struct page_times *times, int64_t us)
{
    int64_t *all[] = {&times->name, &times->connect, &times->tls, &times->first_byte,
                      &times->total};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        *all[i] += *all[i] > 0 ? us : 0;
}

// libcurl asks again where a connection that it kept proves to be closed; but it counts that over
// all requests of the handle, and gives the sixth up. It counts from nothing then. Of one that was
// reset it gives no reason but that.
static bool has_lost_count(const struct request *r, CURLcode code)
{
    static const char words[] = "Connection died, tried";
    long connections = 1; // stays so if it is not told
    if (code == CURLE_SEND_ERROR && strncmp(r->error, words, sizeof words - 1) == 0)
        return true;
    if (code != CURLE_RECV_ERROR || !r->asked || r->page->header_bytes > 0)
        return false;
    (void)curl_easy_getinfo(r->easy, CURLINFO_NUM_CONNECTS, &connections);
    return connections == 0;
}

// Its connection might have been another's too, of a kind that is not to be shared.
static bool is_to_be_alone(struct request *r)
{
    if (!r->again)
        return false;
    r->again = false;
    r->alone = true;
    return set_tls(r, r->tls) == CURLE_OK; // else it fails as it is
}

// A server that cannot go on with a session is to agree anew; some, of several behind one name, end
// the handshake. A handle that has met one has no use for sessions.
static bool is_to_agree_anew(const struct request *r, CURLcode code)
{
    static const CURLcode others[] = {CURLE_OK, CURLE_PEER_FAILED_VERIFICATION,
                                      CURLE_OPERATION_TIMEDOUT, CURLE_ABORTED_BY_CALLBACK};
    bool ended = r->resumes && !r->asked;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ended = ended && code != others[i];
    return ended && curl_easy_setopt(r->easy, CURLOPT_SSL_SESSIONID_CACHE, 0L) == CURLE_OK;
}

// For a connection, which is the first of what is waited for; with its name, but for the line that
// lookups stand in.
static void give_time(struct request *r, weft_time begun)
{
    weft_time connected = {begun.ns + r->fetcher->set->limits.connect_ns};
    r->patience = r->end.ns <= connected.ns ? PATIENCE_TOTAL : PATIENCE_CONNECT;
    r->transfer.due = weft_sooner(r->end, connected);
}

// A redirect says where it leads before its body, so that may break off; but not the program, nor
// the time that there is.
static bool may_be_left(const struct request *r, CURLcode code)
{
    bool over = code == CURLE_OPERATION_TIMEDOUT && r->patience == PATIENCE_TOTAL;
    bool stopped = over || code == CURLE_ABORTED_BY_CALLBACK;
    return r->leads_on && r->asked && r->headers_ended && !stopped;
}

// What is asked, and what comes of it.
struct question {
    struct request *request;
    const struct place *place;
    CURLcode code;
    int asked; // so often
    bool again;
    enum page_fault fault;
    char error[CURL_ERROR_SIZE]; // libcurl's words: here, and not in each handle that is idle
};

static void set_words(struct request *r, char *error)
{
    (void)curl_easy_setopt(r->easy, CURLOPT_ERRORBUFFER, error); // it only takes the address
}

static void prepare(void *arg)
{
    struct question *q = arg;
    struct request *r = q->request;
    answer_reset(r);
    q->code = resolved_tell(&r->fetcher->resolver, &r->resolved, r->easy);
    if (q->code == CURLE_OK)
        q->code = set_place(r, q->place);
    if (q->code == CURLE_OK)
        set_words(r, q->error);
    else
        q->fault = page_fail(r->page, FAULT_MEMORY, 0, "%s", curl_easy_strerror(q->code));
}

static enum page_fault fault_of(struct request *r, CURLcode code)
{
    struct page *page = r->page;
    if (page->fault != FAULT_NONE) // a callback ended the transfer, and knows why
        return page->fault;
    if (r->asked && page->status >= 400) // however its body ended
        return page->fault = FAULT_HTTP;
    if (r->enough || may_be_left(r, code))
        code = CURLE_OK;
    return code == CURLE_OK ? answer_check(r) : meaning_of(r, code);
}

static void conclude(void *arg)
{
    enum { AGAIN = 2 };
    struct question *q = arg;
    struct request *r = q->request;
    bool may = q->asked <= AGAIN && r->page->fault == FAULT_NONE;
    q->again = may &&
               (is_to_be_alone(r) || has_lost_count(r, q->code) || is_to_agree_anew(r, q->code));
    if (q->again) {
        answer_reset(r);
        give_time(r, weft_now());
        return;
    }
    take_figures(r, r->page);
    q->fault = fault_of(r, q->code);
    set_words(r, NULL);
}

static void unpack_there(void *request)
{
    unpack_some(request);
}

// What decodes to much is decoded here, and others have their turns in between.
static void catch_up(struct question *q)
{
    struct request *r = q->request;
    while (unpack_is_behind(r)) {
        weft_on_thread_stack(unpack_there, r);
        weft_yield();
        if (weft_check() < 0) {
            q->code = CURLE_ABORTED_BY_CALLBACK;
            return;
        }
        if (weft_now().ns >= r->end.ns) {
            r->patience = PATIENCE_TOTAL;
            q->code = CURLE_OPERATION_TIMEDOUT;
            return;
        }
    }
}

static void run(struct question *q)
{
    struct request *r = q->request;
    do {
        q->code = driver_run(r->fetcher->driver, &r->transfer);
        q->asked++;
        catch_up(q);
        weft_on_thread_stack(conclude, q);
    } while (q->again);
    if (q->fault == FAULT_NAME)
        meaning_ask_again(r);
}

static enum page_fault ask(struct question *q, weft_time end, struct page *page)
{
    struct request *r = q->request;
    weft_time now = weft_now();
    begin(r, page);
    r->end = end;
    struct names_time time = {end, r->fetcher->set->limits.connect_ns, now};
    enum page_fault fault = resolve(&r->fetcher->resolver, &r->resolved, q->place->origin, &time,
                                    page);
    give_time(r, time.begun);
    if (fault == FAULT_TIMEOUT)
        page->code = (int)r->patience;
    if (fault != FAULT_NONE)
        return fault;
    weft_on_thread_stack(prepare, q);
    if (q->fault != FAULT_NONE)
        return q->fault;
    int64_t lookup_us = (weft_now().ns - now.ns) / 1000;
    run(q);
    add_lookup(&page->times, lookup_us);
    return q->fault;
}

enum page_fault request_ask(struct request *r, const struct place *place, weft_time end,
                            struct page *page)
{
    struct question q = {.request = r, .place = place};
    r->error = q.error;
    enum page_fault fault = ask(&q, end, page);
    r->error = NULL;
    return fault;
}
