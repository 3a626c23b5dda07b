// SPDX-License-Identifier: MIT
// frame_helpers.h - frames of WebSocket as a client writes and reads them. Written from the
// standard, and it shares nothing with the server's: one mistake in both would not be seen.
#ifndef WEFT_TESTS_FRAME_HELPERS_H
#define WEFT_TESTS_FRAME_HELPERS_H

#include "net_helpers.h"

struct bytes {
    const char *at;
    size_t size;
};

#define B(text) \
    { \
        text, sizeof(text) - 1 \
    }

// ---- frames of a client ---------------------------------------------------------------------

enum how { PLAIN, UNMASKED, LONG_16, LONG_64, HIGHEST_BIT, HEAD_ONLY };

struct piece {
    int first; // byte: final bit, reserved bits, opcode
    struct bytes payload;
    size_t times; // repeat the payload; 0: once
    enum how how;
};

SHARED size_t put_length(char *out, uint64_t size, enum how how)
{
    int bytes = how == LONG_64 || how == HIGHEST_BIT || size > 65535 ? 8
                : how == LONG_16 || size > 125                       ? 2
                                                                     : 0;
    int mask = how == UNMASKED ? 0 : 0x80;
    if (how == HIGHEST_BIT)
        size |= 1ULL << 63;
    out[0] = (char)(mask | (bytes == 8 ? 127 : bytes == 2 ? 126 : (int)size));
    for (int i = 0; i < bytes; i++)
        out[1 + i] = (char)(size >> 8 * (bytes - 1 - i));
    return 1 + (size_t)bytes;
}

// The frame as a client sends it; its size.
SHARED size_t put_piece(char *out, const struct piece *p)
{
    static const char mask[] = {0x37, (char)0xfa, 0x21, 0x3d}; // section 5.7's
    size_t times = p->times > 0 ? p->times : 1, size = p->payload.size * times, n = 0;
    out[n++] = (char)p->first;
    n += put_length(out + n, size, p->how);
    if (p->how != UNMASKED) {
        memcpy(out + n, mask, sizeof mask);
        n += sizeof mask;
    }
    for (size_t i = 0; i < size && p->how != HEAD_ONLY; i++)
        out[n++] = (char)(p->payload.at[i % p->payload.size] ^
                          (p->how == UNMASKED ? 0 : mask[i % 4]));
    return n;
}

// ---- frames of a server ---------------------------------------------------------------------

// What a server sent, as text: "T:hello|C:1002". Letters: Text, Binary, Close, pIng, pOng; a long
// payload is told by its size. Asserts that frames are whole, unmasked and final.
SHARED void tell_frames(const char *at, size_t size, char *out, size_t cap)
{
    static const char letters[16] = {'?', 'T', 'B', '?', '?', '?', '?', '?', 'C', 'I', 'O'};
    size_t n = 0;
    out[0] = '\0';
    while (size > 0) {
        const unsigned char *b = (const unsigned char *)at;
        assert_true(size >= 2 && (b[0] & 0xF0) == 0x80 && b[1] <= 126);
        size_t head = b[1] == 126 ? 4 : 2, length = b[1] == 126 ? (size_t)b[2] << 8 | b[3] : b[1];
        assert_true(size >= head + length && letters[b[0] & 15] != '\0');
        const char *payload = at + head;
        n += (size_t)snprintf(out + n, cap - n, "%s%c:", n > 0 ? "|" : "", letters[b[0] & 15]);
        if ((b[0] & 15) == 8)
            n += (size_t)snprintf(
                out + n, cap - n, "%d",
                length < 2 ? 0 : (unsigned char)payload[0] << 8 | (unsigned char)payload[1]);
        else if (length > 100)
            n += (size_t)snprintf(out + n, cap - n, "%zu", length);
        else
            n += (size_t)snprintf(out + n, cap - n, "%.*s", (int)length, payload);
        at += head + length;
        size -= head + length;
    }
}

#endif
