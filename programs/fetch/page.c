// SPDX-License-Identifier: MIT
// page.c - one page, redirects followed.
//
// Redirects are followed here and not by libcurl: the rules are then those of Python's urllib - at
// most ten, and no page five times - a redirect to a file is told apart from any other unknown
// scheme, the way is kept, and each page on it is a place where a limit, a cookie or a host's turn
// can be looked at.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 // memrchr
#endif
#include "fetch/page.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>
#include <weft/weft.h>

#include "fetch/fetcher.h"
#include "fetch/request.h"
#include "fetch/retry.h"
#include "fetch/text.h"
#include "fetch/url.h"

enum { VISITS_MAX = 4 }; // urllib's max_repeats

// A page on its way: where it has come to.
struct walk {
    struct fetcher *fetcher;
    struct request *request;
    struct page *page;
    char *url;          // where it is
    CURLU *place;       // the same, to follow from; NULL until that is needed
    char *first, *here; // origins: of the URL that was given, and of `url`
    struct turn *turn;  // at `at`, or NULL
    char *at;           // an origin
    weft_time end;      // of this attempt; turns that it waited for do not count
    int64_t waited_ns;  // for turns
};

enum page_fault page_fail(struct page *page, enum page_fault fault, int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(page->detail, sizeof page->detail, fmt, args);
    va_end(args);
    page->code = code;
    return page->fault = fault;
}

static enum page_fault no_memory(struct page *page)
{
    return page_fail(page, FAULT_MEMORY, 0, "out of memory");
}

static void forget_hops(struct page *page)
{
    for (int i = 0; i < page->redirects; i++)
        free(page->hops[i].url);
    free(page->hops);
    page->hops = NULL;
    page->redirects = 0;
}

void page_free(struct page *page)
{
    forget_hops(page);
    free(page->target);
    page->target = NULL;
}

// ---- URLs ----------------------------------------------------------------------

static bool scheme_is(const char *url, size_t length, const char *scheme)
{
    return strlen(scheme) == length && strncasecmp(url, scheme, length) == 0;
}

static bool is_web(const char *url, size_t length)
{
    return scheme_is(url, length, "http") || scheme_is(url, length, "https");
}

static enum page_fault url_fault(struct page *page, CURLUcode code)
{
    if (code == CURLUE_OUT_OF_MEMORY)
        return no_memory(page);
    return page_fail(page, FAULT_URL, (int)code, "%s", curl_url_strerror(code));
}

// A text that libcurl reads, from where the page is, and writes again: the caller's to free.
struct reading {
    struct walk *walk;
    const char *from; // where the page is; NULL: libcurl knows, or it does not matter
    const char *text;
    unsigned flags;
    char *written;
    enum page_fault fault;
};

static enum page_fault place_set(struct walk *w, const char *text, unsigned flags)
{
    CURLUcode code = curl_url_set(w->place, CURLUPART_URL, text, flags);
    return code == CURLUE_OK ? FAULT_NONE : url_fault(w->page, code);
}

// Theirs may be of another allocator.
static enum page_fault place_write(struct walk *w, char **text)
{
    char *theirs;
    CURLUcode code = curl_url_get(w->place, CURLUPART_URL, &theirs, 0);
    if (code != CURLUE_OK)
        return url_fault(w->page, code);
    *text = strdup(theirs);
    curl_free(theirs);
    return *text ? FAULT_NONE : no_memory(w->page);
}

static void read_there(void *arg)
{
    struct reading *r = arg;
    struct walk *w = r->walk;
    w->place = w->place ? w->place : curl_url();
    r->fault = !w->place ? no_memory(w->page) : r->from ? place_set(w, r->from, 0) : FAULT_NONE;
    if (r->fault == FAULT_NONE)
        r->fault = place_set(w, r->text, r->flags);
    if (r->fault == FAULT_NONE)
        r->fault = place_write(w, &r->written);
}

static void free_place(void *place)
{
    curl_url_cleanup(place);
}

// Most pages have none.
static void forget_place(struct walk *w)
{
    if (w->place)
        weft_on_thread_stack(free_place, w->place);
    w->place = NULL;
}

