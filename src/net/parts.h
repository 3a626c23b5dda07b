// SPDX-License-Identifier: MIT
// parts.h - what weft_writev was given, in pieces that are worth a send each.
#ifndef WF_NET_PARTS_H
#define WF_NET_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

struct wf_parts {
    const struct iovec *next;
    size_t left;     // from next on
    size_t offset;   // of `next`, gone already
    size_t capacity; // of the next one
    char *gathered;  // NULL: nothing was to be gathered yet, or there is no memory for it
};

struct wf_parts wf_parts_of(const struct iovec *parts, size_t count);
void wf_parts_end(struct wf_parts *p);
// The next piece, which lives until the next call; false: that was all.
bool wf_parts_take(struct wf_parts *p, struct iovec *piece);

#endif
