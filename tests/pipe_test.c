// SPDX-License-Identifier: MIT
// pipe_test.c - whole messages between two ends: order, sizes, limits, waiting, and how it ends.
#include "contract.h"

#include <sys/socket.h>

static weft_end a, b; // of each test's own pipe

static int open_ends(void **state)
{
    (void)state;
    return weft_pipe(&a, &b);
}

static int close_ends(void **state)
{
    (void)state;
    weft_end_close(&a);
    weft_end_close(&b);
    return 0;
}

static size_t fill(weft_end end, size_t size)
{
    static const char message[WEFT_MESSAGE_MAX];
    size_t sent = 0;
    while (weft_send(end, message, size, WEFT_POLL) == 0)
        sent++;
    assert_int_equal(weft_error_code(), -ETIMEDOUT);
    return sent;
}

// ---- messages -----------------------------------------------------------------------

TEST(messages_arrive_whole_and_in_order_both_ways)
{
    char text[32], got[32];
    for (int i = 0; i < 50; i++) {
        int n = snprintf(text, sizeof text, "number %d", i);
        assert_int_equal(weft_send(a, text, (size_t)n, WEFT_POLL), 0);
        assert_int_equal(weft_send(b, &i, sizeof i, WEFT_POLL), 0);
    }
    for (int i = 0; i < 50; i++) {
        int n = snprintf(text, sizeof text, "number %d", i), number;
        assert_int_equal(weft_recv(b, got, sizeof got, WEFT_POLL), n);
        assert_memory_equal(got, text, (size_t)n);
        assert_int_equal(weft_recv(a, &number, sizeof number, WEFT_POLL), sizeof number);
        assert_int_equal(number, i);
    }
}

