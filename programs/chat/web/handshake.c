// SPDX-License-Identifier: MIT
// handshake.c - see handshake.h.
//
// The digest proves that we are no other kind of server that was tricked into answering; that it is
// SHA-1 does not matter, as nothing rests on it. Extensions (compression) are not taken: they cost
// memory for each connection, and lines are short. There is no snprintf here: it needs more stack
// than all else that a connection does until it is a WebSocket, and stack that was touched is never
// given back while that lasts.
#define _GNU_SOURCE // stpcpy
#include "chat/web/handshake.h"

#include <errno.h>
#include <string.h>

#include "chat/web/digest.h"

enum { KEY_SIZE = 24 }; // 16 bytes in base64

static const struct protocol {
    const char *name;
    bool binary;
} protocols[] = {
    {"text.ircv3.net", false},
    {"binary.ircv3.net", true},
};

static int wrong(struct handshake *h, int status, const char *why)
{
    h->why = why;
    return -status;
}

bool handshake_is_wanted(const struct http_request *r)
{
    return http_lists(r, "Upgrade", "websocket");
}

// 22 digits of base64, of which the last has four bits that count, and "==".
static bool is_key(struct http_text key)
{
    static const char digits[] = "AQgwBCDEFGHIJKLMNOPRSTUVWXYZabcdefhijklmnopqrstuvxyz0123456789+/";
    if (key.size != KEY_SIZE || memcmp(key.at + KEY_SIZE - 2, "==", 2) != 0)
        return false;
    for (size_t i = 0; i < KEY_SIZE - 2; i++)
        if (key.at[i] == '\0' || !strchr(digits, key.at[i]))
            return false;
    return memchr(digits, key.at[KEY_SIZE - 3], 4);
}

static int accept_of(struct http_text key, char accept[DIGEST_SHA1_TEXT])
{
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // section 1.3
    char text[KEY_SIZE + sizeof magic];
    memcpy(text, key.at, KEY_SIZE);
    memcpy(text + KEY_SIZE, magic, sizeof magic);
    return digest_sha1(text, strlen(text), accept);
}

// The first that the client names and we know, or NULL. The answer must be one of its words, to the
// byte: a browser gives up on any other.
static const struct protocol *choose(const struct http_request *r)
{
    for (size_t i = 0; i < r->field_count; i++) {
        struct http_text rest = r->fields[i].value, name;
        if (!text_is(r->fields[i].name, "Sec-WebSocket-Protocol"))
            continue;
        while (http_next_token(&rest, &name))
            for (size_t p = 0; p < sizeof protocols / sizeof *protocols; p++)
                if (text_equals(name, protocols[p].name))
                    return &protocols[p];
    }
    return NULL;
}

static int check(const struct http_request *r, struct handshake *h)
{
    if (r->is_head || r->minor == 0)
        return wrong(h, 400, "a WebSocket begins with GET and HTTP/1.1");
    if (!http_lists(r, "Connection", "Upgrade"))
        return wrong(h, 400, "a WebSocket needs Connection: Upgrade");
    if (!text_is(http_field(r, "Sec-WebSocket-Version"), "13"))
        return wrong(h, 426, "version 13 of WebSocket is spoken here");
    if (!is_key(http_field(r, "Sec-WebSocket-Key")))
        return wrong(h, 400, "Sec-WebSocket-Key is 16 bytes in base64");
    return 0;
}

int handshake_answer(const struct http_request *r, struct handshake *h)
{
    char accept[DIGEST_SHA1_TEXT];
    *h = (struct handshake){.why = "out of memory"};
    int rc = check(r, h);
    if (rc == 0)
        rc = accept_of(http_field(r, "Sec-WebSocket-Key"), accept);
    if (rc < 0)
        return rc;
    const struct protocol *chosen = choose(r);
    h->binary = chosen && chosen->binary;
    char *end = stpcpy(h->answer, "HTTP/1.1 101 Switching Protocols\r\n"
                                  "Upgrade: websocket\r\n"
                                  "Connection: Upgrade\r\n"
                                  "Sec-WebSocket-Accept: ");
    end = stpcpy(end, accept);
    if (chosen)
        end = stpcpy(stpcpy(end, "\r\nSec-WebSocket-Protocol: "), chosen->name);
    end = stpcpy(end, "\r\n\r\n");
    h->size = (size_t)(end - h->answer); // below HANDSHAKE_MAX: all parts have a size that is known
    return 0;
}
