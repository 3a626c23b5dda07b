// SPDX-License-Identifier: MIT
// accept_uring.c - the least that one does with io_uring to take connections and close them:
// accept_uring poll|single|multishot
//
// `poll` waits for the listener by the ring, and accepts by a call; `single` asks the ring for one
// connection at a time; `multishot` asks once for all.
#define _GNU_SOURCE // accept4
#include <poll.h>

#include "uring.h"

enum { ENTRIES = 256, FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC };

static struct io_uring ring;
static int listener;

static void ask_poll(void)
{
    io_uring_prep_poll_add(ring_next(&ring), listener, POLLIN);
}

static void on_poll(const struct io_uring_cqe *cqe)
{
    (void)cqe;
    for (int fd; (fd = accept4(listener, NULL, NULL, FLAGS)) >= 0;)
        close(fd);
    ask_poll();
}

static void ask_single(void)
{
    io_uring_prep_accept(ring_next(&ring), listener, NULL, NULL, FLAGS);
}

static void on_single(const struct io_uring_cqe *cqe)
{
    close(cqe->res);
    ask_single();
}

static void ask_multishot(void)
{
    io_uring_prep_multishot_accept(ring_next(&ring), listener, NULL, NULL, FLAGS);
}

static void on_multishot(const struct io_uring_cqe *cqe)
{
    close(cqe->res);
    if (!(cqe->flags & IORING_CQE_F_MORE))
        ask_multishot();
}

static const struct way {
    const char *name;
    void (*ask)(void);
    void (*on_told)(const struct io_uring_cqe *cqe);
} ways[] = {
    {"poll", ask_poll, on_poll},
    {"single", ask_single, on_single},
    {"multishot", ask_multishot, on_multishot},
};

static const struct way *way_of(const char *name)
{
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(ways[i].name, name) == 0)
            return &ways[i];
    return die("usage: accept_uring poll|single|multishot");
}

int main(int argc, char **argv)
{
    const struct way *way = way_of(argc > 1 ? argv[1] : "");
    ring_open(&ring, ENTRIES);
    listener = listen_here(SOCK_NONBLOCK);
    way->ask();
    for (;;) {
        struct io_uring_cqe *cqe;
        unsigned head, seen = 0;
        io_uring_submit_and_wait(&ring, 1);
        io_uring_for_each_cqe(&ring, head, cqe)
        {
            if (cqe->res < 0)
                die("accept");
            way->on_told(cqe);
            seen++;
        }
        io_uring_cq_advance(&ring, seen);
    }
}
