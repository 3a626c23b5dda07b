// SPDX-License-Identifier: MIT
// web_helpers.h - a web door that echoes, and requests to it: for the tests of programs/chat/web.
#ifndef WEFT_TESTS_WEB_HELPERS_H
#define WEFT_TESTS_WEB_HELPERS_H

#include "wire_helpers.h"

#include "chat/web/query.h"
#include "chat/web/web.h"

// ---- a door ---------------------------------------------------------------------------------

struct door {
    weft_listener *listener;
    uint16_t port;
    struct web_site site;
    weft_future *server;
    atomic_int served;     // connections that ended
    atomic_int last;       // what web_serve returned for the last of them
    atomic_int websockets; // that began
    int opened;            // connections, by the test
};

SHARED int on_websocket(struct wire *w, void *visitor)
{
    struct door *d = visitor;
    atomic_fetch_add(&d->websockets, 1);
    return echo_lines(w);
}

// One after the other: the tests have one client at a time.
SHARED int serve_door(struct door *const *arg, weft_none *none)
{
    struct door *d = *arg;
    (void)none;
    for (;;) {
        weft_conn *c = weft_accept(d->listener, WEFT_FOREVER);
        if (!c)
            return weft_error_code();
        int rc = web_serve(c, &d->site, d);
        weft_conn_close(&c);
        atomic_store(&d->last, rc);
        atomic_fetch_add(&d->served, 1);
    }
}
WEFT_TASK(serve_door, struct door *, weft_none);

SHARED int say_well(void *ctx, char **text)
{
    (void)ctx;
    *text = strdup("well\n");
    return *text ? 200 : -ENOMEM;
}

SHARED int say_count(void *ctx, char **text)
{
    const struct door *d = ctx;
    return asprintf(text, "websockets %d\n", atomic_load(&d->websockets)) < 0 ? -ENOMEM : 200;
}

// What was asked, in its own words; or what is wrong with it.
SHARED int say_query(const struct http_request *r, void *visitor, struct web_found *found)
{
    (void)visitor;
    char text[16], after[40];
    const struct query_parameter table[] = {{"text", text, sizeof text},
                                            {"after", after, sizeof after}};
    int64_t ms = -1;
    found->why = query_read(r->query, table, 2);
    if (found->why)
        return 400;
    if (strcmp(text, "who") == 0) {
        found->why = "say \"who\" you are";
        return 401;
    }
    found->retry_s = strcmp(text, "often") == 0 ? 3 : 0;
    if (found->retry_s > 0) {
        found->why = "later";
        return 429;
    }
    if (*after && !query_time(after, &ms))
        ms = -2;
    return asprintf(&found->json, "{\"text\":\"%s\",\"ms\":%lld}", text, (long long)ms) < 0 ? 500
                                                                                            : 200;
}

// A test that fails leaves its door open, on its own stack, which is no more. So doors of tests are
// static, and this, after each test, shuts the one that is left: else the program waits at its end
// for the server's thread, for ever.
static struct door *open_door;

SHARED int door_shut(void **state)
{
    struct door *d = open_door;
    (void)state;
    open_door = NULL;
    if (d && d->server) {
        weft_cancel(d->server);
        (void)weft_join(&d->server, NULL, 0);
    }
    if (d)
        weft_listener_close(&d->listener);
    return 0;
}
#define door_test(name) cmocka_unit_test_teardown(name, door_shut)

// Between these two the site may be changed.
SHARED void door_make(struct door *d)
{
    open_door = d;
    *d = (struct door){.site = {.health = say_well, .metrics = say_count, .ctx = d}};
    d->site.on_websocket = on_websocket;
    d->site.search = say_query;
    d->listener = weft_listen("127.0.0.1:0");
    assert_non_null(d->listener);
    d->port = port_of(weft_listener_address(d->listener));
}

SHARED void door_start(struct door *d)
{
    d->server = weft_start(WEFT_THREADS, serve_door, &d);
    assert_non_null(d->server);
}

SHARED void door_open(struct door *d)
{
    door_make(d);
    door_start(d);
}

SHARED int door_connect(struct door *d)
{
    d->opened++;
    return raw_connect(d->port);
}

// When all its connections have ended.
SHARED void door_close(struct door *d)
{
    while (atomic_load(&d->served) < d->opened)
        nap_ms(1);
    weft_cancel(d->server);
    assert_int_equal(weft_join_as(&d->server, serve_door, NULL), -ECANCELED);
    weft_listener_close(&d->listener);
    open_door = NULL;
}

// ---- a client -------------------------------------------------------------------------------

// Send it, say "no more", and take all that comes: its size, in `received`. Dripping: byte by byte.
SHARED size_t exchange(struct door *d, const char *bytes, size_t size, bool dripping)
{
    const int on = 1;
    int fd = door_connect(d);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    // The server may refuse early, and be gone while we still send.
    for (size_t sent = 0; sent < size;) {
        ssize_t n = send(fd, bytes + sent, dripping ? 1 : size - sent, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    (void)shutdown(fd, SHUT_WR);
    size_t got = receive_all(fd);
    close(fd);
    return got;
}

SHARED int status_of(const char *answer)
{
    int status = -1;
    return sscanf(answer, "HTTP/1.1 %d ", &status) == 1 ? status : -1;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define UPGRADE_TO(path) \
    "GET " path " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

// ---- answers, taken apart -------------------------------------------------------------------

struct told {
    int status;
    const char *body;
    size_t size;      // of the body, as the head says
    const char *next; // behind the body
};

// The answer at `at`, whose head ends within `received`.
SHARED struct told read_answer(const char *at, bool has_body)
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

#endif
