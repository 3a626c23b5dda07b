// SPDX-License-Identifier: MIT
// fetch_rows_test.c - JSON, JSON lines and CSV of programs/fetch/output.h, byte for byte.
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <weft/base.h>

#include "fetch/change.h"
#include "fetch/totals.h"
#include "fetch_sheet.h"

#define FULL_JSON \
    "\"url\":\"http://x/\\\"\",\"target\":\"http://x/3\",\"ok\":true,\"error\":null," \
    "\"message\":null,\"stage\":null,\"status\":200,\"http\":\"2\",\"encoding\":\"gzip\"," \
    "\"encoded\":48374,\"decoded\":102399,\"claimed\":null,\"partial_encoded\":null," \
    "\"partial_decoded\":null,\"excess\":true,\"unverified\":true,\"head\":false," \
    "\"seconds\":1.234568,\"begin_seconds\":0.000001,\"name_seconds\":0.000001," \
    "\"connect_seconds\":0.000200,\"tls_seconds\":null,\"first_byte_seconds\":0.100000," \
    "\"request_seconds\":1.000000,\"attempts\":3,\"redirects\":2,\"address\":\"127.0.0.1\"," \
    "\"header_bytes\":210,\"request_bytes\":95,\"before\":100000,\"growth\":2399," \
    "\"budget\":102400,\"over_budget\":false," \
    "\"hops\":[{\"status\":301,\"url\":\"http://x/\"},{\"status\":302,\"url\":\"http://x/2\"}]"

#define CUT_JSON \
    "\"url\":\"http://\uFFFD/\",\"target\":null,\"ok\":false,\"error\":\"cut\"," \
    "\"message\":\"cut off after 3 of 100 bytes\",\"stage\":\"body\",\"status\":200," \
    "\"http\":\"1.1\",\"encoding\":null,\"encoded\":null,\"decoded\":null,\"claimed\":100," \
    "\"partial_encoded\":3,\"partial_decoded\":3,\"excess\":false,\"unverified\":false," \
    "\"head\":false,\"seconds\":0.000000,\"begin_seconds\":0.000000,\"name_seconds\":null," \
    "\"connect_seconds\":null,\"tls_seconds\":null,\"first_byte_seconds\":null," \
    "\"request_seconds\":null,\"attempts\":1,\"redirects\":0,\"address\":null," \
    "\"header_bytes\":0,\"request_bytes\":0,\"before\":null,\"growth\":null,\"budget\":null," \
    "\"over_budget\":null,\"hops\":[]"

#define SUM_JSON \
    "\"interrupted\":true,\"seconds\":2.000000,\"pages\":2,\"failed\":1," \
    "\"failed_by\":{\"cut\":1},\"over_budget\":0,\"encoded\":48374,\"decoded\":102399," \
    "\"received\":48377,\"heads\":0,\"claimed_by_heads\":0," \
    "\"decoded_at\":{\"p50\":102399,\"p90\":102399,\"p99\":102399,\"p100\":102399}," \
    "\"seconds_at\":{\"p50\":1.234568,\"p90\":1.234568,\"p99\":1.234568,\"p100\":1.234568}," \
    "\"largest\":[{\"url\":\"http://x/\\\"\",\"decoded\":102399}]," \
    "\"slowest\":[{\"url\":\"http://x/\\\"\",\"seconds\":1.234568}]," \
    "\"changes\":null,\"budgets\":null"

#define RUN_JSON "\"run\":{\"format\":1,\"weft\":\"%s\",\"begun\":\"2026-11-28T21:47:34Z\"}"

// A run of two pages, with its sum.
static void show_two(struct sheet *s, struct totals *totals)
{
    const struct page_change change = {.before = 100000, .budget = 102400, .judged = true};
    const struct output_end how = {.ns = 2000000000, .interrupted = true};
    struct page full = full_page();
    output_begin(&s->output);
    totals_add(totals, "http://x/\"", &full, &change);
    output_page(&s->output, "http://x/\"", &full, &change);
    totals_add(totals, "http://\xFF/", &cut, NULL);
    show(s, "http://\xFF/", &cut);
    output_end(&s->output, totals, &how);
}

