// SPDX-License-Identifier: MIT
// meaning.c - what an end of libcurl's means.
//
// It has a code for each kind of trouble and a sentence in its error buffer; the codes are too
// coarse for us here and there (one for a broken connection and for a malformed chunk), so the
// sentence is looked at as well.
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "fetch/fetcher.h"
#include "fetch/names.h"
#include "fetch/request.h"

enum { PATIENCE_MS = 1000 };

typedef enum page_fault meaning(struct request *r, struct page *page);

// ---- names and connections -------------------------------------------------------

// A proxy's, or, where there is one, that of a host which needs none: others are known before.
// libcurl says "Could not resolve proxy: example.org", or "host".
static const char *name_in_error(const struct request *r)
{
    const char *colon = strstr(r->error, "resolve") ? strstr(r->error, ": ") : NULL;
    return colon ? colon + 2 : NULL; // "Unsupported proxy syntax in '...'": nobody was asked
}

static enum page_fault unknown_name(struct request *r, struct page *page)
{
    const char *name = name_in_error(r);
    if (!name)
        return page_fail(page, FAULT_CONNECT, 0, "%s", r->error);
    if (strstr(r->error, "resolve proxy"))
        (void)snprintf(page->aside, sizeof page->aside, "%s", name);
    return page_fail(page, FAULT_NAME, EAI_AGAIN, "%s", gai_strerror(EAI_AGAIN));
}

void meaning_ask_again(struct request *r)
{
    const char *name = name_in_error(r);
    struct name_found *found = name ? malloc(sizeof *found) : NULL;
    struct names_time time = {.end = weft_sooner(r->end, weft_after_ms(PATIENCE_MS)),
                              .lookup_ns = PATIENCE_MS * (int64_t)1000000};
    int rc = found ? names_find(r->fetcher->resolver.names, name, &time, found) : -ENOMEM;
    if (rc == 0 && found->code != 0) // else it is known now: a passing trouble
        (void)page_fail(r->page, FAULT_NAME, found->code, "%s", names_why(found));
    free(found);
}

static int system_error(struct request *r)
{
    long code = 0;
    (void)curl_easy_getinfo(r->easy, CURLINFO_OS_ERRNO, &code); // code stays 0 if it fails
    return (int)code;
}

// The first of those that the name has; in "+example.org:80:192.0.2.1,[2001:db8::1]" a host has no
// colon. Where none was looked up, the URL has the address, or --resolve.
static void note_address(const struct request *r, struct page *page)
{
    const char *entry = r->resolved.list ? r->resolved.list->data : "";
    const char *port = strchr(entry, ':'), *at = port ? strchr(port + 1, ':') : NULL;
    if (!at)
        return;
    at += at[1] == '[' ? 2 : 1;
    (void)snprintf(page->address, sizeof page->address, "%.*s", (int)strcspn(at, ",]"), at);
}

// Whether the URL is of this host and port. Its own port stands behind its host, if it is not the
// usual one.
static bool is_of_url(const char *url, bool tls, const char *host, size_t length, long port)
{
    const char *named = url + strcspn(url, ":") + strlen("://");
    const char *user = named + strcspn(named, "@/?");
    named = *user == '@' ? user + 1 : named;
    named += *named == '[';
    if (strncasecmp(named, host, length) != 0 || !strchr(":/?]", named[length]))
        return false;
    const char *behind = named + length + (named[length] == ']');
    return port == (*behind == ':' ? strtol(behind + 1, NULL, 10) : tls ? 443 : 80);
}

// "Failed to connect to 192.0.2.1 port 3128 after 0 ms": if the page is elsewhere, it is its
// proxy, and the page may well be there. *size is of the host and the port.
static const char *proxy_in_error(struct request *r, int *size)
{
    static const char before[] = "connect to ", between[] = " port ";
    const char *host = strstr(r->error, before), *port = host ? strstr(host, between) : NULL;
    const char *url = NULL;
    if (!port || !r->fetcher->resolver.proxied[r->tls] ||
        curl_easy_getinfo(r->easy, CURLINFO_EFFECTIVE_URL, &url) != CURLE_OK || !url)
        return NULL;
    host += strlen(before);
    size_t length = (size_t)(port - host);
    port += strlen(between);
    if (is_of_url(url, r->tls, host, length, strtol(port, NULL, 10)))
        return NULL;
    *size = (int)(port + strspn(port, "0123456789") - host);
    return host;
}

// Of an address in the URL which is not of the family that was asked for there is none to try.
static bool is_of_other_family(const struct request *r, const struct page *page)
{
    return r->fetcher->set->family != AF_UNSPEC && !page->address[0];
}

