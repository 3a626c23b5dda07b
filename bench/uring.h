// SPDX-License-Identifier: MIT
// uring.h - what the programs on bare io_uring share.
#ifndef WEFT_BENCH_URING_H
#define WEFT_BENCH_URING_H

#include <liburing.h>

#include "server.h"

// 77 if this kernel has none, or will not let us.
static inline void ring_open(struct io_uring *ring, unsigned entries)
{
    struct io_uring_params p = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                         IORING_SETUP_CQSIZE,
                                .cq_entries = 4 * entries};
    if (io_uring_queue_init_params(entries, ring, &p) < 0)
        exit(NOT_HERE);
}

// Never NULL: what is full is submitted.
static inline struct io_uring_sqe *ring_next(struct io_uring *ring)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    while (!sqe) {
        io_uring_submit(ring);
        sqe = io_uring_get_sqe(ring);
    }
    return sqe;
}

#endif
