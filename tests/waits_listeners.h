// SPDX-License-Identifier: MIT
// waits_listeners.h - for waits_test.c: how connections come about.
#ifndef WEFT_TESTS_WAITS_LISTENERS_H
#define WEFT_TESTS_WAITS_LISTENERS_H

#include "waits.h"

static void open_listener(void)
{
    clear();
    w.guest = -1;
    w.listener = weft_listen("127.0.0.1:0");
    assert_non_null(w.listener);
}

static void close_listener(void)
{
    weft_listener_close(&w.listener);
    if (w.guest >= 0)
        close(w.guest);
}

static void knock(void)
{
    w.guest = raw_connect(port_of(weft_listener_address(w.listener)));
}

static int accept_one(weft_time deadline)
{
    weft_conn *c = weft_accept(w.listener, deadline);
    if (!c)
        return weft_error_code();
    weft_conn_close(&c);
    return 0;
}

static int nobody_knocks(void)
{
    CHECK(accept_one(WEFT_POLL) == -ETIMEDOUT);
    return 0;
}

// A listener whose queue is full: whoever connects now waits.
static void go_deaf(void)
{
    clear();
    struct sockaddr_in sin = loopback(0);
    socklen_t size = sizeof sin;
    w.deaf = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(w.deaf, (struct sockaddr *)&sin, sizeof sin), 0);
    assert_int_equal(listen(w.deaf, 0), 0);
    assert_int_equal(getsockname(w.deaf, (struct sockaddr *)&sin, &size), 0);
    snprintf(w.address, sizeof w.address, "127.0.0.1:%u", ntohs(sin.sin_port));
    for (size_t i = 0; i < COUNT(w.knocking); i++) {
        w.knocking[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(w.knocking[i], (struct sockaddr *)&sin, sizeof sin); // the last ones wait
    }
}

static void hear_again(void)
{
    for (size_t i = 0; i < COUNT(w.knocking); i++)
        close(w.knocking[i]);
    memset(w.knocking, -1, sizeof w.knocking);
    for (int fd; (fd = accept4(w.deaf, NULL, NULL, SOCK_CLOEXEC)) >= 0;)
        close(fd);
}

static void stop_listening(void)
{
    for (size_t i = 0; i < COUNT(w.knocking); i++)
        if (w.knocking[i] >= 0)
            close(w.knocking[i]);
    close(w.deaf);
}

static int connect_to_it(weft_time deadline)
{
    weft_conn *c = weft_connect(w.address, deadline);
    if (!c)
        return weft_error_code();
    weft_conn_close(&c);
    return 0;
}

static int listen_by_name(weft_time deadline)
{
    (void)deadline;
    weft_listener *l = weft_listen("localhost:0");
    if (!l)
        return weft_error_code();
    weft_listener_close(&l);
    return 0;
}

// clang-format off
#define WAITS_FOR_LISTENERS \
    ROW("weft_accept", open_listener, accept_one, knock, close_listener, .leaves = nobody_knocks), \
    ROW("weft_connect", go_deaf, connect_to_it, nothing, stop_listening, .mend = hear_again), \
    ROW("weft_listen", clear, listen_by_name, nothing, clear, .no_deadline = true, \
        .never_waits = true)
// clang-format on

#endif