// Read the URL that the user gave; the text is the caller's to free. What is not plain, libcurl
// reads and writes again first, which takes longer.
static enum page_fault enter(struct walk *w, const char *url, char **text)
{
    char *asked;
    enum page_fault fault = url_read(url, &asked, w->page);
    if (fault != FAULT_NONE)
        return fault;
    forget_place(w);
    if (url_is_plain(asked)) {
        *text = asked;
        return FAULT_NONE;
    }
    struct reading r = {.walk = w, .text = asked, .flags = CURLU_URLENCODE};
    weft_on_thread_stack(read_there, &r);
    free(asked);
    *text = r.written;
    return r.fault;
}

// "https://example.org:443", the caller's to free; NULL with a fault of the page. From the text as
// libcurl put it together, so the host is there, and an address of IPv6 in brackets.
static char *origin_of(struct walk *w)
{
    const char *host = strstr(w->url, "://") + 3, *end = host + strcspn(host, "/?#");
    const char *user = memrchr(host, '@', (size_t)(end - host));
    host = user ? user + 1 : host;
    const char *bracket = memchr(host, ']', (size_t)(end - host)), *name = bracket ? bracket : host;
    bool has_port = memchr(name, ':', (size_t)(end - name)) != NULL, tls = w->url[4] == 's';
    const char *scheme = tls ? "https://" : "http://", *port = tls ? ":443" : ":80";
    size_t room = sizeof "https://:443" + (size_t)(end - host);
    char *origin = malloc(room);
    if (!origin) {
        (void)no_memory(w->page);
        return NULL;
    }
    char *to = text_put(origin, scheme, strlen(scheme)); // no printf here: once for each page
    to = text_put(to, host, (size_t)(end - host));
    (void)text_put(to, port, has_port ? 0 : strlen(port));
    return origin;
}

// Be at url, which becomes ours.
static enum page_fault arrive(struct walk *w, char *url)
{
    free(w->url);
    w->url = url;
    if (w->here != w->first)
        free(w->here);
    w->here = origin_of(w);
    if (!w->here)
        return w->page->fault;
    if (!w->first)
        w->first = w->here;
    return FAULT_NONE;
}

// ---- redirects -----------------------------------------------------------------

static const char *redirect_of(struct request *r, const struct page *page)
{
    static const int statuses[] = {301, 302, 303, 307, 308};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (page->status == statuses[i])
            return request_header(r, "Location");
    return NULL;
}

// Take url, which may be NULL, as the page's target.
static enum page_fault aim(struct page *page, char *url)
{
    free(page->target);
    page->target = url;
    return url ? page->fault : no_memory(page);
}

// How often redirects have led to url so far.
static int visits(const struct walk *w, const char *url)
{
    int n = 0;
    for (int i = 1; i < w->page->redirects; i++) // the first is where the user wanted to go
        n += strcmp(w->page->hops[i].url, url) == 0;
    return n + (w->page->redirects > 0 && strcmp(w->url, url) == 0);
}

static bool goes_round(const struct walk *w, const char *url)
{
    return w->page->redirects >= w->fetcher->set->limits.redirects || visits(w, url) == VISITS_MAX;
}

// Note that the page redirects.
static enum page_fault note_hop(struct walk *w)
{
    struct page *page = w->page;
    size_t size = ((size_t)page->redirects + 1) * sizeof *page->hops;
    struct page_hop *hops = realloc(page->hops, size);
    if (!hops)
        return no_memory(page);
    page->hops = hops;
    char *own = strdup(w->url);
    if (!own)
        return no_memory(page);
    hops[page->redirects++] = (struct page_hop){page->status, own};
    return FAULT_NONE;
}

static bool is_ascii(const char *text)
{
    while (*text && (unsigned char)*text < 0x80)
        text++;
    return !*text;
}

// "http:/x" and "http:x", with the page's own scheme and no host, are "/x" and "x" to browsers and
// to urllib (RFC 3986, 5.2.2); libcurl would ask a host x.
static const char *without_scheme(const struct walk *w, const char *location)
{
    size_t length = url_scheme(location);
    if (length == 0 || strncasecmp(w->url, location, length) != 0 || w->url[length] != ':')
        return location;
    const char *rest = location + length + 1;
    bool whole = rest[0] == '\\' || strncmp(rest, "//", 2) == 0 || url_scheme(rest) > 0;
    return whole ? location : rest;
}

