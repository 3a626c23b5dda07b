// SPDX-License-Identifier: MIT
// lecture.c - the lecture's lines, and the words of Python's urllib for what goes wrong.
//
// The original says '%r generated an exception: %s'; so a URL is quoted as Python's repr() does,
// and each fault has the text of the exception that urllib raises for it. Where urllib has none -
// our size limit, a limit on the whole transfer - the nearest one, or our own words, stand in.
#include "fetch/lecture.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fetch/fault.h"
#include "fetch/output.h"
#include "fetch/page.h"

const char *const lecture_urls[LECTURE_URLS] = {
    "http://www.foxnews.com/",         "http://www.cnn.com/",
    "http://europe.wsj.com/",          "http://www.bbc.co.uk/",
    "http://some-made-up-domain.com/",
};

// ---- repr() --------------------------------------------------------------------

// Characters beyond ASCII that repr() escapes: controls, separators, format characters, surrogates
// and private ones. Those that Unicode has not assigned yet are not listed.
static const struct {
    uint32_t first, last;
} unprintable[] = {
    {0x80, 0xa0},     {0xad, 0xad},     {0x600, 0x605},   {0x61c, 0x61c},     {0x6dd, 0x6dd},
    {0x70f, 0x70f},   {0x890, 0x891},   {0x8e2, 0x8e2},   {0x1680, 0x1680},   {0x180e, 0x180e},
    {0x2000, 0x200f}, {0x2028, 0x202f}, {0x205f, 0x206f}, {0x3000, 0x3000},   {0xd800, 0xf8ff},
    {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe00ff}, {0xf0000, 0x10ffff},
};

static bool is_printable(uint32_t c)
{
    for (size_t i = 0; i < sizeof unprintable / sizeof *unprintable; i++)
        if (c >= unprintable[i].first && c <= unprintable[i].last)
            return false;
    return c >= ' ' && c != 0x7f;
}

// Decode one UTF-8 character; its length, or 0 if the bytes are none.
static size_t decode(const char *text, uint32_t *c)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)text;
    size_t length = p[0] < 0x80 ? 1 : p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (length == 0 || p[0] >= 0xf8)
        return 0;
    *c = length == 1 ? p[0] : p[0] & (0xffU >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) // the closing NUL too
            return 0;
        *c = *c << 6 | (p[i] & 0x3fU);
    }
    bool valid = *c >= least[length] && *c <= 0x10ffff && (*c < 0xd800 || *c > 0xdfff);
    return valid ? length : 0;
}

static void print_escape(FILE *out, uint32_t c)
{
    int digits = c > 0xffff ? 8 : c > 0xff ? 4 : 2;
    (void)fprintf(out, "\\%c%0*" PRIx32, digits == 8 ? 'U' : digits == 4 ? 'u' : 'x', digits, c);
}

static void print_character(FILE *out, uint32_t c, const char *bytes, size_t length, char quote)
{
    if (c == (unsigned char)quote || c == '\\')
        (void)fprintf(out, "\\%c", (char)c);
    else if (c == '\n' || c == '\r' || c == '\t')
        (void)fputs(c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t", out);
    else if (is_printable(c))
        (void)fwrite(bytes, 1, length, out);
    else
        print_escape(out, c);
}

// In single quotes, or in double ones if it has a single one and no double one.
static void print_repr(FILE *out, const char *text)
{
    char quote = strchr(text, '\'') && !strchr(text, '"') ? '"' : '\'';
    (void)putc(quote, out);
    while (*text) {
        uint32_t c = 0;
        size_t length = decode(text, &c);
        if (length == 0) {
            print_escape(out, 0xdc00U | (unsigned char)*text); // how Python keeps a stray byte
            text++;
            continue;
        }
        print_character(out, c, text, length, quote);
        text += length;
    }
    (void)putc(quote, out);
}

// ---- exceptions ----------------------------------------------------------------

// HTTP's own text is Latin-1 to Python, whatever the server meant.
static void print_latin1(FILE *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        unsigned char byte = (unsigned char)*p;
        if (byte < 0x80)
            (void)putc(byte, out);
        else
            (void)fprintf(out, "%c%c", 0xc0 | byte >> 6, 0x80 | (byte & 0x3f));
    }
}

static void no_scheme(FILE *out, const char *url, const struct page *page)
{
    (void)page;
    (void)fprintf(out, "unknown url type: ");
    print_repr(out, url);
}

static void scheme(FILE *out, const char *url, const struct page *page)
{
    (void)url;
    (void)fprintf(out, "<urlopen error unknown url type: ");
    for (const char *p = page->detail; *p; p++)
        (void)putc(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p, out);
    (void)putc('>', out);
}

static void os_error(FILE *out, const char *url, const struct page *page)
{
    (void)url;
    (void)fprintf(out, "<urlopen error [Errno %d] %s>", page->code, page->detail);
}

// "wrong version number" is WRONG_VERSION_NUMBER to OpenSSL, and Python shows both.
static void tls_reason(FILE *out, const char *reason)
{
    for (const char *p = reason; *p; p++)
        (void)putc(*p == ' ' ? '_' : *p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p, out);
    (void)fprintf(out, "] %s", reason);
}

// Of certificates libcurl has its own sentences.
static void tls_sentence(FILE *out, const char *sentence)
{
    static const char problem[] = "SSL certificate problem: ";
    static const char mismatch[] = "matches target host name '";
    static const char failed[] = "CERTIFICATE_VERIFY_FAILED] certificate verify failed:";
    const char *host = strstr(sentence, mismatch);
    if (strncmp(sentence, problem, sizeof problem - 1) == 0)
        (void)fprintf(out, "%s %s", failed, sentence + sizeof problem - 1);
    else if (host) // the quote that closes the name is there already
        (void)fprintf(out, "%s Hostname mismatch, certificate is not valid for '%s.", failed,
                      host + sizeof mismatch - 1);
    else
        (void)fprintf(out, "SSL] %s", sentence);
}