static enum page_fault not_connected(struct request *r, struct page *page)
{
    note_address(r, page);
    int code = system_error(r), size = 0;
    if (code == 0)
        code = transfer_refused(&r->transfer);
    if (code == 0 && is_of_other_family(r, page))
        return page_fail(page, FAULT_CONNECT, EAFNOSUPPORT, "its address is not of %s",
                         r->fetcher->set->family == AF_INET ? "IPv4" : "IPv6");
    const char *proxy = code ? proxy_in_error(r, &size) : NULL;
    if (proxy)
        (void)snprintf(page->aside, sizeof page->aside, "%.*s", size, proxy);
    return page_fail(page, FAULT_CONNECT, code, "%s", code ? strerror(code) : r->error);
}

// The limit that was reached, in place of half a line of garbage, perhaps.
static enum page_fault timed_out(struct request *r, struct page *page)
{
    const struct page_limits *limits = &r->fetcher->set->limits;
    const int64_t ns[] = {
        [PATIENCE_TOTAL] = limits->total_ns,
        [PATIENCE_CONNECT] = limits->connect_ns,
        [PATIENCE_FIRST_BYTE] = limits->first_byte_ns,
        [PATIENCE_IDLE] = limits->idle_ns,
    };
    return page_fail(page, FAULT_TIMEOUT, (int)r->patience, "%g s", (double)ns[r->patience] / 1e9);
}

// ---- answers ---------------------------------------------------------------------

static enum page_fault no_answer(struct request *r, struct page *page)
{
    (void)r;
    return page->fault = FAULT_NO_ANSWER;
}

// Of HTTP/2, where a connection that closes has other codes, libcurl says so too when it gives the
// connection up itself, or the server the stream, as if all were well, before there are headers.
static enum page_fault got_nothing(struct request *r, struct page *page)
{
    if (!r->streams)
        return no_answer(r, page);
    return page_fail(page, FAULT_BROKEN, 0, "what came breaks the rules of HTTP/2");
}

static enum page_fault bad_answer(struct request *r, struct page *page)
{
    if (strstr(r->error, "oo large response headers"))
        return page_fail(page, FAULT_HEADERS, 0, "headers of more than 300 KB");
    if (strstr(r->error, "returned -902")) // of HTTP/2: libcurl itself ended it, at its limit
        return page_fail(page, FAULT_HEADERS, 0, "headers of more than 128 KB");
    if (strstr(r->error, "Out of memory in chunked")) // its limit, and all that it stores there
        return page_fail(page, FAULT_HEADERS, 0, "a line behind the last chunk of more than 4 KB");
    const char *call = strstr(r->error, "() returned -"), *reason = call ? strchr(call, ':') : NULL;
    return page_fail(page, FAULT_ANSWER, 0, "%s", reason ? reason + 1 : r->error);
}

// libcurl's word for a line that is no header: "X\r: y", or what is behind the last chunk.
static enum page_fault bad_line(struct request *r, struct page *page)
{
    if (!r->status_seen)
        return page_fail(page, FAULT_OTHER, CURLE_BAD_FUNCTION_ARGUMENT, "%s", r->error);
    if (!r->headers_ended)
        return page_fail(page, FAULT_ANSWER, 0, "a line among its headers is none");
    return page_fail(page, FAULT_ANSWER, 0, "what is behind the last chunk is no header");
}

static enum page_fault cut(struct request *r, struct page *page)
{
    return page->fault = r->headers_ended ? FAULT_CUT : FAULT_NO_ANSWER;
}

static enum page_fault stream_broken(struct request *r, struct page *page)
{
    return page_fail(page, FAULT_BROKEN, 0, "%s", r->error);
}

static bool is_told_of(const struct request *r, int code)
{
    return code != 0 && strstr(r->error, strerror(code));
}

// The errno that the message is about, or 0. libcurl's may be of an earlier request; and of TLS it
// keeps none, but says "Recv failure: Connection reset by peer" as well.
static int error_told(struct request *r)
{
    static const int usual[] = {ECONNRESET,   EPIPE,       ETIMEDOUT, ECONNABORTED,
                                EHOSTUNREACH, ENETUNREACH, ENETDOWN,  ENOTCONN};
    int code = system_error(r);
    for (size_t i = 0; i < sizeof usual / sizeof *usual && !is_told_of(r, code); i++)
        code = usual[i];
    return is_told_of(r, code) ? code : 0;
}

// "error:0A00045C:SSL routines::tlsv13 alert certificate required, errno 0"
static enum page_fault broken_tls(struct request *r, struct page *page)
{
    const char *reason = strstr(r->error, "::") + 2;
    return page_fail(page, FAULT_TLS, 1, "%.*s", (int)strcspn(reason, ","), reason);
}

