// SPDX-License-Identifier: MIT
// html_text_test.c - programs/common/html.h: whatever the bytes, no markup and one line of UTF-8.
#include "unit.h"

#include <utf8proc.h>

#include "common/html.h"

typedef void writes(FILE *out, const char *text, int most);

// What it writes; overwritten by the next call.
static const char *written(writes *write, const char *text, int most)
{
    static char shown[8192];
    FILE *out = fmemopen(shown, sizeof shown, "w");
    assert_non_null(out);
    write(out, text, most);
    assert_int_equal(fclose(out), 0);
    return shown;
}

static const char *text_of(const char *text)
{
    return written(html_text, text, HTML_WHOLE);
}

static const char *url_of(const char *url)
{
    return written(html_url, url, HTML_WHOLE);
}

static void href(FILE *out, const char *url, int most)
{
    (void)most;
    html_href(out, url);
}

static const char *href_of(const char *url)
{
    return written(href, url, HTML_WHOLE);
}

static void what_is_markup_is_escaped(void **state)
{
    (void)state;
    assert_string_equal(text_of("<script>alert('&amp;\"')</script>"),
                        "&lt;script&gt;alert(&#39;&amp;amp;&quot;&#39;)&lt;/script&gt;");
    assert_string_equal(url_of("a\"><img src=x>"), "a&quot;&gt;&lt;img src=x&gt;");
}

static void control_characters_are_spelled(void **state)
{
    (void)state;
    assert_string_equal(text_of("a\r\n\t\x1b[31m\x7f"), "a\\x0d\\x0a\\x09\\x1b[31m\\x7f");
    assert_string_equal(text_of("\xc2\x85"), "\\u0085");
}

static void what_turns_the_direction_or_is_not_seen_is_spelled(void **state)
{
    (void)state;
    assert_string_equal(text_of("\xe2\x80\xaegpj.exe"), "\\u202egpj.exe");
    assert_string_equal(text_of("a\xe2\x80\x8b\xc2\xad\xef\xbb\xbf"), "a\\u200b\\u00ad\\ufeff");
    assert_string_equal(text_of("\xe2\x80\xa8\xee\x80\x80"), "\\u2028\\ue000");
    assert_string_equal(text_of("\xf3\xa0\x81\x81"), "\\ue0041");
}

static void bytes_that_are_not_utf8_are_spelled(void **state)
{
    (void)state;
    assert_string_equal(text_of("\xff\xfe"), "\\xff\\xfe");
    assert_string_equal(text_of("\xe4\xb8"), "\\xe4\\xb8");                  // cut off
    assert_string_equal(text_of("\xc0\xbcscript>"), "\\xc0\\xbcscript&gt;"); // '<', too long
    assert_string_equal(text_of("\xed\xa0\x80"), "\\xed\\xa0\\x80");         // a surrogate
}

static void writing_of_all_kinds_is_shown_as_it_is(void **state)
{
    (void)state;
    const char *text = "http://例子.测试/中文 Ünïcode العربية ไทย 👍";
    assert_string_equal(text_of(text), text);
}

static void a_url_is_decoded_where_it_is_writing(void **state)
{
    (void)state;
    assert_string_equal(url_of("/%E4%B8%AD%e6%96%87?q=%C3%A9"), "/中文?q=é");
    assert_string_equal(url_of("/中%E6%96%87"), "/中文");
}

// "%2F" is not a slash, and a decoded space would end the URL for the eye.
static void a_url_stays_encoded_where_that_would_mislead(void **state)
{
    (void)state;
    static const char *const same[] = {
        "/a%2Fb%20c%3Cd%00",   "/%E2%80%AE", "/%C2%A0", "/%E3%80%80", "/%FF", "/%E4%B8",
        "/%E4%B8%41",          "/%C0%BC",    "/%",      "/%4",        "/%zz", "/100%",
        "/%ED%A0%80%F4%90%80",
    };
    for (size_t i = 0; i < COUNT(same); i++)
        assert_string_equal(url_of(same[i]), same[i]);
}

static void text_is_not_decoded(void **state)
{
    (void)state;
    assert_string_equal(text_of("%E4%B8%AD"), "%E4%B8%AD");
}

static void what_is_too_long_loses_its_middle(void **state)
{
    (void)state;
    assert_string_equal(written(html_text, "abcdefghij", 10), "abcdefghij");
    assert_string_equal(written(html_text, "abcdefghijk", 10), "abcdef…ijk");
    assert_string_equal(written(html_text, "abcdefghijklmnop", 6), "abcd…p");
    assert_string_equal(written(html_text, "中文中文中文中文", 4), "中文…文");
    assert_string_equal(written(html_url, "%E4%B8%AD%E6%96%87", 2), "中文");
    assert_string_equal(written(html_text, "<<<<<<<<", 3), "&lt;&lt;…");
    assert_string_equal(written(html_text, "ab", 1), "…");
}

static void only_http_may_be_a_link(void **state)
{
    (void)state;
    assert_true(html_may_link("http://example.org/"));
    assert_true(html_may_link("HTTPS://example.org/"));
    static const char *const not [] = {
        "javascript:alert(1)",  "data:text/html,x", "http:", "http:x",
        " http://example.org/", "//example.org/",   "",      "httpx://a"};
    for (size_t i = 0; i < COUNT(not ); i++)
        assert_false(html_may_link(not [i]));
}

static void a_link_is_printable_ascii(void **state)
{
    (void)state;
    assert_string_equal(href_of("http://a/\"><x a='b'>&b=1"),
                        "http://a/&quot;&gt;&lt;x%20a=&#39;b&#39;&gt;&amp;b=1");
    assert_string_equal(href_of("http://a/中\n\xff%41"), "http://a/%E4%B8%AD%0A%FF%41");
}

// Every sequence of two bytes, between two others.
static void whatever_comes_is_one_line_of_utf8_without_markup(void **state)
{
    (void)state;
    writes *const all[] = {html_text, html_url, href};
    for (int pair = 0x101; pair < 0x10000; pair++) {
        char text[] = {'\xe4', (char)(pair & 0xff), (char)(pair >> 8), '%', '\0'};
        for (size_t i = 0; i < COUNT(all); i++) {
            const char *shown = written(all[i], text, HTML_WHOLE);
            utf8proc_int32_t code;
            for (const char *p = shown; *p;
                 p += utf8proc_iterate((const utf8proc_uint8_t *)p, -1, &code))
                if (utf8proc_iterate((const utf8proc_uint8_t *)p, -1, &code) < 1)
                    fail_msg("%04x: not UTF-8: %s", (unsigned)pair, shown);
            if (strpbrk(shown, "<>\"'\n\r\t\x1b\x7f"))
                fail_msg("%04x: %s", (unsigned)pair, shown);
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_markup_is_escaped),
    cmocka_unit_test(control_characters_are_spelled),
    cmocka_unit_test(what_turns_the_direction_or_is_not_seen_is_spelled),
    cmocka_unit_test(bytes_that_are_not_utf8_are_spelled),
    cmocka_unit_test(writing_of_all_kinds_is_shown_as_it_is),
    cmocka_unit_test(a_url_is_decoded_where_it_is_writing),
    cmocka_unit_test(a_url_stays_encoded_where_that_would_mislead),
    cmocka_unit_test(text_is_not_decoded),
    cmocka_unit_test(what_is_too_long_loses_its_middle),
    cmocka_unit_test(only_http_may_be_a_link),
    cmocka_unit_test(a_link_is_printable_ascii),
    cmocka_unit_test(whatever_comes_is_one_line_of_utf8_without_markup),
};

TEST_MAIN(tests)
