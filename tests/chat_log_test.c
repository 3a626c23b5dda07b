// SPDX-License-Identifier: MIT
// chat_log_test.c - programs/chat/log_line.h: one event is one line, whatever is in it.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chat/log_line.h"
#include "common/utf8.h"

static const struct timespec moment = {.tv_sec = 1795902454, .tv_nsec = 123456789};
#define MOMENT "2026-11-28T21:47:34.123Z"

// The line without its end, NUL-terminated.
static const char *line_of(enum log_format format, const struct timespec *when,
                           const struct log_field *fields)
{
    static char line[LOG_LINE + 1];
    size_t size = log_event(line, format, when, "drop", fields);
    assert_true(size <= LOG_LINE);
    assert_int_equal(line[size - 1], '\n');
    line[size - 1] = '\0';
    assert_null(strchr(line, '\n'));
    assert_int_equal(strlen(line), size - 1);
    return line;
}

static const char *with(enum log_format format, const char *text)
{
    return line_of(format, &moment, (const struct log_field[]){log_text("reason", text), {0}});
}

static void an_event_has_the_same_names_and_fields_in_both(void **state)
{
    const struct log_field fields[] = {log_number("id", 2),
                                       log_text("addr", "[2001:db8::7]:40113"),
                                       log_text("reason", "too slow"),
                                       {0}};
    (void)state;
    assert_string_equal(line_of(LOG_TEXT, &moment, fields),
                        MOMENT " drop id=2 addr=[2001:db8::7]:40113 reason=\"too slow\"");
    assert_string_equal(line_of(LOG_JSON, &moment, fields),
                        "{\"time\":\"" MOMENT "\",\"event\":\"drop\",\"id\":2,"
                        "\"addr\":\"[2001:db8::7]:40113\",\"reason\":\"too slow\"}");
}

static void numbers_are_written_as_they_are(void **state)
{
    const struct log_field fields[] = {log_number("a", 0),
                                       log_number("b", -1),
                                       log_number("c", INT64_MAX),
                                       log_number("d", INT64_MIN),
                                       {0}};
    (void)state;
    assert_string_equal(line_of(LOG_TEXT, &moment, fields),
                        MOMENT " drop a=0 b=-1 c=9223372036854775807 d=-9223372036854775808");
}

// Against the C library, over 130 years, leap days and ends of years among them.
static void the_time_is_utc(void **state)
{
    const struct log_field none[] = {{0}};
    (void)state;
    for (time_t at = 0; at < 130LL * 365 * 86400; at += 86399 * 5 + 1) {
        char expected[64];
        struct tm tm;
        gmtime_r(&at, &tm);
        (void)strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.007Z drop", &tm);
        const struct timespec when = {.tv_sec = at, .tv_nsec = 7999999};
        assert_string_equal(line_of(LOG_TEXT, &when, none), expected);
    }
}

static void what_could_forge_a_line_or_reach_a_terminal_is_escaped(void **state)
{
    static const struct {
        const char *text, *written;
    } cases[] = {
        {"", "\"\""},
        {"a b", "\"a b\""},
        {"x\n2026-11-28T21:47:34.123Z stop", "\"x\\n2026-11-28T21:47:34.123Z stop\""},
        {"a\r\n\tb", "\"a\\r\\n\\tb\""},
        {"\" id=9 \\", "\"\\\" id=9 \\\\\""},
        {"id=9", "\"id=9\""},
        {"\x1b[2J\x07\x7f", "\"\\u001b[2J\\u0007\\u007f\""},
        {"\xC2\x9B"
         "31m",
         "\"\\u009b31m\""}, // C1: CSI in one character
        {"a\xE2\x80\xAE"
         "b\xE2\x81\xA6",
         "\"a\\u202eb\\u2066\""}, // turned around
        {"a\xE2\x80\xA8"
         "b\xE2\x80\xA9",
         "\"a\\u2028b\\u2029\""}, // ends of lines for some
        {"\xFF\xC0\xAF\xED\xA0\x80",
         "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xE5\xA4\x9A\xE7\xBA\xBF\xE7\xA8\x8B \xF0\x9F\x92\xA1", // 多线程, a lamp
         "\"\xE5\xA4\x9A\xE7\xBA\xBF\xE7\xA8\x8B \xF0\x9F\x92\xA1\""},
        {"cut\xE5\xA4", "\"cut\xEF\xBF\xBD\xEF\xBF\xBD\""},
    };
    char text[128], json[256];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(text, sizeof text, MOMENT " drop reason=%s", cases[i].written);
        (void)snprintf(json, sizeof json,
                       "{\"time\":\"" MOMENT "\",\"event\":\"drop\",\"reason\":%s}",
                       cases[i].written);
        assert_string_equal(with(LOG_TEXT, cases[i].text), text);
        assert_string_equal(with(LOG_JSON, cases[i].text), json);
    }
}

