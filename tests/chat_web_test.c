// SPDX-License-Identifier: MIT
// chat_web_test.c - the web door over real sockets: answers, refusals, slow clients.
#include "web_helpers.h"

#include "chat/web/page.h"

// ---- answers, taken apart -------------------------------------------------------------------

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
};

static void assert_guarded(const char *answer)
{
    for (size_t i = 0; i < COUNT(everywhere); i++)
        if (!has_field(answer, everywhere[i]))
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
    // a question, and what is wrong with it
    {GET("/api/search?text=a+b%2Bc"), 200, "\r\n\r\n{\"text\":\"a b+c\",\"ms\":-1}"},
    {GET("/api/search?text=x"), 200, "\r\nContent-Type: application/json\r\n"},
    {GET("/api/search?text=%E7%BA%BF"), 200, "线"},
    {GET("/%61pi/search?text=x"), 200, "{\"text\":\"x\""},
    {GET("http://localhost/api/search?text=x"), 200, "{\"text\":\"x\""},
    {GET("/api/search"), 200, "{\"text\":\"\",\"ms\":-1}"},
    {GET("/api/search?"), 200, NULL},
    {GET("/api/search?&text=x&&"), 200, "{\"text\":\"x\""},
    {GET("/api/search?text="), 200, NULL},
    {GET("/api/search?text=a=b"), 200, "{\"text\":\"a=b\""},
    {"HEAD /api/search?text=x HTTP/1.1\r\nHost: localhost\r\n\r\n", 200, "application/json"},
    {GET("/api/search?text"), 400, "{\"status\":400,\"error\":\"a parameter has no value\"}\n"},
    {GET("/api/search?=x"), 400, "no such parameter"},
    {GET("/api/search?Text=x"), 400, "no such parameter"},
    {GET("/api/search?text=x&when=now"), 400, "no such parameter"},
    {GET("/api/search?text=x&text=x"), 400, "twice"},
    {GET("/api/search?text=%"), 400, "broken escape"},
    {GET("/api/search?text=%2"), 400, "broken escape"},
    {GET("/api/search?text=%2&after="), 400, "broken escape"},
    {GET("/api/search?text=%zz"), 400, "broken escape"},
    {GET("/api/search?text=%00"), 400, "control character"},
    {GET("/api/search?text=%0d%0aX-Forged:%20yes"), 400, "control character"},
    {GET("/api/search?text=%7f"), 400, "control character"},
    {GET("/api/search?text=%c3"), 400, "no UTF-8"},
    {GET("/api/search?text=%ed%a0%80"), 400, "no UTF-8"},
    {GET("/api/search?text=123456789012345"), 200, NULL},
    {GET("/api/search?text=1234567890123456"), 400, "too long"},
    {GET("/api/search?text=who"), 401, "\r\nWWW-Authenticate: Basic "},
    {GET("/api/search?text=who"), 401, "\"error\":\"say \\\"who\\\" you are\"}"},
    {GET("/api/search?text=often"), 429, "\r\nRetry-After: 3\r\n"},
    {GET("/api/search/"), 404, "{\"status\":404,"},
    {GET("/api/"), 404, "{\"status\":404,"},
    {GET("/api/search#x"), 400, "{\"status\":400,"},
    {"POST /api/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 405,
     "{\"status\":405,\"error\":\"only GET and HEAD are served\"}"},
    {"GET /api/search?text=x HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403, "{\"status\":403,"},
    {"GET /api/search?text=x HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n", 403,
     "{\"status\":403,"},
    {"GET /api/search?text=x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic a\r\n"
     "Authorization: Basic b\r\n\r\n",
     400, "twice"},
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
    static struct door d;
    door_open(&d);
    for (size_t i = 0; i < COUNT(rows); i++)
        check_request(&d, &rows[i], false);
    door_close(&d);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    (void)state;
    static struct door d;
    door_open(&d);
    for (size_t i = 0; i < COUNT(rows); i++)
        check_request(&d, &rows[i], true);
    door_close(&d);
}

static void the_page_is_the_file(void **state)
{
    (void)state;
    static struct door d;
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
    static struct door d;
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
    static struct door d;
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
    static struct door d;
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
    static struct door d;
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
    static struct door d;
    door_open(&d);
    assert_int_equal(status_of_much(&d, "GET /", 5000), 414);
    assert_int_equal(status_of_much(&d, "GET /", 100000), 414);
    assert_int_equal(status_of_much(&d, "GET /api/search?text=", 100000), 414);
    assert_non_null(strstr(received, "{\"status\":414,"));
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
    static struct door d;
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
    static struct door d;
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
    static struct door d;
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
    static struct door d;
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
    static struct door d;
    door_make(&d);
    d.site.metrics = NULL;
    door_start(&d);
    exchange(&d, GET("/metrics"), strlen(GET("/metrics")), false);
    assert_int_equal(status_of(received), 404);
    door_close(&d);
}

#define WITH(host, fields) "GET /metrics HTTP/1.1\r\nHost: " host "\r\n" fields "\r\n"

static void metrics_may_be_for_programs_on_this_machine(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {WITH("localhost", ""), 200},
        {WITH("LOCALHOST:80", ""), 200},
        {WITH("127.0.0.1:1", ""), 200},
        {WITH("[::1]", ""), 200},
        {WITH("chat.example.org", ""), 403}, // a proxy, or a page whose name means 127.0.0.1
        {WITH("localhost.example.org", ""), 403},
        {"GET /metrics HTTP/1.0\r\n\r\n", 403},
        {WITH("localhost", "X-Forwarded-For: 192.0.2.7\r\n"), 403},
        {WITH("localhost", "forwarded: for=192.0.2.7\r\n"), 403},
        {WITH("localhost", "X-Real-IP: 127.0.0.1\r\n"), 403},
        {WITH("localhost", "Via: 1.1 proxy\r\n"), 403},
    };
    const char *const hosts[] = {"*", NULL};
    (void)state;
    static struct door d;
    door_make(&d);
    d.site.metrics_near = true;
    d.site.rules.hosts = hosts;
    door_start(&d);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        exchange(&d, cases[i].request, strlen(cases[i].request), false);
        if (status_of(received) != cases[i].status)
            fail_msg("%d for %s", status_of(received), cases[i].request);
    }
    door_close(&d);
}

