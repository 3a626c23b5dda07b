// SPDX-License-Identifier: MIT
// fetch_url_test.c - programs/fetch/url.h and seen.h: URLs as they are asked for, and known again.
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "fetch/seen.h"
#include "fetch/url.h"

static void assert_asked(const char *written, const char *expected)
{
    struct page page = {0};
    char *asked;
    assert_int_equal(url_read(written, &asked, &page), FAULT_NONE);
    assert_string_equal(asked, expected);
    free(asked);
}

static void assert_wrong(const char *written, enum page_fault fault, const char *detail)
{
    struct page page = {0};
    char *asked;
    assert_int_equal(url_read(written, &asked, &page), fault);
    assert_int_equal(page.fault, fault);
    assert_null(asked);
    assert_string_equal(page.detail, detail);
}

static void a_url_in_its_plain_form_stays_as_it_is(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "http://example.org/",           "https://example.org:8443/a?b=c&d=%41",
        "http://user:word@example.org/", "http://[::1]:8080/x",
        "http://127.0.0.1/%E4%B8%AD",    "http://a_b.example/~x",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        assert_asked(urls[i], urls[i]);
}

static void texts_for_the_same_page_become_the_same(void **state)
{
    (void)state;
    assert_asked("HTTP://Example.ORG", "http://example.org/");
    assert_asked("http://example.org:80/#top", "http://example.org/");
    assert_asked("https://example.org:443", "https://example.org/");
    assert_asked("https://example.org:80", "https://example.org:80/");
    assert_asked("http://example.org:/", "http://example.org/");
    assert_asked("http://example.org:0080/", "http://example.org/");
    assert_asked("http://example.org:00000081/", "http://example.org:81/");
    assert_asked("http://example.org?q", "http://example.org/?q");
    assert_asked("http://example.org#http://x/", "http://example.org/");
    assert_asked("http://[FE80::A]/", "http://[fe80::a]/");
    assert_asked("http://example.org/A", "http://example.org/A"); // a path has no small form
}

static void names_and_paths_of_any_script_are_encoded(void **state)
{
    (void)state;
    static const char *const locales[] = {"C", "C.UTF-8", "zh_CN.GB18030", "en_US.ISO-8859-1"};
    for (size_t i = 0; i < sizeof locales / sizeof *locales; i++) {
        (void)setlocale(LC_ALL,
                        locales[i]); // one that is not here leaves the last: it must not matter
        assert_asked("http://例子.测试/中文", "http://xn--fsqu00a.xn--0zwm56d/%E4%B8%AD%E6%96%87");
        assert_asked("http://例子。测试", "http://xn--fsqu00a.xn--0zwm56d/");
        assert_asked("https://Bücher.example:8080/ü?ß=ä#ö",
                     "https://xn--bcher-kva.example:8080/%C3%BC?%C3%9F=%C3%A4");
        assert_asked("http://faß.de/", "http://xn--fa-hia.de/"); // not fass.de, another's
        assert_asked("http://bu\xcc\x88"
                     "cher.example/",
                     "http://xn--bcher-kva.example/");
        assert_asked("http://\xef\xbd\x81.example/", "http://a.example/"); // a wide a
        assert_asked("http://☃.net/", "http://xn--n3h.net/");
        assert_asked("http://i❤️.ws/", "http://xn--i-7iq.ws/"); // with a selector, as typed
        assert_asked("http://x/\xff", "http://x/%FF");
        assert_asked("http://\xe4\xb8\xad@x/", "http://%E4%B8%AD@x/");
    }
    (void)setlocale(LC_ALL, "C");
}

