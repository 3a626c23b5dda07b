// SPDX-License-Identifier: MIT
// fetch_words_test.c - programs/fetch/units.h and fault.h: sizes, times and what broke, in words.
#define _GNU_SOURCE
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fetch/fault.h"
#include "fetch/units.h"

// ---- units ---------------------------------------------------------------------------------

static void sizes_have_three_digits_for_people(void **state)
{
    static const struct {
        int64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0"},
        {1023, "1023"},
        {1024, "1.00K"},
        {10234, "9.99K"},
        {10235, "10.0K"},
        {48374, "47.2K"},
        {102297, "99.9K"},
        {102399, "100K"},
        {1048063, "1023K"},
        {1048064, "1.00M"}, // 1023.5K
        {1123456, "1.07M"},
        {INT64_C(1) << 30, "1.00G"},
        {INT64_C(1) << 40, "1.00T"},
        {INT64_C(1) << 50, "1.00P"},
        {INT64_MAX, "8.00E"},
        {-1536, "-1.50K"},
        {INT64_MIN, "-8.00E"},
    };
    char text[UNITS_TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(size_text(text, cases[i].bytes, true), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
    (void)size_text(text, INT64_MIN, false);
    assert_string_equal(text, "-9223372036854775808");
}

static void seconds_are_rounded_and_growth_is_a_share(void **state)
{
    char text[2 * UNITS_TEXT];
    (void)state;
    static const int64_t ns[] = {0, 499999, 500000, 402499999, 59999500000};
    static const char *const texts[] = {"0.000", "0.000", "0.001", "0.402", "60.000"};
    for (size_t i = 0; i < sizeof ns / sizeof *ns; i++) {
        (void)seconds_text(text, ns[i], 3);
        assert_string_equal(text, texts[i]);
    }
    assert_int_equal(seconds_text(text, 1000000499, 6), 8);
    assert_string_equal(text, "1.000000");
    static const struct {
        int64_t before, now;
        const char *text;
    } grown[] = {
        {65536, 68813, "+3277 (+5 %)"},
        {1000, 996, "-4 (-0.4 %)"},
        {1000, 1099, "+99 (+9.9 %)"},
        {1000, 1104, "+104 (+10.4 %)"},
        {1000, 1100, "+100 (+10 %)"},
        {3, 10, "+7 (+233.3 %)"},
        {0, 7, "+7"},
        {1000, 0, "-1000 (-100 %)"},
        {100, 100, "+0 (+0 %)"},
        {1, 3, "+2 (+200 %)"},
    };
    for (size_t i = 0; i < sizeof grown / sizeof *grown; i++) {
        size_t size = growth_text(text, grown[i].before, grown[i].now, false);
        assert_int_equal(size, strlen(grown[i].text));
        assert_string_equal(text, grown[i].text);
    }
    (void)growth_text(text, 65536, 68813, true);
    assert_string_equal(text, "+3.20K (+5 %)");
}

// ---- what broke ----------------------------------------------------------------------------

static const char *fault_of(const struct page *page)
{
    static char text[1024];
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_non_null(out);
    fault_print(out, page);
    assert_int_equal(fputc('\0', out), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void each_fault_has_a_name_of_its_own_and_words(void **state)
{
    (void)state;
    for (int i = 0; i < FAULTS; i++) {
        const char *name = fault_name((enum page_fault)i);
        assert_true(strlen(name) > 0);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(name, fault_name((enum page_fault)j));
        const struct page page = {
            .fault = (enum page_fault)i, .target = "http://x/", .detail = "words", .claimed = -1};
        assert_true((strlen(fault_of(&page)) > 0) == (i != FAULT_NONE));
    }
    assert_string_equal(fault_name(FAULT_TIMEOUT), "timeout");
    assert_string_equal(fault_name(FAULT_ENCODING_CUT), "encoding-cut");
}

static void a_timeout_names_the_limit_that_was_reached(void **state)
{
    struct page page = {.fault = FAULT_TIMEOUT, .stage = STAGE_FIRST_BYTE, .detail = "10 s"};
    (void)state;
    page.code = PATIENCE_FIRST_BYTE;
    assert_string_equal(fault_of(&page),
                        "timed out waiting for an answer (10 s, --first-byte-timeout)");
    page.code = PATIENCE_CONNECT;
    page.stage = STAGE_TLS;
    assert_string_equal(fault_of(&page), "timed out agreeing on TLS (10 s, --connect-timeout)");
    page = (struct page){.fault = FAULT_TIMEOUT, .stage = STAGE_BODY, .encoded = 3, .claimed = 100};
    assert_string_equal(fault_of(&page), "timed out in the body, after 3 of 100 bytes (--timeout)");
    page.code = PATIENCE_IDLE;
    page.claimed = -1;
    assert_string_equal(fault_of(&page), "timed out in the body, after 3 bytes (--idle-timeout)");
}

static void a_name_that_is_none_and_a_server_that_is_silent_are_told_apart(void **state)
{
    struct page page = {.fault = FAULT_NAME, .code = EAI_NONAME};
    (void)state;
    assert_string_equal(fault_of(&page), "name not known (DNS)");
    page.code = EAI_AGAIN;
    assert_string_equal(fault_of(&page), "the name server does not answer (DNS)");
}

static void what_does_not_speak_tls_is_told_as_that(void **state)
{
    struct page page = {
        .fault = FAULT_TLS, .code = 1, .stage = STAGE_TLS, .detail = "wrong version number"};
    (void)state;
    assert_string_equal(fault_of(&page),
                        "no safe connection: the server does not speak TLS there (TLS)");
    strcpy(page.aside, "the server speaks plain HTTP there");
    assert_string_equal(fault_of(&page),
                        "no safe connection: the server speaks plain HTTP there (TLS)");
    strcpy(page.detail, "certificate has expired");
    strcpy(page.aside, "it expired on 2024-05-01");
    assert_string_equal(
        fault_of(&page),
        "no safe connection: certificate has expired; it expired on 2024-05-01 (TLS)");
}

static void a_bomb_tells_both_sizes(void **state)
{
    const struct page page = {.fault = FAULT_DECODED_SIZE, .encoded = 100, .decoded = 1 << 30};
    (void)state;
    assert_string_equal(
        fault_of(&page),
        "stopped after 100 bytes, 1073741824 decoded: its size is over the limit (--max-decoded)");
}

static void what_steers_a_terminal_is_shown_as_bytes(void **state)
{
    static char text[256];
    FILE *out = fmemopen(text, sizeof text, "w");
    (void)state;
    assert_non_null(out);
    print_clean(out, "a\x1b[2J\n\x7f|\xC2\x9B|\xE2\x80\xAE|\xFF|例 💡|\xE4\xBE");
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text,
                        "a\\x1b[2J\\x0a\\x7f|\\xc2\\x9b|\\xe2\\x80\\xae|\\xff|例 💡|\\xe4\\xbe");
    assert_int_equal(clean_run("例子", 5), 3);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_have_three_digits_for_people),
        cmocka_unit_test(seconds_are_rounded_and_growth_is_a_share),
        cmocka_unit_test(each_fault_has_a_name_of_its_own_and_words),
        cmocka_unit_test(a_timeout_names_the_limit_that_was_reached),
        cmocka_unit_test(a_name_that_is_none_and_a_server_that_is_silent_are_told_apart),
        cmocka_unit_test(what_does_not_speak_tls_is_told_as_that),
        cmocka_unit_test(a_bomb_tells_both_sizes),
        cmocka_unit_test(what_steers_a_terminal_is_shown_as_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
