// SPDX-License-Identifier: MIT
// chat_websocket_test.c - what RFC 6455 demands of a server, frame by frame.
//
// Each case is a row: what a client sends, and what it must get. It is sent in one piece, byte by
// byte, and cut once at each place, so that a frame and its head are split everywhere.
#include "wire_helpers.h"

#include "chat/web/frame.h"
#include "chat/web/websocket.h"

enum { PIECES = 6, FRAMES_MAX = 128 * 1024 };

WEFT_QUIET_BEGIN_ // what a row does not say is 0
    static const struct row {
    const char *name;
    struct piece pieces[PIECES];
    const char *reply;
    bool binary;
} rows[] = {
    // messages
    {"a text", {{0x81, B("hello")}}, "T:hello"},
    {"an empty text", {{0x81, B("")}}, "T:"},
    {"two texts", {{0x81, B("one")}, {0x81, B("two")}}, "T:one|T:two"},
    {"text of 125 bytes", {{0x81, B("a"), 125}}, "T:125"},
    {"text of 126 bytes", {{0x81, B("a"), 126}}, "T:126"},
    {"text of 599 bytes", {{0x81, B("a"), 599}}, "T:599"},
    {"longer than the reader's buffer", {{0x81, B("a"), 600}, {0x81, B("b")}}, "T:too long|T:b"},
    {"the largest message", {{0x81, B("a"), 8703}, {0x81, B("b")}}, "T:too long|T:b"},
    {"two of the largest", {{0x81, B("a"), 8703}, {0x81, B("b"), 8703}}, "T:too long|T:too long"},
    {"a message too big", {{0x81, B("a"), 8704}}, "C:1009"},
    {"too big, told by the head", {{0x81, B("a"), 8704, HEAD_ONLY}}, "C:1009"},
    {"much too big", {{0x81, B("a"), 100000}}, "C:1009"},
    {"the largest length there is", {{0x81, B("a"), 1ULL << 62, HEAD_ONLY}}, "C:1009"},
    {"text that is Chinese", {{0x81, B("\xe7\xba\xbf\xe7\xa8\x8b")}}, "T:\xe7\xba\xbf\xe7\xa8\x8b"},
    {"binary, agreed", {{0x82, B("hi")}}, "B:hi", true},
    {"binary that is not UTF-8", {{0x82, B("\xff")}}, "B:\xff", true},
    // the end of a line
    {"CR LF at the end", {{0x81, B("a\r\n")}}, "T:a"},
    {"LF at the end", {{0x81, B("a\n")}}, "T:a"},
    {"CR at the end", {{0x81, B("a\r")}}, "T:a"},
    {"CR LF only", {{0x81, B("\r\n")}}, "T:"},
    {"CR LF in pieces", {{0x01, B("a\r")}, {0x80, B("\n")}}, "T:a"},
    {"two ends of line", {{0x81, B("a\r\n\r\n")}}, "C:1007"},
    {"LF and CR", {{0x81, B("a\n\r")}}, "C:1007"},
    {"two lines in a message", {{0x81, B("NICK a\r\nQUIT")}}, "C:1007"},
    {"LF inside", {{0x81, B("a\nQUIT")}}, "C:1007"},
    {"CR inside", {{0x81, B("a\rQUIT")}}, "C:1007"},
    {"NUL inside", {{0x81, B("a\0b")}}, "C:1007"},
    {"NUL at the end", {{0x81, B("a\0")}}, "C:1007"},
    {"two lines in binary", {{0x82, B("a\r\nb")}}, "C:1007", true},
    {"one line after another message", {{0x81, B("x")}, {0x81, B("a\nb")}}, "T:x|C:1007"},
    // pieces
    {"a text in two pieces", {{0x01, B("hel")}, {0x80, B("lo")}}, "T:hello"},
    {"a text in five pieces",
     {{0x01, B("h")}, {0x00, B("e")}, {0x00, B("")}, {0x00, B("ll")}, {0x80, B("o")}},
     "T:hello"},
    {"empty pieces", {{0x01, B("")}, {0x00, B("")}, {0x80, B("")}, {0x81, B("x")}}, "T:|T:x"},
    {"a ping between pieces", {{0x01, B("a")}, {0x89, B("p")}, {0x80, B("b")}}, "O:p|T:ab"},
    {"a pong between pieces", {{0x01, B("a")}, {0x8A, B("p")}, {0x80, B("b")}}, "T:ab"},
    {"a close between pieces", {{0x01, B("a")}, {0x88, B("\x03\xe8")}}, "C:1000"},
    {"the largest in pieces",
     {{0x01, B("a"), 4000}, {0x80, B("b"), 4703}, {0x81, B("c")}},
     "T:too long|T:c"},
    {"too big in pieces", {{0x01, B("a"), 8703}, {0x80, B("b")}}, "C:1009"},
    {"a rest without a beginning", {{0x80, B("a")}}, "C:1002"},
    {"a rest that goes on without a beginning", {{0x00, B("a")}}, "C:1002"},
    {"a rest after a whole message", {{0x81, B("a")}, {0x80, B("b")}}, "T:a|C:1002"},
    {"a message within a message", {{0x01, B("a")}, {0x81, B("b")}}, "C:1002"},
    {"binary within a text", {{0x01, B("a")}, {0x82, B("b")}}, "C:1002"},
    // UTF-8
    {"a character in two pieces", {{0x01, B("\xe7\xba")}, {0x80, B("\xbf")}}, "T:\xe7\xba\xbf"},
    {"a character in four pieces",
     {{0x01, B("\xf0")}, {0x00, B("\x9f")}, {0x00, B("\x98")}, {0x80, B("\x80")}},
     "T:\xf0\x9f\x98\x80"},
    {"half a character at the end", {{0x81, B("a\xe7\xba")}}, "C:1007"},
    {"half a character, then a new text", {{0x81, B("\xe7")}, {0x81, B("\xba\xbf")}}, "C:1007"},
    {"a surrogate", {{0x81, B("\xed\xa0\x80")}}, "C:1007"},
    {"an overlong slash", {{0x81, B("\xc0\xaf")}}, "C:1007"},
    {"beyond Unicode", {{0x81, B("\xf4\x90\x80\x80")}}, "C:1007"},
    {"a surrogate in pieces", {{0x01, B("\xed")}, {0x80, B("\xa0\x80")}}, "C:1007"},
    // what was agreed
    {"binary where text was agreed", {{0x82, B("a")}}, "T:a"},
    {"text where binary was agreed", {{0x81, B("a")}}, "B:a", true},
    {"text that is not UTF-8 where binary was agreed", {{0x81, B("\xff")}}, "C:1007", true},
    {"binary in pieces", {{0x02, B("a")}, {0x80, B("b")}}, "T:ab"},
    {"each kind after the other", {{0x82, B("a")}, {0x81, B("b")}, {0x82, B("c")}}, "T:a|T:b|T:c"},
    // pings
    {"a ping", {{0x89, B("hello")}}, "O:hello"},
    {"an empty ping", {{0x89, B("")}}, "O:"},
    {"a ping of 125 bytes", {{0x89, B("p"), 125}}, "O:125"},
    {"a ping that is not UTF-8", {{0x89, B("\xff")}}, "O:\xff"},
    {"two pings", {{0x89, B("1")}, {0x89, B("2")}}, "O:1|O:2"},
    {"a pong that nobody asked for", {{0x8A, B("x")}, {0x81, B("a")}}, "T:a"},
    {"a ping of 126 bytes", {{0x89, B("p"), 126}}, "C:1002"},
    {"a pong of 126 bytes", {{0x8A, B("p"), 126}}, "C:1002"},
    {"a ping in pieces", {{0x09, B("p")}, {0x80, B("q")}}, "C:1002"},
    {"a pong in pieces", {{0x0A, B("p")}, {0x80, B("q")}}, "C:1002"},
    // closing
    {"a close", {{0x88, B("\x03\xe8")}}, "C:1000"},
    {"a close with a reason",
     {{0x88, B("\x03\xe8"
               "bye")}},
     "C:1000"},
    {"a close without a code", {{0x88, B("")}}, "C:0"},
    {"a close, going away", {{0x88, B("\x03\xe9")}}, "C:1001"},
    {"a close of an application", {{0x88, B("\x0b\xb8")}, {0x81, B("x")}}, "C:3000"},
    {"a close with the highest code", {{0x88, B("\x13\x87")}}, "C:4999"},
    {"a text after a close", {{0x88, B("\x03\xe8")}, {0x81, B("x")}}, "C:1000"},
    {"a ping after a close", {{0x88, B("\x03\xe8")}, {0x89, B("x")}}, "C:1000"},
    {"two closes", {{0x88, B("\x03\xe8")}, {0x88, B("\x03\xe9")}}, "C:1000"},
    {"a close with half a code", {{0x88, B("\x03")}}, "C:1002"},
    {"a close with 999", {{0x88, B("\x03\xe7")}}, "C:1002"},
    {"a close with 1004", {{0x88, B("\x03\xec")}}, "C:1002"},
    {"a close with 1005", {{0x88, B("\x03\xed")}}, "C:1002"},
    {"a close with 1006", {{0x88, B("\x03\xee")}}, "C:1002"},
    {"a close with 1015", {{0x88, B("\x03\xf7")}}, "C:1002"},
    {"a close with 2999", {{0x88, B("\x0b\xb7")}}, "C:1002"},
    {"a close with 5000", {{0x88, B("\x13\x88")}}, "C:1002"},
    {"a close with 0", {{0x88, B("\0\0")}}, "C:1002"},
    {"a close with a reason that is not UTF-8", {{0x88, B("\x03\xe8\xff")}}, "C:1007"},
    {"a close of 126 bytes", {{0x88, B("\x03\xe8"), 63}}, "C:1002"},
    {"a close in pieces", {{0x08, B("\x03\xe8")}}, "C:1002"},
    {"our close, and the client's", {{0x81, B("close")}, {0x88, B("\x03\xe8")}}, "C:1000"},
    {"our close is the last frame", {{0x81, B("close")}, {0x89, B("p")}, {0x81, B("x")}}, "C:1000"},
    {"our close, then garbage", {{0x81, B("close")}, {0x80, B("x")}}, "C:1000"},
    // heads
    {"no mask", {{0x81, B("a"), 1, UNMASKED}}, "C:1002"},
    {"no mask, of an empty text", {{0x81, B(""), 1, UNMASKED}}, "C:1002"},
    {"no mask, of a ping", {{0x89, B("a"), 1, UNMASKED}}, "C:1002"},
    {"no mask, of a close", {{0x88, B("\x03\xe8"), 1, UNMASKED}}, "C:1002"},
    {"the first reserved bit", {{0xC1, B("a")}}, "C:1002"},
    {"the second reserved bit", {{0xA1, B("a")}}, "C:1002"},
    {"the third reserved bit", {{0x91, B("a")}}, "C:1002"},
    {"a reserved bit of a ping", {{0xC9, B("a")}}, "C:1002"},
    {"a reserved bit of a rest", {{0x01, B("a")}, {0xC0, B("b")}}, "C:1002"},
    {"opcode 3", {{0x83, B("a")}}, "C:1002"},
    {"opcode 7", {{0x87, B("a")}}, "C:1002"},
    {"opcode 11", {{0x8B, B("a")}}, "C:1002"},
    {"opcode 15", {{0x8F, B("a")}}, "C:1002"},
    {"a short length in two bytes", {{0x81, B("a"), 1, LONG_16}}, "C:1002"},
    {"a short length in eight bytes", {{0x81, B("a"), 1, LONG_64}}, "C:1002"},
    {"a length of two bytes in eight", {{0x81, B("a"), 300, LONG_64}}, "C:1002"},
    {"a ping's length in two bytes", {{0x89, B("a"), 1, LONG_16}}, "C:1002"},
    {"a length with its highest bit", {{0x81, B("a"), 1, HIGHEST_BIT}}, "C:1002"},
    {"half a head", {{0x81, B("a"), 300, HEAD_ONLY}}, ""},
    {"nothing", {{0}}, ""},
};
WEFT_QUIET_END_

