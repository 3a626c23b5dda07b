// SPDX-License-Identifier: MIT
// bodies.c - compressed bodies, right ones: how they are spoilt is the pages' affair.
#include "bodies.h"

#include <brotli/encode.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { PIECE = 65536 };

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

// Pack `times` repetitions of `from`.
static struct body pack_often(enum packing packing, struct body from, int64_t times)
{
    z_stream z = {0};
    struct body to = {0};
    if (deflateInit2(&z, 6, Z_DEFLATED, window_bits(packing), 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return to;
    bool good = true;
    for (int64_t i = 0; good && i < times; i++) {
        z.next_in = (Bytef *)from.bytes;
        z.avail_in = (uInt)from.size;
        good = drain(&z, Z_NO_FLUSH, &to);
    }
    good = good && drain(&z, Z_FINISH, &to);
    (void)deflateEnd(&z); // it complains of a stream that was given up, which is so
    return good ? to : dropped(to);
}

struct body pack(enum packing packing, struct body from)
{
    struct body to = from.bytes ? pack_often(packing, from, 1) : from;
    free(from.bytes);
    return to;
}

struct body bomb(int64_t size)
{
    struct body zeros = {calloc(1, PIECE), PIECE};
    if (!zeros.bytes)
        return zeros;
    struct body to = pack_often(GZIP, zeros, size / PIECE);
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
