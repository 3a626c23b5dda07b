// SPDX-License-Identifier: MIT
// packed.c - pages with a Content-Encoding: right ones, and each spoilt in one way.
#include "acts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bodies.h"

static struct body page_body(const struct visit *v)
{
    return plain_body((size_t)number(v, "size", 100000));
}

// Answer with body, and free it.
static int say_packed(struct visit *v, const char *encoding, struct body body)
{
    char line[64];
    (void)snprintf(line, sizeof line, "Content-Encoding: %s\r\n", encoding);
    int rc = body.bytes ? answer(v, "200 OK", line, body.bytes, body.size) : -ENOMEM;
    free(body.bytes);
    return rc;
}

// Without its last bytes: the body is whole, as HTTP counts, the stream in it is not.
static struct body without(struct body body, size_t bytes)
{
    body.size -= body.size > bytes ? bytes : body.size;
    return body;
}

// ---- gzip ----------------------------------------------------------------------

int gzip_page(struct visit *v)
{
    return say_packed(v, "gzip", pack(GZIP, page_body(v)));
}

static int chunks_of(struct visit *v, struct body body, int64_t pause_ms)
{
    int rc = sayf(
        v, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t i = 0; rc == 0 && i < body.size; i++) { // a byte each
        rc = sayf(v, "1\r\n%c\r\n", body.bytes[i]);
        if (rc == 0 && pause_ms > 0)
            rc = wait_ms(pause_ms);
    }
    free(body.bytes);
    rc = rc < 0 ? rc : sayf(v, "0\r\n\r\n");
    return rc < 0 ? rc : KEEP;
}

int gzip_chunked(struct visit *v)
{
    struct body body = pack(GZIP, page_body(v));
    return body.bytes ? chunks_of(v, body, number(v, "ms", 0)) : -ENOMEM;
}

int gzip_cut(struct visit *v)
{
    return say_packed(v, "gzip", without(pack(GZIP, page_body(v)), (size_t)number(v, "less", 20)));
}

int gzip_garbage(struct visit *v)
{
    return say_packed(v, "gzip", join(pack(GZIP, page_body(v)), plain_body(10)));
}

int gzip_members(struct visit *v)
{
    return say_packed(v, "gzip", join(pack(GZIP, page_body(v)), pack(GZIP, page_body(v))));
}

int gzip_layers(struct visit *v)
{
    return say_packed(v, "gzip, gzip", pack(GZIP, pack(GZIP, page_body(v))));
}

int gzip_checksum(struct visit *v)
{
    struct body body = pack(GZIP, page_body(v));
    if (body.bytes) // the last eight bytes: the checksum and the size
        body.bytes[body.size - 8] ^= 1;
    return say_packed(v, "gzip", body);
}

// ---- deflate and brotli --------------------------------------------------------

int deflate_page(struct visit *v)
{
    return say_packed(v, "deflate", pack(DEFLATE, page_body(v)));
}

int deflate_raw(struct visit *v)
{
    return say_packed(v, "deflate", pack(RAW_DEFLATE, page_body(v)));
}

int brotli(struct visit *v)
{
    return say_packed(v, "br", pack_brotli(page_body(v)));
}

int brotli_cut(struct visit *v)
{
    return say_packed(v, "br", without(pack_brotli(page_body(v)), 3));
}

int brotli_garbage(struct visit *v)
{
    return say_packed(v, "br", join(pack_brotli(page_body(v)), plain_body(10)));
}

// ---- bombs ---------------------------------------------------------------------

static int64_t bomb_size(const struct visit *v)
{
    return number(v, "mb", 1024) << 20;
}

int bomb_page(struct visit *v)
{
    return say_packed(v, "gzip", bomb(bomb_size(v)));
}

int bomb_layers(struct visit *v)
{
    return say_packed(v, "gzip, gzip", pack(GZIP, bomb(bomb_size(v))));
}

int bomb_brotli(struct visit *v)
{
    return say_packed(v, "br", pack_brotli(plain_body((size_t)bomb_size(v))));
}
