// SPDX-License-Identifier: MIT
// frame.c - see frame.h.
//
// libwslay does this too, and was tried: its frame context has a buffer of 4 KiB in it and its
// event context 8.5 KiB, held by a connection that says nothing, where we want to spend 6 KiB on
// all of it; and it makes an allocation and a queue entry for each message that is sent. What
// remains of the standard, without extensions, is this file.
//
// A line of up to 125 bytes becomes a frame of exactly its size: two bytes of head for "\r\n".
#include "chat/web/frame.h"

#include <string.h>

enum {
    FINAL = 0x80,
    RESERVED = 0x70,
    OPCODE = 0x0F,
    MASKED = 0x80,
    LENGTH = 0x7F,
    LENGTH_16 = 126, // the length follows in two bytes
    LENGTH_64 = 127, // in eight
};

static int wrong(const char **why, const char *text)
{
    *why = text;
    return -CLOSE_PROTOCOL;
}

static bool is_known(unsigned opcode)
{
    return opcode <= FRAME_BINARY || (opcode >= FRAME_CLOSE && opcode <= FRAME_PONG);
}

static int check_first(unsigned first, const char **why)
{
    if (first & RESERVED)
        return wrong(why, "a reserved bit is set");
    if (!is_known(first & OPCODE))
        return wrong(why, "an unknown opcode");
    if ((first & OPCODE) >= FRAME_CLOSE && !(first & FINAL))
        return wrong(why, "a control frame in pieces");
    return 0;
}

static int check_second(unsigned first, unsigned second, const char **why)
{
    if (!(second & MASKED))
        return wrong(why, "a client's frame without a mask");
    if ((first & OPCODE) >= FRAME_CLOSE && (second & LENGTH) > FRAME_CONTROL_MAX)
        return wrong(why, "a control frame of more than 125 bytes");
    return 0;
}

// How many bytes of length follow the second byte.
static size_t length_bytes(unsigned length)
{
    return length == LENGTH_64 ? 8 : length == LENGTH_16 ? 2 : 0;
}

static uint64_t big_endian(const unsigned char *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}

static int check_length(uint64_t length, size_t bytes, const char **why)
{
    if (length >> 63)
        return wrong(why, "a length with its highest bit set");
    if ((bytes == 2 && length < LENGTH_16) || (bytes == 8 && length <= UINT16_MAX))
        return wrong(why, "a length in more bytes than it needs");
    return 0;
}

int frame_head(const unsigned char *bytes, size_t size, struct frame *f, const char **why)
{
    if (size < 1)
        return 0;
    int rc = check_first(bytes[0], why);
    if (rc < 0 || size < 2)
        return rc;
    rc = check_second(bytes[0], bytes[1], why);
    if (rc < 0)
        return rc;
    size_t extra = length_bytes(bytes[1] & LENGTH);
    if (size < 2 + extra)
        return 0;
    uint64_t length = extra > 0 ? big_endian(bytes + 2, extra) : bytes[1] & LENGTH;
    rc = check_length(length, extra, why);
    if (rc < 0 || size < 2 + extra + sizeof f->mask)
        return rc;
    f->final = bytes[0] & FINAL;
    f->opcode = (enum frame_opcode)(bytes[0] & OPCODE);
    memcpy(f->mask, bytes + 2 + extra, sizeof f->mask);
    f->size = length;
    return (int)(2 + extra + sizeof f->mask);
}

void frame_mask(unsigned char *bytes, size_t size, const unsigned char mask[4])
{
    unsigned char twice[8];
    uint64_t word, key;
    size_t i = 0;
    memcpy(twice, mask, 4);
    memcpy(twice + 4, mask, 4);
    memcpy(&key, twice, sizeof key);
    for (; i + sizeof word <= size; i += sizeof word) {
        memcpy(&word, bytes + i, sizeof word);
        word ^= key;
        memcpy(bytes + i, &word, sizeof word);
    }
    for (; i < size; i++)
        bytes[i] ^= mask[i % 4];
}

size_t frame_put_head(unsigned char *out, enum frame_opcode opcode, size_t payload)
{
    out[0] = (unsigned char)(FINAL | opcode);
    if (payload < LENGTH_16) {
        out[1] = (unsigned char)payload;
        return 2;
    }
    size_t extra = payload <= UINT16_MAX ? 2 : 8;
    out[1] = extra == 2 ? LENGTH_16 : LENGTH_64;
    for (size_t i = 0; i < extra; i++)
        out[2 + i] = (unsigned char)(payload >> 8 * (extra - 1 - i));
    return 2 + extra;
}

// A head is 2 bytes for 1 of "\n" at least, and 2 more from 126 bytes on, 8 more from 65,536 on.
size_t frame_lines_max(size_t size)
{
    return 2 * size + FRAME_HEAD_MAX;
}

size_t frame_lines(unsigned char *out, enum frame_opcode opcode, const char *lines, size_t size)
{
    unsigned char *at = out;
    const char *end = lines + size;
    while (lines < end) {
        const char *newline = memchr(lines, '\n', (size_t)(end - lines));
        if (!newline)
            break;
        size_t length = (size_t)(newline - lines);
        if (length > 0 && lines[length - 1] == '\r')
            length--;
        at += frame_put_head(at, opcode, length);
        memcpy(at, lines, length);
        at += length;
        lines = newline + 1;
    }
    return (size_t)(at - out);
}

// Section 7.4: 1004 to 1006 and 1015 are never sent, others below 3000 mean nothing yet.
bool frame_close_is_valid(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}