// The largest row is sent whole; of its places only some are cut.
static char sent[FRAMES_MAX];

static size_t put_row(const struct row *row)
{
    size_t n = 0;
    for (const struct piece *p = row->pieces; p < row->pieces + PIECES && p->payload.at; p++)
        n += put_piece(sent + n, p);
    return n;
}

// ---- a wire without a door ------------------------------------------------------------------

struct ours {
    weft_conn *conn;
    bool binary;
    size_t early; // bytes of `sent` that are there at the beginning
};

// The rest of the stream is read, so that what was answered is not overtaken by a reset.
static int echo_to_the_end(const struct ours *o, int *ended)
{
    struct websocket ws;
    char waste[4096];
    int rc = websocket_open(&ws, o->conn, o->binary, sent, o->early);
    if (rc < 0)
        return rc;
    *ended = echo_lines(&ws.wire);
    websocket_release(&ws);
    rc = weft_shutdown(o->conn, WEFT_FOREVER);
    while (rc == 0 && weft_read(o->conn, waste, sizeof waste, WEFT_FOREVER) > 0)
        continue;
    return rc;
}
WEFT_TASK(echo_to_the_end, struct ours, int);

static int expected_end(const struct row *row)
{
    static const char *const refusals[] = {"C:1002", "C:1007", "C:1009"};
    for (size_t i = 0; i < COUNT(refusals); i++)
        if (strstr(row->reply, refusals[i]))
            return -EPROTO;
    return strstr(row->name, "garbage") ? -EPROTO : -EPIPE;
}

