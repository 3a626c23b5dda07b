// SPDX-License-Identifier: MIT
#include "net/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weft/error.h>

enum { LEAST_BUFFER = 4096 };

int wf_buffer_room(struct wf_buffer *b, size_t more)
{
    if (b->capacity - b->head - b->length >= more)
        return 0;
    if (b->length > 0 && b->head > 0)
        memmove(b->bytes, b->bytes + b->head, b->length);
    b->head = 0;
    if (b->capacity - b->length >= more)
        return 0;
    size_t capacity = b->length + more;
    capacity = capacity < 2 * b->capacity ? 2 * b->capacity : capacity;
    capacity = capacity < LEAST_BUFFER ? LEAST_BUFFER : capacity;
    char *bytes = realloc(b->bytes, capacity);
    if (!bytes)
        return weft_fail(-ENOMEM, "connection: no memory for %zu bytes", capacity);
    b->bytes = bytes;
    b->capacity = capacity;
    return 0;
}

int wf_buffer_add(struct wf_buffer *b, const void *bytes, size_t size)
{
    int rc = wf_buffer_room(b, size);
    if (rc < 0)
        return rc;
    memcpy(b->bytes + b->head + b->length, bytes, size);
    b->length += size;
    return 0;
}

void wf_buffer_drop(struct wf_buffer *b, size_t n)
{
    b->head += n;
    b->length -= n;
    if (b->length > 0)
        return;
    free(b->bytes); // an idle connection costs no buffer
    *b = (struct wf_buffer){.bytes = NULL};
}

size_t wf_buffer_take(struct wf_buffer *b, void *buf, size_t cap)
{
    size_t n = b->length < cap ? b->length : cap;
    memcpy(buf, b->bytes + b->head, n);
    wf_buffer_drop(b, n);
    return n;
}
