// SPDX-License-Identifier: MIT
// keepalive_test.c - weft_conn_keepalive sets what the kernel then does. That it does so is the
// kernel's: a peer that dies in silence cannot be had on the loopback.
#include "folder.h"

static int value_of(int level, int option, weft_conn *c)
{
    int value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(weft_conn_fd(c), level, option, &value, &size), 0);
    return value;
}

static void a_silent_peer_is_asked_three_times(void **state)
{
    (void)state;
    static const int idle_s[] = {30, 1, 2, 3, 32767}, every_s[] = {10, 1, 1, 1, 10922};
    struct link link = link_up();
    for (size_t i = 0; i < COUNT(idle_s); i++) {
        assert_int_equal(weft_conn_keepalive(link.ours, idle_s[i]), 0);
        assert_int_not_equal(value_of(SOL_SOCKET, SO_KEEPALIVE, link.ours), 0);
        assert_int_equal(value_of(IPPROTO_TCP, TCP_KEEPIDLE, link.ours), idle_s[i]);
        assert_int_equal(value_of(IPPROTO_TCP, TCP_KEEPINTVL, link.ours), every_s[i]);
        assert_int_equal(value_of(IPPROTO_TCP, TCP_KEEPCNT, link.ours), 3);
    }
    link_down(&link);
}

static void expect_options(weft_conn *c)
{
    assert_non_null(c);
    assert_int_not_equal(value_of(IPPROTO_TCP, TCP_NODELAY, c), 0);
    assert_int_not_equal(value_of(SOL_SOCKET, SO_KEEPALIVE, c), 0);
}

static void from_the_start_neither_end_delays_and_both_are_kept_alive(void **state)
{
    (void)state;
    weft_conn *connected, *accepted;
    pair_up(&connected, &accepted);
    expect_options(connected);
    expect_options(accepted);
    weft_conn_close(&connected);
    weft_conn_close(&accepted);
}

static void with_0_it_is_never_asked(void **state)
{
    (void)state;
    struct link link = link_up();
    assert_int_equal(weft_conn_keepalive(link.ours, 0), 0);
    assert_int_equal(value_of(SOL_SOCKET, SO_KEEPALIVE, link.ours), 0);
    assert_int_equal(weft_conn_keepalive(link.ours, 60), 0); // and on again
    assert_int_not_equal(value_of(SOL_SOCKET, SO_KEEPALIVE, link.ours), 0);
    link_down(&link);
}

static void what_is_no_time_is_an_error_and_changes_nothing(void **state)
{
    (void)state;
    static const int bad[] = {-1, 32768, INT32_MAX, INT32_MIN};
    struct link link = link_up();
    assert_int_equal(weft_conn_keepalive(link.ours, 60), 0);
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(weft_conn_keepalive(link.ours, bad[i]), -EINVAL);
        assert_int_equal(weft_error_code(), -EINVAL);
        assert_non_null(strstr(weft_error(), "weft_conn_keepalive"));
    }
    assert_int_equal(value_of(IPPROTO_TCP, TCP_KEEPIDLE, link.ours), 60);
    link_down(&link);
}

static void on_a_unix_socket_it_means_nothing(void **state)
{
    (void)state;
    struct link link = unix_link_up();
    assert_int_equal(weft_conn_keepalive(link.ours, 60), 0);
    assert_int_equal(weft_conn_keepalive(link.ours, 0), 0);
    link_down(&link);
}

static int run_keepalive_of_nothing(void)
{
    return weft_conn_keepalive(NULL, 60);
}

static void without_a_connection_it_aborts(void **state)
{
    (void)state;
    assert_aborts("keepalive_of_nothing", "weft_conn_keepalive", "NULL");
}

static const struct scene scenes[] = {{"keepalive_of_nothing", run_keepalive_of_nothing}};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_silent_peer_is_asked_three_times),
    cmocka_unit_test(from_the_start_neither_end_delays_and_both_are_kept_alive),
    cmocka_unit_test(with_0_it_is_never_asked),
    cmocka_unit_test(what_is_no_time_is_an_error_and_changes_nothing),
    cmocka_unit_test(on_a_unix_socket_it_means_nothing),
    cmocka_unit_test(without_a_connection_it_aborts),
};
TEST_MAIN_IN_FOLDER(tests, scenes, COUNT(scenes))
