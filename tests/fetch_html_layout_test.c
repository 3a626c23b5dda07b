// SPDX-License-Identifier: MIT
// fetch_html_layout_test.c - programs/fetch/html_parts.h: which pages are drawn, where things lie,
// and numbers for people.
#include "unit.h"

#include "html_pages.h"

#include "fetch/html_parts.h"

// ---- what is kept -------------------------------------------------------------------------------

static struct html_picks picks;

static void drop_picks(void)
{
    for (int i = 0; i < picks.length; i++) {
        free(picks.picks[i].url);
        free(picks.picks[i].words);
    }
    memset(&picks, 0, sizeof picks);
}

static void offer(int64_t rank, int64_t number)
{
    struct page page = arrived(10000 - number, 1, 1, 1);
    assert_int_equal(html_pick(&picks, rank, number, "http://a/", &page, NULL), 0);
    assert_in_range(picks.length, 1, 2 * HTML_SHOWN);
}

static void the_highest_are_kept_whatever_the_order_they_come_in(void **state)
{
    (void)state;
    enum { OFFERED = 5000 };
    for (int64_t factor = 1; factor < 40; factor += 2) { // coprime to 5000, but for those of 5
        if (factor % 5 == 0)
            continue;
        for (int64_t i = 0; i < OFFERED; i++)
            offer(i * factor % OFFERED, i + 1);
        html_picks_by_rank(&picks);
        assert_int_equal(picks.length, HTML_SHOWN);
        assert_int_equal(picks.offered, OFFERED);
        for (int i = 0; i < HTML_SHOWN; i++)
            assert_int_equal(picks.picks[i].rank, OFFERED - 1 - i);
        drop_picks();
    }
}

static void of_equal_ones_the_first_are_kept(void **state)
{
    (void)state;
    for (int64_t i = 1; i <= 1000; i++)
        offer(0, i);
    html_picks_by_rank(&picks);
    for (int i = 0; i < HTML_SHOWN; i++)
        assert_int_equal(picks.picks[i].number, i + 1);
    html_picks_by_begin(&picks);
    for (int i = 0; i < HTML_SHOWN; i++)
        assert_int_equal(picks.picks[i].number, HTML_SHOWN - i);
    drop_picks();
}

// ---- where things lie ---------------------------------------------------------------------------

static void marks_are_round_and_few(void **state)
{
    (void)state;
    static const struct {
        int64_t largest, step;
    } times[] = {{1, 1}, {5, 1}, {6, 2}, {1000, 200}, {2400, 500}, {2500, 500}, {3000, 1000}},
      sizes[] = {{0, 1},
                 {700, 200},
                 {2000, 500},
                 {2600, 1024},
                 {100 << 10, 20 << 10},
                 {3 << 20, 1 << 20},
                 {600 << 20, 200 << 20},
                 {1500 << 20, 500 << 20}};
    for (size_t i = 0; i < COUNT(times); i++)
        assert_int_equal(html_axis_of_times(times[i].largest).step, times[i].step);
    for (size_t i = 0; i < COUNT(sizes); i++)
        assert_int_equal(html_axis_of_sizes(sizes[i].largest).step, sizes[i].step);
    for (int64_t largest = 1; largest < INT64_MAX / 3; largest = largest * 3 - 1) {
        struct html_axis t = html_axis_of_times(largest), s = html_axis_of_sizes(largest);
        assert_in_range(t.max / t.step, 1, 5);
        assert_in_range(s.max / s.step, 1, 5);
    }
    assert_in_range(html_axis_of_sizes(INT64_MAX).step, 1, INT64_MAX / 2);
    assert_int_equal(html_axis_of_times(-5).max, 1);
}

static void a_percentage_lies_between_0_and_100(void **state)
{
    (void)state;
    assert_true(html_percent(1, 4) == 25);
    assert_true(html_percent(9, 4) == 100);
    assert_true(html_percent(-1, 4) == 0);
    assert_true(html_percent(1, 0) == 0);
    assert_true(html_percent(INT64_MAX, INT64_MAX) == 100);
}

static void assert_phases(const struct page *page, const int64_t ms[PHASES])
{
    struct html_phases phases;
    html_phases_of(page, &phases);
    for (int i = 0; i < PHASES; i++)
        assert_int_equal(phases.end[i], ms[i] * MS);
}

static void phases_follow_each_other(void **state)
{
    (void)state;
    struct page page = arrived(0, 120, 1, 1);
    assert_phases(&page, (const int64_t[]){0, 6, 20, 40, 80, 120});
    page.times.tls = 0; // no TLS
    assert_phases(&page, (const int64_t[]){0, 6, 20, 20, 80, 120});
    page.times = (struct page_times){.first_byte = 80000, .total = 120000}; // on an old connection
    assert_phases(&page, (const int64_t[]){0, 0, 0, 0, 80, 120});
    page.times = (struct page_times){0}; // nothing is known
    assert_phases(&page, (const int64_t[]){0, 0, 0, 0, 0, 120});
}

