// SPDX-License-Identifier: MIT
// carry_test.c - messages with descriptors between processes.
#include "unit.h"

#include "os/carry.h"
#include "os/packet.h"

struct ends {
    int a, b;
};

static struct ends open_ends(void)
{
    int fds[2];
    assert_int_equal(wf_packet_pair(fds), 0);
    return (struct ends){fds[0], fds[1]};
}

static void close_ends(struct ends ends)
{
    close(ends.a);
    close(ends.b);
}

static void send_with(struct ends ends, char *bytes, size_t size, int count)
{
    struct wf_carry message = {.bytes = bytes, .size = size, .count = count};
    for (int i = 0; i < count; i++)
        message.fds[i] = ends.a;
    assert_int_equal(wf_carry_send(ends.a, &message, true), 0);
}

static void bytes_and_descriptors_arrive(void **state)
{
    (void)state;
    struct ends ends = open_ends();
    char sent[] = "hello", got[16];
    for (int count = 0; count <= WF_CARRY_FDS; count++) {
        struct wf_carry message = {.bytes = got, .size = sizeof got};
        int before = open_descriptors();
        send_with(ends, sent, sizeof sent, count);
        assert_int_equal(wf_carry_receive(ends.b, &message, true), sizeof sent);
        assert_string_equal(got, "hello");
        assert_int_equal(message.count, count);
        for (int i = 0; i < count; i++)
            assert_true(fcntl(message.fds[i], F_GETFD) & FD_CLOEXEC);
        wf_carry_drop(&message);
        assert_int_equal(message.count, 0);
        assert_int_equal(open_descriptors(), before);
    }
    close_ends(ends);
}

static void what_is_too_large_leaves_nothing(void **state)
{
    (void)state;
    struct ends ends = open_ends();
    char sent[32] = "", got[16];
    struct wf_carry message = {.bytes = got, .size = sizeof got};
    int before = open_descriptors();
    send_with(ends, sent, sizeof sent, 2);
    assert_int_equal(wf_carry_receive(ends.b, &message, true), -EPROTO);
    assert_int_equal(message.count, 0);
    assert_int_equal(open_descriptors(), before);
    close_ends(ends);
}

static void without_a_place_for_a_descriptor_the_bytes_are_there(void **state)
{
    (void)state;
    struct ends ends = open_ends();
    char sent[] = "hello", got[16] = "";
    struct wf_carry message = {.bytes = got, .size = sizeof got};
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int next = dup(ends.a);
    close(next);
    none = before;
    none.rlim_cur = (rlim_t)next + 1; // one of two has a place
    send_with(ends, sent, sizeof sent, 2);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    ssize_t n = wf_carry_receive(ends.b, &message, true);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(n, -EMFILE);
    assert_string_equal(got, "hello");
    assert_int_equal(message.count, 0);
    assert_int_equal(fcntl(next, F_GETFD), -1);
    close_ends(ends);
}

static void nobody_and_nothing_are_told_apart(void **state)
{
    (void)state;
    struct ends ends = open_ends();
    char got[16];
    struct wf_carry message = {.bytes = got, .size = sizeof got};
    assert_int_equal(wf_carry_receive(ends.b, &message, false), -EAGAIN);
    close(ends.a);
    assert_int_equal(wf_carry_receive(ends.b, &message, true), 0);
    assert_int_equal(wf_carry_send(ends.b, &message, true), -EPIPE);
    close(ends.b);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(bytes_and_descriptors_arrive),
    cmocka_unit_test(what_is_too_large_leaves_nothing),
    cmocka_unit_test(without_a_place_for_a_descriptor_the_bytes_are_there),
    cmocka_unit_test(nobody_and_nothing_are_told_apart),
};

TEST_MAIN(tests)
