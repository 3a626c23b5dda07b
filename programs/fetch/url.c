// SPDX-License-Identifier: MIT
// url.c - see url.h.
//
// libcurl reads URLs too, and reads ours after us; but it says "URL using bad/illegal format" and
// not where, and takes a name that is not ASCII by the locale: under LC_ALL=C it knows none. So
// the parts are found here, in the order of RFC 3986, each by what ends it:
//
//     http://user@example.org:8080/path?query#fragment
//
// A part is checked where a wrong byte would otherwise be told of by somebody who no longer knows
// its place; what a host or a path may hold beyond that is for libcurl and the server to say.
#include "fetch/url.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fetch/text.h"

struct part {
    const char *text;
    size_t size;
};

struct parts {
    const char *all; // to tell places from
    bool tls;
    struct part user; // with the @, or empty
    struct part host; // with its brackets, if it has any
    struct part port; // digits, or empty
    struct part rest; // from the path on, without the fragment
};

enum { PORT_DIGITS = 5, PORT_MAX = 65535 };

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static enum page_fault wrong_at(struct page *page, const char *all, const char *place,
                                const char *what)
{
    return page_fail(page, FAULT_URL, 0, "byte %td %s", place - all + 1, what);
}

// ---- the parts -------------------------------------------------------------------------------

// What stands before the first ':', if no path, query or fragment begins earlier.
size_t url_scheme(const char *url)
{
    size_t length = strcspn(url, ":/?#");
    return url[length] == ':' ? length : 0;
}

static bool is(struct part part, const char *word)
{
    return part.size == strlen(word) && strncasecmp(part.text, word, part.size) == 0;
}

// No byte that no URL has: a space or a control character.
static enum page_fault check_bytes(const char *url, struct page *page)
{
    for (const char *p = url; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return wrong_at(page, url, p, *p == ' ' ? "is a space" : "is a control character");
    return FAULT_NONE;
}

static const char *last_at(const char *begin, const char *end)
{
    const char *at = NULL;
    for (; begin < end; begin++)
        if (*begin == '@')
            at = begin;
    return at;
}

// Behind the host: nothing, or a colon and a port from 1 on.
static enum page_fault take_port(struct parts *parts, const char *colon, const char *end,
                                 struct page *page)
{
    const char *digits = colon + 1;
    if (colon == end || digits == end) // "http://host:/" has the usual port
        return FAULT_NONE;
    long port = 0;
    for (const char *p = digits; p < end; p++) {
        if (*p < '0' || *p > '9')
            return wrong_at(page, parts->all, p, "is no digit of a port");
        port = port > PORT_MAX ? port : 10 * port + *p - '0';
    }
    if (port < 1 || port > PORT_MAX)
        return wrong_at(page, parts->all, digits, "begins a port that is not one of 1 to 65535");
    while (*digits == '0') // at most as many as the largest has
        digits++;
    bool usual = port == (parts->tls ? 443 : 80);
    parts->port = (struct part){digits, usual ? 0 : (size_t)(end - digits)};
    return FAULT_NONE;
}

// Between the slashes and the path: user, host, port.
static enum page_fault take_authority(struct parts *parts, const char *begin, const char *end,
                                      struct page *page)
{
    const char *at = last_at(begin, end);
    const char *host = at ? at + 1 : begin;
    const char *stop = host;
    parts->user = (struct part){begin, (size_t)(host - begin)};
    if (*host == '[') {
        stop = memchr(host, ']', (size_t)(end - host));
        if (!stop)
            return wrong_at(page, parts->all, host, "opens a bracket that nothing closes");
        stop++;
        if (stop < end && *stop != ':')
            return wrong_at(page, parts->all, stop, "follows an address in brackets");
    } else {
        while (stop < end && *stop != ':')
            stop++;
    }
    if (stop == host)
        return wrong_at(page, parts->all, host, "is where a host should be");
    parts->host = (struct part){host, (size_t)(stop - host)};
    return take_port(parts, stop, end, page);
}

static enum page_fault take_parts(const char *url, struct parts *parts, struct page *page)
{
    struct part scheme = {url, url_scheme(url)};
    *parts = (struct parts){.all = url, .tls = is(scheme, "https")};
    if (scheme.size == 0)
        return page_fail(page, FAULT_NO_SCHEME, 0, "%s", "");
    if (!parts->tls && !is(scheme, "http"))
        return page_fail(page, FAULT_SCHEME, 0, "%.*s", (int)scheme.size, url);
    enum page_fault fault = check_bytes(url, page);
    if (fault != FAULT_NONE)
        return fault;
    const char *slashes = url + scheme.size + 1;
    if (strncmp(slashes, "//", 2) != 0)
        return wrong_at(page, url, slashes, "is where // should be");
    const char *begin = slashes + 2;
    const char *end = begin + strcspn(begin, "/?#");
    parts->rest = (struct part){end, strcspn(end, "#")};
    return take_authority(parts, begin, end, page);
}

// ---- the name --------------------------------------------------------------------------------

static bool is_ascii(struct part part)
{
    for (size_t i = 0; i < part.size; i++)
        if ((unsigned char)part.text[i] >= 0x80)
            return false;
    return true;
}

// A wide solidus becomes a plain one, and "good.example／.evil.example" would be another host than
// the one that its reader sees.
static const char *check_name(const char *name)
{
    if (!*name)
        return "it is made of characters that count for nothing";
    return name[strspn(name, LETTERS DIGITS "-._")]
               ? "a character stands for another that no name has"
               : NULL;
}

// IDNA 2008 has no names of signs, but DNS does ("i❤.ws"), and browsers ask for them: as the older
// rules have it, by which ß would be ss and a final sigma another, so that one with those is none.
static int signs_to_ascii(const char *name, char **ascii)
{
    static const char *const others[] = {"ß", "ẞ", "ς", "\xe2\x80\x8c", "\xe2\x80\x8d"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strstr(name, others[i]))
            return IDN2_DISALLOWED;
    return idn2_to_ascii_8z(name, ascii, IDN2_TRANSITIONAL);
}

char *url_name(const char *name, const char **why)
{
    char *ascii = NULL;
    *why = NULL;
    if (is_ascii((struct part){name, strlen(name)})) {
        char *own = strdup(name);
        for (char *p = own; p && *p; p++)
            *p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
        return own;
    }
    int rc = idn2_to_ascii_8z(name, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (rc == IDN2_DISALLOWED)
        rc = signs_to_ascii(name, &ascii);
    if (rc != IDN2_OK && rc != IDN2_MALLOC)
        *why = idn2_strerror(rc);
    else if (rc == IDN2_OK)
        *why = check_name(ascii);
    char *own = rc == IDN2_OK && !*why ? strdup(ascii) : NULL; // theirs may be of another allocator
    idn2_free(ascii);
    return own;
}

// The host as DNS has it, the caller's to free.
static enum page_fault name_of(const struct parts *parts, char **name, struct page *page)
{
    const char *why = NULL;
    char *host = strndup(parts->host.text, parts->host.size);
    *name = host ? url_name(host, &why) : NULL;
    free(host);
    if (*name)
        return FAULT_NONE;
    if (!why)
        return page_fail(page, FAULT_MEMORY, 0, "out of memory");
    return page_fail(page, FAULT_URL, 0, "the name from byte %td on: %s",
                     parts->host.text - parts->all + 1, why);
}

// ---- the text --------------------------------------------------------------------------------

// With room for three bytes each.
static char *append_encoded(char *to, struct part part)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < part.size; i++) {
        unsigned char byte = (unsigned char)part.text[i];
        if (byte < 0x80) {
            *to++ = (char)byte;
            continue;
        }
        *to++ = '%';
        *to++ = digits[byte >> 4];
        *to++ = digits[byte & 0xf];
    }
    return to;
}

