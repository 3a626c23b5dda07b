// SPDX-License-Identifier: MIT
// target.c - see target.h.
//
// Nothing is normalized: "/a/../b" stays as it is, and is the name of nothing. Paths are looked up
// in a table and never in a file system, so there is nothing to climb out of.
#include "chat/web/target.h"

#include <string.h>

static struct http_text after(struct http_text text, size_t n)
{
    return (struct http_text){text.at + n, text.size - n};
}

static size_t find(struct http_text text, char c)
{
    const char *at = text.size > 0 ? memchr(text.at, c, text.size) : NULL;
    return at ? (size_t)(at - text.at) : text.size;
}

// The size of "http://" or "https://", 0 if it is neither.
static size_t scheme_size(struct http_text text)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t n = strlen(schemes[i]);
        if (text.size >= n && text_is((struct http_text){text.at, n}, schemes[i]))
            return n;
    }
    return 0;
}

bool target_parse(struct http_text text, struct target *target)
{
    *target = (struct target){.authority = {text.at, 0}, .query = {text.at, 0}};
    if (find(text, '#') < text.size)
        return false;
    size_t scheme = scheme_size(text);
    if (scheme > 0) {
        text = after(text, scheme);
        size_t slash = find(text, '/'), question = find(text, '?');
        target->authority = (struct http_text){text.at, slash < question ? slash : question};
        text = after(text, target->authority.size);
        if (target->authority.size == 0)
            return false;
    }
    size_t question = find(text, '?');
    target->path = (struct http_text){text.at, question};
    if (question < text.size)
        target->query = after(text, question + 1);
    if (scheme > 0 && question == 0)
        target->path = text_of("/");
    return target->path.size > 0 && target->path.at[0] == '/';
}

static int hex(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c);
    return at ? (int)(at - digits) : -1;
}

int target_byte(struct http_text text, size_t *taken)
{
    *taken = 1;
    if (text.at[0] != '%')
        return (unsigned char)text.at[0];
    int high = text.size > 2 ? hex(text.at[1]) : -1;
    int low = text.size > 2 ? hex(text.at[2]) : -1;
    *taken = 3;
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool target_decode(struct http_text path, char *out, size_t cap)
{
    size_t size = 0;
    for (size_t taken; path.size > 0; path = after(path, taken)) {
        int byte = target_byte(path, &taken);
        if (byte < ' ' || byte == 0x7F)
            return false;
        if (size < cap)
            out[size] = (char)byte;
        size++;
    }
    out[size < cap ? size : 0] = '\0';
    return true;
}