TEST(an_empty_message_is_not_the_end)
{
    char got[8];
    for (int i = 0; i < 3; i++)
        assert_int_equal(weft_send(a, NULL, 0, WEFT_POLL), 0);
    assert_int_equal(weft_recv(b, got, sizeof got, WEFT_POLL), 0);
    assert_int_equal(weft_recv(b, NULL, 0, WEFT_POLL), 0);
    weft_end_close(&a);
    assert_int_equal(weft_recv(b, got, sizeof got, WEFT_POLL), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(weft_recv(b, got, sizeof got, WEFT_POLL), -EPIPE);
    assert_string_not_equal(weft_error(), "");
}

TEST(the_largest_message_arrives_and_one_byte_more_is_refused)
{
    static unsigned char sent[WEFT_MESSAGE_MAX + 1], got[WEFT_MESSAGE_MAX + 1];
    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (unsigned char)(i * 7 % 251);
    assert_int_equal(weft_send(a, sent, WEFT_MESSAGE_MAX, WEFT_POLL), 0);
    assert_int_equal(weft_send(a, sent, WEFT_MESSAGE_MAX + 1, WEFT_POLL), -EMSGSIZE);
    assert_non_null(strstr(weft_error(), "65537"));
    assert_int_equal(weft_recv(b, got, sizeof got, WEFT_POLL), WEFT_MESSAGE_MAX);
    assert_memory_equal(got, sent, WEFT_MESSAGE_MAX);
    assert_int_equal(weft_recv(b, got, sizeof got, WEFT_POLL), -ETIMEDOUT);
}

TEST(a_message_too_large_for_the_buffer_stays)
{
    char got[8] = "before";
    assert_int_equal(weft_send(a, "12345678", 8, WEFT_POLL), 0);
    assert_int_equal(weft_recv(b, got, 7, WEFT_POLL), -EMSGSIZE);
    assert_int_equal(weft_recv(b, NULL, 0, WEFT_POLL), -EMSGSIZE);
    assert_string_equal(got, "before");
    weft_end_close(&a); // nor does the close take it away
    assert_int_equal(weft_recv(b, got, 7, WEFT_POLL), -EMSGSIZE);
    assert_int_equal(weft_recv(b, got, 8, WEFT_POLL), 8);
    assert_memory_equal(got, "12345678", 8);
    assert_int_equal(weft_recv(b, got, 8, WEFT_POLL), -EPIPE);
}

// ---- ends ---------------------------------------------------------------------------

TEST(who_closes_with_messages_unread_leaves_the_other_what_is_his)
{
    int got = 0;
    assert_int_equal(weft_send(b, &(int){1}, sizeof(int), WEFT_POLL), 0);
    assert_int_equal(weft_send(a, &(int){2}, sizeof(int), WEFT_POLL), 0);
    assert_int_equal(weft_send(a, &(int){3}, sizeof(int), WEFT_POLL), 0);
    weft_end_close(&a); // and never read 1
    assert_int_equal(weft_recv(b, &got, sizeof got, WEFT_POLL), sizeof got);
    assert_int_equal(got, 2);
    assert_int_equal(weft_send(b, &got, sizeof got, WEFT_POLL), -EPIPE);
    assert_int_equal(weft_send(b, &got, sizeof got, WEFT_POLL), -EPIPE);
    assert_int_equal(weft_recv(b, &got, sizeof got, WEFT_POLL), sizeof got);
    assert_int_equal(got, 3);
    assert_int_equal(weft_recv(b, &got, sizeof got, WEFT_POLL), -EPIPE);
}

TEST(the_first_send_to_who_left_messages_unread_is_refused)
{
    assert_int_equal(weft_send(b, "x", 1, WEFT_POLL), 0);
    weft_end_close(&a);
    assert_int_equal(weft_send(b, "x", 1, WEFT_POLL), -EPIPE);
}

TEST(what_is_no_end_is_an_error)
{
    char got[8];
    weft_end none = {-1}, file = {open("/dev/null", O_RDWR | O_CLOEXEC)};
    assert_true(file.fd >= 0);
    assert_int_equal(weft_send(none, "x", 1, WEFT_POLL), -EBADF);
    assert_int_equal(weft_recv(none, got, sizeof got, WEFT_POLL), -EBADF);
    assert_int_equal(weft_send(file, "x", 1, WEFT_POLL), -ENOTSOCK);
    assert_int_equal(weft_recv(file, got, sizeof got, WEFT_POLL), -ENOTSOCK);
    assert_string_not_equal(weft_error(), "");
    int streams[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, streams), 0);
    assert_int_equal(send(streams[1], "abc", 3, 0), 3);
    assert_int_equal(weft_recv((weft_end){streams[0]}, got, sizeof got, WEFT_POLL), -ENOTSOCK);
    assert_int_equal(recv(streams[0], got, sizeof got, MSG_DONTWAIT), 3); // nothing was taken
    assert_int_equal(close(streams[0]), 0);
    assert_int_equal(close(streams[1]), 0);
    weft_end_close(&file);
    assert_int_equal(file.fd, -1);
    weft_end_close(&file);
    weft_end_close(&none);
}

TEST(ends_are_closed_by_exec)
{
    assert_int_equal(fcntl(a.fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(b.fd, F_GETFD), FD_CLOEXEC);
}

TEST(without_descriptors_there_is_no_pipe)
{
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){(rlim_t)dup(0), before.rlim_max}; // the next that is free
    assert_int_equal(close((int)none.rlim_cur), 0);
    weft_end one = {7}, two = {8};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int rc = weft_pipe(&one, &two);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(rc, -EMFILE);
    assert_int_equal(one.fd, -1);
    assert_int_equal(two.fd, -1);
    assert_int_equal(weft_error_code(), -EMFILE);
}

// ---- waiting ------------------------------------------------------------------------

static int receive_number(void *got)
{
    ssize_t n = weft_recv(b, got, sizeof(int), WEFT_FOREVER);
    return n == sizeof(int) ? 0 : (int)n;
}

static int receive_shortly(void *got)
{
    return (int)weft_recv(b, got, sizeof(int), soon());
}

