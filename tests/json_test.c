// SPDX-License-Identifier: MIT
// json_test.c - programs/common/json.h, number.h and utf8.h: text of anybody is one JSON string.
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "common/number.h"
#include "common/utf8.h"

// What json_string writes, until the next call.
static const char *string_of(const char *text, size_t size)
{
    static char written[4096];
    FILE *out = fmemopen(written, sizeof written, "w");
    assert_non_null(out);
    json_string(out, text, size);
    assert_int_equal(fclose(out), 0);
    return written;
}

static void text_is_quoted_and_what_could_end_or_steer_is_escaped(void **state)
{
    static const struct {
        const char *text, *written;
    } cases[] = {
        {"", "\"\""},
        {"http://x/?a=b", "\"http://x/?a=b\""},
        {"say \"x\" \\ y/", "\"say \\\"x\\\" \\\\ y/\""},
        {"\t\r\n\b\x1b[2J\x7f", "\"\\t\\r\\n\\u0008\\u001b[2J\\u007f\""},
        {"\xC2\x9B", "\"\\u009b\""},                          // CSI in one character
        {"\xE2\x80\xAE|\xE2\x80\xA8", "\"\\u202e|\\u2028\""}, // turned round; the end of a line
        {"例子.测试/中文 💡", "\"例子.测试/中文 💡\""},
        {"\xFF|\xC0\xAF|\xED\xA0\x80|\xE4\xB8",
         "\"\uFFFD|\uFFFD\uFFFD|\uFFFD\uFFFD\uFFFD|\uFFFD\uFFFD\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(string_of(cases[i].text, strlen(cases[i].text)), cases[i].written);
    assert_string_equal(string_of("a\0b", 3), "\"a\\u0000b\"");
    assert_string_equal(string_of("例子", 3), "\"例\""); // no byte beyond the size is looked at
}

static void every_pair_of_bytes_becomes_printable_utf8(void **state)
{
    (void)state;
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            const char text[] = {(char)a, (char)b, 'z'};
            const char *written = string_of(text, sizeof text);
            size_t size = strlen(written);
            assert_true(utf8_is_valid(written, size));
            assert_true(size >= 3 && written[0] == '"' && written[size - 1] == '"');
            for (const char *c = written; *c; c++)
                assert_true((unsigned char)*c >= ' ' && *c != 0x7F);
        }
}

static void code_points_are_decoded_and_those_that_steer_are_known(void **state)
{
    (void)state;
    assert_int_equal(utf8_code("A", 1), 'A');
    assert_int_equal(utf8_code("\xC2\x9B", 2), 0x9B);
    assert_int_equal(utf8_code("例", 3), 0x4F8B);
    assert_int_equal(utf8_code("💡", 4), 0x1F4A1);
    static const unsigned unsafe[] = {0, 0x1F, 0x7F, 0x9F, 0x61C, 0x200E, 0x2028, 0x2066, 0xFEFF};
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++)
        assert_true(utf8_is_unsafe(unsafe[i]));
    static const unsigned safe[] = {' ', '~', 0xA0, 0x200D, 0x4F8B, 0x1F4A1};
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
        assert_false(utf8_is_unsafe(safe[i]));
}

static void numbers_are_those_of_printf(void **state)
{
    static const int64_t numbers[] = {0, 1, -1, 9, 10, 1023, -4096, INT64_MAX, INT64_MIN};
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char expected[32], written[32] = "";
        (void)snprintf(expected, sizeof expected, "%lld", (long long)numbers[i]);
        FILE *out = fmemopen(written, sizeof written, "w");
        assert_non_null(out);
        json_number(out, numbers[i]);
        assert_int_equal(fclose(out), 0);
        assert_string_equal(written, expected);
    }
    char text[NUMBER_TEXT];
    char *begin = number_before(text + sizeof text, 7, 3);
    assert_int_equal(text + sizeof text - begin, 3);
    assert_memory_equal(begin, "007", 3);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_quoted_and_what_could_end_or_steer_is_escaped),
        cmocka_unit_test(every_pair_of_bytes_becomes_printable_utf8),
        cmocka_unit_test(code_points_are_decoded_and_those_that_steer_are_known),
        cmocka_unit_test(numbers_are_those_of_printf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