// Without a network that others are on, their end of a connection is a word only.
static void who_is_not_on_this_machine_is_known_by_his_address(void **state)
{
    static const char head[] = WITH("localhost", "");
    static const struct {
        const char *peer;
        bool near;
    } cases[] = {{"127.0.0.1:40112", true}, {"[::1]:40112", true},
                 {"unix:", true},           {"192.0.2.7:40112", false},
                 {"[fd00::1]:1", false},    {"127.0.0.1.example:1", false}};
    (void)state;
    struct http_request r = {0};
    assert_int_equal(http_parse(&r, head, sizeof head - 1), sizeof head - 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(origin_is_near(&r, cases[i].peer), cases[i].near);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        door_test(each_request_has_its_answer),
        door_test(a_request_may_come_byte_by_byte),
        door_test(metrics_may_be_for_programs_on_this_machine),
        cmocka_unit_test(who_is_not_on_this_machine_is_known_by_his_address),
        door_test(the_page_is_the_file),
        door_test(a_head_tells_the_length_and_has_no_body),
        door_test(requests_sent_together_are_answered_in_order),
        door_test(after_close_nothing_is_answered),
        door_test(a_client_that_has_gone_is_no_error),
        door_test(too_much_is_refused_before_it_ends),
        door_test(a_head_that_does_not_come_is_waited_for_no_longer),
        door_test(a_client_that_is_silent_after_an_answer_is_left),
        door_test(a_request_to_stop_is_no_late_head),
        door_test(a_callback_decides_the_status),
        door_test(without_a_callback_there_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
