// SPDX-License-Identifier: MIT
// fetch_text_test.c - the text of programs/fetch/output.h, its writing, and summary.h, byte for
// byte, into memory.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <weft/error.h>

#include "common/width.h"
#include "fetch/fault.h"
#include "fetch/summary.h"
#include "fetch_sheet.h"

// ---- text ----------------------------------------------------------------------------------

static void in_a_pipe_pages_are_lines_of_plain_bytes_and_failures_go_to_stderr(void **state)
{
    struct sheet s;
    struct page full = full_page();
    struct page head = {.status = 200, .head = true, .claimed = 5000, .attempts = 1};
    struct page missing = {.fault = FAULT_HTTP,
                           .status = 404,
                           .attempts = 2,
                           .encoded = 404,
                           .claimed = -1,
                           .reason = "Not Found",
                           .redirects = 1,
                           .target = "http://x/n"};
    (void)state;
    open_sheet(&s, FORMAT_TEXT);
    output_begin(&s.output);
    show(&s, "http://x/", &plain);
    show(&s, "http://x/\x1b", &full);
    show(&s, "http://x/head", &head);
    show(&s, "http://x/m", &missing);
    show(&s, "", &(struct page){.fault = FAULT_NO_SCHEME, .attempts = 1, .claimed = -1});
    show(&s, "http://loop/",
         &(struct page){.fault = FAULT_REDIRECT_LOOP,
                        .redirects = 10,
                        .target = "http://loop/",
                        .claimed = -1});
    assert_said(
        &s,
        " 200        102399        102399        102399    0.402s  http://x/\n"
        " 200         48374        102399             -    1.235s  http://x/\\x1b -> http://x/3"
        " (gzip, more than claimed, end not verified, 3 attempts, 2 redirects)\n"
        " 200             -             -          5000    0.000s  http://x/head\n",
        "weft fetch: http://x/m -> http://x/n: 404 Not Found (HTTP) (2 attempts)\n"
        "weft fetch: '': not a URL: it begins with neither http:// nor https://\n"
        "weft fetch: http://loop/: redirected too often, next to http://loop/\n");
    assert_int_equal(s.output.rows, 6);
    close_sheet(&s);
}

static void on_a_terminal_there_are_headings_and_human_units_and_failures_are_rows(void **state)
{
    struct sheet s;
    struct page name = {.fault = FAULT_NAME, .detail = "words", .claimed = -1, .ns = 3000000};
    (void)state;
    open_sheet(&s, FORMAT_TEXT);
    s.output.terminal = s.output.err_terminal = true;
    show(&s, "http://x/", &plain);
    show(&s, "http://例子.测试/中文", &name);
    show(&s, "http://example.org/page", &name);
    show(&s, "http://a.very.long.name.of.a.host.example/", &name);
    assert_said(&s,
                "HTTP  ENCODED  DECODED  CLAIMED      TIME  URL\n"
                " 200     100K     100K     100K    0.402s  http://x/\n",
                "   -        -        -        -    0.003s  http://例子.测试/中文"
                "           words (DNS)\n"
                "   -        -        -        -    0.003s  http://example.org/page"
                "         words (DNS)\n"
                "   -        -        -        -    0.003s  "
                "http://a.very.long.name.of.a.host.example/  words (DNS)\n");
    // The columns before the words are equally many, though the bytes are not.
    const char *line = s.err_text;
    for (int i = 0; i < 2; i++) {
        const char *words = strstr(line, "words");
        assert_int_equal(text_columns(line, (size_t)(words - line)), 75);
        line = strchr(line, '\n') + 1;
    }
    close_sheet(&s);
}

static void bytes_are_bytes_on_a_terminal_too_if_asked_for(void **state)
{
    struct sheet s;
    (void)state;
    open_sheet(&s, FORMAT_TEXT);
    s.set.bytes = s.output.terminal = true;
    show(&s, "http://x/", &(struct page){.fault = FAULT_CANCELED, .claimed = -1});
    show(&s, "http://x/", &plain);
    assert_said(&s,
                "HTTP       ENCODED       DECODED       CLAIMED      TIME  URL\n"
                " 200        102399        102399        102399    0.402s  http://x/\n",
                "weft fetch: http://x/: interrupted\n"); // stderr is none
    close_sheet(&s);
}

