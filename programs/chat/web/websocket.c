// SPDX-License-Identifier: MIT
// websocket.c - see websocket.h.
//
// Input has room for one message of the largest size and the frame that is coming in: the message
// is at its beginning, and each whole frame's payload is moved up behind it. So a message is
// assembled where it came, a frame is looked at when all of it is there, and there is no state
// within a frame that could be split wrongly. The buffer is there while something is in it.
//
//     input  [ message | ... | frames that are not yet taken | room ]
//                            start                           end
//
// Others post while we close. One that looked at `closed` just before may still get its line behind
// our close frame; the peer is bound to ignore it (section 5.5.1), so no lock is spent on that.
#include "chat/web/websocket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <weft/error.h>

#include "chat/web/frame.h"
#include "common/utf8.h"

enum {
    INPUT_SIZE = WEBSOCKET_LINE_MAX + FRAME_HEAD_MAX + FRAME_HEAD_MAX + FRAME_CONTROL_MAX,
    FRAMES = 64,    // that make no message, until it is the turn of others
    ON_STACK = 512, // what is posted goes into a frame here; above that into an allocation
};

// What came of looking at the input, when it is no error.
enum taken { MORE_BYTES, FRAME, WHOLE_MESSAGE };

static struct websocket *of(struct wire *w)
{
    return (struct websocket *)(void *)w; // its first field
}

// ---- out ------------------------------------------------------------------------------------

// The first who closes may send: a close frame is the last one.
static bool close_first(struct websocket *ws)
{
    // relaxed: it guards nothing but itself
    return !atomic_exchange_explicit(&ws->closed, true, memory_order_relaxed);
}

static bool is_closed(const struct websocket *ws)
{
    return atomic_load_explicit(&ws->closed, memory_order_relaxed);
}

static int post_control(struct websocket *ws, enum frame_opcode opcode, const void *payload,
                        size_t size)
{
    unsigned char frame[FRAME_HEAD_MAX + FRAME_CONTROL_MAX];
    size_t head = frame_put_head(frame, opcode, size);
    if (size > 0)
        memcpy(frame + head, payload, size);
    return weft_post(ws->wire.conn, frame, head + size);
}

static void post_close(struct websocket *ws, unsigned code, const char *reason)
{
    unsigned char payload[FRAME_CONTROL_MAX] = {(unsigned char)(code >> 8), (unsigned char)code};
    size_t cap = sizeof payload - 2;
    size_t size = reason ? utf8_cut(reason, strnlen(reason, cap + 1), cap) : 0;
    if (!close_first(ws))
        return;
    if (size > 0)
        memcpy(payload + 2, reason, size);
    (void)post_control(ws, FRAME_CLOSE, payload, 2 + size); // a full queue: then without goodbye
}

static int refuse(struct websocket *ws, unsigned code, const char *why)
{
    ws->ended = true;
    post_close(ws, code, why);
    return weft_fail(-EPROTO, "websocket: %s (%u)", why, code);
}

static int wire_post(struct wire *w, const char *lines, size_t size)
{
    struct websocket *ws = of(w);
    enum frame_opcode opcode = ws->binary ? FRAME_BINARY : FRAME_TEXT;
    unsigned char few[ON_STACK];
    if (is_closed(ws))
        return weft_fail(-EPIPE, "websocket: closed");
    size_t max = frame_lines_max(size);
    unsigned char *frames = max <= sizeof few ? few : malloc(max);
    if (!frames)
        return weft_fail(-ENOMEM, "websocket: no memory for %zu bytes", max);
    size_t framed = frame_lines(frames, opcode, lines, size);
    int rc = weft_post(w->conn, frames, framed);
    wire_count(w, 0, rc == 0 ? framed : 0);
    if (frames != few)
        free(frames);
    return rc;
}

static void wire_close(struct wire *w, const char *reason)
{
    post_close(of(w), CLOSE_NORMAL, reason);
}

// ---- in: bytes ------------------------------------------------------------------------------