static void every_byte_in_every_place_leaves_a_line_of_utf8(void **state)
{
    char text[4] = "";
    (void)state;
    for (int a = 1; a < 256; a++)
        for (int b = 1; b < 256; b++) {
            text[0] = (char)a, text[1] = (char)b, text[2] = 'z';
            for (int format = LOG_TEXT; format <= LOG_JSON; format++) {
                const char *line = with((enum log_format)format, text);
                assert_true(utf8_is_valid(line, strlen(line)));
                for (const char *c = line; *c; c++)
                    assert_true((unsigned char)*c >= ' ' && *c != 0x7F);
            }
        }
}

static void long_values_are_cut_and_the_line_stays_whole(void **state)
{
    static char text[10000];
    (void)state;
    for (size_t at = 0; at < 8; at++) {
        memset(text, '"', sizeof text - 1);
        memset(text, 'x', at);
        const struct log_field fields[] = {log_text("a", text),
                                           log_text("b", text),
                                           log_text("c", text),
                                           log_text("d", text),
                                           log_text("e", text),
                                           log_number("f", 1),
                                           {0}};
        const char *line = line_of(LOG_JSON, &moment, fields);
        assert_string_equal(line + strlen(line) - 5, "...\"}");
        assert_non_null(strstr(line, "...\",\"b\":\""));
        assert_null(strstr(line, "\"e\""));
        line = line_of(LOG_TEXT, &moment, fields);
        assert_string_equal(line + strlen(line) - 4, "...\"");
    }
    memset(text, 'x', sizeof text - 1); // bare, were it not so long
    const char *line = with(LOG_TEXT, text);
    assert_string_equal(line + strlen(line) - 5, "x...\"");
    assert_true(strlen(line) < LOG_VALUE + 60);
}

static void a_sentence_is_one_line_too(void **state)
{
    char line[LOG_LINE];
    (void)state;
    size_t size = log_sentence(line, LOG_TEXT, &moment, "history in /tmp/\"a\"\n\x1b");
    assert_int_equal(size, strlen("history in /tmp/\"a\"\\n\\u001b\n"));
    assert_memory_equal(line, "history in /tmp/\"a\"\\n\\u001b\n", size);
    size = log_sentence(line, LOG_JSON, &moment, "so \"it\" is");
    static const char json[] = "{\"time\":\"" MOMENT
                               "\",\"event\":\"note\",\"text\":\"so \\\"it\\\" is\"}\n";
    assert_int_equal(size, sizeof json - 1);
    assert_memory_equal(line, json, size);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_has_the_same_names_and_fields_in_both),
        cmocka_unit_test(numbers_are_written_as_they_are),
        cmocka_unit_test(the_time_is_utc),
        cmocka_unit_test(what_could_forge_a_line_or_reach_a_terminal_is_escaped),
        cmocka_unit_test(every_byte_in_every_place_leaves_a_line_of_utf8),
        cmocka_unit_test(long_values_are_cut_and_the_line_stays_whole),
        cmocka_unit_test(a_sentence_is_one_line_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
