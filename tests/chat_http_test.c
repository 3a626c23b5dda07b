// SPDX-License-Identifier: MIT
// chat_http_test.c - heads of requests, as bytes: what is understood, and what is refused with
// which status. Each is parsed whole, and once more byte by byte.
#include "unit.h"

#include "chat/web/http.h"
#include "chat/web/page.h"
#include "chat/web/target.h"
#include "common/utf8.h"

struct bytes {
    const char *at;
    size_t size;
};

#define B(text) \
    { \
        text, sizeof(text) - 1 \
    }

static int parse_whole(struct http_request *r, struct bytes b)
{
    *r = (struct http_request){0};
    return http_parse(r, b.at, b.size);
}

// As it comes from a slow sender: nothing may be decided later than with all at once, nor
// otherwise.
static int parse_dripping(struct http_request *r, struct bytes b)
{
    int rc = 0;
    *r = (struct http_request){0};
    for (size_t n = 1; n <= b.size && rc == 0; n++)
        rc = http_parse(r, b.at, n);
    return rc;
}

// ---- refused --------------------------------------------------------------------------------

#define GET "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define END "\r\n"

static const struct refused {
    const char *name;
    struct bytes request;
    int status;
} refused[] = {
    {"a bare LF after the request line", B("GET / HTTP/1.1\nHost: a\r\n\r\n"), 400},
    {"a bare LF after a field", B(GET "Host: a\n\r\n"), 400},
    {"a bare LF at the end", B(GET HOST "\n"), 400},
    {"a bare CR in a value", B(GET "Host: a\r\nX: a\rb\r\n\r\n"), 400},
    {"a bare CR instead of CR LF", B(GET "Host: a\rX: b\r\n\r\n"), 400},
    {"two CRs", B(GET "Host: a\r\r\n\r\n"), 400},
    {"a folded field", B(GET HOST "X: a\r\n b\r\n" END), 400},
    {"a folded field with a tab", B(GET HOST "X: a\r\n\tb\r\n" END), 400},
    {"a space before the first field", B(GET " Host: a\r\n" END), 400},
    {"a space before the colon", B(GET "Host : a\r\n" END), 400},
    {"a tab before the colon", B(GET HOST "Content-Length\t: 5\r\n" END), 400},
    {"a field without a colon", B(GET HOST "nonsense\r\n" END), 400},
    {"a field without a name", B(GET HOST ": x\r\n" END), 400},
    {"a name with a bracket", B(GET HOST "X[]: x\r\n" END), 400},
    {"NUL in a value", B(GET HOST "X: a\0b\r\n" END), 400},
    {"NUL in a name", B(GET HOST "X\0: b\r\n" END), 400},
    {"NUL in the target", B("GET /\0 HTTP/1.1\r\n" HOST END), 400},
    {"NUL in the method", B("G\0ET / HTTP/1.1\r\n" HOST END), 400},
    {"another control character", B(GET HOST "X: \x1b[2J\r\n" END), 400},
    {"DEL", B(GET HOST "X: \x7f\r\n" END), 400},
    {"no Host", B(GET END), 400},
    {"two Hosts", B(GET HOST HOST END), 400},
    {"two different Hosts", B(GET HOST "host: b\r\n" END), 400},
    {"an empty Host", B(GET "Host:\r\n" END), 400},
    {"a Host of two", B(GET "Host: a, b\r\n" END), 400},
    {"a Host with a user", B(GET "Host: me@a\r\n" END), 400},
    {"a Host with a path", B(GET "Host: a/b\r\n" END), 400},
    {"a Host with a port too large", B(GET "Host: a:65536\r\n" END), 400},
    {"a Host with a port of six digits", B(GET "Host: a:000080\r\n" END), 400},
    {"a Host with a negative port", B(GET "Host: a:-1\r\n" END), 400},
    {"a Host with an open bracket", B(GET "Host: [::1\r\n" END), 400},
    {"a Host with nothing in brackets", B(GET "Host: []\r\n" END), 400},
    {"a Host of a port only", B(GET "Host: :80\r\n" END), 400},
    {"Content-Length and Transfer-Encoding",
     B(GET HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END), 400},
    {"the two, of a POST",
     B("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n" END), 400},
    {"two Content-Lengths", B(GET HOST "Content-Length: 0\r\nContent-Length: 5\r\n" END), 400},
    {"the same Content-Length twice", B(GET HOST "Content-Length: 0\r\nContent-Length: 0\r\n" END),
     400},
    {"a list of Content-Lengths", B(GET HOST "Content-Length: 0, 0\r\n" END), 400},
    {"a signed Content-Length", B(GET HOST "Content-Length: +0\r\n" END), 400},
    {"a negative Content-Length", B(GET HOST "Content-Length: -1\r\n" END), 400},
    {"a hexadecimal Content-Length", B(GET HOST "Content-Length: 0x0\r\n" END), 400},
    {"an empty Content-Length", B(GET HOST "Content-Length:\r\n" END), 400},
    {"a body of GET", B(GET HOST "Content-Length: 5\r\n" END "hello"), 400},
    {"a huge body of GET", B(GET HOST "Content-Length: 18446744073709551616\r\n" END), 400},
    {"a chunked GET", B(GET HOST "Transfer-Encoding: chunked\r\n" END "0\r\n\r\n"), 400},
    {"a chunked POST of HTTP/1.0",
     B("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n" END), 400},
    {"chunked, hidden", B(GET HOST "Transfer-Encoding: \x0b chunked\r\n" END), 400},
    {"xchunked", B("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n" END), 400},
    {"chunked after another",
     B("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n" END), 400},
    {"two Transfer-Encodings",
     B("POST / HTTP/1.1\r\n" HOST
       "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n" END),
     400},
    {"two Origins", B(GET HOST "Origin: http://a\r\nOrigin: http://b\r\n" END), 400},
    {"POST", B("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n" END "hello"), 405},
    {"a chunked POST", B("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" END), 405},
    {"OPTIONS of all", B("OPTIONS * HTTP/1.1\r\n" HOST END), 405},
    {"CONNECT", B("CONNECT a:443 HTTP/1.1\r\n" HOST END), 405},
    {"a method in lower case", B("get / HTTP/1.1\r\n" HOST END), 405},
    {"a method that begins like ours", B("GETS / HTTP/1.1\r\n" HOST END), 405},
    {"no method", B(" / HTTP/1.1\r\n" HOST END), 400},
    {"HTTP/0.9", B("GET /\r\n"), 400},
    {"the preface of HTTP/2", B("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505},
    {"HTTP/3.0", B("GET / HTTP/3.0\r\n" HOST END), 505},
    {"a version in lower case", B("GET / http/1.1\r\n" HOST END), 400},
    {"a version of two digits", B("GET / HTTP/1.10\r\n" HOST END), 400},
    {"a version without a point", B("GET / HTTP/1\r\n" HOST END), 400},
    {"two spaces before the target", B("GET  / HTTP/1.1\r\n" HOST END), 400},
    {"two spaces before the version", B("GET /  HTTP/1.1\r\n" HOST END), 400},
    {"a space at the end of the request line", B("GET / HTTP/1.1 \r\n" HOST END), 400},
    {"a tab in the request line", B("GET\t/ HTTP/1.1\r\n" HOST END), 400},
    {"a space in the target", B("GET /a b HTTP/1.1\r\n" HOST END), 400},
    {"a target that is not ASCII", B("GET /\xc3\xa9 HTTP/1.1\r\n" HOST END), 400},
    {"a target that is no path", B("GET a HTTP/1.1\r\n" HOST END), 400},
    {"a target of a star", B("GET * HTTP/1.1\r\n" HOST END), 400},
    {"a target with a fragment", B("GET /#a HTTP/1.1\r\n" HOST END), 400},
    {"a broken escape", B("GET /%g0 HTTP/1.1\r\n" HOST END), 400},
    {"an escape cut off", B("GET /%4 HTTP/1.1\r\n" HOST END), 400},
    {"an escaped NUL", B("GET /%00 HTTP/1.1\r\n" HOST END), 400},
    {"an escaped line end", B("GET /%0d%0a HTTP/1.1\r\n" HOST END), 400},
    {"a URL of another host", B("GET http://b/ HTTP/1.1\r\n" HOST END), 400},
    {"a URL of another port", B("GET http://a:81/ HTTP/1.1\r\n" HOST END), 400},
    {"a URL with a user", B("GET http://me@a/ HTTP/1.1\r\n" HOST END), 400},
    {"a URL without a host", B("GET http:/// HTTP/1.1\r\n" HOST END), 400},
    {"a URL of another scheme", B("GET ftp://a/ HTTP/1.1\r\n" HOST END), 400},
    {"two empty lines before a request", B("\r\n\r\n" GET HOST END), 400},
    {"a TLS greeting", B("\x16\x03\x01\x02\x00\x01\x00\n"), 400},
};

static void what_could_be_read_in_two_ways_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct http_request r;
        int whole = parse_whole(&r, refused[i].request);
        bool told = r.why && r.why[0] != '\0';
        int dripping = parse_dripping(&r, refused[i].request);
        if (whole != -refused[i].status || dripping != whole || !told)
            fail_msg("%s: %d whole, %d dripping, not %d", refused[i].name, whole, dripping,
                     -refused[i].status);
    }
}