static void send_rest(int fd, const char *bytes, size_t size, bool dripping)
{
    const int on = 1;
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    for (size_t n = 0; n < size; n += dripping ? 1 : size)
        raw_send(fd, bytes + n, dripping ? 1 : size);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
}

static void check_row(const struct row *row, size_t size, size_t early, bool dripping)
{
    struct link link = link_up();
    struct ours ours = {link.ours, row->binary, early};
    char told[256];
    int ended = 0;
    weft_future *f = weft_start(WEFT_THREADS, echo_to_the_end, &ours);
    assert_non_null(f);
    send_rest(link.peer, sent + early, size - early, dripping);
    tell_frames(received, receive_all(link.peer), told, sizeof told);
    assert_int_equal(weft_join_as(&f, echo_to_the_end, &ended), 0);
    if (strcmp(told, row->reply) != 0 || ended != expected_end(row))
        fail_msg("%s, %zu early%s: \"%s\" and %d, not \"%s\"", row->name, early,
                 dripping ? ", dripping" : "", told, ended, row->reply);
    link_down(&link);
}

static void each_case_in_one_piece(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check_row(&rows[i], put_row(&rows[i]), 0, false);
}

static void each_case_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t size = put_row(&rows[i]);
        if (size < 20000)
            check_row(&rows[i], size, 0, true);
    }
}

