// SPDX-License-Identifier: MIT
// frame.h - frames of WebSocket as bytes (RFC 6455, section 5). Pure functions.
#ifndef WEFT_WEB_FRAME_H
#define WEFT_WEB_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum frame_opcode {
    FRAME_MORE = 0, // of a message that has begun
    FRAME_TEXT = 1,
    FRAME_BINARY = 2,
    FRAME_CLOSE = 8, // this and above: control frames
    FRAME_PING = 9,
    FRAME_PONG = 10,
};

enum frame_close {
    CLOSE_NORMAL = 1000,
    CLOSE_PROTOCOL = 1002, // not WebSocket
    CLOSE_DATA = 1007,     // not UTF-8, or not one line
    CLOSE_BIG = 1009,
};

enum {
    FRAME_HEAD_MAX = 14,
    FRAME_CONTROL_MAX = 125, // bytes of a control frame, and of a close frame's code and reason
};

struct frame {
    bool final;
    enum frame_opcode opcode;
    unsigned char mask[4];
    uint64_t size; // of the payload
};

// The head of a client's frame: its size. 0: more bytes are needed. -CLOSE_PROTOCOL: what makes it
// wrong stands in the bytes that are there already; *why says it.
int frame_head(const unsigned char *bytes, size_t size, struct frame *f, const char **why);
// Take the mask off a whole payload, or put it on.
void frame_mask(unsigned char *bytes, size_t size, const unsigned char mask[4]);
// The head of a server's frame, into out; its size, at most 10.
size_t frame_put_head(unsigned char *out, enum frame_opcode opcode, size_t payload);

// Lines, each with its "\r\n" (or "\n"), as a frame each; the bytes that were written to out, which
// has room for frame_lines_max(size). The end of each line goes, and what follows the last one too.
size_t frame_lines(unsigned char *out, enum frame_opcode opcode, const char *lines, size_t size);
size_t frame_lines_max(size_t size);

// May a close frame carry this code?
bool frame_close_is_valid(unsigned code);

#endif
