// SPDX-License-Identifier: MIT
// buffer.h - bytes on their way: of a connection, of a layer, of a flight (post.c).
#ifndef WF_NET_BUFFER_H
#define WF_NET_BUFFER_H

#include <stddef.h>
#include <stdint.h>

// Bytes that wait, less than 4 GiB: taken at the head, added behind. Valid when zeroed.
struct wf_buffer {
    char *bytes; // NULL: none was needed yet
    uint32_t head, length, capacity;
    uint32_t usual : 31; // it begins with room for so many: those of the last time, and some more
    uint32_t lent : 1;   // `bytes` are somebody else's
};

// Room for `more` bytes behind what is there. 0 or -ENOMEM, with its text.
int wf_buffer_room(struct wf_buffer *b, size_t more);
// Behind what is there. 0, or -ENOMEM: nothing was added.
int wf_buffer_add(struct wf_buffer *b, const void *bytes, size_t size);
void wf_buffer_free(struct wf_buffer *b);
// If b has no bytes it begins with these, unless it usually needs more; the lender sees
// to it that it has none of them left (wf_buffer_own, wf_buffer_move) before he takes them back.
void wf_buffer_lend(struct wf_buffer *b, char *bytes, size_t size);
int wf_buffer_own(struct wf_buffer *b); // from now on `bytes` are its own: 0 or -ENOMEM
// All of it, as a buffer of its own, or lent likewise; b is left empty.
struct wf_buffer wf_buffer_move(struct wf_buffer *b);
// The first n go; without any left the memory goes too.
void wf_buffer_drop(struct wf_buffer *b, size_t n);
// The first of them, as many as fit, into buf. How many.
size_t wf_buffer_take(struct wf_buffer *b, void *buf, size_t cap);

#endif