static void what_is_no_url_says_where(void **state)
{
    (void)state;
    assert_wrong("", FAULT_NO_SCHEME, "");
    assert_wrong("www.example.org", FAULT_NO_SCHEME, "");
    assert_wrong("/a:b", FAULT_NO_SCHEME, "");
    assert_wrong("ftp://example.org/", FAULT_SCHEME, "ftp");
    assert_wrong("httpss://example.org/", FAULT_SCHEME, "httpss");
    assert_wrong("http://x/a b", FAULT_URL, "byte 11 is a space");
    assert_wrong("http://x/\x1b", FAULT_URL, "byte 10 is a control character");
    assert_wrong("http://x\x7f/", FAULT_URL, "byte 9 is a control character");
    assert_wrong("http:x", FAULT_URL, "byte 6 is where // should be");
    assert_wrong("http:/x", FAULT_URL, "byte 6 is where // should be");
    assert_wrong("http://", FAULT_URL, "byte 8 is where a host should be");
    assert_wrong("http:///x", FAULT_URL, "byte 8 is where a host should be");
    assert_wrong("http://user@:80/", FAULT_URL, "byte 13 is where a host should be");
    assert_wrong("http://x:8o/", FAULT_URL, "byte 11 is no digit of a port");
    assert_wrong("http://x:-1/", FAULT_URL, "byte 10 is no digit of a port");
    assert_wrong("http://a:b:80/", FAULT_URL, "byte 10 is no digit of a port");
    static const char port[] = "byte 10 begins a port that is not one of 1 to 65535";
    assert_wrong("http://x:0/", FAULT_URL, port);
    assert_wrong("http://x:65536/", FAULT_URL, port);
    assert_wrong("http://x:99999999999999999999/", FAULT_URL, port);
    assert_wrong("http://[::1/", FAULT_URL, "byte 8 opens a bracket that nothing closes");
    assert_wrong("http://[::1]x/", FAULT_URL, "byte 13 follows an address in brackets");
}

static void a_name_that_dns_cannot_have_says_where_it_begins(void **state)
{
    (void)state;
    struct page page = {0};
    char *asked;
    static const char begins[] = "the name from byte 13 on: ";
    static const char *const names[] = {"\xff\xfe", "\xe2\x80\x8e中", "中-\xcc\x80-.测试..x",
                                        "☃faß.example"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char url[64];
        (void)snprintf(url, sizeof url, "http://user@%s/", names[i]);
        if (url_read(url, &asked, &page) == FAULT_NONE) {
            print_message("%s became %s\n", url, asked);
            free(asked);
            fail();
        }
        assert_int_equal(page.fault, FAULT_URL);
        assert_memory_equal(page.detail, begins, sizeof begins - 1);
        assert_true(strlen(page.detail) > sizeof begins);
    }
}

