// SPDX-License-Identifier: MIT
// chat_handshake_test.c - from a request to a WebSocket, and the first and the last frames on it.
#include "web_helpers.h"

// ---- handshakes -----------------------------------------------------------------------------

#define LINE_GET "GET /ws HTTP/1.1\r\n"
#define LINE_HOST "Host: localhost\r\n"
#define LINE_UP "Upgrade: websocket\r\n"
#define LINE_CONN "Connection: Upgrade\r\n"
#define LINE_KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define LINE_13 "Sec-WebSocket-Version: 13\r\n"
#define KEYED(key) LINE_GET LINE_HOST LINE_UP LINE_CONN LINE_13 "Sec-WebSocket-Key: " key "\r\n\r\n"
#define OFFER(list) UPGRADE_TO("/ws") "Sec-WebSocket-Protocol: " list "\r\n\r\n"

static const struct row {
    const char *request;
    int status;
    const char *contains; // in head or body
} handshakes[] = {
    // RFC 6455, section 1.3
    {UPGRADE_TO("/ws") "\r\n", 101, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"},
    {UPGRADE_TO("/") "\r\n", 101, "\r\nUpgrade: websocket\r\n"},
    {UPGRADE_TO("/?x") "\r\n", 101, "\r\nConnection: Upgrade\r\n"},
    {LINE_GET LINE_HOST "UPGRADE: WebSocket\r\nCONNECTION: keep-alive, UPGRADE\r\n" LINE_KEY LINE_13
                        "\r\n",
     101, NULL},
    {LINE_GET LINE_HOST "Upgrade: h2c, websocket\r\n" LINE_CONN LINE_KEY LINE_13 "\r\n", 101, NULL},
    {UPGRADE_TO("/ws") "Origin: http://localhost\r\n\r\n", 101, NULL},
    {UPGRADE_TO("/ws") "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", 101, NULL},
    // protocols
    {OFFER("text.ircv3.net"), 101, "\r\nSec-WebSocket-Protocol: text.ircv3.net\r\n"},
    {OFFER("binary.ircv3.net"), 101, "\r\nSec-WebSocket-Protocol: binary.ircv3.net\r\n"},
    {OFFER("x, binary.ircv3.net,text.ircv3.net"), 101,
     "\r\nSec-WebSocket-Protocol: binary.ircv3.net\r\n"},
    {OFFER("x\r\nSec-WebSocket-Protocol: text.ircv3.net"), 101,
     "\r\nSec-WebSocket-Protocol: text.ircv3.net\r\n"},
    // refused
    {LINE_GET LINE_HOST LINE_UP LINE_KEY LINE_13 "\r\n", 400, "Connection: Upgrade"},
    {LINE_GET LINE_HOST LINE_UP "Connection: close\r\n" LINE_KEY LINE_13 "\r\n", 400, NULL},
    {LINE_GET LINE_HOST LINE_CONN LINE_KEY LINE_13 "\r\n", 426, NULL},
    {LINE_GET LINE_HOST "Upgrade: websockets\r\n" LINE_CONN LINE_KEY LINE_13 "\r\n", 426, NULL},
    {LINE_GET LINE_HOST LINE_UP LINE_CONN LINE_KEY "\r\n", 426,
     "\r\nSec-WebSocket-Version: 13\r\n"},
    {LINE_GET LINE_HOST LINE_UP LINE_CONN LINE_KEY "Sec-WebSocket-Version: 8\r\n\r\n", 426,
     "\r\nSec-WebSocket-Version: 13\r\n"},
    {LINE_GET LINE_HOST LINE_UP LINE_CONN LINE_KEY "Sec-WebSocket-Version: 13, 8\r\n\r\n", 426,
     NULL},
    {LINE_GET LINE_HOST LINE_UP LINE_CONN LINE_KEY LINE_13 LINE_13 "\r\n", 400, NULL},
    {LINE_GET LINE_HOST LINE_UP LINE_CONN LINE_13 "\r\n", 400, "Sec-WebSocket-Key"},
    {LINE_GET LINE_HOST LINE_UP LINE_CONN LINE_13 LINE_KEY LINE_KEY "\r\n", 400, NULL},
    {KEYED(""), 400, NULL},
    {KEYED("dGhlIHNhbXBsZSBub25jZQ"), 400, NULL},   // without its padding
    {KEYED("dGhlIHNhbXBsZSBub25jZR=="), 400, NULL}, // bits that do not count
    {KEYED("dGhlIHNhbXBsZSBub25jZT09"), 400, NULL}, // 18 bytes
    {KEYED("dGhlIHNhbXBsZSBub25j"), 400, NULL},     // 15 bytes
    {KEYED("dGhlIHNhbXBs-SBub25jZQ=="), 400, NULL}, // another alphabet
    {KEYED("dGhlIHNhbXBsZSBub25jZQ== x"), 400, NULL},
    {"HEAD /ws HTTP/1.1\r\n" LINE_HOST LINE_UP LINE_CONN LINE_KEY LINE_13 "\r\n", 400, NULL},
    {"POST /ws HTTP/1.1\r\n" LINE_HOST LINE_UP LINE_CONN LINE_KEY LINE_13 "\r\n", 405, NULL},
    {"GET /ws HTTP/1.0\r\n" LINE_HOST LINE_UP LINE_CONN LINE_KEY LINE_13 "\r\n", 400, NULL},
    {UPGRADE_TO("/none") "\r\n", 404, NULL},
    {UPGRADE_TO("/healthz") "\r\n", 200, NULL}, // no row for WebSocket: it may be ignored
    {UPGRADE_TO("/ws") "Origin: http://evil.example\r\n\r\n", 403, "Origin"},
    {UPGRADE_TO("/ws") "Origin: null\r\n\r\n", 403, "Origin"},
    {UPGRADE_TO("/ws") "Origin: http://localhost:81\r\n\r\n", 403, "Origin"},
    {UPGRADE_TO("/ws") "Content-Length: 4\r\n\r\nabcd", 400, NULL},
    {LINE_GET "Host: evil.example\r\n" LINE_UP LINE_CONN LINE_KEY LINE_13 "\r\n", 403, "Host"},
};

static void check_handshake(struct door *d, const struct row *row, bool dripping)
{
    int before = atomic_load(&d->websockets);
    exchange(d, row->request, strlen(row->request), dripping);
    if (status_of(received) != row->status || (row->contains && !strstr(received, row->contains)))
        fail_msg("%s: %s", row->request, received);
    assert_int_equal(atomic_load(&d->websockets) - before, row->status == 101);
}

static void a_handshake_is_made_or_refused(void **state)
{
    (void)state;
    static struct door d;
    door_open(&d);
    for (size_t i = 0; i < COUNT(handshakes); i++)
        for (int dripping = 0; dripping < 2; dripping++)
            check_handshake(&d, &handshakes[i], dripping);
    door_close(&d);
}

static void a_protocol_that_is_not_ours_is_not_named(void **state)
{
    (void)state;
    static const char *const requests[] = {
        UPGRADE_TO("/ws") "\r\n", OFFER("soap, text.ircv3.net.evil"), OFFER(","),
        OFFER("Text.IRCv3.net"),
        UPGRADE_TO("/ws") "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"};
    static struct door d;
    door_open(&d);
    for (size_t i = 0; i < COUNT(requests); i++) {
        exchange(&d, requests[i], strlen(requests[i]), false);
        assert_int_equal(status_of(received), 101);
        assert_null(strstr(received, "Sec-WebSocket-Protocol"));
        assert_null(strstr(received, "Sec-WebSocket-Extensions"));
    }
    door_close(&d);
}

// ---- through the door -----------------------------------------------------------------------

static char conversation[64 * 1024];

// A handshake with a few frames behind it, at once; what the server's frames say.
static void converse(struct door *d, const char *handshake, const struct piece *pieces,
                     bool dripping, char *told, size_t cap)
{
    size_t n = (size_t)snprintf(conversation, sizeof conversation, "%s", handshake);
    for (; pieces->payload.at; pieces++)
        n += put_piece(conversation + n, pieces);
    size_t size = exchange(d, conversation, n, dripping);
    assert_int_equal(status_of(received), 101);
    const char *frames = read_answer(received, false).next;
    tell_frames(frames, size - (size_t)(frames - received), told, cap);
}

static void frames_may_come_with_the_handshake(void **state)
{
    (void)state;
    static const struct piece hello[] = {{0x81, B("hello"), 1, PLAIN},
                                         {0x81, B("a"), 599, PLAIN},
                                         {0x88, B("\x03\xe8"), 1, PLAIN},
                                         {0, {NULL, 0}, 0, PLAIN}};
    static struct door d;
    char told[256];
    door_open(&d);
    for (int dripping = 0; dripping < 2; dripping++) {
        converse(&d, UPGRADE_TO("/") "\r\n", hello, dripping, told, sizeof told);
        assert_string_equal(told, "T:hello|T:599|C:1000");
    }
    door_close(&d);
    assert_int_equal(atomic_load(&d.last), -EPIPE);
}

static void much_may_come_with_the_handshake(void **state)
{
    (void)state;
    struct piece many[65] = {{0, {NULL, 0}, 0, PLAIN}};
    static struct door d;
    char told[1024], expected[1024] = "";
    for (int i = 0; i < 64; i++) {
        many[i] = (struct piece){0x81, B("a"), 590, PLAIN};
        strcat(expected, i > 0 ? "|T:590" : "T:590");
    }
    door_open(&d);
    converse(&d, UPGRADE_TO("/ws") "\r\n", many, false, told, sizeof told);
    assert_string_equal(told, expected);
    door_close(&d);
}

static void the_protocol_decides_the_kind_of_messages(void **state)
{
    (void)state;
    static const struct piece hello[] = {{0x82, B("hello"), 1, PLAIN}, {0, {NULL, 0}, 0, PLAIN}};
    static struct door d;
    char told[64];
    door_open(&d);
    converse(&d, OFFER("binary.ircv3.net"), hello, false, told, sizeof told);
    assert_string_equal(told, "B:hello");
    converse(&d, OFFER("other"), hello, false, told, sizeof told);
    assert_string_equal(told, "T:hello");
    door_close(&d);
}

// The refusal must arrive though the client sends on: no reset may overtake it.
static void a_refusal_arrives_while_the_client_still_sends(void **state)
{
    (void)state;
    static const struct piece wrong[] = {
        {0x81, B("a"), 1, UNMASKED}, {0x81, B("a"), 50000, PLAIN}, {0, {NULL, 0}, 0, PLAIN}};
    static struct door d;
    char told[64];
    door_open(&d);
    for (int i = 0; i < 20; i++) {
        converse(&d, UPGRADE_TO("/ws") "\r\n", wrong, false, told, sizeof told);
        assert_string_equal(told, "C:1002");
    }
    door_close(&d);
}

// Had we closed at once, what the client sends after our end of stream would be answered by a
// reset, which makes its system forget what it has not read yet.
static void who_still_sends_after_the_last_answer_is_not_reset(void **state)
{
    (void)state;
    static const char *const lasts[] = {
        "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /healthz HTTP/1.0\r\n\r\n",
        UPGRADE_TO("/ws") "\r\n\x81\x01" // no mask
    };
    static struct door d;
    door_make(&d);
    d.site.linger_ms = 600 * 1000;
    door_start(&d);
    for (size_t i = 0; i < COUNT(lasts); i++) {
        int fd = door_connect(&d);
        raw_say(fd, lasts[i]);
        assert_true(receive_all(fd) > 0);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(send(fd, "more", 4, MSG_NOSIGNAL), 4);
            nap_ms(1); // for a reset to come, if there is one
        }
        assert_int_equal(recv(fd, received, 1, 0), 0); // still the end, and no error
        close(fd);
    }
    door_close(&d);
}

