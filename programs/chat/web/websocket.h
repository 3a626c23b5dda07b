// SPDX-License-Identifier: MIT
// websocket.h - a wire (chat/wire.h) of which each line is a message of WebSocket.
//
// The end of a line is not sent; one that comes nevertheless is taken off. A message with CR, LF or
// NUL inside is refused (1007): nobody can say something as two lines that was checked as one. A
// client may send a line as text, which must be UTF-8 (1007), or as binary, whichever was agreed;
// what to think of a binary one that is not UTF-8, the reader decides. What is posted is of the
// agreed kind, and must be UTF-8 where that is text, or browsers hang up. A goodbye, too, is posted
// and not flushed: whoever closes the connection flushes it first, as web_serve does.
#ifndef WEFT_WEB_WEBSOCKET_H
#define WEFT_WEB_WEBSOCKET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "chat/wire.h"

enum { WEBSOCKET_LINE_MAX = 8191 + 512 }; // bytes of a message with tags: 1009 beyond

// An idle one is no more than this; only the reader touches what has no comment of its own.
struct websocket {
    struct wire wire;
    unsigned char *input; // NULL: nothing is kept
    uint32_t message;     // bytes of the message, at the beginning of input
    uint32_t start, end;  // frames behind it, not yet taken
    uint8_t opcode;       // of the message that has begun; 0: none has
    bool binary;          // what we send; never changes
    bool ended;           // the peer's last word came, or its bytes make no sense any more
    atomic_bool closed;   // our close frame was posted: set by whoever is first
};

// Begin on a connection whose handshake is done; early are bytes that came after it, at most
// WEBSOCKET_LINE_MAX. 0 or -ENOMEM. The connection is borrowed.
int websocket_open(struct websocket *ws, weft_conn *c, bool binary, const void *early, size_t size);
// Free what it holds. Sends nothing; the connection stays.
void websocket_release(struct websocket *ws);

#endif
