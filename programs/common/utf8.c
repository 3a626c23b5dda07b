// SPDX-License-Identifier: MIT
// utf8.c - see utf8.h.
//
// A whole message is looked at, eight bytes at a time while they are ASCII, as most of them are.
// text.c decodes byte by byte, and repairs; here it is only a yes or no, on the way of each
// message.
#include "common/utf8.h"

#include <stdint.h>
#include <string.h>

// What the first byte says of a character of several: the second has limits of its own, the others
// are 0x80 to 0xBF.
struct shape {
    size_t size; // 0: no character begins so
    unsigned char low, high;
};

static struct shape shape_of(unsigned char first)
{
    static const struct {
        unsigned char last; // first bytes up to here, after the row above
        struct shape shape;
    } rows[] = {
        {0xC1, {0, 0, 0}},       {0xDF, {2, 0x80, 0xBF}}, {0xE0, {3, 0xA0, 0xBF}},
        {0xEC, {3, 0x80, 0xBF}}, {0xED, {3, 0x80, 0x9F}}, {0xEF, {3, 0x80, 0xBF}},
        {0xF0, {4, 0x90, 0xBF}}, {0xF3, {4, 0x80, 0xBF}}, {0xF4, {4, 0x80, 0x8F}},
        {0xFF, {0, 0, 0}},
    };
    size_t i = 0;
    while (first > rows[i].last)
        i++;
    return rows[i].shape;
}

static bool is_rest(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

size_t utf8_character(const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    if (at[0] < 0x80)
        return 1;
    struct shape shape = shape_of(at[0]);
    if (shape.size == 0 || shape.size > size)
        return 0;
    if (at[1] < shape.low || at[1] > shape.high)
        return 0;
    for (size_t i = 2; i < shape.size; i++)
        if (!is_rest(at[i]))
            return 0;
    return shape.size;
}

static size_t ascii_words(const unsigned char *at, size_t size)
{
    size_t n = 0;
    for (uint64_t word; n + sizeof word <= size; n += sizeof word) {
        memcpy(&word, at + n, sizeof word);
        if (word & 0x8080808080808080U)
            break;
    }
    return n;
}

bool utf8_is_valid(const void *bytes, size_t size)
{
    const unsigned char *at = bytes, *end = at + size;
    while (at < end) {
        at += ascii_words(at, (size_t)(end - at));
        size_t n = at < end ? utf8_character(at, (size_t)(end - at)) : 0;
        if (n == 0)
            return at == end;
        at += n;
    }
    return true;
}

size_t utf8_cut(const void *bytes, size_t size, size_t cap)
{
    const unsigned char *at = bytes;
    if (size <= cap)
        return size;
    while (cap > 0 && is_rest(at[cap]))
        cap--;
    return cap;
}

unsigned utf8_code(const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    if (size == 1)
        return at[0];
    unsigned code = at[0] & (0x7FU >> size);
    for (size_t i = 1; i < size; i++)
        code = code << 6 | (at[i] & 0x3FU);
    return code;
}

bool utf8_is_unsafe(unsigned code)
{
    static const unsigned ranges[][2] = {
        {0x00, 0x1F},     {0x7F, 0x9F},     {0x61C, 0x61C},   {0x200E, 0x200F},
        {0x2028, 0x202E}, {0x2066, 0x2069}, {0xFEFF, 0xFEFF},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i][0] && code <= ranges[i][1])
            return true;
    return false;
}