static void what_was_before_the_last_request_is_a_phase(void **state)
{
    (void)state;
    struct page page = arrived(0, 500, 1, 1);
    page.redirects = 1;
    page.times = (struct page_times){10000, 20000, 30000, 60000, 100000};
    assert_phases(&page, (const int64_t[]){400, 410, 420, 430, 460, 500});
    page.times = (struct page_times){0};
    assert_phases(&page, (const int64_t[]){500, 500, 500, 500, 500, 500});
}

static void a_failure_ends_in_the_phase_it_came_to(void **state)
{
    (void)state;
    struct page page = failed(FAULT_TIMEOUT, STAGE_CONNECT, 0, 1000, "");
    page.times = (struct page_times){.name = 20000, .total = 1000000};
    assert_phases(&page, (const int64_t[]){0, 20, 1000, 1000, 1000, 1000});
    page.stage = STAGE_NAME;
    assert_phases(&page, (const int64_t[]){0, 1000, 1000, 1000, 1000, 1000});
    page.stage = STAGE_HEADERS;
    page.times.first_byte = 400000;
    assert_phases(&page, (const int64_t[]){0, 20, 20, 20, 400, 1000});
}

static void times_that_contradict_each_other_do_no_harm(void **state)
{
    (void)state;
    struct page page = arrived(0, 100, 1, 1);
    page.times = (struct page_times){90000, 50000, 400000, 20000, 60000};
    assert_phases(&page, (const int64_t[]){40, 100, 100, 100, 100, 100});
    page.times = (struct page_times){-5, INT64_MAX, -1, INT64_MIN, INT64_MAX};
    assert_phases(&page, (const int64_t[]){0, 0, 0, 0, 0, 100});
    page.ns = -1;
    assert_phases(&page, (const int64_t[]){0, 0, 0, 0, 0, 0});
}

// ---- numbers ------------------------------------------------------------------------------------

typedef void prints(FILE *out, int64_t n);

static const char *printed(prints *print, int64_t n)
{
    static char text[64];
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_non_null(out);
    print(out, n);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void change_from_10000(FILE *out, int64_t now)
{
    html_change(out, 10000, now);
}

static void change_from_nothing(FILE *out, int64_t now)
{
    html_change(out, 0, now);
}

static void numbers_are_for_people(void **state)
{
    (void)state;
    static const struct {
        prints *print;
        int64_t n;
        const char *text;
    } rows[] = {
        {html_count, 0, "0"},
        {html_count, 999, "999"},
        {html_count, 1000, "1,000"},
        {html_count, 1234567, "1,234,567"},
        {html_count, -1234, "-1,234"},
        {html_size, 0, "0 B"},
        {html_size, 1023, "1023 B"},
        {html_size, 1024, "1.00 KiB"},
        {html_size, 10239, "10.0 KiB"},
        {html_size, 102348, "99.9 KiB"},
        {html_size, 1023 << 10, "1023 KiB"},
        {html_size, 1048575, "1.00 MiB"},
        {html_size, INT64_MAX, "8.00 EiB"},
        {html_time, 0, "0 ms"},
        {html_time, 12345, "0.01 ms"},
        {html_time, 1234567, "1.23 ms"},
        {html_time, 999400000, "999 ms"},
        {html_time, 999600000, "1.00 s"},
        {html_time, 75300000000, "75.3 s"},
        {html_time, 4000000000000, "4,000 s"},
        {change_from_10000, 10000, "same"},
        {change_from_10000, 11000, "+10.0\u00a0%"},
        {change_from_10000, 5000, "-50.0\u00a0%"},
        {change_from_10000, 9999, "-1 B"},
        {change_from_10000, 10004, "+4 B"},
        {change_from_nothing, 2048, "+2.00 KiB"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(printed(rows[i].print, rows[i].n), rows[i].text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_highest_are_kept_whatever_the_order_they_come_in),
    cmocka_unit_test(of_equal_ones_the_first_are_kept),
    cmocka_unit_test(marks_are_round_and_few),
    cmocka_unit_test(a_percentage_lies_between_0_and_100),
    cmocka_unit_test(phases_follow_each_other),
    cmocka_unit_test(what_was_before_the_last_request_is_a_phase),
    cmocka_unit_test(a_failure_ends_in_the_phase_it_came_to),
    cmocka_unit_test(times_that_contradict_each_other_do_no_harm),
    cmocka_unit_test(numbers_are_for_people),
};

TEST_MAIN(tests)