static void who_sends_without_end_is_left_all_the_same(void **state)
{
    (void)state;
    static char much[65536];
    static struct door d;
    door_make(&d);
    d.site.linger_ms = 600 * 1000;
    door_start(&d);
    int fd = door_connect(&d);
    raw_say(fd, "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    while (send(fd, much, sizeof much, MSG_NOSIGNAL) > 0)
        continue; // until it is reset
    close(fd);
    door_close(&d);
}

static void a_request_may_come_before_the_upgrade(void **state)
{
    (void)state;
    static struct door d;
    const char *both = GET("/healthz") UPGRADE_TO("/ws") "\r\n";
    door_open(&d);
    exchange(&d, both, strlen(both), false);
    struct told first = read_answer(received, true);
    assert_int_equal(first.status, 200);
    assert_int_equal(status_of(first.next), 101);
    door_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        door_test(a_handshake_is_made_or_refused),
        door_test(a_protocol_that_is_not_ours_is_not_named),
        door_test(frames_may_come_with_the_handshake),
        door_test(much_may_come_with_the_handshake),
        door_test(the_protocol_decides_the_kind_of_messages),
        door_test(a_refusal_arrives_while_the_client_still_sends),
        door_test(who_still_sends_after_the_last_answer_is_not_reset),
        door_test(who_sends_without_end_is_left_all_the_same),
        door_test(a_request_may_come_before_the_upgrade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
