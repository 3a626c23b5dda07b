// SPDX-License-Identifier: MIT
#ifndef WF_NET_BUFFER_H
#define WF_NET_BUFFER_H

#include <stddef.h>
#include <stdint.h>

enum { WF_BUFFER_LEAST = 1024 };

// Bytes that wait, less than 4 GiB: taken at the head, added behind. Valid when zeroed.
struct wf_buffer {
    char *bytes; // NULL: none was needed yet
    uint32_t head, length, capacity;
    uint32_t usual; // so many were in it the last time, or a bound: what it begins with
};

// Room for `more` bytes behind what is there. 0 or -ENOMEM, with its text.
int wf_buffer_room(struct wf_buffer *b, size_t more);
// Behind what is there. 0, or -ENOMEM: nothing was added.
int wf_buffer_add(struct wf_buffer *b, const void *bytes, size_t size);
void wf_buffer_free(struct wf_buffer *b);
// All of it, as a buffer of its own; b is left empty.
struct wf_buffer wf_buffer_move(struct wf_buffer *b);
// The first n go; without any left the memory goes too.
void wf_buffer_drop(struct wf_buffer *b, size_t n);
// The first of them, as many as fit, into buf. How many.
size_t wf_buffer_take(struct wf_buffer *b, void *buf, size_t cap);

#endif