static int send_byte(void *unused)
{
    (void)unused;
    return weft_send(a, "x", 1, WEFT_FOREVER);
}

static int send_shortly(void *unused)
{
    (void)unused;
    return weft_send(a, "x", 1, soon());
}

static void waits_for(enum where where)
{
    struct away reader;
    int got = 0;
    go(&reader, where, receive_number, &got);
    await_asleep(&reader);
    assert_false(has_ended(&reader));
    assert_int_equal(weft_send(a, &(int){42}, sizeof(int), WEFT_POLL), 0);
    assert_int_equal(back(&reader), 0);
    assert_int_equal(got, 42);
}

TEST(a_reader_waits_for_a_message)
{
    waits_for(IN_TASK);
    waits_for(IN_THREAD);
}

TEST(a_writer_waits_for_room)
{
    struct away writer;
    char got[64];
    size_t sent = fill(a, sizeof got);
    assert_in_range(sent, 16, 1000 * 1000);
    go(&writer, IN_TASK, send_byte, NULL);
    await_asleep(&writer);
    assert_false(has_ended(&writer));
    for (; sent > 0; sent--)
        assert_int_equal(weft_recv(b, got, sizeof got, WEFT_FOREVER), sizeof got);
    assert_int_equal(back(&writer), 0);
    assert_int_equal(weft_recv(b, got, sizeof got, WEFT_FOREVER), 1);
}

TEST(a_close_wakes_who_waits_at_the_other_end)
{
    struct away reader, writer;
    int got;
    go(&reader, IN_TASK, receive_number, &got);
    await_asleep(&reader);
    weft_end_close(&a);
    assert_int_equal(back(&reader), -EPIPE);
    weft_end_close(&b);
    assert_int_equal(weft_pipe(&a, &b), 0);
    (void)fill(a, 1024);
    go(&writer, IN_TASK, send_byte, NULL);
    await_asleep(&writer);
    weft_end_close(&b);
    assert_int_equal(back(&writer), -EPIPE);
}

TEST(a_wait_ends_at_its_deadline_and_nothing_has_moved)
{
    struct away away;
    int got = 5;
    go(&away, IN_TASK, receive_shortly, &got);
    assert_int_equal(back(&away), -ETIMEDOUT);
    assert_int_equal(got, 5);
    size_t sent = fill(a, 64);
    go(&away, IN_TASK, send_shortly, NULL);
    assert_int_equal(back(&away), -ETIMEDOUT);
    char message[64];
    for (; sent > 0; sent--)
        assert_int_equal(weft_recv(b, message, sizeof message, WEFT_POLL), sizeof message);
    assert_int_equal(weft_recv(b, message, sizeof message, WEFT_POLL), -ETIMEDOUT);
}

TEST(what_need_not_wait_is_done_whatever_the_deadline)
{
    int got = 0;
    assert_int_equal(weft_send(a, &(int){3}, sizeof(int), long_past), 0);
    assert_int_equal(weft_recv(b, &got, sizeof got, long_past), sizeof got);
    assert_int_equal(weft_recv(b, &got, sizeof got, long_past), -ETIMEDOUT);
}

TEST(a_request_to_stop_ends_a_wait_and_moves_nothing)
{
    int got = 5;
    assert_int_equal(cancel_while_waiting(receive_number, &got), -ECANCELED);
    assert_int_equal(weft_send(a, &(int){9}, sizeof(int), WEFT_POLL), 0);
    assert_int_equal(cancel_before(receive_number, &got), -ECANCELED);
    assert_int_equal(got, 5);
    assert_int_equal(cancel_before(send_byte, NULL), -ECANCELED);
    assert_int_equal(cancel_before_but_shielded(receive_number, &got), 0);
    assert_int_equal(got, 9);
    assert_int_equal(weft_recv(b, &got, sizeof got, WEFT_POLL), -ETIMEDOUT);
    (void)fill(a, 64);
    assert_int_equal(cancel_while_waiting(send_byte, NULL), -ECANCELED);
}

