// SPDX-License-Identifier: MIT
// decode.h - how large a compressed body is: gzip (RFC 1952), deflate (RFC 1950, and 1951 as some
// servers send it), brotli (RFC 7932), and these one inside another (RFC 9110, 8.4).
//
//     struct decoder *d = decoder_open("gzip", 1 << 30, &why);
//     while (more comes)
//         if (decoder_push(d, bytes, size) != DECODE_MORE)
//             stop;
//     enum decode_state end = decoder_end(d); // DECODE_DONE: decoder_size(d) is the size
//     decoder_close(&d);
//
// What is decoded is counted and dropped: memory is bounded whatever comes. A decoder takes 0.3 KB
// until its first byte; then gzip and deflate 10 KB, and 32 KB more for a body that decodes to over
// 64 KB, or comes in pieces. Brotli takes the window that its stream asks for, 16 MiB at most, of
// which only what is used is in memory. The decoder belongs to one task at a time; nothing here
// blocks, or needs more than 2 KB of stack.
#ifndef WEFT_PROGRAMS_FETCH_DECODE_H
#define WEFT_PROGRAMS_FETCH_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DECODE_LAYERS = 4 };

enum decode_state {
    DECODE_MORE,   // so far right
    DECODE_DONE,   // ended, where the body ended
    DECODE_CUT,    // the body ended, the stream did not
    DECODE_BAD,    // not a stream of this kind, or bytes behind its end; decoder_error says what
    DECODE_LIMIT,  // more than the limit comes out of it
    DECODE_MEMORY, // out of memory
};

struct decoder;

// For a Content-Encoding as it was sent: "gzip", "br, gzip", "x-gzip", "identity", "". NULL with
// *why = NULL: out of memory; with a text: an encoding that we do not know, or too many layers.
// Between two layers there may be 64 KiB more than the limit, and twice as much.
struct decoder *decoder_open(const char *encodings, int64_t limit, const char **why);
// The next bytes of the body. DECODE_MORE, also when the stream has ended: of gzip another may
// follow, and bytes behind it make it bad; or what is wrong, then and from then on.
enum decode_state decoder_push(struct decoder *d, const void *bytes, size_t size);
// The same, but when `most` bytes have come out it stops at the next 64 KB, or with brotli the next
// window, and keeps what it has not taken: it is behind. What is pushed then is only kept, up to
// 1 MiB; beyond that it decodes all that it has.
enum decode_state decoder_push_some(struct decoder *d, const void *bytes, size_t size,
                                    int64_t most);
bool decoder_is_behind(const struct decoder *d);
enum decode_state decoder_go_on(struct decoder *d, int64_t most); // with what it kept
// Decodes what is left. An empty body is DECODE_DONE: 0 bytes.
enum decode_state decoder_end(struct decoder *d);
int64_t decoder_size(const struct decoder *d); // so far; after DECODE_LIMIT the limit
// "gzip: incorrect data check", or "" while nothing is wrong. Lives as long as the decoder.
const char *decoder_error(const struct decoder *d);
void decoder_close(struct decoder **d);

// What we ask for: "gzip, deflate, br".
extern const char decoder_accepts[];

#endif