// What is early is a first read: so this cuts for certain, where the network might not.
static void each_case_cut_at_each_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t size = put_row(&rows[i]);
        size_t last = size < WEBSOCKET_LINE_MAX ? size : WEBSOCKET_LINE_MAX;
        for (size_t early = 1; early <= last; early += size > 300 && early > 20 ? 499 : 1)
            check_row(&rows[i], size, early, false);
    }
}

// ---- a wire in our hands --------------------------------------------------------------------

struct open_wire {
    struct link link;
    struct websocket ws;
    struct wire *w;
};

static void wire_up(struct open_wire *o, bool binary)
{
    o->link = link_up();
    assert_int_equal(websocket_open(&o->ws, o->link.ours, binary, NULL, 0), 0);
    o->w = &o->ws.wire;
}

static void wire_down(struct open_wire *o)
{
    websocket_release(&o->ws);
    link_down(&o->link);
}

static void client_says(struct open_wire *o, int first, struct bytes payload)
{
    char frame[1024];
    raw_send(o->link.peer, frame, put_piece(frame, &(struct piece){first, payload, 1, PLAIN}));
}

// What came to the client, which takes no more.
static void assert_told(struct open_wire *o, const char *expected)
{
    char told[4096];
    assert_int_equal(weft_shutdown(o->w->conn, much_later()), 0);
    tell_frames(received, receive_all(o->link.peer), told, sizeof told);
    assert_string_equal(told, expected);
}