static void release_empty(struct websocket *ws)
{
    if (ws->message > 0 || ws->opcode != 0 || ws->start < ws->end)
        return;
    free(ws->input);
    ws->input = NULL;
    ws->start = ws->end = 0;
}

// Make room behind the frames: they go to the message's end.
static void compact(struct websocket *ws)
{
    if (ws->start == ws->message)
        return;
    memmove(ws->input + ws->message, ws->input + ws->start, ws->end - ws->start);
    ws->end = ws->message + (ws->end - ws->start);
    ws->start = ws->message;
}

static int fill(struct websocket *ws, weft_time deadline)
{
    if (!ws->input)
        ws->input = malloc(INPUT_SIZE);
    if (!ws->input)
        return weft_fail(-ENOMEM, "websocket: no memory to read into");
    compact(ws);
    ssize_t n = weft_read(ws->wire.conn, ws->input + ws->end, INPUT_SIZE - ws->end, deadline);
    if (n > 0) {
        ws->end += (uint32_t)n;
        wire_count(&ws->wire, (size_t)n, 0);
    }
    release_empty(ws);
    if (n == 0) {
        ws->ended = true;
        return weft_fail(-EPIPE, "websocket: the end of the stream");
    }
    return n < 0 ? (int)n : 0;
}

// ---- in: frames -----------------------------------------------------------------------------

// Data for the message, which may be whole then.
static int on_data(struct websocket *ws, const struct frame *f, const unsigned char *payload)
{
    if (f->opcode == FRAME_MORE && ws->opcode == 0)
        return refuse(ws, CLOSE_PROTOCOL, "the rest of a message that did not begin");
    if (f->opcode != FRAME_MORE && ws->opcode != 0)
        return refuse(ws, CLOSE_PROTOCOL, "a message within a message");
    if (f->opcode != FRAME_MORE)
        ws->opcode = (uint8_t)f->opcode;
    memmove(ws->input + ws->message, payload, (size_t)f->size);
    ws->message += (uint32_t)f->size;
    return f->final ? WHOLE_MESSAGE : FRAME;
}

static int on_close(struct websocket *ws, const unsigned char *payload, size_t size)
{
    unsigned code = size >= 2 ? (unsigned)payload[0] << 8 | payload[1] : CLOSE_NORMAL;
    if (size == 1 || !frame_close_is_valid(code))
        return refuse(ws, CLOSE_PROTOCOL, "a close frame with a wrong code");
    if (size > 2 && !utf8_is_valid(payload + 2, size - 2))
        return refuse(ws, CLOSE_DATA, "a close frame with a reason that is not UTF-8");
    ws->ended = true;
    if (close_first(ws)) // else it is the answer to ours
        (void)post_control(ws, FRAME_CLOSE, payload, size >= 2 ? 2 : 0); // as in post_close
    return weft_fail(-EPIPE, "websocket: closed by the peer (%u)", code);
}

static int on_ping(struct websocket *ws, const unsigned char *payload, size_t size)
{
    int rc = is_closed(ws) ? 0 : post_control(ws, FRAME_PONG, payload, size);
    return rc < 0 ? rc : FRAME;
}

static int on_frame(struct websocket *ws, const struct frame *f, unsigned char *payload)
{
    frame_mask(payload, (size_t)f->size, f->mask);
    switch (f->opcode) {
    case FRAME_CLOSE:
        return on_close(ws, payload, (size_t)f->size);
    case FRAME_PING:
        return on_ping(ws, payload, (size_t)f->size);
    case FRAME_PONG:
        return FRAME; // to nothing that we asked
    default:
        return on_data(ws, f, payload);
    }
}

static bool is_too_big(const struct websocket *ws, const struct frame *f)
{
    bool control = f->opcode >= FRAME_CLOSE;
    return !control && f->size > WEBSOCKET_LINE_MAX - ws->message;
}

