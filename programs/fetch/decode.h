// SPDX-License-Identifier: MIT
// decode.h - how large a compressed body is: gzip (RFC 1952), deflate (RFC 1950, and 1951 as some
// servers send it), brotli (RFC 7932), and these one inside another (RFC 9110, 8.4).
//
//     struct decoder *d = decoder_open("gzip", 1 << 30);
//     while (more comes)
//         if (decoder_push(d, bytes, size) != DECODE_MORE) stop;
//     enum decode_state end = decoder_end(d); // DECODE_DONE: decoder_size(d) is the size
//     decoder_close(&d);
//
// What is decoded is counted and dropped: memory is bounded whatever comes. The decoder belongs to
// one task at a time; nothing here blocks.
#ifndef WEFT_PROGRAMS_FETCH_DECODE_H
#define WEFT_PROGRAMS_FETCH_DECODE_H

#include <stddef.h>
#include <stdint.h>

enum { DECODE_LAYERS = 4 };

enum decode_state {
    DECODE_MORE,   // so far right; the stream has not ended (or, of gzip, another may follow)
    DECODE_DONE,   // ended, where the body ended
    DECODE_CUT,    // the body ended, the stream did not
    DECODE_BAD,    // not a stream of this kind, or bytes behind its end; decoder_error says what
    DECODE_LIMIT,  // more than the limit comes out of it
    DECODE_MEMORY, // out of memory
};

struct decoder;

// For a Content-Encoding as it was sent: "gzip", "br, gzip", "x-gzip", "identity", "". NULL with
// *why = NULL: out of memory; with a text: an encoding that we do not know, or too many layers.
struct decoder *decoder_open(const char *encodings, int64_t limit, const char **why);
enum decode_state decoder_push(struct decoder *d, const void *bytes, size_t size);
enum decode_state decoder_end(struct decoder *d); // an empty body is DECODE_DONE: 0 bytes
int64_t decoder_size(const struct decoder *d);    // so far; after DECODE_LIMIT the limit
const char *decoder_error(const struct decoder *d);
void decoder_close(struct decoder **d);

// What we ask for: "gzip, deflate, br".
extern const char decoder_accepts[];

#endif
