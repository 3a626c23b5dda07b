// SPDX-License-Identifier: MIT
// waits_sockets.h - for waits_test.c: descriptors, signals and sockets.
#ifndef WEFT_TESTS_WAITS_SOCKETS_H
#define WEFT_TESTS_WAITS_SOCKETS_H

#include "waits.h"

static sigset_t waited_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    return set;
}

static int wait_signal(weft_time deadline)
{
    sigset_t set = waited_signals();
    int rc = weft_wait_signal(&set, deadline);
    return rc == SIGUSR1 ? 0 : rc;
}

static void raise_signal(void)
{
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
}

static int no_signal_is_left(void)
{
    CHECK(wait_signal(WEFT_POLL) == -ETIMEDOUT);
    return 0;
}

static void open_pipe(void)
{
    clear();
    assert_int_equal(pipe2(w.pipe, O_CLOEXEC), 0);
}

static void close_pipe(void)
{
    close(w.pipe[0]);
    close(w.pipe[1]);
}

static int wait_fd(weft_time deadline)
{
    int rc = weft_wait_fd(w.pipe[0], POLLIN, deadline);
    return rc == POLLIN ? 0 : rc;
}

static void write_byte(void)
{
    assert_int_equal(write(w.pipe[1], "x", 1), 1);
}

static void open_link(void)
{
    clear();
    w.link = link_up();
}

static void close_link(void)
{
    link_down(&w.link);
}

static void say_line(void)
{
    raw_say(w.link.peer, "line\n");
}

static int wait_readable(weft_time deadline)
{
    return weft_wait_readable(w.link.ours, deadline);
}

static int a_line_is_there(void)
{
    char line[8];
    CHECK(weft_read_line(w.link.ours, line, sizeof line, WEFT_POLL) == 4);
    return 0;
}

static int nothing_more_to_read(void)
{
    CHECK(wait_readable(WEFT_POLL) == -ETIMEDOUT);
    return 0;
}

static int read_five(weft_time deadline)
{
    char buf[16] = "";
    ssize_t n = weft_read(w.link.ours, buf, sizeof buf, deadline);
    CHECK(n < 0 || (n == 5 && memcmp(buf, "line\n", 5) == 0));
    return n < 0 ? (int)n : 0;
}

static int read_line(weft_time deadline)
{
    char buf[16] = "";
    ssize_t n = weft_read_line(w.link.ours, buf, sizeof buf, deadline);
    CHECK(n < 0 || strcmp(buf, "line") == 0);
    return n < 0 ? (int)n : 0;
}

static void say_half_a_line(void)
{
    open_link();
    raw_say(w.link.peer, "li");
}

static void say_the_other_half(void)
{
    raw_say(w.link.peer, "ne\n");
}

static int write_much(weft_time deadline)
{
    return weft_write(w.link.ours, flood, sizeof flood, deadline);
}

static int write_parts(weft_time deadline)
{
    const struct iovec parts[] = {{flood, 1}, {flood + 1, sizeof flood - 1}};
    return weft_writev(w.link.ours, parts, 2, deadline);
}

static void queue_posts(void)
{
    open_link();
    (void)post_until_full(w.link.ours, 1 << 16);
}

static void *drain(void *peer)
{
    static char buf[1 << 16];
    while (recv(*(int *)peer, buf, sizeof buf, 0) > 0)
        continue;
    return NULL;
}

// Until we close.
static void read_all(void)
{
    assert_int_equal(pthread_create(&w.drainer, NULL, drain, &w.link.peer), 0);
}

static void close_drained_link(void)
{
    weft_conn_close(&w.link.ours);
    pthread_join(w.drainer, NULL);
    close(w.link.peer);
}

static int flush(weft_time deadline)
{
    return weft_flush(w.link.ours, deadline);
}

static int shut_down(weft_time deadline)
{
    return weft_shutdown(w.link.ours, deadline);
}

static void open_tls_link(void)
{
    open_link();
    w.tls = weft_tls_client(NULL, .insecure = true);
    assert_non_null(w.tls);
}

static void close_tls_link(void)
{
    close_link();
    weft_tls_free(&w.tls);
}

static int tls_start(weft_time deadline)
{
    return weft_tls_start(w.link.ours, w.tls, NULL, deadline);
}

// clang-format off
#define WAITS_FOR_SOCKETS \
    ROW("weft_wait_signal", clear, wait_signal, raise_signal, clear, .leaves = no_signal_is_left), \
    ROW("weft_wait_fd", open_pipe, wait_fd, write_byte, close_pipe), \
    ROW("weft_wait_readable", open_link, wait_readable, say_line, close_link, \
        .leaves = a_line_is_there), \
    ROW("weft_read", open_link, read_five, say_line, close_link, .leaves = nothing_more_to_read), \
    ROW("weft_read_line", say_half_a_line, read_line, say_the_other_half, close_link, \
        .leaves = nothing_more_to_read), \
    ROW("weft_write", open_link, write_much, NULL, close_link, .breaks = read_five), \
    ROW("weft_writev", open_link, write_parts, NULL, close_link, .breaks = read_five), \
    ROW("weft_flush", queue_posts, flush, read_all, close_drained_link), \
    ROW("weft_shutdown", queue_posts, shut_down, read_all, close_drained_link), \
    ROW("weft_tls_start", open_tls_link, tls_start, NULL, close_tls_link, .breaks = read_five)
// clang-format on

#endif