static void growth_and_missed_budgets_are_marked(void **state)
{
    static const struct page_change changes[] = {
        {.before = 102399, .budget = -1},
        {.before = 97280, .budget = -1},
        {.before = 97280, .budget = -1, .over = true},
        {.before = -1, .budget = 102400},
        {.before = 204798, .budget = 100000, .over = true},
    };
    struct sheet s;
    (void)state;
    open_sheet(&s, FORMAT_TEXT);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        output_page(&s.output, "u", &plain, &changes[i]);
#define ROW " 200        102399        102399        102399    0.402s  u"
    assert_said(&s,
                ROW "\n" ROW "  +5119 (+5.3 %)\n" ROW "  +5119 (+5.3 %)  GROWN TOO MUCH\n" ROW
                    "\n" //
                ROW "  -102399 (-50 %)  OVER BUDGET of 100000\n",
                "");
    close_sheet(&s);
    open_sheet(&s, FORMAT_TEXT);
    s.output.terminal = s.output.color = s.output.headed = true;
    output_page(&s.output, "u", &plain, &changes[4]);
    assert_said(&s,
                " 200     100K     100K     100K    0.402s  u"
                "  -100K (-50 %)  \x1b[31mOVER BUDGET\x1b[0m of 97.7K\n",
                "");
    close_sheet(&s);
}

static void what_is_hidden_is_not_printed_but_counted(void **state)
{
    struct sheet s;
    (void)state;
    open_sheet(&s, FORMAT_TEXT);
    s.output.terminal = s.output.pages_hidden = true;
    show(&s, "a", &plain);
    show(&s, "b", &(struct page){.fault = FAULT_CANCELED, .claimed = -1});
    s.output.failures_hidden = true;
    show(&s, "c", &(struct page){.fault = FAULT_CANCELED, .claimed = -1});
    assert_said(&s, "", "weft fetch: b: interrupted\n");
    assert_int_equal(s.output.rows, 3);
    close_sheet(&s);
}

static void the_lecture_prints_all_on_one_side(void **state)
{
    struct sheet s;
    (void)state;
    open_sheet(&s, FORMAT_LECTURE);
    show(&s, "http://x/", &plain);
    show(&s, "http://y/", &cut);
    assert_said(&s,
                "'http://x/' page is 102399 bytes\n"
                "'http://y/' generated an exception: IncompleteRead(3 bytes read, 97 more "
                "expected)\n",
                "");
    close_sheet(&s);
}

// ---- the summary ---------------------------------------------------------------------------

static void a_short_run_is_summed_up_in_a_line(void **state)
{
    struct sheet s;
    struct totals *totals = totals_new();
    struct page full = full_page();
    (void)state;
    open_sheet(&s, FORMAT_TEXT);
    totals_add(totals, "a", &plain, NULL);
    summary_print(&s.output, totals, &(struct output_end){.ns = 523600000});
    assert_said(&s, "", "1 of 1 page, 102399 bytes in 0.524 s\n");
    totals_add(totals, "b", &full, &(struct page_change){.over = true});
    totals_add(totals, "c", &cut, NULL);
    totals_add(totals, "d", &(struct page){.fault = FAULT_TIMEOUT}, NULL);
    s.output.err_terminal = true;
    summary_print(&s.output, totals, &(struct output_end){.ns = 2000000000, .interrupted = true});
    assert_said(&s, "",
                "1 of 1 page, 102399 bytes in 0.524 s\n"
                "interrupted; so far 2 of 4 pages, 147K (200K decoded) in 2.000 s; "
                "2 failed (1 timeout, 1 cut); 1 over budget\n");
    close_sheet(&s);
    totals_free(&totals);
}

static void of_ten_pages_percentiles_and_the_extremes_are_told(void **state)
{
    struct sheet s;
    struct totals *totals = totals_new();
    char url[32];
    (void)state;
    open_sheet(&s, FORMAT_TEXT);
    for (int i = 1; i <= 10; i++) {
        struct page page = plain;
        page.encoded = page.decoded = i * 10;
        page.ns = i * INT64_C(1000000);
        (void)snprintf(url, sizeof url, "http://%d/\x1b", i);
        totals_add(totals, url, &page, NULL);
    }
    summary_print(&s.output, totals, &(struct output_end){.ns = 10000000});
    assert_said(&s, "",
                "10 of 10 pages, 550 bytes in 0.010 s\n"
                "decoded: 50 % up to 50, 90 % up to 90, 99 % up to 100\n"
                "  largest      100  http://10/\\x1b\n"
                "  largest       90  http://9/\\x1b\n"
                "  largest       80  http://8/\\x1b\n"
                "time: 50 % up to 0.005 s, 90 % up to 0.009 s, 99 % up to 0.010 s\n"
                "  slowest    0.010 s  http://10/\\x1b\n"
                "  slowest    0.009 s  http://9/\\x1b\n"
                "  slowest    0.008 s  http://8/\\x1b\n");
    close_sheet(&s);
    totals_free(&totals);
}

