// SPDX-License-Identifier: MIT
#include "net/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

void wf_buffer_free(struct wf_buffer *b)
{
    free(b->bytes);
    *b = (struct wf_buffer){.bytes = NULL};
}

static int grow(struct wf_buffer *b, size_t capacity)
{
    char *bytes = capacity <= UINT32_MAX ? malloc(capacity) : NULL;
    if (!bytes)
        return wf_explain(-ENOMEM, "connection: no memory for %zu bytes", capacity);
    uint32_t length = b->length;
    if (length > 0)
        memcpy(bytes, b->bytes + b->head, length);
    wf_buffer_free(b);
    *b = (struct wf_buffer){.bytes = bytes, .length = length, .capacity = (uint32_t)capacity};
    return 0;
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
    size_t capacity = b->length + more, doubled = (size_t)2 * b->capacity;
    capacity = capacity < doubled ? doubled : capacity;
    return grow(b, capacity < WF_BUFFER_LEAST ? WF_BUFFER_LEAST : capacity);
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
