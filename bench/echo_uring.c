// SPDX-License-Identifier: MIT
// echo_uring.c - the least that an echo server does with io_uring: echo_uring single|multishot
//
// Buffers are the kernel's to choose, from one ring of them. What was received is sent from where
// it lies; the buffer goes back when it was sent. With `single` the next receive goes to the kernel
// together with the send.
#include "uring.h"

enum { ENTRIES = 4096, BUFFERS = 16384, GROUP = 0 };
enum what { ACCEPTED, RECEIVED, SENT };

static struct io_uring ring;
static struct io_uring_buf_ring *pool;
static char buffers[BUFFERS][PIECE];
static bool multishot;

static void tag(struct io_uring_sqe *sqe, enum what what, int fd, unsigned buffer)
{
    io_uring_sqe_set_data64(sqe, (uint64_t)what << 56 | (uint64_t)buffer << 32 | (unsigned)fd);
}

static void give_back(unsigned buffer)
{
    io_uring_buf_ring_add(pool, buffers[buffer], PIECE, (unsigned short)buffer,
                          io_uring_buf_ring_mask(BUFFERS), 0);
    io_uring_buf_ring_advance(pool, 1);
}

static void make_pool(void)
{
    void *memory;
    if (posix_memalign(&memory, 4096, BUFFERS * sizeof(struct io_uring_buf)) != 0)
        die("no memory");
    pool = memory;
    struct io_uring_buf_reg reg = {
        .ring_addr = (uint64_t)(uintptr_t)memory, .ring_entries = BUFFERS, .bgid = GROUP};
    if (io_uring_register_buf_ring(&ring, &reg, 0) < 0)
        exit(NOT_HERE);
    io_uring_buf_ring_init(pool);
    for (unsigned i = 0; i < BUFFERS; i++)
        give_back(i);
}

static void receive(int fd)
{
    struct io_uring_sqe *sqe = ring_next(&ring);
    if (multishot)
        io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    else
        io_uring_prep_recv(sqe, fd, NULL, PIECE, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP;
    tag(sqe, RECEIVED, fd, 0);
}

static void on_accepted(const struct io_uring_cqe *cqe)
{
    if (cqe->res < 0 || !(cqe->flags & IORING_CQE_F_MORE))
        die("accept");
    receive(cqe->res);
}

static void on_received(const struct io_uring_cqe *cqe, int fd)
{
    if (cqe->res == -ENOBUFS) {
        receive(fd);
        return;
    }
    if (cqe->res <= 0) {
        close(fd);
        return;
    }
    unsigned buffer = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
    struct io_uring_sqe *sqe = ring_next(&ring);
    io_uring_prep_send(sqe, fd, buffers[buffer], (size_t)cqe->res, MSG_WAITALL | MSG_NOSIGNAL);
    tag(sqe, SENT, fd, buffer);
    if (!(cqe->flags & IORING_CQE_F_MORE))
        receive(fd);
}

static void on_completion(const struct io_uring_cqe *cqe)
{
    enum what what = (enum what)(cqe->user_data >> 56);
    int fd = (int)(cqe->user_data & UINT32_MAX);
    if (what == ACCEPTED)
        on_accepted(cqe);
    else if (what == RECEIVED)
        on_received(cqe, fd);
    else
        give_back((unsigned)(cqe->user_data >> 32) & 0xffff);
}

int main(int argc, char **argv)
{
    multishot = argc > 1 && strcmp(argv[1], "multishot") == 0;
    ring_open(&ring, ENTRIES);
    make_pool();
    int listener = listen_here(0);
    struct io_uring_sqe *sqe = ring_next(&ring);
    io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, 0);
    tag(sqe, ACCEPTED, listener, 0);
    for (;;) {
        struct io_uring_cqe *cqe;
        unsigned head, seen = 0;
        io_uring_submit_and_wait(&ring, 1);
        io_uring_for_each_cqe(&ring, head, cqe)
        {
            on_completion(cqe);
            seen++;
        }
        io_uring_cq_advance(&ring, seen);
    }
}
