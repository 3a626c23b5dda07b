// SPDX-License-Identifier: MIT
// buffer.c - see buffer.h.
#include "net/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

enum { LEAST = 1024, STEP = 256 };

// A buffer that is filled again and again begins with about what it held the last time: to grow
// there step by step cost a broadcast of many messages a twentieth.
static void empty(struct wf_buffer *b)
{
    enum { USUAL_MOST = 16384 };
    uint32_t held = b->head + b->length;
    held = held < USUAL_MOST ? (held | (STEP - 1)) + 1 : USUAL_MOST;
    *b = (struct wf_buffer){.usual = held & 0x7fffffff};
}

static void free_bytes(struct wf_buffer *b)
{
    if (!b->lent)
        free(b->bytes);
    b->lent = false;
}

void wf_buffer_free(struct wf_buffer *b)
{
    free_bytes(b);
    empty(b);
}

void wf_buffer_lend(struct wf_buffer *b, char *bytes, size_t size)
{
    if (b->bytes || b->usual > size)
        return;
    b->bytes = bytes;
    b->capacity = (uint32_t)size;
    b->lent = true;
}

struct wf_buffer wf_buffer_move(struct wf_buffer *b)
{
    struct wf_buffer moved = *b;
    empty(b);
    return moved;
}

static int grow(struct wf_buffer *b, size_t capacity)
{
    char *bytes = capacity <= UINT32_MAX ? malloc(capacity) : NULL;
    if (!bytes)
        return wf_explain(-ENOMEM, "connection: no memory for %zu bytes", capacity);
    if (b->length > 0)
        memcpy(bytes, b->bytes + b->head, b->length);
    free_bytes(b);
    b->bytes = bytes;
    b->head = 0;
    b->capacity = (uint32_t)capacity;
    return 0;
}

int wf_buffer_own(struct wf_buffer *b)
{
    if (b->lent && b->length == 0)
        wf_buffer_free(b);
    return b->lent ? grow(b, b->length < LEAST ? LEAST : b->length) : 0;
}

int wf_buffer_room(struct wf_buffer *b, size_t more)
{
    if (b->capacity - b->head - b->length >= more)
        return 0;
    if (b->capacity - b->length >= more) {
        memmove(b->bytes, b->bytes + b->head, b->length);
        b->head = 0;
        return 0;
    }
    size_t needed = b->length + more, capacity = (size_t)2 * b->capacity;
    if (!b->bytes)
        capacity = b->usual < LEAST ? LEAST : b->usual;
    return grow(b, capacity < needed ? needed : capacity);
}

int wf_buffer_add(struct wf_buffer *b, const void *bytes, size_t size)
{
    int rc = wf_buffer_room(b, size);
    if (rc < 0)
        return rc;
    memcpy(b->bytes + b->head + b->length, bytes, size);
    b->length += (uint32_t)size;
    return 0;
}

void wf_buffer_drop(struct wf_buffer *b, size_t n)
{
    b->head += (uint32_t)n;
    b->length -= (uint32_t)n;
    if (b->length > 0)
        return;
    wf_buffer_free(b); // an idle connection costs no buffer
}

size_t wf_buffer_take(struct wf_buffer *b, void *buf, size_t cap)
{
    size_t n = b->length < cap ? b->length : cap;
    memcpy(buf, b->bytes + b->head, n);
    wf_buffer_drop(b, n);
    return n;
}
