// SPDX-License-Identifier: MIT
// text.c - see text.h.
#include "chat/text.h"

#include <string.h>

static const char replacement[] = "\xEF\xBF\xBD"; // U+FFFD
enum { REPLACEMENT_SIZE = 3, DELETE = 0x7F };

// How many bytes a character has that begins with this one; 0: none begins so.
static size_t length_of(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first <= 0xDF)
        return 2;
    if (first >= 0xE0 && first <= 0xEF)
        return 3;
    return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

// Whether `byte` may follow what is kept. The second byte has limits of its own: they shut out
// overlong forms, surrogates and what lies beyond U+10FFFF.
static bool continues(const struct text *t, unsigned char byte)
{
    unsigned char first = t->kept[0];
    unsigned char low = 0x80, high = 0xBF;
    if (t->kept_size == 1) {
        if (first == 0xE0)
            low = 0xA0;
        if (first == 0xED)
            high = 0x9F;
        if (first == 0xF0)
            low = 0x90;
        if (first == 0xF4)
            high = 0x8F;
    }
    return byte >= low && byte <= high;
}

static char *put(char *out, const void *bytes, size_t size)
{
    memcpy(out, bytes, size);
    return out + size;
}

static char *show_ascii(const struct text *t, unsigned char c, char *out)
{
    bool control = (c < ' ' && c != '\n' && c != '\t') || c == DELETE;
    if (!t->terminal || !control)
        return put(out, &c, 1);
    if (c == '\r')
        return out; // of "\r\n"; alone it would let a line overwrite itself
    char visible[2] = {'^', (char)(c ^ 0x40)}; // ^[ for escape, ^? for delete
    return put(out, visible, sizeof visible);
}

// A whole character of two bytes or more. U+0080 to U+009F are control characters too.
static char *show_kept(const struct text *t, char *out)
{
    bool control = t->kept[0] == 0xC2 && t->kept[1] < 0xA0;
    if (t->terminal && control)
        return put(out, replacement, REPLACEMENT_SIZE);
    return put(out, t->kept, t->kept_size);
}

static char *add_byte(struct text *t, unsigned char byte, char *out)
{
    if (t->kept_size > 0 && !continues(t, byte)) {
        out = put(out, replacement, REPLACEMENT_SIZE);
        t->kept_size = 0;
    }
    if (t->kept_size == 0) {
        t->wanted = length_of(byte);
        if (t->wanted == 0)
            return put(out, replacement, REPLACEMENT_SIZE);
        if (t->wanted == 1)
            return show_ascii(t, byte, out);
    }
    t->kept[t->kept_size++] = byte;
    if (t->kept_size < t->wanted)
        return out;
    out = show_kept(t, out);
    t->kept_size = 0;
    return out;
}

size_t text_add(struct text *t, const void *bytes, size_t size, char *out)
{
    const unsigned char *in = bytes;
    char *end = out;
    for (size_t i = 0; i < size; i++)
        end = add_byte(t, in[i], end);
    return (size_t)(end - out);
}

size_t text_end(struct text *t, char *out)
{
    if (t->kept_size == 0)
        return 0;
    t->kept_size = 0;
    return (size_t)(put(out, replacement, REPLACEMENT_SIZE) - out);
}