// ---- many -----------------------------------------------------------------------------

enum { WRITERS = 4, READERS = 4, EACH = 400 };

struct entry {
    int who, number;
    size_t size;
    unsigned char filled[1000];
};

static int write_entries(void *next)
{
    struct entry e = {.who = atomic_fetch_add((atomic_int *)next, 1)};
    for (e.number = 0; e.number < EACH; e.number++) {
        e.size = offsetof(struct entry, filled) + (size_t)(e.number * 37 % 1000);
        memset(e.filled, e.who * 16 + e.number % 16, sizeof e.filled);
        int rc = weft_send(a, &e, e.size, WEFT_FOREVER);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static bool is_whole(const struct entry *e, ssize_t n)
{
    if (n < (ssize_t)offsetof(struct entry, filled) || (size_t)n != e->size)
        return false;
    for (size_t i = 0; i < e->size - offsetof(struct entry, filled); i++)
        if (e->filled[i] != e->who * 16 + e->number % 16)
            return false;
    return true;
}

TEST(messages_of_many_writers_are_whole_and_each_writers_in_order)
{
    struct away crowd[WRITERS];
    struct entry e;
    atomic_int next = 0;
    int expected[WRITERS] = {0};
    go_all(crowd, WRITERS, write_entries, &next);
    for (int i = 0; i < WRITERS * EACH; i++) {
        ssize_t n = weft_recv(b, &e, sizeof e, much_later());
        assert_true(is_whole(&e, n));
        assert_in_range(e.who, 0, WRITERS - 1);
        assert_int_equal(e.number, expected[e.who]++);
    }
    all_back_with(0, crowd, WRITERS);
}

static int read_until_end(void *count)
{
    struct entry e;
    ssize_t n;
    while ((n = weft_recv(b, &e, sizeof e, WEFT_FOREVER)) >= 0) {
        CHECK(n == 0 || is_whole(&e, n));
        atomic_fetch_add((atomic_int *)count, 1);
    }
    return (int)n;
}

TEST(each_message_goes_to_one_of_many_readers_the_empty_ones_too)
{
    struct away crowd[READERS];
    atomic_int count = 0, who = 0;
    go_all(crowd, READERS, read_until_end, &count);
    assert_int_equal(write_entries(&who), 0);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(weft_send(a, NULL, 0, much_later()), 0);
    weft_end_close(&a);
    all_back_with(-EPIPE, crowd, READERS);
    assert_int_equal(atomic_load(&count), EACH + READERS);
}

// clang-format off
#define PIPE(test) cmocka_unit_test_setup_teardown(test, open_ends, close_ends)
// clang-format on

static const struct CMUnitTest tests[] = {
    PIPE(messages_arrive_whole_and_in_order_both_ways),
    PIPE(an_empty_message_is_not_the_end),
    PIPE(the_largest_message_arrives_and_one_byte_more_is_refused),
    PIPE(a_message_too_large_for_the_buffer_stays),
    PIPE(who_closes_with_messages_unread_leaves_the_other_what_is_his),
    PIPE(the_first_send_to_who_left_messages_unread_is_refused),
    PIPE(what_is_no_end_is_an_error),
    PIPE(ends_are_closed_by_exec),
    PIPE(without_descriptors_there_is_no_pipe),
    PIPE(a_reader_waits_for_a_message),
    PIPE(a_writer_waits_for_room),
    PIPE(a_close_wakes_who_waits_at_the_other_end),
    PIPE(a_wait_ends_at_its_deadline_and_nothing_has_moved),
    PIPE(what_need_not_wait_is_done_whatever_the_deadline),
    PIPE(a_request_to_stop_ends_a_wait_and_moves_nothing),
    PIPE(messages_of_many_writers_are_whole_and_each_writers_in_order),
    PIPE(each_message_goes_to_one_of_many_readers_the_empty_ones_too),
};

TEST_MAIN(tests)
