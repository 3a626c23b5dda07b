// SPDX-License-Identifier: MIT
// host.c - see host.h.
//
// Stricter than a URL's grammar: of what that allows in a name, no host that exists has more than
// letters, digits, "-", "." and "_". Whatever is not one of these two shapes is refused, so that no
// two programs can read the same text as two different hosts.
#include "chat/web/host.h"

#include <string.h>
#include <strings.h>

enum { PORT_MAX = 65535, PORT_DIGITS = 5 };

static const char name_bytes[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
static const char address_bytes[] = "0123456789abcdefABCDEF:.";

struct http_text text_of(const char *string)
{
    return (struct http_text){string, strlen(string)};
}

bool text_same(struct http_text a, struct http_text b)
{
    return a.size == b.size && strncasecmp(a.at, b.at, a.size) == 0;
}

bool text_is(struct http_text a, const char *b)
{
    return text_same(a, text_of(b));
}

bool text_equals(struct http_text a, const char *b)
{
    return a.size == strlen(b) && memcmp(a.at, b, a.size) == 0;
}

// How many bytes at the beginning are of this set. A NUL is of none.
static size_t span(struct http_text text, const char *set)
{
    size_t n = 0;
    while (n < text.size && text.at[n] != '\0' && strchr(set, text.at[n]))
        n++;
    return n;
}

// The size of the name, 0 if there is none.
static size_t name_size(struct http_text text)
{
    if (text.size == 0 || text.at[0] != '[')
        return span(text, name_bytes);
    size_t inside = span((struct http_text){text.at + 1, text.size - 1}, address_bytes);
    bool closed = inside + 1 < text.size && text.at[inside + 1] == ']';
    return closed && inside > 0 ? inside + 2 : 0;
}

static bool port_parse(struct http_text digits, int *port)
{
    int value = 0;
    if (digits.size > PORT_DIGITS || span(digits, "0123456789") != digits.size)
        return false;
    for (size_t i = 0; i < digits.size; i++)
        value = value * 10 + (digits.at[i] - '0');
    *port = digits.size > 0 ? value : -1; // "name:" names none, says the grammar
    return value <= PORT_MAX;
}

bool host_parse(struct http_text text, struct host *host)
{
    size_t size = name_size(text);
    if (size == 0)
        return false;
    *host = (struct host){.name = {text.at, size}, .port = -1};
    if (size == text.size)
        return true;
    if (text.at[size] != ':')
        return false;
    return port_parse((struct http_text){text.at + size + 1, text.size - size - 1}, &host->port);
}