static void of_head_the_summary_tells_claims(void **state)
{
    struct sheet s;
    struct totals *totals = totals_new();
    (void)state;
    open_sheet(&s, FORMAT_TEXT);
    for (int i = 0; i < 12; i++)
        totals_add(totals, "a", &(struct page){.head = true, .claimed = 100, .ns = 1000000}, NULL);
    summary_print(&s.output, totals, &(struct output_end){0});
    assert_said(&s, "",
                "12 of 12 pages claim 1200 bytes in 0.000 s\n"
                "time: 50 % up to 0.001 s, 90 % up to 0.001 s, 99 % up to 0.001 s\n"
                "  slowest    0.001 s  a\n  slowest    0.001 s  a\n  slowest    0.001 s  a\n");
    close_sheet(&s);
    totals_free(&totals);
}

// ---- writing -------------------------------------------------------------------------------

static void rows_wait_for_the_flush_and_on_a_terminal_for_nothing(void **state)
{
    struct sheet s;
    struct output o;
    const struct fetch_settings set = {.format = FORMAT_TEXT};
    int ends[2];
    char row[256];
    (void)state;
    open_sheet(&s, FORMAT_TEXT); // for its stderr
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    FILE *out = fdopen(ends[1], "w");
    assert_non_null(out);
    assert_int_equal(output_open(&o, &set, &output_text, out, s.err, BEGUN), 0);
    output_page(&o, "http://x/", &plain, NULL);
    assert_int_equal(read(ends[0], row, sizeof row), -1);
    assert_int_equal(output_flush(&o), 0);
    assert_true(read(ends[0], row, sizeof row) > 0);
    o.terminal = true;
    output_page(&o, "http://x/", &plain, NULL);
    assert_true(read(ends[0], row, sizeof row) > 0);
    output_close(&o);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(close(ends[0]), 0);
    close_sheet(&s);
}

// The buffer is full in the middle of some row; the error is still told, and which one it was.
static void an_error_of_any_write_is_told_once_with_its_reason(void **state)
{
    struct sheet s;
    struct output o;
    const struct fetch_settings set = {.format = FORMAT_CSV};
    (void)state;
    open_sheet(&s, FORMAT_CSV); // for its stderr
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_int_equal(output_open(&o, &set, &output_csv, full, s.err, BEGUN), 0);
    for (int i = 0; i < 1000; i++)
        output_page(&o, "http://x/", &plain, NULL);
    errno = 0;
    assert_int_equal(o.error, ENOSPC);
    assert_int_equal(output_flush(&o), -ENOSPC);
    assert_string_equal(weft_error(), "standard output: No space left on device");
    assert_int_equal(output_flush(&o), 0);
    output_page(&o, "http://x/", &plain, NULL);
    assert_int_equal(output_flush(&o), -ENOSPC);
    output_close(&o);
    assert_int_equal(fclose(full), 0);
    close_sheet(&s);
}

static void words_of_any_length_are_whole_also_after_longer_ones(void **state)
{
    static char url[70000];
    struct sheet s;
    size_t size;
    (void)state;
    memset(url, 'x', sizeof url - 1);
    open_sheet(&s, FORMAT_TEXT);
    print_clean(output_words(&s.output), url);
    assert_memory_equal(output_said(&s.output, &size), url, sizeof url - 1);
    assert_int_equal(size, sizeof url - 1);
    (void)fputs("short", output_words(&s.output));
    assert_memory_equal(output_said(&s.output, &size), "short", 5);
    assert_int_equal(size, 5);
    (void)output_words(&s.output);
    (void)output_said(&s.output, &size);
    assert_int_equal(size, 0);
    close_sheet(&s);
    output_close(&(struct output){0});
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_pipe_pages_are_lines_of_plain_bytes_and_failures_go_to_stderr),
        cmocka_unit_test(on_a_terminal_there_are_headings_and_human_units_and_failures_are_rows),
        cmocka_unit_test(bytes_are_bytes_on_a_terminal_too_if_asked_for),
        cmocka_unit_test(growth_and_missed_budgets_are_marked),
        cmocka_unit_test(what_is_hidden_is_not_printed_but_counted),
        cmocka_unit_test(the_lecture_prints_all_on_one_side),
        cmocka_unit_test(a_short_run_is_summed_up_in_a_line),
        cmocka_unit_test(of_ten_pages_percentiles_and_the_extremes_are_told),
        cmocka_unit_test(of_head_the_summary_tells_claims),
        cmocka_unit_test(rows_wait_for_the_flush_and_on_a_terminal_for_nothing),
        cmocka_unit_test(an_error_of_any_write_is_told_once_with_its_reason),
        cmocka_unit_test(words_of_any_length_are_whole_also_after_longer_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
