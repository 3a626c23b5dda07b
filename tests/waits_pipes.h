// SPDX-License-Identifier: MIT
// waits_pipes.h - for waits_test.c: messages through a pipe.
#ifndef WEFT_TESTS_WAITS_PIPES_H
#define WEFT_TESTS_WAITS_PIPES_H

#include "waits.h"

static void open_ends(void)
{
    clear();
    assert_int_equal(weft_pipe(&w.ends[0], &w.ends[1]), 0);
}

static void close_ends(void)
{
    weft_end_close(&w.ends[0]);
    weft_end_close(&w.ends[1]);
}

static int receive_byte(weft_time deadline)
{
    char byte;
    ssize_t n = weft_recv(w.ends[0], &byte, 1, deadline);
    return n == 1 ? 0 : (int)n;
}

static void send_byte(void)
{
    assert_int_equal(weft_send(w.ends[1], "x", 1, WEFT_POLL), 0);
}

static int no_message_is_left(void)
{
    CHECK(receive_byte(WEFT_POLL) == -ETIMEDOUT);
    return 0;
}

static char large_message[WEFT_MESSAGE_MAX];

static void fill_ends(void)
{
    open_ends();
    while (weft_send(w.ends[1], large_message, sizeof large_message, WEFT_POLL) == 0)
        continue;
}

static int send_large(weft_time deadline)
{
    return weft_send(w.ends[1], large_message, sizeof large_message, deadline);
}

static void drain_ends(void)
{
    static char taken[WEFT_MESSAGE_MAX]; // the sender still reads his own
    while (weft_recv(w.ends[0], taken, sizeof taken, WEFT_POLL) >= 0)
        continue;
}

// clang-format off
#define WAITS_FOR_PIPES \
    ROW("weft_recv", open_ends, receive_byte, send_byte, close_ends, \
        .leaves = no_message_is_left), \
    ROW("weft_send", fill_ends, send_large, drain_ends, close_ends)
// clang-format on

#endif
