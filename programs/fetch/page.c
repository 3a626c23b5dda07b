// SPDX-License-Identifier: MIT
// page.c - one page, redirects followed.
//
// Redirects are followed here and not by libcurl: the rules are then those of Python's urllib, to
// the letter - at most ten different pages, none of them five times - a redirect to a file is told
// apart from any other unknown scheme, and each page on the way is a place where a limit, a
// cookie or a host's turn can be looked at.
#include "fetch/page.h"

#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <weft/weft.h>

#include "fetch/request.h"
#include "fetch/url.h"

enum { TRAIL_MAX = 10, VISITS_MAX = 4 }; // urllib's max_redirections and max_repeats

// The pages that redirects led to, each with how often.
struct trail {
    size_t length;
    struct {
        char *url;
        int visits;
    } places[TRAIL_MAX];
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

void page_free(struct page *page)
{
    free(page->target);
    page->target = NULL;
}

// ---- URLs ----------------------------------------------------------------------

// The length of what stands before the first ':', if no '/' comes earlier; else 0.
static size_t scheme_length(const char *url)
{
    size_t length = strcspn(url, ":/");
    return url[length] == ':' ? length : 0;
}

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

// Put the URL that the user gave into the empty `place`.
static enum page_fault enter(CURLU *place, const char *url, struct page *page)
{
    char *asked;
    enum page_fault fault = url_read(url, &asked, page);
    if (fault != FAULT_NONE)
        return fault;
    CURLUcode code = curl_url_set(place, CURLUPART_URL, asked, CURLU_URLENCODE);
    free(asked);
    return code == CURLUE_OK ? FAULT_NONE : url_fault(page, code);
}

// ---- redirects -----------------------------------------------------------------

static const char *redirect_of(struct fetcher *f, const struct page *page)
{
    static const int statuses[] = {301, 302, 303, 307, 308};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (page->status == statuses[i])
            return answer_header(f, "Location");
    return NULL;
}

// Take url, which may be NULL, as the page's target.
static enum page_fault aim(struct page *page, char *url)
{
    free(page->target);
    page->target = url;
    return url ? page->fault : no_memory(page);
}

// Note a visit to url. Fails when it leads round and round.
static enum page_fault visit(struct trail *trail, const char *url, struct page *page)
{
    size_t i = 0;
    while (i < trail->length && strcmp(trail->places[i].url, url) != 0)
        i++;
    // Once there are ten places, urllib also follows none back to a known one.
    if (trail->length == TRAIL_MAX || (i < trail->length && trail->places[i].visits == VISITS_MAX))
        return page->fault = FAULT_REDIRECT_LOOP;
    if (i == trail->length) {
        trail->places[i].url = strdup(url);
        if (!trail->places[i].url)
            return no_memory(page);
        trail->length++;
    }
    trail->places[i].visits++;
    return FAULT_NONE;
}

// Move `place` to where the last answer points.
static enum page_fault follow(CURLU *place, const char *location, struct trail *trail,
                              struct page *page)
{
    size_t length = scheme_length(location);
    if (length > 0 && !is_web(location, length)) {
        page->fault = FAULT_REDIRECT_SCHEME;
        return aim(page, strdup(location));
    }
    CURLUcode code = curl_url_set(place, CURLUPART_URL, location,
                                  CURLU_URLENCODE | CURLU_ALLOW_SPACE);
    if (code != CURLUE_OK)
        return url_fault(page, code);
    char *url = NULL;
    code = curl_url_get(place, CURLUPART_URL, &url, 0);
    if (code != CURLUE_OK)
        return url_fault(page, code);
    if (aim(page, strdup(url)) == FAULT_NONE && visit(trail, url, page) == FAULT_NONE)
        page->redirects++;
    curl_free(url);
    return page->fault;
}

// ---- the page ------------------------------------------------------------------

static enum page_fault request_place(struct fetcher *f, CURLU *place, weft_time deadline,
                                     struct page *page)
{
    char *url = NULL;
    CURLUcode code = curl_url_get(place, CURLUPART_URL, &url, 0);
    if (code != CURLUE_OK)
        return url_fault(page, code);
    enum page_fault fault = request(f, url, deadline, page);
    curl_free(url);
    return fault;
}

enum page_fault fetch_page(struct fetcher *f, const char *url, struct page *page)
{
    weft_time begin = weft_now(), deadline = weft_after_ns(fetcher_limits(f)->total_ns);
    struct trail trail = {0};
    const char *location = NULL;
    *page = (struct page){.claimed = -1};

    CURLU *place = curl_url();
    enum page_fault fault = place ? enter(place, url, page) : no_memory(page);
    while (fault == FAULT_NONE) {
        fault = request_place(f, place, deadline, page);
        location = fault == FAULT_NONE ? redirect_of(f, page) : NULL;
        if (!location)
            break;
        fault = follow(place, location, &trail, page);
    }
    if (fault == FAULT_NONE && page->status / 100 != 2)
        fault = page->fault = FAULT_HTTP; // "300 Multiple Choices", or a redirect to nowhere

    for (size_t i = 0; i < trail.length; i++)
        free(trail.places[i].url);
    curl_url_cleanup(place);
    page->ns = weft_now().ns - begin.ns;
    return fault;
}