// Where the last answer points, from here; the caller's to free. Nothing, or a fragment alone, is
// here itself (RFC 3986, 5.2.2); libcurl would take the path away.
static enum page_fault read_location(struct walk *w, const char *location, char **url)
{
    location = without_scheme(w, location);
    if (!*location || *location == '#') {
        *url = strdup(w->url);
        return *url ? FAULT_NONE : no_memory(w->page);
    }
    struct reading r = {.walk = w,
                        .from = w->place ? NULL : w->url,
                        .text = location,
                        .flags = CURLU_URLENCODE | CURLU_ALLOW_SPACE};
    weft_on_thread_stack(read_there, &r);
    *url = r.written;
    if (r.fault != FAULT_NONE || is_ascii(*url))
        return r.fault;
    char *written = *url; // only the host can be other than ASCII: the rest is encoded now
    enum page_fault fault = enter(w, written, url);
    free(written);
    return fault;
}

// Move to where the last answer points.
static enum page_fault follow(struct walk *w, const char *location)
{
    struct page *page = w->page;
    char *url = NULL;
    size_t length = url_scheme(location);
    if (length > 0 && !is_web(location, length)) {
        page->fault = FAULT_REDIRECT_SCHEME;
        return aim(page, strdup(location));
    }
    enum page_fault fault = read_location(w, location, &url);
    if (fault == FAULT_URL) // which one it is that is none
        return aim(page, strdup(location));
    if (fault != FAULT_NONE)
        return fault;
    fault = aim(page, strdup(url));
    if (fault == FAULT_NONE && goes_round(w, url))
        fault = page->fault = FAULT_REDIRECT_LOOP;
    if (fault == FAULT_NONE)
        fault = note_hop(w);
    if (fault == FAULT_NONE)
        return arrive(w, url);
    free(url);
    return fault;
}

// ---- its turn ------------------------------------------------------------------

static void end_turn(struct walk *w)
{
    if (w->turn)
        turn_end(&w->turn);
    free(w->at);
    w->at = NULL;
}

static void note_wait(const struct fetcher *f, int more)
{
    if (f->on_wait)
        f->on_wait(f->wait_ctx, more);
}

static enum page_fault no_turn(struct page *page, int rc)
{
    if (rc == -ECANCELED)
        return page->fault = FAULT_CANCELED;
    return rc == -ENOMEM ? no_memory(page) : page_fail(page, FAULT_OTHER, rc, "%s", weft_error());
}

// Have a turn at the host of the place: the one that is there, or another for it. A delay is from
// one request to the next, so a turn is for one then.
static enum page_fault take_turn(struct walk *w)
{
    struct fetcher *f = w->fetcher;
    if (w->at && strcasecmp(w->at, w->here) == 0 && f->set->delay_ns == 0)
        return FAULT_NONE;
    end_turn(w); // first: who waits for a host holds none
    w->at = strdup(w->here);
    if (!w->at)
        return no_memory(w->page);
    int rc = turn_begin(f->turns, w->here, WEFT_POLL, &w->turn);
    if (rc == -ETIMEDOUT) {
        weft_time begin = weft_now();
        note_wait(f, 1);
        rc = turn_begin(f->turns, w->here, WEFT_FOREVER, &w->turn);
        note_wait(f, -1);
        int64_t ns = weft_now().ns - begin.ns;
        if (w->page->redirects == 0 && w->page->attempts == 1)
            w->page->begin_ns += ns; // it begins with its first turn
        w->waited_ns += ns;
        w->end.ns += ns;
    }
    return rc < 0 ? no_turn(w->page, rc) : FAULT_NONE;
}

// ---- the page ------------------------------------------------------------------

// -H "Range: bytes=0-99": then a part is what was asked for.
static bool wants_part(const struct walk *w)
{
    const struct text_list *headers = &w->fetcher->set->headers;
    for (int i = 0; i < headers->length; i++)
        if (strncasecmp(headers->texts[i], "Range:", 6) == 0)
            return true;
    return false;
}