static void an_idle_wire_holds_no_memory(void **state)
{
    (void)state;
    struct open_wire o;
    char line[64];
    wire_up(&o, false);
    assert_true(sizeof o.ws <= 64);
    assert_int_equal(o.w->ops->wait(o.w, WEFT_POLL), -ETIMEDOUT);
    assert_null(o.ws.input);
    client_says(&o, 0x81, (struct bytes)B("a"));
    assert_int_equal(o.w->ops->wait(o.w, much_later()), 0);
    assert_null(o.ws.input);
    assert_int_equal(o.w->ops->read(o.w, line, sizeof line, much_later()), 1);
    assert_null(o.ws.input);
    assert_int_equal(o.w->ops->read(o.w, line, sizeof line, WEFT_POLL), -ETIMEDOUT);
    assert_null(o.ws.input);
    wire_down(&o);
}

static void half_a_message_is_kept_while_the_reader_is_away(void **state)
{
    (void)state;
    struct open_wire o;
    char line[64];
    wire_up(&o, false);
    client_says(&o, 0x01, (struct bytes)B("hel"));
    assert_int_equal(o.w->ops->wait(o.w, much_later()), 0);
    assert_int_equal(o.w->ops->read(o.w, line, sizeof line, WEFT_POLL), -ETIMEDOUT);
    assert_int_equal(o.w->ops->wait(o.w, WEFT_POLL), -ETIMEDOUT);
    client_says(&o, 0x80, (struct bytes)B("lo"));
    assert_int_equal(o.w->ops->wait(o.w, much_later()), 0);
    assert_int_equal(o.w->ops->read(o.w, line, sizeof line, much_later()), 5);
    assert_string_equal(line, "hello");
    wire_down(&o);
}

static void what_came_together_is_there_without_a_wait(void **state)
{
    (void)state;
    struct open_wire o;
    char line[64];
    size_t n = put_piece(sent, &(struct piece){0x81, B("one"), 1, PLAIN});
    n += put_piece(sent + n, &(struct piece){0x81, B("two"), 1, PLAIN});
    wire_up(&o, false);
    assert_int_equal(websocket_open(&o.ws, o.link.ours, false, sent, n), 0);
    assert_int_equal(o.w->ops->wait(o.w, WEFT_POLL), 0);
    assert_int_equal(o.w->ops->read(o.w, line, sizeof line, WEFT_POLL), 3);
    assert_string_equal(line, "one");
    assert_int_equal(o.w->ops->wait(o.w, WEFT_POLL), 0);
    assert_int_equal(o.w->ops->read(o.w, line, sizeof line, WEFT_POLL), 3);
    assert_string_equal(line, "two");
    assert_int_equal(o.w->ops->wait(o.w, WEFT_POLL), -ETIMEDOUT);
    wire_down(&o);
}

static void the_end_is_the_end_again_and_again(void **state)
{
    (void)state;
    struct open_wire o;
    char line[64];
    wire_up(&o, false);
    client_says(&o, 0x88, (struct bytes)B("\x03\xe8"));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(o.w->ops->wait(o.w, much_later()), 0);
        assert_int_equal(o.w->ops->read(o.w, line, sizeof line, much_later()), -EPIPE);
    }
    assert_int_equal(o.w->ops->post(o.w, "x\r\n", 3), -EPIPE);
    assert_told(&o, "C:1000");
    wire_down(&o);
}

static void the_stream_ends_without_a_close(void **state)
{
    (void)state;
    struct open_wire o;
    char line[64];
    wire_up(&o, false);
    assert_int_equal(shutdown(o.link.peer, SHUT_WR), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(o.w->ops->read(o.w, line, sizeof line, much_later()), -EPIPE);
    wire_down(&o);
}

static void a_batch_of_lines_is_a_frame_each(void **state)
{
    (void)state;
    struct open_wire o;
    static const char lines[] = "one\r\n\r\n:a PRIVMSG #b :three\r\nfour\nnot a line";
    wire_up(&o, false);
    assert_int_equal(o.w->ops->post(o.w, lines, sizeof lines - 1), 0);
    assert_int_equal(o.w->ops->post(o.w, "", 0), 0);
    assert_told(&o, "T:one|T:|T::a PRIVMSG #b :three|T:four");
    wire_down(&o);
}

static void lines_of_all_sizes_are_framed(void **state)
{
    (void)state;
    static const size_t sizes[] = {101, 125, 126, 127, 509, 510, 511, 8701, 8703, 65535};
    static char lines[128 * 1024];
    struct open_wire o;
    char expected[256] = "";
    size_t n = 0, told = 0;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        memset(lines + n, 'a', sizes[i]);
        memcpy(lines + n + sizes[i], "\r\n", 2);
        n += sizes[i] + 2;
        told += (size_t)snprintf(expected + told, sizeof expected - told, "%sB:%zu",
                                 told > 0 ? "|" : "", sizes[i]);
    }
    wire_up(&o, true);
    assert_int_equal(o.w->ops->post(o.w, lines, n), 0);
    assert_told(&o, expected);
    wire_down(&o);
}

