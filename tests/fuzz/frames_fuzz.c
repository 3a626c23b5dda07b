// SPDX-License-Identifier: MIT
// frames_fuzz.c - any bytes as what a client says after its WebSocket handshake (chat/web/frame.h,
// websocket.h).
//
// The bytes lie in memory: weft_read and weft_post, which websocket.c calls, are ours here, and
// give them in pieces as the first bytes say. Each line that comes out is one line; each answer is
// a whole frame; however the bytes are cut, the same comes of them.
#include "fuzz.h"

#include <errno.h>
#include <string.h>
#include <weft/error.h>
#include <weft/net.h>

#include "chat/web/frame.h"
#include "chat/web/websocket.h"
#include "common/utf8.h"

enum { CAP = 600 };

// ---- the stream -----------------------------------------------------------------------------

static struct {
    const uint8_t *at;
    size_t size, piece; // what is left, and how much a read gives
} in;
static uint64_t said; // a digest of all that came of it, in order

ssize_t __wrap_weft_read(weft_conn *c, void *buf, size_t cap, weft_time deadline);
int __wrap_weft_post(weft_conn *c, const void *buf, size_t size);

ssize_t __wrap_weft_read(weft_conn *c, void *buf, size_t cap, weft_time deadline)
{
    (void)c, (void)deadline;
    must(cap > 0);
    size_t size = in.size < in.piece ? in.size : in.piece;
    size = size < cap ? size : cap;
    if (size > 0)
        memcpy(buf, in.at, size);
    in.at += size;
    in.size -= size;
    return (ssize_t)size;
}

static void add_to_digest(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++)
        said = (said ^ at[i]) * 1099511628211u; // FNV-1a
    said = (said ^ size) * 1099511628211u;
}

// One control frame of a server, unmasked.
int __wrap_weft_post(weft_conn *c, const void *buf, size_t size)
{
    const uint8_t *frame = buf;
    (void)c;
    must(size >= 2 && frame[0] & 0x80 && size == 2 + (size_t)frame[1] && frame[1] < 126);
    enum frame_opcode opcode = frame[0] & 0x7F;
    must(opcode == FRAME_CLOSE || opcode == FRAME_PONG);
    must(opcode != FRAME_CLOSE || frame[1] != 1);
    must(opcode != FRAME_CLOSE || size < 4 || utf8_is_valid(frame + 4, size - 4));
    add_to_digest(buf, size);
    return 0;
}

// ---- what is tried --------------------------------------------------------------------------

static int read_all(struct websocket *ws)
{
    char line[CAP];
    for (;;) {
        ssize_t n = ws->wire.ops->read(&ws->wire, line, sizeof line, WEFT_FOREVER);
        if (n == -EMSGSIZE)
            n = snprintf(line, sizeof line, "too long");
        if (n == -EAGAIN)
            continue; // many frames and no line: others would have their turn
        if (n < 0)
            return (int)n;
        must(n < CAP && line[n] == '\0' && strlen(line) == (size_t)n);
        must(!strpbrk(line, "\r\n"));
        add_to_digest(line, (size_t)n);
    }
}

// What comes of it when `early` bytes came with the handshake and the rest in pieces.
static uint64_t speak(const uint8_t *bytes, size_t size, size_t early, size_t piece, bool binary)
{
    struct websocket ws;
    said = 0;
    in.at = bytes + early;
    in.size = size - early;
    in.piece = piece;
    must(websocket_open(&ws, NULL, binary, bytes, early) == 0);
    int rc = read_all(&ws);
    must(rc == -EPIPE || rc == -EPROTO);
    must(ws.wire.ops->read(&ws.wire, (char[2]){0}, 2, WEFT_POLL) == -EPIPE); // and so it stays
    add_to_digest(&rc, sizeof rc);
    websocket_release(&ws);
    return said;
}

static void try_head(const uint8_t *bytes, size_t size, size_t cut)
{
    struct frame f;
    const char *why = NULL;
    int rc = frame_head(bytes, size, &f, &why);
    int early = frame_head(bytes, cut, &f, &why);
    must(early == 0 || early == rc); // a mistake is one, however much follows
    must(rc >= 0 ? rc <= FRAME_HEAD_MAX : rc == -CLOSE_PROTOCOL && why);
}

static void try_lines(const char *bytes, size_t size)
{
    size_t max = frame_lines_max(size);
    unsigned char *out = malloc(max > 0 ? max : 1);
    must(out && frame_lines(out, FRAME_TEXT, bytes, size) <= max);
    free(out);
}

static void try_text(const char *bytes, size_t size, size_t cut)
{
    if (utf8_is_valid(bytes, size))
        must(utf8_is_valid(bytes, utf8_cut(bytes, size, cut)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const uint8_t *bytes = data + 2;
    size -= 2;
    size_t cut = size * data[0] / 255, piece = 1 + data[1] / 2;
    bool binary = data[1] & 1;
    size_t early = cut < WEBSOCKET_LINE_MAX ? cut : WEBSOCKET_LINE_MAX;
    must(speak(bytes, size, early, piece, binary) == speak(bytes, size, 0, SIZE_MAX, binary));
    try_head(bytes, size, cut);
    try_lines((const char *)bytes, size);
    try_text((const char *)bytes, size, cut);
    return 0;
}
