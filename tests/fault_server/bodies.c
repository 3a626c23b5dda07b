// SPDX-License-Identifier: MIT
// bodies.c - compressed bodies, right ones: how they are spoilt is the pages' affair.
#include "bodies.h"

#include <brotli/encode.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { PIECE = 1 << 20 };

struct body plain_body(size_t size)
{
    struct body body = {malloc(size + 1), size};
    if (body.bytes)
        memset(body.bytes, 'x', size);
    return body;
}

static int window_bits(enum packing packing)
{
    return packing == GZIP ? 15 + 16 : packing == DEFLATE ? 15 : -15;
}

static bool append(struct body *to, const void *bytes, size_t size)
{
    char *grown = realloc(to->bytes, to->size + size + 1);
    if (!grown)
        return false;
    memcpy(grown + to->size, bytes, size);
    to->bytes = grown;
    to->size += size;
    return true;
}

static struct body dropped(struct body body)
{
    free(body.bytes);
    return (struct body){0};
}

// Give what z holds, to its end if `flush` says so, to `to`.
static bool drain(z_stream *z, int flush, struct body *to)
{
    Bytef piece[4096];
    do {
        z->next_out = piece;
        z->avail_out = sizeof piece;
        if (deflate(z, flush) == Z_STREAM_ERROR || !append(to, piece, sizeof piece - z->avail_out))
            return false;
    } while (z->avail_out == 0);
    return true;
}

static struct body pack_to(int flush, enum packing packing, struct body from)
{
    struct body to = {0};
    z_stream z = {.next_in = (Bytef *)from.bytes, .avail_in = (uInt)from.size};
    if (deflateInit2(&z, 6, Z_DEFLATED, window_bits(packing), 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return to;
    bool good = drain(&z, flush, &to);
    (void)deflateEnd(&z); // it complains of a stream that was given up, which is so
    return good ? to : dropped(to);
}

struct body pack(enum packing packing, struct body from)
{
    struct body to = from.bytes ? pack_to(Z_FINISH, packing, from) : from;
    free(from.bytes);
    return to;
}

static bool append_number(struct body *to, uint32_t number)
{
    const unsigned char bytes[] = {(unsigned char)number, (unsigned char)(number >> 8),
                                   (unsigned char)(number >> 16), (unsigned char)(number >> 24)};
    return append(to, bytes, sizeof bytes);
}

// One gzip stream whose pieces, times of them, are all the same.
static bool repeat(struct body *to, struct body piece, struct body plain, int64_t times)
{
    static const unsigned char head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3}, end[] = {3, 0};
    uLong one = crc32(0, (const Bytef *)plain.bytes, (uInt)plain.size), all = 0;
    bool good = append(to, head, sizeof head);
    for (int64_t i = 0; good && i < times; i++) {
        good = append(to, piece.bytes, piece.size);
        all = crc32_combine(all, one, (z_off_t)plain.size);
    }
    return good && append(to, end, sizeof end) && append_number(to, (uint32_t)all) &&
           append_number(to, (uint32_t)(plain.size * (size_t)times));
}

// Behind a full flush deflate begins anew, so a piece of zeros is packed once and said often.
struct body bomb(int64_t size)
{
    struct body zeros = {calloc(1, PIECE), PIECE};
    struct body piece = zeros.bytes ? pack_to(Z_FULL_FLUSH, RAW_DEFLATE, zeros) : zeros, to = {0};
    if (!piece.bytes || !repeat(&to, piece, zeros, size / PIECE))
        to = dropped(to);
    free(piece.bytes);
    free(zeros.bytes);
    return to;
}

struct body pack_brotli(struct body from)
{
    size_t size = BrotliEncoderMaxCompressedSize(from.size);
    struct body to = {malloc(size), size};
    if (!from.bytes || !to.bytes ||
        !BrotliEncoderCompress(5, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, from.size,
                               (const uint8_t *)from.bytes, &to.size, (uint8_t *)to.bytes))
        to = dropped(to);
    free(from.bytes);
    return to;
}

struct body join(struct body first, struct body second)
{
    if (!first.bytes || !second.bytes || !append(&first, second.bytes, second.size))
        first = dropped(first);
    free(second.bytes);
    return first;
}