// "300 Multiple Choices", a redirect to nowhere, or a part that nobody asked for.
static bool is_no_page(const struct walk *w)
{
    int status = w->page->status;
    return status / 100 != 2 || (status == 206 && !wants_part(w));
}

// One attempt: ask, and go where the answers point.
static enum page_fault walk(struct walk *w, const char *url)
{
    struct page *page = w->page;
    const char *location = NULL;
    char *text = NULL;
    enum page_fault fault = enter(w, url, &text);
    if (fault == FAULT_NONE)
        fault = arrive(w, text);
    request_begin(w->request);
    while (fault == FAULT_NONE) {
        fault = take_turn(w);
        if (fault != FAULT_NONE)
            break;
        const struct place place = {w->url, w->here, strcasecmp(w->here, w->first) != 0};
        fault = request_ask(w->request, &place, w->end, page);
        location = fault == FAULT_NONE ? redirect_of(w->request, page) : NULL;
        if (!location)
            break;
        fault = follow(w, location);
    }
    if (fault == FAULT_NONE && is_no_page(w))
        fault = page->fault = FAULT_HTTP;
    return fault;
}

static void leave(struct walk *w)
{
    end_turn(w);
    if (w->here != w->first)
        free(w->here);
    free(w->first);
    free(w->url);
    forget_place(w);
}

// ---- again ---------------------------------------------------------------------

static uint64_t random_number(void)
{
    uint64_t number = 0;
    (void)getrandom(&number, sizeof number, 0); // 0 is a number as well
    return number;
}

static bool may_try_again(struct walk *w, struct retry *retry)
{
    const struct fetch_settings *set = w->fetcher->set;
    const struct retry_set retries = {set->retries, set->retry_cap_ns};
    const char *after = w->page->status ? request_header(w->request, "Retry-After") : NULL;
    return retry_page(&retries, w->page, after, time(NULL), random_number(), retry);
}

// Let the others have the turn, and wait: for the host, if it asked for that, else alone.
static enum page_fault wait_for_retry(struct walk *w, const struct retry *retry)
{
    if (retry->whole_host && w->turn)
        turn_hold(w->turn, retry->ns);
    end_turn(w);
    note_wait(w->fetcher, 1);
    int rc = weft_sleep(weft_after_ns(retry->ns));
    note_wait(w->fetcher, -1);
    return rc < 0 ? no_turn(w->page, rc) : FAULT_NONE;
}

// As if nothing had been asked yet.
static void start_over(struct walk *w)
{
    struct page *page = w->page;
    page_free(page);
    *page = (struct page){
        .claimed = -1, .attempts = page->attempts + 1, .begin_ns = page->begin_ns};
    if (w->here != w->first)
        free(w->here);
    free(w->first);
    w->first = w->here = NULL;
}

// This page has had its attempts, but who comes next must not come sooner either. Python's program
// has no such manners.
static void leave_alone(struct walk *w, const struct retry *retry)
{
    if (retry->whole_host && w->turn && w->fetcher->set->format != FORMAT_LECTURE)
        turn_hold(w->turn, retry->ns);
}

static enum page_fault attempts(struct walk *w, const char *url)
{
    for (;;) {
        struct retry retry;
        w->end = weft_after_ns(w->fetcher->set->limits.total_ns);
        enum page_fault fault = walk(w, url);
        if (fault == FAULT_NONE || fault == FAULT_CANCELED)
            return fault;
        if (!may_try_again(w, &retry)) {
            leave_alone(w, &retry);
            return fault;
        }
        if (wait_for_retry(w, &retry) != FAULT_NONE)
            return w->page->fault;
        start_over(w);
    }
}

enum page_fault fetch_page(struct fetcher *f, const char *url, struct page *page)
{
    weft_time begin = weft_now();
    *page = (struct page){.claimed = -1, .attempts = 1, .begin_ns = begin.ns - f->begun.ns};
    struct walk w = {.fetcher = f, .request = fetcher_take(f), .page = page};
    enum page_fault fault = w.request ? attempts(&w, url) : no_memory(page);
    leave(&w);
    if (w.request)
        fetcher_give(f, w.request);
    page->ns = weft_now().ns - begin.ns - w.waited_ns;
    return fault;
}
