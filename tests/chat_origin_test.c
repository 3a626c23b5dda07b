// SPDX-License-Identifier: MIT
// chat_origin_test.c - which Host and which Origin may speak to a server.
#include "unit.h"

#include "chat/web/origin.h"

enum verdict { FINE, HOST, ORIGIN };

static const char *const chat_hosts[] = {"chat.example.org", "proxy.example.org:443", "[fd00::1]",
                                         NULL};
static const char *const any[] = {"*", NULL};
static const char *const app[] = {"https://app.example.org", "http://app.example.org:3000", NULL};

static const struct row {
    const char *host; // NULL: none, and HTTP/1.0
    const char *origin;
    const char *const *hosts, *const *origins;
    enum verdict verdict;
} rows[] = {
    // Host: what everybody has
    {"localhost", NULL, NULL, NULL, FINE},
    {"localhost:8080", NULL, NULL, NULL, FINE},
    {"LocalHost:1", NULL, NULL, NULL, FINE},
    {"127.0.0.1:8080", NULL, NULL, NULL, FINE},
    {"[::1]:8080", NULL, NULL, NULL, FINE},
    {NULL, NULL, NULL, NULL, FINE},
    {"192.168.1.5:8080", NULL, NULL, NULL, FINE}, // where the connection came to
    {"192.168.1.5", NULL, NULL, NULL, FINE},
    {"192.168.1.6:8080", NULL, NULL, NULL, HOST},
    // Host: a name that was bound anew, and such as look like ours
    {"evil.example", NULL, NULL, NULL, HOST},
    {"evil.example:8080", NULL, NULL, NULL, HOST},
    {"localhost.evil.example", NULL, NULL, NULL, HOST},
    {"evil-localhost", NULL, NULL, NULL, HOST},
    {"127.0.0.1.evil.example", NULL, NULL, NULL, HOST},
    {"localhost.", NULL, NULL, NULL, HOST},
    {"127.1", NULL, NULL, NULL, HOST},
    {"[::]", NULL, NULL, NULL, HOST},
    {"chat.example.org", NULL, NULL, NULL, HOST},
    // Host: by setting
    {"chat.example.org", NULL, chat_hosts, NULL, FINE},
    {"Chat.Example.Org:8443", NULL, chat_hosts, NULL, FINE},
    {"chat.example.org.evil.example", NULL, chat_hosts, NULL, HOST},
    {"proxy.example.org:443", NULL, chat_hosts, NULL, FINE},
    {"proxy.example.org:80", NULL, chat_hosts, NULL, HOST},
    {"proxy.example.org", NULL, chat_hosts, NULL, HOST},
    {"[FD00::1]:80", NULL, chat_hosts, NULL, FINE},
    {"localhost", NULL, chat_hosts, NULL, FINE},
    {"evil.example", NULL, any, NULL, FINE},
    // Origin: of the page that we gave
    {"localhost:8080", "http://localhost:8080", NULL, NULL, FINE},
    {"LOCALHOST:8080", "HTTP://localhost:8080", NULL, NULL, FINE},
    {"localhost", "http://localhost", NULL, NULL, FINE},
    {"localhost:80", "http://localhost", NULL, NULL, FINE},
    {"localhost", "http://localhost:80", NULL, NULL, FINE},
    {"chat.example.org", "https://chat.example.org", chat_hosts, NULL, FINE}, // TLS ends before us
    {"chat.example.org:443", "https://chat.example.org", chat_hosts, NULL, FINE},
    {"[::1]:8080", "http://[::1]:8080", NULL, NULL, FINE},
    // Origin: of others
    {"localhost:8080", "http://localhost:8081", NULL, NULL, ORIGIN},
    {"localhost:8080", "http://localhost", NULL, NULL, ORIGIN},
    {"localhost", "http://localhost:8080", NULL, NULL, ORIGIN},
    {"localhost:8080", "https://localhost", NULL, NULL, ORIGIN},
    {"localhost:8080", "http://127.0.0.1:8080", NULL, NULL, ORIGIN},
    {"localhost:8080", "http://evil.example", NULL, NULL, ORIGIN},
    {"localhost:8080", "http://evil.example:8080", NULL, NULL, ORIGIN},
    {"localhost:8080", "http://localhost:8080.evil.example", NULL, NULL, ORIGIN},
    {"localhost:8080", "http://localhost:8080@evil.example", NULL, NULL, ORIGIN},
    {"localhost:8080", "null", NULL, NULL, ORIGIN},
    {"localhost:8080", "", NULL, NULL, ORIGIN},
    {"localhost:8080", "http://", NULL, NULL, ORIGIN},
    {"localhost:8080", "localhost:8080", NULL, NULL, ORIGIN},
    {"localhost:8080", "file://localhost:8080", NULL, NULL, ORIGIN},
    {"localhost:8080", "http://localhost:8080/", NULL, NULL, ORIGIN},
    {"localhost:8080", "http://localhost:8080 http://evil.example", NULL, NULL, ORIGIN},
    {NULL, "http://localhost", NULL, NULL, ORIGIN}, // a page always has a Host
    // Origin: by setting
    {"localhost:8080", "https://app.example.org", NULL, app, FINE},
    {"localhost:8080", "http://app.example.org:3000", NULL, app, FINE},
    {"localhost:8080", "http://app.example.org", NULL, app, ORIGIN},
    {"localhost:8080", "https://app.example.org:444", NULL, app, ORIGIN},
    {"localhost:8080", "http://localhost:8080", NULL, app, FINE},
    {"localhost:8080", "http://evil.example", NULL, any, FINE},
    {"localhost:8080", "null", NULL, any, ORIGIN},
    {"evil.example", "http://evil.example", NULL, any, HOST}, // the one does not open the other
    {"evil.example", "http://evil.example", any, NULL, FINE},
};

static enum verdict judge(const struct row *row)
{
    char text[512];
    struct http_request r = {0};
    struct origin_rules rules = {row->hosts, row->origins};
    int n = snprintf(text, sizeof text, "GET / HTTP/1.%d\r\n", row->host ? 1 : 0);
    if (row->host)
        n += snprintf(text + n, sizeof text - (size_t)n, "Host: %s\r\n", row->host);
    if (row->origin)
        n += snprintf(text + n, sizeof text - (size_t)n, "Origin: %s\r\n", row->origin);
    n += snprintf(text + n, sizeof text - (size_t)n, "\r\n");
    assert_int_equal(http_parse(&r, text, (size_t)n), n);
    const char *why = origin_refusal(&rules, &r, "192.168.1.5:8080");
    if (!why)
        return FINE;
    return strstr(why, "Host") ? HOST : ORIGIN;
}

static void a_foreign_page_is_kept_out_and_ours_is_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (judge(&rows[i]) != rows[i].verdict)
            fail_msg("Host: %s, Origin: %s: %d", rows[i].host ? rows[i].host : "(none)",
                     rows[i].origin ? rows[i].origin : "(none)", judge(&rows[i]));
}

static void a_local_end_that_is_no_address_is_no_host(void **state)
{
    (void)state;
    struct http_request r = {0};
    struct origin_rules rules = {NULL, NULL};
    const char *text = "GET / HTTP/1.1\r\nHost: unix\r\n\r\n";
    assert_true(http_parse(&r, text, strlen(text)) > 0);
    assert_non_null(origin_refusal(&rules, &r, "unix:/run/weft"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_foreign_page_is_kept_out_and_ours_is_not),
        cmocka_unit_test(a_local_end_that_is_no_address_is_no_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