static void json_is_one_object_with_a_line_for_each_page(void **state)
{
    struct sheet s;
    struct totals *totals = totals_new();
    char expected[4096];
    (void)state;
    open_sheet(&s, FORMAT_JSON);
    show_two(&s, totals);
    (void)snprintf(expected, sizeof expected,
                   "{" RUN_JSON ",\n\"pages\":[\n{" FULL_JSON "},\n{" CUT_JSON "}],\n"
                   "\"summary\":{" SUM_JSON "}}\n",
                   weft_version());
    assert_said(&s, expected, "");
    assert_true(s.output.form->sums);
    close_sheet(&s);
    totals_free(&totals);
}

static void json_of_no_page_is_an_object_too(void **state)
{
    struct sheet s;
    struct totals *totals = totals_new();
    char expected[1024];
    (void)state;
    open_sheet(&s, FORMAT_JSON);
    output_begin(&s.output);
    output_end(&s.output, totals, &(struct output_end){0});
    (void)snprintf(expected, sizeof expected,
                   "{" RUN_JSON ",\n\"pages\":[],\n\"summary\":{\"interrupted\":false,"
                   "\"seconds\":0.000000,\"pages\":0,\"failed\":0,\"failed_by\":{},"
                   "\"over_budget\":0,\"encoded\":0,\"decoded\":0,\"received\":0,\"heads\":0,"
                   "\"claimed_by_heads\":0,"
                   "\"decoded_at\":{\"p50\":null,\"p90\":null,\"p99\":null,\"p100\":null},"
                   "\"seconds_at\":{\"p50\":null,\"p90\":null,\"p99\":null,\"p100\":null},"
                   "\"largest\":[],\"slowest\":[],\"changes\":null,\"budgets\":null}}\n",
                   weft_version());
    assert_said(&s, expected, "");
    close_sheet(&s);
    totals_free(&totals);
}

static void json_lines_are_pages_and_a_summary(void **state)
{
    struct sheet s;
    struct totals *totals = totals_new();
    char expected[4096];
    (void)state;
    open_sheet(&s, FORMAT_JSONL);
    show_two(&s, totals);
    (void)snprintf(expected, sizeof expected,
                   "{\"type\":\"page\"," FULL_JSON "}\n{\"type\":\"page\"," CUT_JSON "}\n"
                   "{\"type\":\"summary\"," RUN_JSON "," SUM_JSON "}\n",
                   weft_version());
    assert_said(&s, expected, "");
    close_sheet(&s);
    totals_free(&totals);
}

// What the summary says of a run that compares, behind the slowest.
static void assert_compared(const struct change_sum *sum, bool interrupted, const char *expected)
{
    struct sheet s;
    struct totals *totals = totals_new();
    const struct output_end how = {.interrupted = interrupted, .changes = sum};
    open_sheet(&s, FORMAT_JSON);
    s.set.compare = true;
    s.set.budget = 1000;
    output_begin(&s.output);
    output_end(&s.output, totals, &how);
    assert_int_equal(output_flush(&s.output), 0);
    assert_string_equal(strstr(s.out_text, "\"changes\""), expected);
    close_sheet(&s);
    totals_free(&totals);
}

