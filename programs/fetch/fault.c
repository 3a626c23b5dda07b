// SPDX-License-Identifier: MIT
// fault.c - what broke, in a few plain words: "name not known (DNS)".
//
// One function a fault, in a table. A format string each would be shorter, but would have to take
// its values from a struct that the compiler cannot check it against.
#define _GNU_SOURCE
#include "fetch/fault.h"

#include <netdb.h>
#include <stdbool.h>
#include <string.h>

#include "common/utf8.h"

size_t clean_run(const char *text, size_t size)
{
    size_t n = 0;
    while (n < size) {
        if (text[n] >= ' ' && text[n] < 0x7f) { // nearly always
            n++;
            continue;
        }
        size_t took = utf8_character(text + n, size - n);
        if (took == 0 || utf8_is_unsafe(utf8_code(text + n, took)))
            break;
        n += took;
    }
    return n;
}

// What stops a run: a byte that is no UTF-8, or the bytes of a character that steers. Their later
// bytes begin no character, so one after the other is enough.
static void print_bytes(FILE *out, const char *text, size_t size)
{
    while (size > 0) {
        size_t n = clean_run(text, size);
        if (n > 0)
            (void)fwrite_unlocked(text, 1, n, out);
        else
            (void)fprintf(out, "\\x%02x", (unsigned char)*text);
        n += n == 0;
        text += n;
        size -= n;
    }
}

void print_clean(FILE *out, const char *text)
{
    print_bytes(out, text, strlen(text));
}

// As print_clean, without the spaces and line ends behind it, for what HTTP counts as Latin-1. But
// what is UTF-8 was meant so: of Latin-1 hardly any text is.
static void print_answer_text(FILE *out, const char *text)
{
    const char *end = text + strlen(text);
    while (end > text && strchr(" \t\r\n", end[-1]))
        end--;
    size_t size = (size_t)(end - text);
    if (utf8_is_valid(text, size)) {
        print_bytes(out, text, size);
        return;
    }
    for (const char *p = text; p < end; p++) {
        unsigned char byte = (unsigned char)*p;
        if (byte < ' ' || (byte >= 0x7f && byte < 0xa0))
            (void)fprintf(out, "\\x%02x", byte);
        else if (byte < 0x80)
            (void)putc(byte, out);
        else
            (void)fprintf(out, "%c%c", 0xc0 | byte >> 6, 0x80 | (byte & 0x3f)); // as UTF-8
    }
}

static void print_progress(FILE *out, const struct page *page)
{
    (void)fprintf(out, "%lld", (long long)page->encoded);
    if (page->claimed >= 0)
        (void)fprintf(out, " of %lld", (long long)page->claimed);
    (void)fprintf(out, " bytes");
}

static void no_scheme(FILE *out, const struct page *page)
{
    (void)page;
    (void)fprintf(out, "not a URL: it begins with neither http:// nor https://");
}

// It may be a host whose port follows: "localhost:8080" is a URL of the scheme "localhost".
static void scheme(FILE *out, const struct page *page)
{
    (void)fprintf(out, "it begins with ");
    print_clean(out, page->detail);
    (void)fprintf(out, ":, and only http:// and https:// are fetched");
}

static void url(FILE *out, const struct page *page)
{
    (void)fprintf(out, "%snot a URL: %s", page->target ? "redirected to what is " : "",
                  page->detail);
    if (!page->target)
        return;
    (void)fprintf(out, ": ");
    print_answer_text(out, page->target);
}

// The page may well be there, behind it.
static void print_proxy(FILE *out, const struct page *page)
{
    if (!page->aside[0])
        return;
    (void)fprintf(out, ": the proxy ");
    print_clean(out, page->aside);
}

static void name(FILE *out, const struct page *page)
{
    const char *text = page->code == EAI_NONAME  ? "name not known"
                       : page->code == EAI_AGAIN ? "the name server does not answer"
                                                 : page->detail;
    (void)fprintf(out, "%s (DNS)", text);
    print_proxy(out, page);
}

static void connecting(FILE *out, const struct page *page)
{
    (void)fprintf(out, "cannot connect: %s", page->detail);
    if (page->address[0])
        (void)fprintf(out, " (%s)", page->address);
    print_proxy(out, page);
}

static void tls(FILE *out, const struct page *page)
{
    bool plain = page->code && page->stage <= STAGE_TLS &&
                 strcmp(page->detail, "wrong version number") == 0;
    (void)fprintf(out, "no safe connection: ");
    const char *instead = page->aside[0] ? page->aside : "the server does not speak TLS there";
    print_clean(out, plain ? instead : page->detail);
    if (page->aside[0] && !plain) {
        (void)fprintf(out, "; ");
        print_clean(out, page->aside);
    }
    (void)fprintf(out, " (TLS)");
}

static void proxy(FILE *out, const struct page *page)
{
    (void)fprintf(out, "the proxy refuses: ");
    print_answer_text(out, page->detail);
}

static void print_limit(FILE *out, const struct page *page)
{
    static const char *const options[] = {
        [PATIENCE_TOTAL] = "--timeout",
        [PATIENCE_CONNECT] = "--connect-timeout",
        [PATIENCE_FIRST_BYTE] = "--first-byte-timeout",
        [PATIENCE_IDLE] = "--idle-timeout",
    };
    (void)fprintf(out, " (%s%s%s)", page->detail, page->detail[0] ? ", " : "", options[page->code]);
}

