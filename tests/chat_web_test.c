// SPDX-License-Identifier: MIT
// chat_web_test.c - the web door over real sockets: answers, refusals, handshakes, slow clients.
#include "web_helpers.h"

#include "chat/web/page.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

// ---- answers, taken apart -------------------------------------------------------------------

struct told {
    int status;
    const char *body;
    size_t size;      // of the body, as the head says
    const char *next; // behind the body
};

// The answer at `at`, whose head ends within `received`.
static struct told read_answer(const char *at, bool has_body)
{
    struct told t = {.status = status_of(at)};
    const char *end = strstr(at, "\r\n\r\n");
    const char *length = strstr(at, "\r\nContent-Length: ");
    if (t.status < 0 || !end)
        fail_msg("no answer: %.60s", at);
    t.body = t.next = end + 4;
    if (t.status == 101)
        return t;
    assert_true(length && length < end);
    t.size = strtoul(length + strlen("\r\nContent-Length: "), NULL, 10);
    t.next += has_body ? t.size : 0;
    return t;
}

static bool has_field(const char *answer, const char *line)
{
    const char *end = strstr(answer, "\r\n\r\n");
    const char *at = strstr(answer, line);
    return at && end && at < end;
}

static const char *const everywhere[] = {
    "\r\nX-Content-Type-Options: nosniff\r\n",
    "\r\nReferrer-Policy: no-referrer\r\n",
    "\r\nCache-Control: no-store\r\n",
    "\r\nDate: ",
    "\r\nContent-Security-Policy: default-src 'none'",
    "frame-ancestors 'none'\r\n",
};

static void assert_guarded(const char *answer)
{
    for (size_t i = 0; i < COUNT(everywhere); i++)
        if (!has_field(answer, everywhere[i]) && !strstr(everywhere[i], "frame-ancestors"))
            fail_msg("%s is missing in %s", everywhere[i], answer);
    assert_true(has_field(answer, "frame-ancestors 'none'"));
}

// ---- one request ----------------------------------------------------------------------------

