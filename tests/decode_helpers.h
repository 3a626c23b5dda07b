// SPDX-License-Identifier: MIT
// decode_helpers.h - bodies as servers send them, made by zlib and brotli, and what comes of them:
// for the tests of programs/fetch/decode.h.
#ifndef WEFT_TESTS_DECODE_HELPERS_H
#define WEFT_TESTS_DECODE_HELPERS_H

#include "contract.h"

#include <zlib.h>

#include <brotli/encode.h>

#include "fetch/decode.h"

// ---- what servers send ----------------------------------------------------------------------

struct body {
    unsigned char *bytes;
    size_t size;
};

enum { GZIP = 16 + 15, ZLIB = 15, RAW = -15 }; // zlib's window bits

SHARED struct body zipped(int window_bits, struct body plain)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, plain.size) + 64;
    struct body made = {malloc(room), 0};
    assert_non_null(made.bytes);
    z.next_in = plain.bytes;
    z.avail_in = (unsigned)plain.size;
    z.next_out = made.bytes;
    z.avail_out = (unsigned)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    made.size = room - z.avail_out;
    assert_int_equal(deflateEnd(&z), Z_OK);
    return made;
}

SHARED struct body brotlied(struct body plain)
{
    struct body made = {NULL, BrotliEncoderMaxCompressedSize(plain.size) + 64};
    made.bytes = malloc(made.size);
    assert_non_null(made.bytes);
    assert_true(BrotliEncoderCompress(5, 22, BROTLI_MODE_GENERIC, plain.size, plain.bytes,
                                      &made.size, made.bytes));
    return made;
}

SHARED struct body as_gzip(struct body plain)
{
    return zipped(GZIP, plain);
}

SHARED struct body as_zlib(struct body plain)
{
    return zipped(ZLIB, plain);
}

SHARED struct body as_raw(struct body plain)
{
    return zipped(RAW, plain);
}

static const struct way {
    const char *name;
    struct body (*encode)(struct body);
    bool checked; // it carries a checksum of what it holds
} ways[] = {
    {"gzip", as_gzip, true},
    {"deflate", as_zlib, true},
    {"deflate", as_raw, false},
    {"br", brotlied, false},
};

// Half of it is not to be compressed.
SHARED struct body some_text(size_t size)
{
    struct body plain = {malloc(size + 1), size};
    assert_non_null(plain.bytes);
    unsigned random = 7;
    for (size_t i = 0; i < size; i++) {
        random = random * 1103515245 + 12345;
        plain.bytes[i] = (unsigned char)(i / 512 % 2 ? random >> 16 : 'a' + i % 17);
    }
    return plain;
}

SHARED struct body joined(struct body a, struct body b)
{
    struct body both = {malloc(a.size + b.size + 1), a.size + b.size};
    assert_non_null(both.bytes);
    memcpy(both.bytes, a.bytes, a.size);
    memcpy(both.bytes + a.size, b.bytes, b.size);
    return both;
}

SHARED struct body text_of(const char *text)
{
    struct body body = {malloc(strlen(text) + 1), strlen(text)};
    assert_non_null(body.bytes);
    memcpy(body.bytes, text, body.size);
    return body;
}

// ---- what is made of it ---------------------------------------------------------------------

SHARED struct decoder *opened(const char *encodings, int64_t limit)
{
    const char *why = "nothing";
    struct decoder *d = decoder_open(encodings, limit, &why);
    if (!d)
        fail_msg("%s: not opened: %s", encodings, why ? why : "out of memory");
    assert_null(why);
    assert_string_equal(decoder_error(d), "");
    return d;
}

struct told {
    enum decode_state state;
    int64_t size;
    char error[128];
};

// Closes it.
SHARED struct told told_by(struct decoder *d)
{
    struct told told = {.state = decoder_end(d), .size = decoder_size(d)};
    assert_int_equal(decoder_end(d), told.state);
    snprintf(told.error, sizeof told.error, "%s", decoder_error(d));
    assert_true((told.state == DECODE_DONE) == (told.error[0] == '\0'));
    decoder_close(&d);
    assert_null(d);
    return told;
}

// In pieces; 0: in one.
SHARED struct told decoded_so(const char *encodings, struct body body, size_t piece, int64_t limit)
{
    struct decoder *d = opened(encodings, limit);
    for (size_t at = 0, size; at < body.size; at += size) {
        size = piece > 0 && piece < body.size - at ? piece : body.size - at;
        enum decode_state state = decoder_push(d, body.bytes + at, size);
        assert_int_not_equal(state, DECODE_DONE);
        assert_int_not_equal(state, DECODE_CUT);
        if (state == DECODE_MORE)
            continue;
        int64_t before = decoder_size(d);
        assert_int_equal(decoder_push(d, body.bytes + at, size), state); // and so it stays
        assert_int_equal(decoder_size(d), before);
        break;
    }
    return told_by(d);
}

SHARED struct told decoded(const char *encodings, struct body body)
{
    return decoded_so(encodings, body, 0, INT64_MAX);
}

SHARED void assert_told(struct told told, enum decode_state state, int64_t size)
{
    if (told.state != state || told.size != size)
        fail_msg("state %d, %lld bytes (%s), not %d and %lld", told.state, (long long)told.size,
                 told.error, state, (long long)size);
}

#endif