static void timeout(FILE *out, const struct page *page)
{
    static const char *const waiting[] = {
        [STAGE_NAME] = "looking up the name (DNS)",
        [STAGE_CONNECT] = "connecting",
        [STAGE_TLS] = "agreeing on TLS",
        [STAGE_FIRST_BYTE] = "waiting for an answer",
        [STAGE_HEADERS] = "in the answer's headers",
        [STAGE_BODY] = "in the body",
    };
    (void)fprintf(out, "timed out %s", waiting[page->stage]);
    if (page->stage == STAGE_BODY) {
        (void)fprintf(out, ", after ");
        print_progress(out, page);
    }
    print_limit(out, page);
}

static void no_answer(FILE *out, const struct page *page)
{
    (void)page;
    (void)fprintf(out, "closed the connection without an answer");
}

static void broken(FILE *out, const struct page *page)
{
    (void)fprintf(out, "the connection broke: %s", page->detail);
    if (page->stage != STAGE_BODY)
        return;
    (void)fprintf(out, ", after ");
    print_progress(out, page);
}

static void not_http(FILE *out, const struct page *page)
{
    bool empty = !page->detail[strspn(page->detail, " \t\r\n")];
    (void)fprintf(out, "the answer is not HTTP: ");
    print_answer_text(out, empty ? "an empty line" : page->detail);
}

static void answer(FILE *out, const struct page *page)
{
    (void)fprintf(out, "not a valid HTTP answer: ");
    print_clean(out, page->detail);
}

static void headers(FILE *out, const struct page *page)
{
    (void)fprintf(out, "refused: %s", page->detail);
}

static void http(FILE *out, const struct page *page)
{
    (void)fprintf(out, "%d", page->status);
    if (page->reason[0]) {
        (void)putc(' ', out);
        print_answer_text(out, page->reason);
    }
    if (page->status < 400)
        (void)fprintf(out, ", which is not a page");
    (void)fprintf(out, " (HTTP)");
}

static void redirect_loop(FILE *out, const struct page *page)
{
    (void)fprintf(out, "redirected too often, next to ");
    print_clean(out, page->target);
}

static void redirect_scheme(FILE *out, const struct page *page)
{
    (void)fprintf(out, "redirected to what is neither http: nor https: ");
    print_answer_text(out, page->target);
}

static void cut(FILE *out, const struct page *page)
{
    (void)fprintf(out, "cut off after ");
    print_progress(out, page);
}

static void size(FILE *out, const struct page *page)
{
    if (page->encoded > 0)
        (void)fprintf(out, "stopped after %lld bytes: ", (long long)page->encoded);
    if (page->claimed >= 0)
        (void)fprintf(out, "its size of %lld bytes is over the limit", (long long)page->claimed);
    else
        (void)fprintf(out, "its size is over the limit");
    (void)fprintf(out, " (--max-size)");
}

static void encoding(FILE *out, const struct page *page)
{
    (void)fprintf(out, "the body %s: ",
                  page->code ? "cannot be decoded" : "is not what its Content-Encoding says");
    print_clean(out, page->detail);
}

static void encoding_cut(FILE *out, const struct page *page)
{
    (void)fprintf(out, "the compressed body has no end, after ");
    print_progress(out, page);
}

static void decoded_size(FILE *out, const struct page *page)
{
    (void)fprintf(out, "stopped after %lld bytes, %lld decoded: its size is over the limit",
                  (long long)page->encoded, (long long)page->decoded);
    (void)fprintf(out, " (--max-decoded)");
}

static void canceled(FILE *out, const struct page *page)
{
    (void)page;
    (void)fprintf(out, "interrupted");
}

static void detail(FILE *out, const struct page *page)
{
    print_clean(out, page->detail);
}

static void none(FILE *out, const struct page *page)
{
    (void)out;
    (void)page;
}

static const struct {
    const char *name;
    void (*print)(FILE *, const struct page *);
} faults[FAULTS] = {
    [FAULT_NONE] = {"none", none},
    [FAULT_NO_SCHEME] = {"no-scheme", no_scheme},
    [FAULT_SCHEME] = {"scheme", scheme},
    [FAULT_URL] = {"url", url},
    [FAULT_NAME] = {"name", name},
    [FAULT_CONNECT] = {"connect", connecting},
    [FAULT_TLS] = {"tls", tls},
    [FAULT_PROXY] = {"proxy", proxy},
    [FAULT_TIMEOUT] = {"timeout", timeout},
    [FAULT_NO_ANSWER] = {"no-answer", no_answer},
    [FAULT_BROKEN] = {"broken", broken},
    [FAULT_NOT_HTTP] = {"not-http", not_http},
    [FAULT_ANSWER] = {"answer", answer},
    [FAULT_HEADERS] = {"headers", headers},
    [FAULT_HTTP] = {"http", http},
    [FAULT_REDIRECT_LOOP] = {"redirect-loop", redirect_loop},
    [FAULT_REDIRECT_SCHEME] = {"redirect-scheme", redirect_scheme},
    [FAULT_CUT] = {"cut", cut},
    [FAULT_SIZE] = {"size", size},
    [FAULT_ENCODING] = {"encoding", encoding},
    [FAULT_ENCODING_CUT] = {"encoding-cut", encoding_cut},
    [FAULT_DECODED_SIZE] = {"decoded-size", decoded_size},
    [FAULT_CANCELED] = {"canceled", canceled},
    [FAULT_MEMORY] = {"memory", detail},
    [FAULT_OTHER] = {"other", detail},
};

const char *fault_name(enum page_fault fault)
{
    return faults[fault].name;
}

void fault_print(FILE *out, const struct page *page)
{
    faults[page->fault].print(out, page);
}
