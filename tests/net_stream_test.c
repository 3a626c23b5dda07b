// SPDX-License-Identifier: MIT
// net_stream_test.c - what flows through a connection: bytes, lines, its end, and its death.
#include "net_helpers.h"

#include <sched.h>

enum { MUCH = 10 << 20 };
static unsigned char pattern[MUCH];

// ---- bytes -----------------------------------------------------------------------------

static void a_read_takes_what_is_there_and_leaves_the_rest(void **state)
{
    (void)state;
    struct link link = link_up();
    char buf[16] = "";
    raw_say(link.peer, "abcdef");
    assert_int_equal(read_arrived(4, link.ours, buf, 4, WEFT_FOREVER), 4);
    assert_memory_equal(buf, "abcd", 4);
    assert_int_equal(read_arrived(2, link.ours, buf, sizeof buf, WEFT_POLL), 2);
    assert_memory_equal(buf, "ef", 2);
    assert_int_equal(weft_read(link.ours, buf, sizeof buf, WEFT_POLL), -ETIMEDOUT);
    link_down(&link);
}

static void the_end_of_the_stream_is_read_as_0_again_and_again(void **state)
{
    (void)state;
    struct link link = link_up();
    char buf[16];
    raw_say(link.peer, "x");
    assert_int_equal(shutdown(link.peer, SHUT_WR), 0);
    assert_int_equal(weft_read(link.ours, buf, sizeof buf, WEFT_FOREVER), 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(weft_read(link.ours, buf, sizeof buf, WEFT_FOREVER), 0);
    link_down(&link);
}

static void readable_is_what_a_read_would_not_wait_for(void **state)
{
    (void)state;
    struct link link = link_up();
    char buf[16];
    assert_int_equal(weft_wait_readable(link.ours, WEFT_POLL), -ETIMEDOUT);
    raw_say(link.peer, "one\ntwo\n");
    for (int i = 0; i < 2; i++) // it takes nothing
        assert_int_equal(weft_wait_readable(link.ours, much_later()), 0);
    assert_int_equal(weft_read_line(link.ours, buf, sizeof buf, much_later()), 3);
    assert_int_equal(weft_wait_readable(link.ours, WEFT_POLL), 0); // also what was read ahead
    assert_int_equal(weft_read(link.ours, buf, sizeof buf, WEFT_POLL), 4);
    assert_int_equal(weft_wait_readable(link.ours, WEFT_POLL), -ETIMEDOUT);
    assert_int_equal(shutdown(link.peer, SHUT_WR), 0);
    assert_int_equal(weft_wait_readable(link.ours, much_later()), 0); // the end
    assert_int_equal(weft_read(link.ours, buf, sizeof buf, WEFT_POLL), 0);
    link_down(&link);
}

static void writing_goes_on_after_the_peers_half_close(void **state)
{
    (void)state;
    struct link link = link_up();
    char buf[16];
    assert_int_equal(shutdown(link.peer, SHUT_WR), 0);
    assert_int_equal(weft_read(link.ours, buf, sizeof buf, WEFT_FOREVER), 0);
    assert_int_equal(weft_write(link.ours, "goodbye", 7, WEFT_FOREVER), 0);
    assert_int_equal(raw_receive(link.peer, buf, 7), 7);
    assert_memory_equal(buf, "goodbye", 7);
    link_down(&link);
}

static void reading_goes_on_after_our_half_close(void **state)
{
    (void)state;
    struct link link = link_up();
    char buf[16];
    assert_int_equal(weft_write(link.ours, "last", 4, WEFT_FOREVER), 0);
    assert_int_equal(weft_shutdown(link.ours, WEFT_FOREVER), 0);
    assert_int_equal(raw_receive(link.peer, buf, sizeof buf), 4); // and then its end
    raw_say(link.peer, "answer");
    assert_int_equal(read_arrived(6, link.ours, buf, sizeof buf, WEFT_FOREVER), 6);
    assert_true(weft_write(link.ours, "more", 4, WEFT_FOREVER) < 0); // we said "no more"
    link_down(&link);
}

static void writing_nothing_succeeds(void **state)
{
    (void)state;
    struct link link = link_up();
    assert_int_equal(weft_write(link.ours, "", 0, WEFT_FOREVER), 0);
    assert_int_equal(weft_write(link.ours, NULL, 0, WEFT_POLL), 0);
    assert_true(nothing_to_receive(link.peer));
    link_down(&link);
}

// It stands before nothing, so it waits for nothing, and the connection stays what it was.
static void writing_nothing_waits_for_no_posts(void **state)
{
    (void)state;
    struct link link = link_up();
    const struct iovec empty[] = {{NULL, 0}, {"x", 0}};
    char buf[16];
    weft_post_limit(link.ours, MUCH);
    for (int i = 0; i < 8; i++) // more than the socket takes
        assert_int_equal(weft_post(link.ours, pattern, MUCH / 8), 0);
    assert_int_equal(weft_flush(link.ours, weft_after_ms(1)), -ETIMEDOUT);
    assert_int_equal(weft_write(link.ours, "", 0, WEFT_POLL), 0);
    assert_int_equal(weft_writev(link.ours, empty, COUNT(empty), WEFT_POLL), 0);
    raw_say(link.peer, "answer");
    assert_int_equal(read_arrived(6, link.ours, buf, sizeof buf, WEFT_FOREVER), 6);
    link_down(&link);
}

// ---- much, in both directions ----------------------------------------------------------

static unsigned char byte_at(size_t i)
{
    return (unsigned char)((i >> 16) * 7 + i * 31);
}

static int send_much(weft_conn *const *c, weft_none *none)
{
    (void)none;
    return weft_write(*c, pattern, MUCH, WEFT_FOREVER);
}
WEFT_TASK(send_much, weft_conn *, weft_none);

static int receive_much(weft_conn *const *c, weft_none *none)
{
    unsigned char buf[30000];
    (void)none;
    for (size_t got = 0; got < MUCH;) {
        ssize_t n = weft_read(*c, buf, sizeof buf, WEFT_FOREVER);
        if (n <= 0)
            return weft_fail(n < 0 ? (int)n : -EPIPE, "the end came after %zu", got);
        for (ssize_t i = 0; i < n; i++, got++)
            if (buf[i] != byte_at(got))
                return weft_fail(-EBADMSG, "byte %zu differs", got);
    }
    return 0;
}
WEFT_TASK(receive_much, weft_conn *, weft_none);

static void ten_megabytes_flow_each_way_at_the_same_time(void **state)
{
    (void)state;
    weft_conn *ends[2];
    weft_future *futures[4];
    for (size_t i = 0; i < MUCH; i++)
        pattern[i] = byte_at(i);
    pair_up(&ends[0], &ends[1]);
    for (int i = 0; i < 2; i++) {
        futures[i] = weft_start(WEFT_THREADS, send_much, &ends[i]);
        futures[2 + i] = weft_start(WEFT_THREADS, receive_much, &ends[i]);
    }
    for (int i = 0; i < 4; i++)
        if (weft_join(&futures[i], NULL, 0) < 0)
            fail_msg("%s", weft_error());
    weft_conn_close(&ends[0]);
    weft_conn_close(&ends[1]);
}

// ---- lines -----------------------------------------------------------------------------

static void assert_line(weft_conn *c, const char *expected)
{
    char line[64] = "unset";
    ssize_t n = weft_read_line(c, line, sizeof line, much_later());
    if (n != (ssize_t)strlen(expected) || strcmp(line, expected) != 0)
        fail_msg("'%s' (%zd) instead of '%s'", line, n, expected);
}

static void lines_lose_their_newline_and_nothing_else(void **state)
{
    (void)state;
    struct link link = link_up();
    raw_say(link.peer, "one\ntwo\r\n\n\r\nfi\rve\r\n six \nsev\r\r\n");
    static const char *const lines[] = {"one", "two", "", "", "fi\rve", " six ", "sev\r"};
    for (size_t i = 0; i < COUNT(lines); i++)
        assert_line(link.ours, lines[i]);
    raw_send(link.peer, "a\0b\n", 4);
    char line[8];
    assert_int_equal(weft_read_line(link.ours, line, sizeof line, much_later()), 3);
    assert_memory_equal(line, "a\0b\0", 4);
    link_down(&link);
}

struct dribble {
    int fd;
    const char *text;
};

static int send_bytewise(const struct dribble *d, weft_none *none)
{
    (void)none;
    for (const char *p = d->text; *p; p++) {
        if (send(d->fd, p, 1, MSG_NOSIGNAL) != 1)
            return -errno;
        sched_yield();
    }
    return 0;
}
WEFT_TASK(send_bytewise, struct dribble, weft_none);

static void a_bytewise_sender_makes_no_difference(void **state)
{
    (void)state;
    struct link link = link_up();
    int on = 1;
    setsockopt(link.peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct dribble dribble = {link.peer, "NICK ann\r\nJOIN #c\r\n\r\nbye\n"};
    weft_future *f = weft_start(WEFT_THREADS, send_bytewise, &dribble);
    static const char *const lines[] = {"NICK ann", "JOIN #c", "", "bye"};
    for (size_t i = 0; i < COUNT(lines); i++)
        assert_line(link.ours, lines[i]);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    link_down(&link);
}

static void a_read_after_a_line_gets_what_follows_it(void **state)
{
    (void)state;
    struct link link = link_up();
    char buf[16];
    raw_say(link.peer, "HELLO\r\n12345\nrest");
    assert_line(link.ours, "HELLO");
    assert_int_equal(read_arrived(3, link.ours, buf, 3, much_later()), 3);
    assert_memory_equal(buf, "123", 3);
    assert_line(link.ours, "45");
    assert_int_equal(read_arrived(4, link.ours, buf, sizeof buf, WEFT_POLL), 4);
    assert_memory_equal(buf, "rest", 4);
    link_down(&link);
}

static void a_line_that_does_not_fit_stays(void **state)
{
    (void)state;
    struct link link = link_up();
    char small[8], large[16];
    raw_say(link.peer, "12345678\n1234567\r\n1234567\nshort\n");
    assert_int_equal(weft_read_line(link.ours, small, sizeof small, much_later()), -EMSGSIZE);
    assert_int_equal(weft_read_line(link.ours, small, sizeof small, much_later()), -EMSGSIZE);
    assert_int_equal(weft_read_line(link.ours, large, sizeof large, much_later()), 8);
    assert_string_equal(large, "12345678");
    assert_int_equal(weft_read_line(link.ours, small, sizeof small, much_later()), 7);
    assert_string_equal(small, "1234567"); // just fits, whichever newline it has
    assert_int_equal(weft_read_line(link.ours, small, sizeof small, much_later()), 7);
    assert_int_equal(weft_read_line(link.ours, small, sizeof small, much_later()), 5);
    link_down(&link);
}

// Whose sender waits for an answer. Only a "\r" may still be of the newline.
static void one_byte_too_much_is_found_at_once(void **state)
{
    (void)state;
    struct link link = link_up();
    char line[8];
    raw_say(link.peer, "1234567\r");
    assert_int_equal(weft_read_line(link.ours, line, sizeof line, weft_after_ms(5)), -ETIMEDOUT);
    raw_say(link.peer, "\n12345678");
    assert_int_equal(weft_read_line(link.ours, line, sizeof line, much_later()), 7);
    assert_int_equal(weft_read_line(link.ours, line, sizeof line, much_later()), -EMSGSIZE);
    link_down(&link);
}

static void a_line_without_end_is_found_too_long(void **state)
{
    (void)state;
    struct link link = link_up();
    char line[512], text[1000];
    memset(text, 'x', sizeof text);
    raw_send(link.peer, text, sizeof text);
    assert_int_equal(weft_read_line(link.ours, line, sizeof line, much_later()), -EMSGSIZE);
    size_t got = 0;
    while (got < 1000) { // read past it, as a server does that answers and closes
        ssize_t n = weft_read(link.ours, line, sizeof line, much_later());
        assert_true(n > 0);
        got += (size_t)n;
    }
    assert_int_equal(got, 1000);
    link_down(&link);
}

static int send_long_line(const int *fd, weft_none *none)
{
    (void)none;
    static char text[300001];
    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = '\n';
    for (size_t sent = 0; sent < sizeof text;) {
        ssize_t n = send(*fd, text + sent, sizeof text - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return -errno;
        sent += (size_t)n;
    }
    return 0;
}
WEFT_TASK(send_long_line, int, weft_none);

static void a_very_long_line_is_read_where_there_is_room(void **state)
{
    (void)state;
    struct link link = link_up();
    static char line[400000];
    weft_future *f = weft_start(WEFT_THREADS, send_long_line, &link.peer);
    assert_int_equal(weft_read_line(link.ours, line, sizeof line, much_later()), 300000);
    assert_int_equal(line[299999], 'y');
    assert_int_equal(line[300000], '\0');
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    link_down(&link);
}

static void a_last_line_without_newline_is_a_line(void **state)
{
    (void)state;
    struct link link = link_up();
    char line[4];
    raw_say(link.peer, "one\nlast");
    assert_int_equal(shutdown(link.peer, SHUT_WR), 0);
    assert_line(link.ours, "one");
    assert_int_equal(weft_read_line(link.ours, line, sizeof line, much_later()), -EMSGSIZE);
    assert_line(link.ours, "last");
    assert_int_equal(weft_read_line(link.ours, line, sizeof line, much_later()), -EPIPE);
    assert_int_equal(weft_read_line(link.ours, line, sizeof line, much_later()), -EPIPE);
    assert_int_equal(weft_read(link.ours, line, sizeof line, much_later()), 0);
    link_down(&link);
}

static void half_a_line_waits_for_its_other_half(void **state)
{
    (void)state;
    struct link link = link_up();
    char line[16] = "unset";
    raw_say(link.peer, "hal");
    assert_int_equal(weft_read_line(link.ours, line, sizeof line, weft_after_ms(3)), -ETIMEDOUT);
    assert_int_equal(weft_read_line(link.ours, line, sizeof line, WEFT_POLL), -ETIMEDOUT);
    raw_say(link.peer, "f\r");
    assert_int_equal(weft_read_line(link.ours, line, sizeof line, weft_after_ms(3)), -ETIMEDOUT);
    raw_say(link.peer, "\n");
    assert_line(link.ours, "half");
    link_down(&link);
}

// ---- the death of a connection ---------------------------------------------------------

// Writes until the other end's death is noticed; SIGPIPE would end the test program.
static int write_until_error(weft_conn *c)
{
    for (int i = 0;; i++) {
        int rc = weft_write(c, "hello?", 6, much_later());
        if (rc < 0)
            return rc;
        nap_ms(1);
        assert_true(i < 10000);
    }
}

static void writing_to_a_dead_peer_is_an_error_and_no_signal(void **state)
{
    (void)state;
    char byte;
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    for (int reset = 0; reset < 2; reset++) {
        struct link link = link_up();
        if (reset)
            raw_reset(link.peer);
        else
            close(link.peer);
        int rc = write_until_error(link.ours);
        assert_true(rc == -EPIPE || rc == -ECONNRESET);
        assert_int_equal(weft_write(link.ours, "x", 1, much_later()), -EPIPE);
        assert_int_equal(weft_read(link.ours, &byte, 1, much_later()), -EPIPE);
        assert_int_equal(weft_read_line(link.ours, &byte, 1, much_later()), -EPIPE);
        link.peer = -1;
        link_down(&link);
    }
}

static void reading_from_a_reset_connection_is_an_error(void **state)
{
    (void)state;
    char line[8];
    for (int lines = 0; lines < 2; lines++) {
        struct link link = link_up();
        raw_reset(link.peer);
        link.peer = -1;
        ssize_t n = lines ? weft_read_line(link.ours, line, sizeof line, much_later())
                          : weft_read(link.ours, line, sizeof line, much_later());
        assert_int_equal(n, -ECONNRESET);
        assert_int_equal(weft_error_code(), -ECONNRESET);
        assert_true(weft_error()[0] != '\0');
        link_down(&link);
    }
}

static void closing_loses_no_byte_that_was_written(void **state)
{
    (void)state;
    struct link link = link_up();
    char buf[100];
    assert_int_equal(weft_write(link.ours, "all of it", 9, WEFT_FOREVER), 0);
    weft_conn_close(&link.ours);
    assert_int_equal(raw_receive(link.peer, buf, sizeof buf), 9);
    link_down(&link);
}

// ---- misuse ----------------------------------------------------------------------------

static int run_two_in(int (*call)(struct call *))
{
    struct link link = link_up();
    struct call calls[2];
    weft_future *futures[2];
    for (int i = 0; i < 2; i++) {
        calls[i] = (struct call){.run = call, .conn = link.ours, .deadline = WEFT_FOREVER};
        futures[i] = weft_start(WEFT_THREADS, in_call, &(struct call *){&calls[i]});
        await_asleep(&calls[i].spot); // the second never gets so far
    }
    return weft_join(&futures[0], NULL, 0);
}

static int run_two_readers(void)
{
    return run_two_in(call_read);
}

static int run_two_writers(void)
{
    return run_two_in(call_write);
}

static int run_read_nothing(void)
{
    char byte;
    return (int)weft_read(NULL, &byte, 1, WEFT_FOREVER);
}

static int run_write_nothing(void)
{
    return weft_write(NULL, "x", 1, WEFT_FOREVER);
}

static int run_post_nothing(void)
{
    return weft_post(NULL, "x", 1);
}

static int run_read_line_nothing(void)
{
    char line[8];
    return (int)weft_read_line(NULL, line, sizeof line, WEFT_FOREVER);
}

static void a_second_reader_or_writer_aborts(void **state)
{
    (void)state;
    assert_aborts("two_readers", "weft_read", "");
    assert_aborts("two_writers", "weft_write", "");
}

static void a_call_without_a_connection_aborts(void **state)
{
    (void)state;
    assert_aborts("read_nothing", "weft_read", "");
    assert_aborts("read_line_nothing", "weft_read_line", "");
    assert_aborts("write_nothing", "weft_write", "");
    assert_aborts("post_nothing", "weft_post", "");
}

static const struct scene scenes[] = {
    {"two_readers", run_two_readers},     {"two_writers", run_two_writers},
    {"read_nothing", run_read_nothing},   {"read_line_nothing", run_read_line_nothing},
    {"write_nothing", run_write_nothing}, {"post_nothing", run_post_nothing},
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_read_takes_what_is_there_and_leaves_the_rest),
    cmocka_unit_test(the_end_of_the_stream_is_read_as_0_again_and_again),
    cmocka_unit_test(readable_is_what_a_read_would_not_wait_for),
    cmocka_unit_test(writing_goes_on_after_the_peers_half_close),
    cmocka_unit_test(reading_goes_on_after_our_half_close),
    cmocka_unit_test(writing_nothing_succeeds),
    cmocka_unit_test(writing_nothing_waits_for_no_posts),
    cmocka_unit_test(ten_megabytes_flow_each_way_at_the_same_time),
    cmocka_unit_test(lines_lose_their_newline_and_nothing_else),
    cmocka_unit_test(a_bytewise_sender_makes_no_difference),
    cmocka_unit_test(a_read_after_a_line_gets_what_follows_it),
    cmocka_unit_test(a_line_that_does_not_fit_stays),
    cmocka_unit_test(one_byte_too_much_is_found_at_once),
    cmocka_unit_test(a_line_without_end_is_found_too_long),
    cmocka_unit_test(a_very_long_line_is_read_where_there_is_room),
    cmocka_unit_test(a_last_line_without_newline_is_a_line),
    cmocka_unit_test(half_a_line_waits_for_its_other_half),
    cmocka_unit_test(writing_to_a_dead_peer_is_an_error_and_no_signal),
    cmocka_unit_test(reading_from_a_reset_connection_is_an_error),
    cmocka_unit_test(closing_loses_no_byte_that_was_written),
    cmocka_unit_test(a_second_reader_or_writer_aborts),
    cmocka_unit_test(a_call_without_a_connection_aborts),
};
TEST_MAIN_WITH_SCENES(tests, scenes)
