// SPDX-License-Identifier: MIT
// url_fuzz.c - any bytes as a URL of weft fetch (fetch/url.h).
//
// What comes out is plain: ASCII without spaces, one scheme of two, a host that libcurl finds to be
// the same, no fragment; and read again it stays as it is. What is refused has its place.
#define _GNU_SOURCE // memrchr
#include "fuzz.h"

#include <curl/curl.h>
#include <string.h>

#include "fetch/url.h"

static void check_text(const char *asked)
{
    for (const char *p = asked; *p; p++)
        must(*p > ' ' && *p < 0x7f && *p != '#');
    must(strncmp(asked, "http://", 7) == 0 || strncmp(asked, "https://", 8) == 0);
}

static void check_again(const char *asked)
{
    struct page page = {0};
    char *again;
    must(url_read(asked, &again, &page) == FAULT_NONE);
    must(strcmp(again, asked) == 0);
    free(again);
}

// The host of the text, as RFC 3986 has it, is the one that libcurl would go to.
static void check_host(const char *asked)
{
    CURLU *place = curl_url();
    char *host = NULL;
    must(place);
    if (curl_url_set(place, CURLUPART_URL, asked, 0) == CURLUE_OK &&
        curl_url_get(place, CURLUPART_HOST, &host, 0) == CURLUE_OK && !strchr(asked, '%')) {
        const char *begin = strstr(asked, "//") + 2, *end = begin + strcspn(begin, "/?");
        const char *at = memrchr(begin, '@', (size_t)(end - begin));
        begin = at ? at + 1 : begin;
        bool name = *begin != '[' && !(*begin >= '0' && *begin <= '9'); // not an address
        must(!name || strncmp(begin, host, strlen(host)) == 0);
        must(!name || begin[strlen(host)] == ':' || begin + strlen(host) == end);
    }
    curl_free(host);
    curl_url_cleanup(place);
}

static void check_refusal(const struct page *page, const char *url, enum page_fault fault)
{
    size_t place = 0;
    must(fault == page->fault);
    must(fault == FAULT_NO_SCHEME || fault == FAULT_SCHEME || fault == FAULT_URL);
    if (fault != FAULT_URL)
        return;
    must(sscanf(page->detail, "byte %zu ", &place) == 1 ||
         sscanf(page->detail, "the name from byte %zu on", &place) == 1);
    must(place >= 1 && place <= strlen(url) + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct page page = {0};
    char *asked, *url = strndup((const char *)data, size);
    must(url);
    enum page_fault fault = url_read(url, &asked, &page);
    must((fault == FAULT_NONE) == (asked != NULL));
    if (asked) {
        check_text(asked);
        must(strchr(url, '@') || !strchr(asked, '@'));
        check_again(asked);
        check_host(asked);
    } else {
        check_refusal(&page, url, fault);
    }
    free(asked);
    free(url);
    return 0;
}
