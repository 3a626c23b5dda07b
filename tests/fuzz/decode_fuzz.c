// SPDX-License-Identifier: MIT
// decode_fuzz.c - any bytes as a compressed body (fetch/decode.h).
//
// The first byte is the encoding, the second how the rest is cut into pieces, and what comes out
// into slices. So it is whole, or cut, just if it is so at once, and of the same size; never more
// than the limit.
#include "fuzz.h"

#include <string.h>

#include "fetch/decode.h"

enum { LIMIT = 1 << 20 };

static const char *const encodings[] = {
    "gzip",
    "deflate",
    "br",
    "",
    "gzip, gzip",
    "deflate, gzip",
    "gzip, deflate",
    "br, gzip",
    "gzip, br",
    "br, deflate",
    "br, br",
    "gzip, br, deflate, gzip",
};

struct end {
    enum decode_state state;
    int64_t size;
};

static struct end decoded(const char *encoding, const uint8_t *data, size_t size, size_t piece,
                          int64_t most)
{
    const char *why;
    struct decoder *d = decoder_open(encoding, LIMIT, &why);
    must(d);
    for (size_t at = 0, part; at < size; at += part) {
        part = piece < size - at ? piece : size - at;
        int64_t before = decoder_size(d);
        enum decode_state state = most == INT64_MAX ? decoder_push(d, data + at, part)
                                                    : decoder_push_some(d, data + at, part, most);
        if (most % 32 == 0)
            state = decoder_go_on(d, most);
        must(state != DECODE_DONE && state != DECODE_CUT && state != DECODE_MEMORY);
        must(decoder_size(d) >= before && decoder_size(d) <= LIMIT);
        must((state == DECODE_MORE) == (*decoder_error(d) == '\0'));
        if (state != DECODE_MORE)
            break;
    }
    struct end end = {decoder_end(d), decoder_size(d)};
    must(end.state != DECODE_MORE && end.state != DECODE_MEMORY);
    must((end.state == DECODE_DONE) == (*decoder_error(d) == '\0'));
    decoder_close(&d);
    must(!d);
    return end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const char *encoding = encodings[data[0] % (sizeof encodings / sizeof *encodings)];
    size_t piece = data[1] % 16 == 0 ? 1000 : data[1] % 16;
    int64_t most = data[1] / 16 == 0 ? INT64_MAX : INT64_C(3) << data[1] / 16;
    struct end whole = decoded(encoding, data + 2, size - 2, size, INT64_MAX);
    struct end pieces = decoded(encoding, data + 2, size - 2, piece, most);
    bool is_whole = whole.state == DECODE_DONE, is_cut = whole.state == DECODE_CUT;
    must(is_whole == (pieces.state == DECODE_DONE) && is_cut == (pieces.state == DECODE_CUT));
    must(!is_whole || whole.size == pieces.size);
    return 0;
}