static void json_sums_up_what_changed_and_what_is_not_known_is_null(void **state)
{
    struct change_sum sum = {
        .last_ms = BEGUN * INT64_C(1000) + 999,
        .grew = 1,
        .shrank = 2,
        .same = 3,
        .fresh = 4,
        .gone = 5,
        .unknown = 6,
        .largest = "http://x/\"",
        .largest_was = 10,
        .largest_is = 25,
        .too_large = 7,
        .grew_too_much = 8,
        .missing = 9,
        .unjudged = 10,
    };
    (void)state;
    assert_compared(&sum, false,
                    "\"changes\":{\"since\":\"2026-11-28T21:47:34Z\",\"grew\":1,\"shrank\":2,"
                    "\"same\":3,\"new\":4,\"gone\":5,\"unknown\":6,\"largest_growth\":"
                    "{\"url\":\"http://x/\\\"\",\"before\":10,\"decoded\":25}},"
                    "\"budgets\":{\"too_large\":7,\"grew_too_much\":8,\"not_fetched\":9,"
                    "\"unknown\":10}}}\n");
    sum = (struct change_sum){.fresh = 2};
    assert_compared(&sum, true,
                    "\"changes\":{\"since\":null,\"grew\":0,\"shrank\":0,\"same\":0,\"new\":2,"
                    "\"gone\":null,\"unknown\":0,\"largest_growth\":null},"
                    "\"budgets\":{\"too_large\":0,\"grew_too_much\":0,\"not_fetched\":null,"
                    "\"unknown\":0}}}\n");
}

#define CSV_NAMES \
    "url,target,ok,error,message,stage,status,http,encoding,encoded,decoded,claimed," \
    "partial_encoded,partial_decoded,excess,unverified,head,seconds,begin_seconds," \
    "name_seconds,connect_seconds,tls_seconds,first_byte_seconds,request_seconds,attempts," \
    "redirects,address,header_bytes,request_bytes,before,growth,budget,over_budget\n"

static void csv_has_names_and_rows_and_nothing_else(void **state)
{
    struct sheet s;
    struct totals *totals = totals_new();
    (void)state;
    open_sheet(&s, FORMAT_CSV);
    show_two(&s, totals);
    assert_said(&s,
                CSV_NAMES
                "\"http://x/\"\"\",http://x/3,true,,,,200,2,gzip,48374,102399,,,,true,true,false,"
                "1.234568,0.000001,0.000001,0.000200,,0.100000,1.000000,3,2,127.0.0.1,210,95,"
                "100000,2399,102400,false\n"
                "http://\\xff/,,false,cut,cut off after 3 of 100 bytes,body,200,1.1,,,,100,3,3,"
                "false,false,false,0.000000,0.000000,,,,,,1,0,,0,0,,,,\n",
                "");
    close_sheet(&s);
    totals_free(&totals);
}

static void a_csv_cell_is_one_cell_in_one_line_and_no_formula(void **state)
{
    static const struct {
        const char *url, *cell;
    } cases[] = {
        {"a,b", "\"a,b\""},
        {"\"", "\"\"\"\""},
        {"a\"b\"\"c", "\"a\"\"b\"\"\"\"c\""},
        {"a\r\nb", "a\\x0d\\x0ab"},
        {"=cmd|'/c calc'!A1", "'=cmd|'/c calc'!A1"},
        {"+1,2", "\"'+1,2\""},
        {"-1", "'-1"},
        {"@x", "'@x"},
        {"例子", "例子"},
        {"", ""},
    };
    struct sheet s;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_sheet(&s, FORMAT_CSV);
        show(&s, cases[i].url, &plain);
        assert_int_equal(output_flush(&s.output), 0);
        size_t size = strlen(cases[i].cell);
        assert_memory_equal(s.out_text, cases[i].cell, size);
        assert_memory_equal(s.out_text + size, ",,true,", 7);
        assert_int_equal(s.out_text[s.out_size - 1], '\n');
        close_sheet(&s);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_one_object_with_a_line_for_each_page),
        cmocka_unit_test(json_of_no_page_is_an_object_too),
        cmocka_unit_test(json_lines_are_pages_and_a_summary),
        cmocka_unit_test(json_sums_up_what_changed_and_what_is_not_known_is_null),
        cmocka_unit_test(csv_has_names_and_rows_and_nothing_else),
        cmocka_unit_test(a_csv_cell_is_one_cell_in_one_line_and_no_formula),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