// Of a connection that broke before, under another page that shares it, libcurl and OpenSSL know
// no errno any more. And of a stream of HTTP/2 that is refused, RST_STREAM, when its answer has
// begun, libcurl has no words but those of its code.
static bool is_past_use(const struct request *r)
{
    static const char *const words[] = {"Send failure", "Recv failure", "SSL_ERROR_SYSCALL",
                                        "bad write retry", "Failure when receiving"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(r->error, words[i]))
            return true;
    return false;
}

// libcurl has one code for a broken connection and a malformed chunk.
static enum page_fault broken(struct request *r, struct page *page)
{
    int code = error_told(r);
    if (code != 0)
        return page_fail(page, FAULT_BROKEN, code, "%s", strerror(code));
    if (strstr(r->error, "CONNECT aborted")) // by the proxy, before it had answered
        return stream_broken(r, page);
    if (r->refused) // RST_STREAM, on one connection after the other
        return page_fail(page, FAULT_BROKEN, 0, "the server refuses all requests (REFUSED_STREAM)");
    if (strstr(r->error, "Connection died")) // one after the other, without a byte
        return no_answer(r, page);
    if (strstr(r->error, "unexpected eof")) // a TLS connection that was closed without a goodbye
        return cut(r, page);
    if (is_past_use(r))
        return page_fail(page, FAULT_BROKEN, 0, "it can no longer be read or written");
    if (strstr(r->error, "SSL routines::"))
        return broken_tls(r, page);
    return bad_answer(r, page);
}

// Of a header line of 100 KB, the longest that libcurl takes, it says "out of memory".
static enum page_fault out_of_memory(struct request *r, struct page *page)
{
    if (r->asked && !r->headers_ended)
        return long_header_line(page);
    return page_fail(page, FAULT_MEMORY, 0, "%s", r->error);
}

// ---- TLS and the rest ------------------------------------------------------------

// "error:0A00010B:SSL routines::wrong version number", or a sentence of libcurl's. Of those, the
// certificate says more.
static enum page_fault tls_error(struct request *r, struct page *page)
{
    const char *reason = strstr(r->error, "::");
    int code = reason ? 0 : error_told(r);
    if (code != 0) { // there is no connection yet
        note_address(r, page);
        return page_fail(page, FAULT_CONNECT, code, "%s", strerror(code));
    }
    if (strstr(r->error, "SSL_ERROR_SYSCALL")) // without an errno: it was closed
        return no_answer(r, page);
    if (strstr(r->error, "matches target host name") || strstr(r->error, "does not match"))
        certificate_names(r->certificate, page->aside, sizeof page->aside);
    else if (strstr(r->error, "expired") || strstr(r->error, "not yet valid"))
        certificate_time(r->certificate, page->aside, sizeof page->aside);
    else if (r->plain_there)
        (void)snprintf(page->aside, sizeof page->aside, "the server speaks plain HTTP there");
    return page_fail(page, FAULT_TLS, reason != NULL, "%s", reason ? reason + 2 : r->error);
}

static enum page_fault proxy_error(struct request *r, struct page *page)
{
    return page_fail(page, FAULT_PROXY, 0, "%s", r->error);
}

static enum page_fault bad_url(struct request *r, struct page *page)
{
    return page_fail(page, FAULT_URL, 0, "%s", r->error);
}

static enum page_fault canceled(struct request *r, struct page *page)
{
    (void)r;
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
    {CURLE_GOT_NOTHING, got_nothing},
    {CURLE_RECV_ERROR, broken},
    {CURLE_SEND_ERROR, broken},
    {CURLE_HTTP2, stream_broken},
    {CURLE_HTTP2_STREAM, stream_broken},
    {CURLE_PARTIAL_FILE, cut},
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
    {CURLE_BAD_FUNCTION_ARGUMENT, bad_line},
    {CURLE_PROXY, proxy_error},
    {CURLE_URL_MALFORMAT, bad_url},
    {CURLE_ABORTED_BY_CALLBACK, canceled},
};

enum page_fault meaning_of(struct request *r, CURLcode code)
{
    struct page *page = r->page;
    long proxy_status = 0; // of a tunnel through it
    (void)curl_easy_getinfo(r->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
    if (proxy_status >= 300 || (proxy_status > 0 && proxy_status < 200))
        return page_fail(page, FAULT_PROXY, 0, "%ld %s", proxy_status, page->reason);
    if (!r->error[0])
        (void)snprintf(r->error, CURL_ERROR_SIZE, "%s", curl_easy_strerror(code));
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (meanings[i].code == code)
            return meanings[i].say(r, page);
    return page_fail(page, FAULT_OTHER, (int)code, "%s", r->error);
}