static void a_character_that_stands_for_another_makes_no_other_host(void **state)
{
    (void)state;
    static const char words[] =
        "the name from byte 8 on: a character stands for another that no name has";
    static const char *const urls[] = {
        "http://good.example／.evil.example/",
        "http://good.example＠evil.example/",
        "http://good.example：80/",
        "http://℀.example/",
        "http://a％2f/",
        "http://a＃.example/",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        assert_wrong(urls[i], FAULT_URL, words);
}

static void a_name_of_characters_that_count_for_nothing_is_none(void **state)
{
    (void)state;
    assert_wrong("http://\xef\xb8\x8f/", FAULT_URL, // a variation selector
                 "the name from byte 8 on: it is made of characters that count for nothing");
}

static void a_long_url_is_read_whole(void **state)
{
    (void)state;
    enum { PATH = 60000 };
    char *url = malloc(PATH + 32);
    struct page page = {0};
    char *asked;
    assert_non_null(url);
    size_t size = (size_t)sprintf(url, "http://x/");
    memset(url + size, 0xe4, PATH);
    url[size + PATH] = '\0';
    assert_int_equal(url_read(url, &asked, &page), FAULT_NONE);
    assert_int_equal(strlen(asked), size + 3 * PATH);
    assert_string_equal(asked + size + 3 * PATH - 6, "%E4%E4");
    free(asked);
    free(url);
}

// What libcurl makes of it, as page.c asks it where a URL is not plain.
static char *through_libcurl(const char *asked)
{
    CURLU *place = curl_url();
    char *text = NULL;
    assert_non_null(place);
    if (curl_url_set(place, CURLUPART_URL, asked, CURLU_URLENCODE) == CURLUE_OK)
        assert_int_equal(curl_url_get(place, CURLUPART_URL, &text, 0), CURLUE_OK);
    curl_url_cleanup(place);
    return text;
}

static bool is_plain(const char *written)
{
    struct page page = {0};
    char *asked;
    assert_int_equal(url_read(written, &asked, &page), FAULT_NONE);
    bool plain = url_is_plain(asked);
    char *theirs = plain ? through_libcurl(asked) : NULL;
    if (plain) {
        assert_non_null(theirs);
        assert_string_equal(theirs, asked);
    }
    curl_free(theirs);
    free(asked);
    return plain;
}

static void what_is_plain_libcurl_leaves_as_it_is(void **state)
{
    (void)state;
    static const char *const plain[] = {
        "http://example.org",
        "HTTP://Example.ORG:80/A/b?c=d/e&f#g",
        "https://example.org:8443/",
        "https://a-b.c.d.example/;x=1,2!$&'()*+~_@:",
        "http://127.0.0.1:8080/x?y=http://z/",
        "http://localhost/%e4%B8%ad",
        "http://例子.测试/中文?多",
        "http://x.y/a//b/c.html?d",
        "http://0.com/",
    };
    static const char *const not_plain[] = {
        "http://user:word@example.org/",
        "http://example.org/a/../b",
        "http://example.org/./a",
        "http://example.org/.a",
        "http://[::1]:80/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://2130706433/",
        "http://example.org/a|b",
        "http://example.org/\\a",
        "http://a_b/",
        "http://example.org/\"",
        "http://1.2.3.4./",
        "http://example.org./",
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        assert_true(is_plain(plain[i]));
    for (size_t i = 0; i < sizeof not_plain / sizeof *not_plain; i++)
        assert_false(is_plain(not_plain[i]));
}

static void each_byte_of_a_url_is_plain_or_read_by_libcurl(void **state)
{
    (void)state;
    char url[] = "http://example.org/a?b";
    for (size_t at = 7; at < strlen(url); at++)
        for (int byte = 0x21; byte < 0x7f; byte++) {
            struct page page = {0};
            char text[sizeof url], *asked;
            memcpy(text, url, sizeof url);
            text[at] = (char)byte;
            bool read = url_read(text, &asked, &page) == FAULT_NONE;
            free(asked);
            if (read)
                (void)is_plain(text); // which compares the two
        }
}

// ---- which came before -------------------------------------------------------------------------

enum { MANY = 300000 };

static void each_text_is_new_once_and_keeps_its_number(void **state)
{
    (void)state;
    struct seen *s = seen_new();
    char text[32];
    assert_non_null(s);
    for (int round = 1; round >= 0; round--)
        for (int i = 0; i < MANY; i++) {
            (void)snprintf(text, sizeof text, "http://x/%d", i);
            assert_int_equal(seen_find(s, text), round ? 0 : i + 1);
            assert_int_equal(seen_add(s, text, round ? (uint32_t)i + 1 : 7), round);
        }
    assert_int_equal(seen_find(s, ""), 0);
    assert_int_equal(seen_add(s, "", UINT32_MAX), 1);
    assert_int_equal(seen_add(s, "", 7), 0);
    assert_int_equal(seen_find(s, ""), UINT32_MAX);
    seen_free(&s);
    assert_null(s);
    seen_free(&s);
}

static void a_text_costs_at_most_43_bytes_however_long_it_is(void **state)
{
    (void)state;
    struct seen *s = seen_new();
    char text[1000];
    assert_non_null(s);
    memset(text, 'x', sizeof text);
    for (int i = 0; i < MANY / 10; i++) {
        (void)snprintf(text + sizeof text - 8, 8, "%07d", i);
        assert_int_equal(seen_add(s, text, 1), 1);
        if (i > 1000)
            assert_true(seen_bytes(s) <= 43 * ((size_t)i + 1) + 100);
    }
    seen_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_in_its_plain_form_stays_as_it_is),
        cmocka_unit_test(texts_for_the_same_page_become_the_same),
        cmocka_unit_test(names_and_paths_of_any_script_are_encoded),
        cmocka_unit_test(what_is_no_url_says_where),
        cmocka_unit_test(a_name_that_dns_cannot_have_says_where_it_begins),
        cmocka_unit_test(a_character_that_stands_for_another_makes_no_other_host),
        cmocka_unit_test(a_name_of_characters_that_count_for_nothing_is_none),
        cmocka_unit_test(a_long_url_is_read_whole),
        cmocka_unit_test(what_is_plain_libcurl_leaves_as_it_is),
        cmocka_unit_test(each_byte_of_a_url_is_plain_or_read_by_libcurl),
        cmocka_unit_test(each_text_is_new_once_and_keeps_its_number),
        cmocka_unit_test(a_text_costs_at_most_43_bytes_however_long_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