// ---- understood -----------------------------------------------------------------------------

static const struct understood {
    struct bytes request;
    const char *path, *host;
    bool is_head, keep_alive;
} understood[] = {
    {B("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "/", "a", false, true},
    {B("HEAD /x HTTP/1.1\r\nHOST:a:80\r\n\r\n"), "/x", "a:80", true, true},
    {B("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "/", "a", false, true},
    {B("GET / HTTP/1.0\r\n\r\n"), "/", "", false, false},
    {B("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"), "/", "a", false, false},
    {B("GET / HTTP/1.7\r\nHost: a\r\n\r\n"), "/", "a", false, true},
    {B("GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n"), "/", "a", false, false},
    {B("GET / HTTP/1.1\r\nHost: a\r\nConnection: x,\tclose ,y\r\n\r\n"), "/", "a", false, false},
    {B("GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nconnection: close\r\n\r\n"), "/", "a", false,
     false},
    {B("GET / HTTP/1.1\r\nHost: \t [::1]:8080 \t\r\n\r\n"), "/", "[::1]:8080", false, true},
    {B("GET / HTTP/1.1\r\nHost: a:\r\n\r\n"), "/", "a:", false, true},
    {B("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"), "/", "a", false, true},
    {B("GET / HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n"), "/", "a", false, true},
    {B("GET / HTTP/1.1\r\nHost: a\r\nX: \xe7\xba\xbf\t:\r\n\r\n"), "/", "a", false, true},
    {B("GET /%6d%65trics?a=%zz HTTP/1.1\r\nHost: a\r\n\r\n"), "/metrics", "a", false, true},
    {B("GET /a%2Fb%3f HTTP/1.1\r\nHost: a\r\n\r\n"), "/a/b?", "a", false, true},
    {B("GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"), "/../../etc/passwd", "a", false, true},
    {B("GET /%2e%2e/%5c HTTP/1.1\r\nHost: a\r\n\r\n"), "/../\\", "a", false, true},
    {B("GET //b/ HTTP/1.1\r\nHost: a\r\n\r\n"), "//b/", "a", false, true},
    {B("GET http://a/ws HTTP/1.1\r\nHost: a\r\n\r\n"), "/ws", "a", false, true},
    {B("GET HTTPS://A:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"), "/", "A:80", false, true},
    {B("GET http://a?x/y HTTP/1.1\r\nHost: a\r\n\r\n"), "/", "a", false, true},
    {B("GET http://a/ HTTP/1.0\r\n\r\n"), "/", "a", false, false},
    {B("GET /1234567890123456789012345678901234567890123456789012345678901234567890 HTTP/1.1\r\n"
       "Host: a\r\n\r\n"),
     "", "a", false, true},
};

static void a_request_is_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(understood); i++) {
        const struct understood *u = &understood[i];
        struct http_request r;
        for (int dripping = 0; dripping < 2; dripping++) {
            int rc = dripping ? parse_dripping(&r, u->request) : parse_whole(&r, u->request);
            if (rc != (int)u->request.size)
                fail_msg("row %zu: %d: %s", i, rc, r.why);
            assert_string_equal(r.path, u->path);
            assert_int_equal(r.host.size, strlen(u->host));
            assert_memory_equal(r.host.at ? r.host.at : "", u->host, r.host.size);
            assert_int_equal(r.is_head, u->is_head);
            assert_int_equal(r.keep_alive, u->keep_alive);
        }
    }
}

static void what_follows_a_head_is_not_looked_at(void **state)
{
    (void)state;
    struct bytes two = B(GET HOST END "GET /two HTTP/1.1\r\n" HOST "\r\n");
    struct http_request r;
    int n = parse_whole(&r, two);
    assert_int_equal(n, (int)strlen(GET HOST END));
    two.at += n;
    two.size -= (size_t)n;
    assert_int_equal(parse_whole(&r, two), (int)two.size);
    assert_string_equal(r.path, "/two");
}

static void half_a_head_needs_more(void **state)
{
    (void)state;
    struct bytes b = B(GET HOST END);
    for (; b.size > 0; b.size--) {
        struct http_request r;
        int rc = parse_whole(&r, b);
        assert_int_equal(rc, b.size == strlen(GET HOST END) ? (int)b.size : 0);
    }
}

// ---- limits ---------------------------------------------------------------------------------

static char much[2 * HTTP_HEAD_MAX];

// What http_parse says of a request line with a path of that size, and whether it says so early.
static int parse_path_of(size_t size)
{
    struct http_request r;
    int head = snprintf(much, sizeof much, "GET /");
    memset(much + head, 'a', size - 1);
    int tail = snprintf(much + head + size - 1, 64, " HTTP/1.1\r\nHost: a\r\n\r\n");
    return parse_whole(&r, (struct bytes){much, (size_t)head + size - 1 + (size_t)tail});
}

static void a_request_line_has_a_limit(void **state)
{
    (void)state;
    size_t around = strlen("GET  HTTP/1.1");
    struct http_request r;
    assert_true(parse_path_of(HTTP_LINE_MAX - around) > 0);
    assert_int_equal(parse_path_of(HTTP_LINE_MAX - around + 1), -414);
    memset(much, 'a', sizeof much); // its end never comes
    assert_int_equal(parse_whole(&r, (struct bytes){much, HTTP_LINE_MAX}), 0);
    assert_int_equal(parse_whole(&r, (struct bytes){much, HTTP_LINE_MAX + 2}), -414);
}

static int parse_fields(size_t count, size_t size)
{
    struct http_request r;
    size_t n = (size_t)snprintf(much, sizeof much, GET HOST);
    for (size_t i = 1; i < count; i++) {
        n += (size_t)snprintf(much + n, sizeof much - n, "x: ");
        memset(much + n, 'v', size);
        n += size;
        n += (size_t)snprintf(much + n, sizeof much - n, "\r\n");
    }
    n += (size_t)snprintf(much + n, sizeof much - n, "\r\n");
    return parse_whole(&r, (struct bytes){much, n});
}

static void the_number_of_fields_has_a_limit(void **state)
{
    (void)state;
    assert_true(parse_fields(HTTP_FIELDS_MAX, 1) > 0);
    assert_int_equal(parse_fields(HTTP_FIELDS_MAX + 1, 1), -431);
}

static void a_head_has_a_limit(void **state)
{
    (void)state;
    size_t around = strlen(GET HOST "x: \r\n\r\n");
    struct http_request r;
    assert_int_equal(parse_fields(2, HTTP_HEAD_MAX - around), HTTP_HEAD_MAX);
    assert_int_equal(parse_fields(2, HTTP_HEAD_MAX - around + 1), -431);
    memset(much, 'a', sizeof much); // its end never comes
    memcpy(much, GET, strlen(GET));
    assert_int_equal(parse_whole(&r, (struct bytes){much, HTTP_HEAD_MAX - 1}), 0);
    assert_int_equal(parse_whole(&r, (struct bytes){much, HTTP_HEAD_MAX}), -431);
}

// ---- fields ---------------------------------------------------------------------------------

static void lists_are_read_across_fields(void **state)
{
    (void)state;
    struct http_request r;
    struct bytes b = B(GET HOST "A: x, y\r\na:,, ,z \r\nB: xy\r\n" END);
    assert_true(parse_whole(&r, b) > 0);
    assert_true(http_lists(&r, "a", "X") && http_lists(&r, "A", "y") && http_lists(&r, "a", "z"));
    assert_false(http_lists(&r, "B", "x") || http_lists(&r, "a", "") || http_lists(&r, "C", "x"));
    assert_int_equal(http_count(&r, "a"), 2);
    assert_true(text_is(http_field(&r, "b"), "xy"));
    assert_null(http_field(&r, "none").at);
}

// ---- UTF-8 ----------------------------------------------------------------------------------

static const struct {
    struct bytes text;
    bool valid;
} utf8_rows[] = {
    {B(""), true},
    {B("plain ASCII, of more than eight bytes"), true},
    {B("12345678\xe7\xba\xbf"), true},
    {B("1234567\xe7\xba\xbf\xe7\xa8\x8b"), true},
    {B("\x7f\xc2\x80\xdf\xbf"), true},
    {B("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"), true},
    {B("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), true},
    {B("\x80"), false},
    {B("12345678\xbf"), false},
    {B("\xc0\xaf"), false},         // "/", overlong
    {B("\xc1\xbf"), false},         // overlong
    {B("\xe0\x9f\xbf"), false},     // overlong
    {B("\xf0\x8f\xbf\xbf"), false}, // overlong
    {B("\xed\xa0\x80"), false},     // a surrogate
    {B("\xf4\x90\x80\x80"), false}, // beyond U+10FFFF
    {B("\xf5\x80\x80\x80"), false},
    {B("\xff"), false},
    {B("\xe7\xba"), false}, // cut off
    {B("\xc3"), false},
    {B("\xe7\xba\x41"), false},
    {B("\xf0\x90\x80\xc0"), false},
};

static void utf8_is_told_from_what_only_looks_like_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(utf8_rows); i++)
        if (utf8_is_valid(utf8_rows[i].text.at, utf8_rows[i].text.size) != utf8_rows[i].valid)
            fail_msg("row %zu", i);
}

static void a_text_is_cut_between_characters(void **state)
{
    (void)state;
    const char *text = "a\xe7\xba\xbf\xf0\x9f\x98\x80";
    static const size_t cuts[] = {0, 1, 1, 1, 4, 4, 4, 4, 8, 8};
    for (size_t cap = 0; cap < COUNT(cuts); cap++)
        assert_int_equal(utf8_cut(text, 8, cap), cuts[cap]);
}

// ---- the page's policy ----------------------------------------------------------------------

static void a_policy_names_the_digest_of_each_script_and_style(void **state)
{
    (void)state;
    char policy[PAGE_POLICY_MAX];
    // echo -n 'alert(1)' | openssl dgst -sha256 -binary | base64, and likewise of 'b{}' and ''
    static const char html[] = "<script src=x></script><style>b{}</style><script>alert(1)</script>";
    assert_int_equal(page_policy(html, strlen(html), policy, sizeof policy), 0);
    assert_non_null(strstr(policy,
                           "script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' "
                           "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='; "));
    assert_non_null(strstr(policy, "style-src 'sha256-"));
    assert_int_equal(strncmp(policy, "default-src 'none'; ", 20), 0);
}

static void a_page_without_scripts_may_run_none(void **state)
{
    (void)state;
    char policy[PAGE_POLICY_MAX];
    static const char html[] = "<p>plain</p><script>left open";
    assert_int_equal(page_policy(html, strlen(html), policy, sizeof policy), 0);
    assert_null(strstr(policy, "script-src"));
    assert_null(strstr(policy, "style-src"));
}

static void a_policy_that_does_not_fit_is_an_error(void **state)
{
    (void)state;
    char policy[PAGE_POLICY_MAX];
    char html[400] = "";
    for (int i = 0; i < 20; i++)
        strcat(html, "<script></script>");
    assert_int_equal(page_policy(html, strlen(html), policy, sizeof policy), -ENOBUFS);
    assert_int_equal(page_policy("", 0, policy, 8), -ENOBUFS);
}

static void our_own_page_has_a_policy(void **state)
{
    (void)state;
    char policy[PAGE_POLICY_MAX];
    assert_int_equal(page_policy(web_page, web_page_size, policy, sizeof policy), 0);
    assert_null(memchr(web_page, '\r', web_page_size)); // browsers take CR away before the digest
    assert_null(memmem(web_page, web_page_size, " style=", 7)); // would not be obeyed
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
        cmocka_unit_test(a_request_is_understood),
        cmocka_unit_test(what_follows_a_head_is_not_looked_at),
        cmocka_unit_test(half_a_head_needs_more),
        cmocka_unit_test(a_request_line_has_a_limit),
        cmocka_unit_test(the_number_of_fields_has_a_limit),
        cmocka_unit_test(a_head_has_a_limit),
        cmocka_unit_test(lists_are_read_across_fields),
        cmocka_unit_test(utf8_is_told_from_what_only_looks_like_it),
        cmocka_unit_test(a_text_is_cut_between_characters),
        cmocka_unit_test(a_policy_names_the_digest_of_each_script_and_style),
        cmocka_unit_test(a_page_without_scripts_may_run_none),
        cmocka_unit_test(a_policy_that_does_not_fit_is_an_error),
        cmocka_unit_test(our_own_page_has_a_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
