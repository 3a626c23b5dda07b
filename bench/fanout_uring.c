// SPDX-License-Identifier: MIT
// fanout_uring.c - the same with io_uring: a send for each, all submitted by one call.
#include "fanout.h"
#include "uring.h"

enum { ENTRIES = MOST_RECEIVERS };

static void check_all(struct io_uring *ring, int n, size_t size)
{
    for (int i = 0; i < n; i++) {
        struct io_uring_cqe *cqe;
        if (io_uring_wait_cqe(ring, &cqe) < 0 || cqe->res != (int)size)
            die("send");
        io_uring_cqe_seen(ring, cqe);
    }
}

int main(void)
{
    static struct fanout f;
    static char buffers[MOST_RECEIVERS][sizeof f.buffer]; // until they were sent
    struct io_uring ring;
    ring_open(&ring, ENTRIES);
    fanout_begin(&f);
    while (fanout_is_asked(&f)) {
        size_t size = 0;
        for (int i = 0; i < f.receivers; i++) {
            size = fanout_fill(&f, buffers[i]);
            io_uring_prep_send(ring_next(&ring), f.fds[i], buffers[i], size, MSG_NOSIGNAL);
        }
        io_uring_submit_and_wait(&ring, (unsigned)f.receivers);
        check_all(&ring, f.receivers, size);
    }
    return 0;
}