static const struct row {
    const char *request;
    int status;
    const char *contains; // in head or body
} rows[] = {
    {GET("/"), 200, "<!doctype html>"},
    {GET("/?from=somewhere"), 200, "<!doctype html>"},
    {GET("/"), 200, "script-src 'sha256-"},
    {GET("/"), 200, "connect-src 'self'"},
    {GET("/"), 200, "\r\nContent-Type: text/html; charset=utf-8\r\n"},
    {GET("/healthz"), 200, "\r\n\r\nwell\n"},
    {GET("/metrics"), 200, "websockets 0\n"},
    {GET("/metrics"), 200, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"},
    {GET("/ws"), 426, "\r\nSec-WebSocket-Version: 13\r\n"},
    {GET("/none"), 404, "nothing here"},
    {GET("/healthz/"), 404, NULL},
    {GET("//"), 404, NULL},
    {GET("/index.html"), 404, NULL},
    // out of the table there is no way
    {GET("/../etc/passwd"), 404, NULL},
    {GET("/../../../../etc/passwd"), 404, NULL},
    {GET("/%2e%2e/%2e%2e/etc/passwd"), 404, NULL},
    {GET("/..%2f..%2fetc%2fpasswd"), 404, NULL},
    {GET("/..%5c..%5cboot.ini"), 404, NULL},
    {GET("/%252e%252e/etc/passwd"), 404, NULL},
    {GET("/./healthz"), 404, NULL},
    {GET("/x/../healthz"), 404, NULL},
    {GET("file:///etc/passwd"), 400, NULL},
    {GET("/etc/passwd%00.html"), 400, NULL},
    // the other forms
    {GET("http://localhost/healthz"), 200, "well"},
    {GET("/%68ealthz"), 200, "well"},
    {"GET /healthz HTTP/1.0\r\n\r\n", 200, "\r\nConnection: close\r\n"},
    {"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n", 200, "text/html"},
    {"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 200,
     "\r\nConnection: close\r\n"},
    {"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 200, NULL},
    // refused
    {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", 405,
     "\r\nAllow: GET, HEAD\r\n"},
    {"GET / HTTP/1.1\r\n\r\n", 400, "\r\nConnection: close\r\n"},
    {"GET / HTTP/1.1\nHost: localhost\n\n", 400, "CR LF"},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/1.1 is spoken here"},
    {"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403, "Host"},
    {"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n", 403, "Origin"},
    {"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n", 403, "Origin"},
    {"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\r\n", 200, NULL},
    {"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 400, NULL},
    {"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, NULL},
};

static void check_request(struct door *d, const struct row *row, bool dripping)
{
    size_t size = exchange(d, row->request, strlen(row->request), dripping);
    struct told t = read_answer(received, strncmp(row->request, "HEAD", 4) != 0);
    if (t.status != row->status || (row->contains && !strstr(received, row->contains)))
        fail_msg("%s: %s", row->request, received);
    assert_guarded(received);
    assert_ptr_equal(t.next, received + size); // nothing more
}

static void each_request_has_its_answer(void **state)
{
    (void)state;
    struct door d;
    door_open(&d);
    for (size_t i = 0; i < COUNT(rows); i++)
        check_request(&d, &rows[i], false);
    door_close(&d);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    (void)state;
    struct door d;
    door_open(&d);
    for (size_t i = 0; i < COUNT(rows); i++)
        check_request(&d, &rows[i], true);
    door_close(&d);
}

static void the_page_is_the_file(void **state)
{
    (void)state;
    struct door d;
    door_open(&d);
    exchange(&d, GET("/"), strlen(GET("/")), false);
    struct told t = read_answer(received, true);
    assert_int_equal(t.size, web_page_size);
    assert_memory_equal(t.body, web_page, web_page_size);
    door_close(&d);
}

static void a_head_tells_the_length_and_has_no_body(void **state)
{
    (void)state;
    struct door d;
    const char *head = "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    door_open(&d);
    size_t size = exchange(&d, head, strlen(head), false);
    struct told t = read_answer(received, false);
    assert_int_equal(t.size, web_page_size);
    assert_ptr_equal(t.body, received + size);
    door_close(&d);
}

// ---- several requests -----------------------------------------------------------------------

static void requests_sent_together_are_answered_in_order(void **state)
{
    (void)state;
    struct door d;
    char requests[20000] = "";
    enum { TIMES = 50 }; // more than is read at once
    for (int i = 0; i < TIMES; i++)
        strcat(requests, GET("/healthz") "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n" GET("/none"));
    door_open(&d);
    for (int dripping = 0; dripping < 2; dripping++) {
        size_t size = exchange(&d, requests, strlen(requests), dripping);
        const char *at = received;
        for (int i = 0; i < TIMES; i++) {
            static const int statuses[] = {200, 200, 404};
            for (int k = 0; k < 3; k++) {
                struct told t = read_answer(at, k != 1);
                assert_int_equal(t.status, statuses[k]);
                at = t.next;
            }
        }
        assert_ptr_equal(at, received + size);
    }
    door_close(&d);
}

static void after_close_nothing_is_answered(void **state)
{
    (void)state;
    static const char *const firsts[] = {
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\n\r\n",
    };
    struct door d;
    door_open(&d);
    for (size_t i = 0; i < COUNT(firsts); i++) {
        char both[512];
        snprintf(both, sizeof both, "%s%s", firsts[i], GET("/metrics"));
        size_t size = exchange(&d, both, strlen(both), false);
        struct told t = read_answer(received, true);
        assert_ptr_equal(t.next, received + size);
        assert_null(strstr(received, "websockets"));
    }
    door_close(&d);
}

static void a_client_that_has_gone_is_no_error(void **state)
{
    (void)state;
    struct door d;
    door_open(&d);
    assert_int_equal(exchange(&d, "", 0, false), 0);
    assert_int_equal(exchange(&d, "GET / HT", 8, false), 0); // in the middle
    door_close(&d);
    assert_int_equal(atomic_load(&d.last), 0);
}

// ---- limits ---------------------------------------------------------------------------------

static int status_of_much(struct door *d, const char *begin, size_t size)
{
    char *much = malloc(size);
    assert_non_null(much);
    memset(much, 'a', size);
    memcpy(much, begin, strlen(begin));
    exchange(d, much, size, false);
    free(much);
    return status_of(received);
}

static void too_much_is_refused_before_it_ends(void **state)
{
    (void)state;
    struct door d;
    door_open(&d);
    assert_int_equal(status_of_much(&d, "GET /", 5000), 414);
    assert_int_equal(status_of_much(&d, "GET /", 100000), 414);
    assert_int_equal(status_of_much(&d, "GET / HTTP/1.1\r\nHost: localhost\r\nX: ", 17000), 431);
    assert_int_equal(status_of_much(&d, "GET / HTTP/1.1\r\nHost: localhost\r\nX: ", 100000), 431);
    door_close(&d);
}

// The client says half of a request, or nothing, and waits; what it gets up to the end.
static size_t say_and_wait(struct door *d, const char *text)
{
    int fd = door_connect(d);
    raw_say(fd, text);
    size_t n = receive_all(fd);
    close(fd);
    return n;
}

static void a_head_that_does_not_come_is_waited_for_no_longer(void **state)
{
    (void)state;
    struct door d;
    door_make(&d);
    d.site.head_ms = 30;
    door_start(&d);
    assert_int_equal(say_and_wait(&d, ""), 0); // who said nothing gets no answer
    while (say_and_wait(&d, "GET / HTTP/1.1\r\nHost: loc") == 0)
        continue; // the test was late itself
    assert_int_equal(status_of(received), 408);
    assert_true(has_field(received, "\r\nConnection: close\r\n"));
    door_close(&d);
    assert_int_equal(atomic_load(&d.last), 0);
}

static void a_client_that_is_silent_after_an_answer_is_left(void **state)
{
    (void)state;
    struct door d;
    door_make(&d);
    d.site.idle_ms = 1;
    door_start(&d);
    say_and_wait(&d, GET("/none"));
    assert_int_equal(status_of(received), 404);
    assert_ptr_equal(read_answer(received, true).next, received + strlen(received));
    door_close(&d);
    assert_int_equal(atomic_load(&d.last), 0);
}

static void a_request_to_stop_is_no_late_head(void **state)
{
    (void)state;
    struct door d;
    door_open(&d);
    int fd = door_connect(&d);
    raw_say(fd, GET("/healthz"));
    assert_int_equal(raw_receive(fd, received, 12), 12); // it is in there, and waits for the next
    weft_cancel(d.server);
    receive_all(fd);
    close(fd);
    door_close(&d);
    assert_int_equal(atomic_load(&d.last), -ECANCELED);
}

// ---- what callbacks say ---------------------------------------------------------------------

static int say_ill(void *ctx, char **text)
{
    (void)ctx;
    *text = strdup("ill\n");
    return *text ? 503 : -ENOMEM;
}

static int say_nothing(void *ctx, char **text)
{
    (void)ctx;
    (void)text;
    return -ENOMEM;
}

static void a_callback_decides_the_status(void **state)
{
    (void)state;
    struct door d;
    door_make(&d);
    d.site.health = say_ill;
    d.site.metrics = say_nothing;
    door_start(&d);
    exchange(&d, GET("/healthz"), strlen(GET("/healthz")), false);
    assert_int_equal(status_of(received), 503);
    assert_non_null(strstr(received, "\r\n\r\nill\n"));
    exchange(&d, GET("/metrics"), strlen(GET("/metrics")), false);
    assert_int_equal(status_of(received), 500);
    door_close(&d);
}

static void without_a_callback_there_is_nothing(void **state)
{
    (void)state;
    struct door d;
    door_make(&d);
    d.site.metrics = NULL;
    door_start(&d);
    exchange(&d, GET("/metrics"), strlen(GET("/metrics")), false);
    assert_int_equal(status_of(received), 404);
    door_close(&d);
}

// ---- handshakes -----------------------------------------------------------------------------

#define LINE_GET "GET /ws HTTP/1.1\r\n"
#define LINE_HOST "Host: localhost\r\n"
#define LINE_UP "Upgrade: websocket\r\n"
#define LINE_CONN "Connection: Upgrade\r\n"
#define LINE_KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define LINE_13 "Sec-WebSocket-Version: 13\r\n"
#define KEYED(key) LINE_GET LINE_HOST LINE_UP LINE_CONN LINE_13 "Sec-WebSocket-Key: " key "\r\n\r\n"
#define OFFER(list) UPGRADE_TO("/ws") "Sec-WebSocket-Protocol: " list "\r\n\r\n"

static const struct row handshakes[] = {
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
    struct door d;
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
        UPGRADE_TO("/ws") "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"};
    struct door d;
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
    struct door d;
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
    struct door d;
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
    static const struct piece hello[] = {{0x82, B("\xff"), 1, PLAIN}, {0, {NULL, 0}, 0, PLAIN}};
    struct door d;
    char told[64];
    door_open(&d);
    converse(&d, OFFER("binary.ircv3.net"), hello, false, told, sizeof told);
    assert_string_equal(told, "B:\xff");
    converse(&d, OFFER("other"), hello, false, told, sizeof told);
    assert_string_equal(told, "C:1003");
    door_close(&d);
    assert_int_equal(atomic_load(&d.last), -EPROTO);
}

// The refusal must arrive though the client sends on: no reset may overtake it.
static void a_refusal_arrives_while_the_client_still_sends(void **state)
{
    (void)state;
    static const struct piece wrong[] = {
        {0x81, B("a"), 1, UNMASKED}, {0x81, B("a"), 50000, PLAIN}, {0, {NULL, 0}, 0, PLAIN}};
    struct door d;
    char told[64];
    door_open(&d);
    for (int i = 0; i < 20; i++) {
        converse(&d, UPGRADE_TO("/ws") "\r\n", wrong, false, told, sizeof told);
        assert_string_equal(told, "C:1002");
    }
    door_close(&d);
}

static void a_request_may_come_before_the_upgrade(void **state)
{
    (void)state;
    struct door d;
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
        cmocka_unit_test(each_request_has_its_answer),
        cmocka_unit_test(a_request_may_come_byte_by_byte),
        cmocka_unit_test(the_page_is_the_file),
        cmocka_unit_test(a_head_tells_the_length_and_has_no_body),
        cmocka_unit_test(requests_sent_together_are_answered_in_order),
        cmocka_unit_test(after_close_nothing_is_answered),
        cmocka_unit_test(a_client_that_has_gone_is_no_error),
        cmocka_unit_test(too_much_is_refused_before_it_ends),
        cmocka_unit_test(a_head_that_does_not_come_is_waited_for_no_longer),
        cmocka_unit_test(a_client_that_is_silent_after_an_answer_is_left),
        cmocka_unit_test(a_request_to_stop_is_no_late_head),
        cmocka_unit_test(a_callback_decides_the_status),
        cmocka_unit_test(without_a_callback_there_is_nothing),
        cmocka_unit_test(a_handshake_is_made_or_refused),
        cmocka_unit_test(a_protocol_that_is_not_ours_is_not_named),
        cmocka_unit_test(frames_may_come_with_the_handshake),
        cmocka_unit_test(much_may_come_with_the_handshake),
        cmocka_unit_test(the_protocol_decides_the_kind_of_messages),
        cmocka_unit_test(a_refusal_arrives_while_the_client_still_sends),
        cmocka_unit_test(a_request_may_come_before_the_upgrade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