// The next frame, if all of it is there: an enum taken, or an error.
static int take_frame(struct websocket *ws)
{
    if (ws->start == ws->end)
        return MORE_BYTES;
    struct frame f;
    const char *why = NULL;
    int head = frame_head(ws->input + ws->start, ws->end - ws->start, &f, &why);
    if (head < 0)
        return refuse(ws, (unsigned)-head, why);
    if (head > 0 && is_too_big(ws, &f))
        return refuse(ws, CLOSE_BIG, "the message is too big");
    if (head == 0 || f.size > ws->end - ws->start - (uint32_t)head)
        return MORE_BYTES;
    unsigned char *payload = ws->input + ws->start + head;
    ws->start += (uint32_t)head + (uint32_t)f.size;
    return on_frame(ws, &f, payload);
}

static bool has_frame(const struct websocket *ws)
{
    struct frame f;
    const char *why;
    if (ws->start == ws->end)
        return false;
    int head = frame_head(ws->input + ws->start, ws->end - ws->start, &f, &why);
    return head < 0 || (head > 0 && f.size <= ws->end - ws->start - (uint32_t)head);
}

// ---- in: lines ------------------------------------------------------------------------------

// The message without the end of line that some put there.
static size_t line_size(const struct websocket *ws)
{
    size_t size = ws->message;
    if (size > 0 && ws->input[size - 1] == '\n')
        size--;
    if (size > 0 && ws->input[size - 1] == '\r')
        size--;
    return size;
}

static bool is_one_line(const unsigned char *text, size_t size)
{
    return !memchr(text, '\n', size) && !memchr(text, '\r', size) && !memchr(text, '\0', size);
}

static ssize_t give(struct websocket *ws, char *buf, size_t cap)
{
    size_t size = line_size(ws);
    if (ws->opcode == FRAME_TEXT && !utf8_is_valid(ws->input, ws->message))
        return refuse(ws, CLOSE_DATA, "text that is not UTF-8");
    if (!is_one_line(ws->input, size))
        return refuse(ws, CLOSE_DATA, "a message is one line, without CR, LF or NUL in it");
    bool fits = size < cap;
    if (fits) {
        memcpy(buf, ws->input, size);
        buf[size] = '\0';
    }
    ws->message = 0;
    ws->opcode = 0;
    release_empty(ws);
    return fits ? (ssize_t)size : weft_fail(-EMSGSIZE, "websocket: a line of %zu bytes", size);
}

static int wire_wait(struct wire *w, weft_time deadline)
{
    struct websocket *ws = of(w);
    if (ws->ended || has_frame(ws))
        return 0;
    return weft_wait_readable(w->conn, deadline);
}

static ssize_t wire_read(struct wire *w, char *buf, size_t cap, weft_time deadline)
{
    struct websocket *ws = of(w);
    if (ws->ended)
        return weft_fail(-EPIPE, "websocket: ended");
    for (int frames = 0; frames < FRAMES;) {
        int rc = take_frame(ws);
        if (rc == WHOLE_MESSAGE)
            return give(ws, buf, cap);
        frames += rc == FRAME;
        if (rc == MORE_BYTES)
            rc = fill(ws, deadline);
        if (rc < 0)
            return rc;
    }
    return -EAGAIN;
}

static size_t wire_backlog(const struct wire *w)
{
    const struct websocket *ws = (const struct websocket *)(const void *)w;
    return ws->message + (ws->end - ws->start) + wire_unread(w->conn);
}

// ---- life -----------------------------------------------------------------------------------

static const struct wire_ops ops = {
    .wait = wire_wait,
    .read = wire_read,
    .post = wire_post,
    .backlog = wire_backlog,
    .close = wire_close,
};

int websocket_open(struct websocket *ws, weft_conn *c, bool binary, const void *early, size_t size)
{
    *ws = (struct websocket){.wire = {.ops = &ops, .conn = c}, .binary = binary};
    if (size == 0)
        return 0;
    ws->input = malloc(INPUT_SIZE);
    if (!ws->input)
        return weft_fail(-ENOMEM, "websocket: no memory to read into");
    memcpy(ws->input, early, size);
    ws->end = (uint32_t)size;
    return 0;
}

void websocket_release(struct websocket *ws)
{
    free(ws->input);
    ws->input = NULL;
    ws->message = ws->start = ws->end = 0;
}