static void who_does_not_read_is_told_from_who_does(void **state)
{
    (void)state;
    struct open_wire o;
    char line[500];
    int rc;
    memset(line, 'a', sizeof line);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    wire_up(&o, false);
    weft_post_limit(o.w->conn, 4096);
    do
        rc = o.w->ops->post(o.w, line, sizeof line);
    while (rc == 0);
    assert_int_equal(rc, -ENOBUFS);
    o.w->ops->close(o.w, "too slow"); // there is no room for it: no harm
    assert_int_equal(o.w->ops->post(o.w, line, sizeof line), -EPIPE);
    wire_down(&o);
}

static void a_goodbye_is_said_once(void **state)
{
    (void)state;
    struct open_wire o;
    wire_up(&o, false);
    o.w->ops->close(o.w, NULL);
    o.w->ops->close(o.w, "again");
    assert_told(&o, "C:1000");
    wire_down(&o);
}

static void a_long_reason_is_cut_between_characters(void **state)
{
    (void)state;
    struct open_wire o;
    char reason[200] = "a";
    while (strlen(reason) + 4 < sizeof reason)
        strcat(reason, "\xe7\xba\xbf"); // 1 + 3 * 40 is 121, 124 would be too many
    wire_up(&o, false);
    o.w->ops->close(o.w, reason);
    assert_int_equal(weft_shutdown(o.w->conn, much_later()), 0);
    assert_int_equal(receive_all(o.link.peer), 2 + 2 + 121);
    assert_int_equal(received[1], 2 + 121);
    assert_memory_equal(received + 4, reason, 121);
    wire_down(&o);
}

// ---- bytes ----------------------------------------------------------------------------------

static void a_mask_is_put_on_and_taken_off(void **state)
{
    (void)state;
    static const unsigned char mask[4] = {1, 2, 4, 8};
    for (size_t size = 0; size < 40; size++) {
        unsigned char bytes[40];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (unsigned char)i;
        frame_mask(bytes, size, mask);
        for (size_t i = 0; i < sizeof bytes; i++)
            assert_int_equal(bytes[i], i < size ? i ^ mask[i % 4] : i);
    }
}

static void frames_of_lines_never_need_more_than_their_bound(void **state)
{
    (void)state;
    static char lines[70000];
    static unsigned char out[2 * sizeof lines + FRAME_HEAD_MAX];
    for (size_t size = 0; size < sizeof lines; size = size * 3 / 2 + 1) {
        memset(lines, '\n', size); // the worst: each byte becomes two
        assert_true(frame_lines(out, FRAME_TEXT, lines, size) <= frame_lines_max(size));
        memset(lines, 'a', size);
        lines[size > 0 ? size - 1 : 0] = '\n';
        assert_true(frame_lines(out, FRAME_TEXT, lines, size) <= frame_lines_max(size));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_in_one_piece),
        cmocka_unit_test(each_case_byte_by_byte),
        cmocka_unit_test(each_case_cut_at_each_place),
        cmocka_unit_test(an_idle_wire_holds_no_memory),
        cmocka_unit_test(half_a_message_is_kept_while_the_reader_is_away),
        cmocka_unit_test(what_came_together_is_there_without_a_wait),
        cmocka_unit_test(the_end_is_the_end_again_and_again),
        cmocka_unit_test(the_stream_ends_without_a_close),
        cmocka_unit_test(a_batch_of_lines_is_a_frame_each),
        cmocka_unit_test(lines_of_all_sizes_are_framed),
        cmocka_unit_test(who_does_not_read_is_told_from_who_does),
        cmocka_unit_test(a_goodbye_is_said_once),
        cmocka_unit_test(a_long_reason_is_cut_between_characters),
        cmocka_unit_test(a_mask_is_put_on_and_taken_off),
        cmocka_unit_test(frames_of_lines_never_need_more_than_their_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