static void tls(FILE *out, const char *url, const struct page *page)
{
    (void)url;
    (void)fprintf(out, "<urlopen error [SSL: ");
    if (page->code)
        tls_reason(out, page->detail);
    else
        tls_sentence(out, page->detail);
    (void)fprintf(out, " (_ssl.c:1006)>");
}

static void proxy(FILE *out, const char *url, const struct page *page)
{
    (void)url;
    (void)fprintf(out, "<urlopen error Tunnel connection failed: ");
    print_latin1(out, page->detail);
    (void)putc('>', out);
}

// Python's limit is one on each step, and each step says it in its own way. A lookup has none: it
// fails when the resolver gives up.
static void timeout(FILE *out, const char *url, const struct page *page)
{
    static const char *const texts[] = {
        [STAGE_NAME] = "<urlopen error [Errno -3] Temporary failure in name resolution>",
        [STAGE_CONNECT] = "<urlopen error timed out>",
        [STAGE_TLS] = "<urlopen error _ssl.c:989: The handshake operation timed out>",
        [STAGE_FIRST_BYTE] = "timed out",
        [STAGE_HEADERS] = "timed out",
        [STAGE_BODY] = "timed out",
    };
    (void)url;
    (void)fputs(texts[page->stage], out);
}

static void no_answer(FILE *out, const char *url, const struct page *page)
{
    (void)url;
    (void)page;
    (void)fprintf(out, "Remote end closed connection without response");
}

static void broken(FILE *out, const char *url, const struct page *page)
{
    (void)url;
    (void)fprintf(out, "[Errno %d] %s", page->code, page->detail);
}

static void not_http(FILE *out, const char *url, const struct page *page)
{
    (void)url;
    print_latin1(out, page->detail); // its line end too, as Python prints it
}

static void headers(FILE *out, const char *url, const struct page *page)
{
    (void)url;
    (void)page;
    (void)fprintf(out, "got more than 65536 bytes when reading header line");
}

static void http(FILE *out, const char *url, const struct page *page)
{
    (void)url;
    (void)fprintf(out, "HTTP Error %d: ", page->status);
    print_latin1(out, page->reason);
}

static void redirect_loop(FILE *out, const char *url, const struct page *page)
{
    (void)url;
    (void)fprintf(out,
                  "HTTP Error %d: The HTTP server returned a redirect error that would lead to an "
                  "infinite loop.\nThe last 30x error message was:\n",
                  page->status);
    print_latin1(out, page->reason);
}

static void redirect_scheme(FILE *out, const char *url, const struct page *page)
{
    http(out, url, page);
    (void)fprintf(out, " - Redirection to url '");
    print_latin1(out, page->target);
    (void)fprintf(out, "' is not allowed");
}

static void cut(FILE *out, const char *url, const struct page *page)
{
    (void)url;
    (void)fprintf(out, "IncompleteRead(%lld bytes read", (long long)page->encoded);
    if (page->claimed >= 0)
        (void)fprintf(out, ", %lld more expected", (long long)(page->claimed - page->encoded));
    (void)putc(')', out);
}

// The other faults are not among urllib's: they are told in our words.
static void (*const exceptions[])(FILE *, const char *, const struct page *) = {
    [FAULT_NO_SCHEME] = no_scheme,
    [FAULT_SCHEME] = scheme,
    [FAULT_NAME] = os_error, // getaddrinfo's code is an errno to Python
    [FAULT_CONNECT] = os_error,
    [FAULT_TLS] = tls,
    [FAULT_PROXY] = proxy,
    [FAULT_TIMEOUT] = timeout,
    [FAULT_NO_ANSWER] = no_answer,
    [FAULT_BROKEN] = broken,
    [FAULT_NOT_HTTP] = not_http,
    [FAULT_HEADERS] = headers,
    [FAULT_HTTP] = http,
    [FAULT_REDIRECT_LOOP] = redirect_loop,
    [FAULT_REDIRECT_SCHEME] = redirect_scheme,
    [FAULT_CUT] = cut,
    [FAULT_OTHER] = NULL, // the table's end
};

// 'http://www.cnn.com/' page is 1123456 bytes
// 'http://some-made-up-domain.com/' generated an exception: <urlopen error ...>
static void print_page(FILE *out, const char *url, const struct page *page)
{
    print_repr(out, url);
    if (page->fault == FAULT_NONE) {
        (void)fprintf(out, " page is %lld bytes\n", (long long)page->encoded);
        return;
    }
    (void)fprintf(out, " generated an exception: ");
    if (exceptions[page->fault])
        exceptions[page->fault](out, url, page);
    else
        fault_print(out, page);
    (void)putc('\n', out);
}

void lecture_print_float(FILE *out, double x)
{
    char text[40] = "";
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    if (strchr(text, 'e') && x >= 1 && x < 1e16) // "1e+02": Python says 100.0
        (void)snprintf(text, sizeof text, "%.1f", x);
    (void)fprintf(out, "%s%s\n", text, strpbrk(text, ".e") ? "" : ".0");
}

// ---- as a form of output ---------------------------------------------------------

static void begin(struct output *o)
{
    (void)o;
}

static void show(struct output *o, const char *url, const struct page *page,
                 const struct page_change *change)
{
    (void)change;
    print_page(o->out, url, page);
}

static void end(struct output *o, const struct totals *totals, const struct output_end *how)
{
    (void)o;
    (void)totals;
    (void)how;
}

const struct output_form output_lecture = {begin, show, end, false};