static char *put_together(const struct parts *parts, const char *name)
{
    size_t room = sizeof "https://:/" + PORT_DIGITS + strlen(name) +
                  3 * (parts->user.size + parts->rest.size);
    char *text = malloc(room);
    if (!text)
        return NULL;
    const char *scheme = parts->tls ? "https://" : "http://";
    char *to = text_put(text, scheme, strlen(scheme));
    to = append_encoded(to, parts->user);
    to = text_put(to, name, strlen(name));
    if (parts->port.size > 0) {
        *to++ = ':';
        to = text_put(to, parts->port.text, parts->port.size);
    }
    if (parts->rest.size == 0 || *parts->rest.text != '/')
        *to++ = '/';
    to = append_encoded(to, parts->rest);
    *to = '\0';
    return text;
}

enum page_fault url_read(const char *written, char **asked, struct page *page)
{
    struct parts parts;
    char *name = NULL;
    *asked = NULL;
    enum page_fault fault = take_parts(written, &parts, page);
    if (fault == FAULT_NONE)
        fault = name_of(&parts, &name, page);
    if (fault == FAULT_NONE)
        *asked = put_together(&parts, name);
    free(name);
    if (fault != FAULT_NONE)
        return fault;
    return *asked ? FAULT_NONE : page_fail(page, FAULT_MEMORY, 0, "out of memory");
}

// ---- what libcurl leaves as it is ------------------------------------------------------------

// libcurl takes numbers for an address, also in fewer parts than four, octal or hexadecimal, and
// writes it in the usual way. No name of them all ends in a part that begins with a letter.
static bool is_plain_host(const char *host, size_t size)
{
    char name[256];
    struct in_addr address;
    if (!text_copy(name, sizeof name, host, size) || strspn(name, LETTERS DIGITS "-.") != size)
        return false;
    const char *dot = strrchr(name, '.');
    const char *last = dot ? dot + 1 : name;
    return (*last >= 'a' && *last <= 'z') || inet_pton(AF_INET, name, &address) == 1;
}

bool url_is_plain(const char *asked)
{
    const char *host = strstr(asked, "://") + 3;
    size_t size = strcspn(host, ":/");
    const char *rest = host + size;
    if (*rest == ':')
        rest += 1 + strspn(rest + 1, DIGITS);
    return is_plain_host(host, size) && *rest == '/' && !strstr(rest, "/.") &&
           rest[strlen(rest) - 1] != '?' && // a query of nothing it takes away

           !rest[strspn(rest, LETTERS CAPITALS DIGITS "-._~%!$&'()*+,;=:@/?")];
}
