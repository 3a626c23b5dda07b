// SPDX-License-Identifier: MIT
// fetch_change_test.c - what grew since the last run, and which budgets are not kept.
#include "fetch_record.h"

#include "fetch/change.h"

#define A "https://example.org/a"
#define B "https://example.org/b"
#define C "https://example.org/c"
#define D "https://example.org/d"

static const char *read_size(const char *value, void *target)
{
    char *end;
    *(int64_t *)target = strtoll(value, &end, 10);
    return *end ? "is not a size" : NULL;
}

// A, B and C are 100, 200 and 300 bytes; D failed.
static const char *file_with_a_run(void)
{
    const char *file = new_file();
    struct record *r = begin_run(file);
    keep(r, A, 100);
    keep(r, B, 200);
    keep(r, C, 300);
    keep_failed(r, D);
    end_run(r);
    return file;
}

static struct change *change_by(const struct fetch_settings *set, struct record *r)
{
    struct change *c = change_open(set, r, read_size);
    if (!c)
        print_message("%s\n", weft_error());
    assert_non_null(c);
    return c;
}

// As fetch does: compared, and kept.
static struct page_change see(struct change *c, struct record *r, const char *url, int64_t decoded)
{
    struct page page = page_of(decoded);
    struct page_change change;
    assert_int_equal(change_page(c, url, &page, &change), 0);
    if (r)
        keep(r, url, decoded);
    return change;
}

static struct page_change see_failed(struct change *c, struct record *r, const char *url)
{
    struct page page = {.fault = FAULT_CUT, .status = 200, .encoded = 5, .decoded = 5};
    struct page_change change;
    assert_int_equal(change_page(c, url, &page, &change), 0);
    if (r)
        keep_failed(r, url);
    return change;
}

static void assert_change(struct page_change is, int64_t was, int64_t budget, bool over)
{
    assert_int_equal(is.before, was);
    assert_int_equal(is.budget, budget);
    assert_int_equal(is.over, over);
}

// The lines at the end. Without the moment of the last run, which is not ours to know.
static const char *lines_of(const struct change *c)
{
    static char text[4096];
    memset(text, 0, sizeof text);
    FILE *out = fmemopen(text, sizeof text - 1, "w");
    assert_non_null(out);
    change_print(c, out);
    assert_int_equal(fclose(out), 0);
    char *since = strstr(text, "since 2");
    if (since)
        memmove(since + 6, since + 6 + strlen("2026-11-29 01:02:03: "),
                strlen(since + 6 + strlen("2026-11-29 01:02:03: ")) + 1);
    return text;
}

static void what_grew_shrank_came_and_went_is_told(void **state)
{
    (void)state;
    struct fetch_settings set = {.save = file_with_a_run(), .compare = true, .max_growth = -1};
    struct record *r = opened(record_open(&set));
    struct change *c = change_by(&set, r);
    assert_change(see(c, r, A, 150), 100, -1, false);
    struct page_change unlimited = see(c, r, B, 190);
    assert_change(unlimited, 200, -1, false);
    assert_false(unlimited.judged);
    assert_change(see(c, r, D, 50), -1, -1, false); // it failed then
    assert_change(see(c, r, D "/new", 0), -1, -1, false);
    assert_int_equal(change_end(c, true), 0);
    const struct change_sum *sum = change_sum(c);
    assert_int_equal(sum->grew, 1);
    assert_int_equal(sum->shrank, 1);
    assert_int_equal(sum->same, 0);
    assert_int_equal(sum->fresh, 2);
    assert_int_equal(sum->gone, 1);
    assert_int_equal(sum->last_ms, record_past(r)->last_ms);
    assert_false(change_missed(c));
    assert_string_equal(lines_of(c), "gone: " C ", 300 bytes\n"
                                     "since 1 grew, 1 shrank, 2 new, 1 gone\n"
                                     "largest growth: " A ", 100 -> 150 bytes (+50.0 %)\n");
    change_free(&c);
    assert_null(c);
    change_free(&c);
    end_run(r);
}

static void the_largest_growth_is_in_bytes(void **state)
{
    (void)state;
    struct fetch_settings set = {.save = file_with_a_run(), .compare = true, .max_growth = -1};
    struct record *r = opened(record_open(&set));
    struct change *c = change_by(&set, r);
    (void)see(c, r, A, 200); // twice as large, but
    (void)see(c, r, C, 500);
    (void)see(c, r, B, 300);
    assert_string_equal(change_sum(c)->largest, C);
    assert_int_equal(change_sum(c)->largest_was, 300);
    assert_int_equal(change_sum(c)->largest_is, 500);
    assert_int_equal(change_end(c, true), 0);
    assert_string_equal(lines_of(c), "since 3 grew\n"
                                     "largest growth: " C ", 300 -> 500 bytes (+66.7 %)\n");
    change_free(&c);
    end_run(r);
}

static void a_failed_page_is_not_compared(void **state)
{
    (void)state;
    struct fetch_settings set = {.save = file_with_a_run(), .compare = true, .max_growth = 5};
    struct record *r = opened(record_open(&set));
    struct change *c = change_by(&set, r);
    assert_change(see_failed(c, r, A), 100, -1, false);
    (void)see_failed(c, r, D); // nor did it come then
    struct page head = page_of(0);
    head.head = true;
    struct page_change change;
    assert_int_equal(change_page(c, B, &head, &change), 0);
    assert_change(change, 200, -1, false);
    assert_int_equal(change_end(c, false), 0);
    assert_int_equal(change_sum(c)->shrank, 0);
    assert_int_equal(change_sum(c)->unknown, 2);
    assert_string_equal(lines_of(c), "since 2 not known: failed\nbudgets: all kept\n");
    change_free(&c);
    cut_run(r);
}

static void of_a_run_cut_short_nothing_is_gone_or_missing(void **state)
{
    (void)state;
    char budgets[80];
    struct fetch_settings set = {.save = file_with_a_run(), .compare = true, .max_growth = -1};
    snprintf(budgets, sizeof budgets, "%s.budgets", set.save);
    FILE *f = fopen(budgets, "w");
    assert_true(f && fputs(A " 1000\n", f) >= 0 && fclose(f) == 0);
    set.budgets = budgets;
    struct record *r = opened(record_open(&set));
    struct change *c = change_by(&set, r);
    (void)see(c, r, B, 200);
    assert_int_equal(change_end(c, false), 0);
    assert_int_equal(change_sum(c)->gone + change_sum(c)->missing, 0);
    assert_false(change_missed(c));
    assert_string_equal(lines_of(c), "since 1 as before\nbudgets: all kept\n");
    change_free(&c);
    cut_run(r);
}

static void the_first_run_has_nothing_to_compare_with(void **state)
{
    (void)state;
    struct fetch_settings set = {.save = new_file(), .compare = true, .max_growth = 0};
    struct record *r = opened(record_open(&set));
    struct change *c = change_by(&set, r);
    assert_change(see(c, r, A, 150), -1, -1, false); // new is not grown
    assert_int_equal(change_end(c, true), 0);
    assert_false(change_missed(c));
    assert_string_equal(lines_of(c), "no finished run to compare with yet\nbudgets: all kept\n");
    change_free(&c);
    end_run(r);
}

static void that_there_is_nothing_to_compare_with_is_said_also_for_growth_alone(void **state)
{
    (void)state;
    struct fetch_settings set = {.save = new_file(), .max_growth = 10};
    struct record *r = opened(record_open(&set));
    struct change *c = change_by(&set, r);
    assert_change(see(c, r, A, 150), -1, -1, false);
    assert_int_equal(change_end(c, true), 0);
    assert_string_equal(lines_of(c), "no finished run to compare with yet\nbudgets: all kept\n");
    change_free(&c);
    end_run(r);
}

static void only_the_first_that_are_gone_are_listed(void **state)
{
    (void)state;
    const char *file = new_file();
    char url[64], last[80];
    struct record *r = begin_run(file);
    for (int i = 0; i < 25; i++) {
        snprintf(url, sizeof url, "https://example.org/%d\n", i); // and no line is broken
        keep(r, url, i);
    }
    end_run(r);
    struct fetch_settings set = {.save = file, .compare = true, .max_growth = -1};
    r = opened(record_open(&set));
    struct change *c = change_by(&set, r);
    (void)see(c, r, A, 1);
    assert_int_equal(change_end(c, true), 0);
    assert_int_equal(change_sum(c)->gone, 25);
    snprintf(last, sizeof last, "gone: https://example.org/19\\x0a, 19 bytes\ngone: 5 more\n");
    assert_non_null(strstr(lines_of(c), last));
    change_free(&c);
    end_run(r);
}

// ---- budgets --------------------------------------------------------------------------

static void a_page_over_its_budget_is_a_miss(void **state)
{
    (void)state;
    struct fetch_settings set = {.budget = 1000, .max_growth = -1};
    struct change *c = change_by(&set, NULL);
    struct page_change within = see(c, NULL, A, 1000);
    assert_change(within, -1, 1000, false);
    assert_true(within.judged);
    assert_false(change_missed(c));
    assert_change(see(c, NULL, B, 1001), -1, 1000, true);
    assert_int_equal(change_end(c, true), 0);
    assert_true(change_missed(c));
    assert_int_equal(change_sum(c)->too_large, 1);
    assert_string_equal(lines_of(c), "budgets: 1 too large\n");
    change_free(&c);
}

static void a_failed_page_keeps_no_budget(void **state)
{
    (void)state;
    struct fetch_settings set = {.budget = 1000, .max_growth = -1};
    struct change *c = change_by(&set, NULL);
    struct page_change failed = see_failed(c, NULL, A);
    assert_change(failed, -1, 1000, false); // not known to be over it
    assert_false(failed.judged);
    assert_int_equal(change_sum(c)->unjudged, 1);
    assert_int_equal(change_end(c, true), 0);
    assert_false(change_missed(c)); // nobody knows: the status of a failure says it
    assert_string_equal(lines_of(c), "budgets: 1 not known: failed\n");
    change_free(&c);
}

static void budgets_of_a_file_go_before_that_of_all(void **state)
{
    (void)state;
    char budgets[80];
    snprintf(budgets, sizeof budgets, "%s.budgets", new_file());
    FILE *f = fopen(budgets, "w");
    assert_true(f && fputs(A " 50\n" B " 5000\nhttps://elsewhere.example/* 7\n", f) >= 0);
    assert_int_equal(fclose(f), 0);
    struct fetch_settings set = {.budget = 1000, .max_growth = -1, .budgets = budgets};
    struct change *c = change_by(&set, NULL);
    assert_change(see(c, NULL, A, 51), -1, 50, true);
    assert_change(see(c, NULL, B, 5000), -1, 5000, false);
    assert_change(see(c, NULL, C, 900), -1, 1000, false);
    assert_int_equal(change_end(c, true), 0);
    assert_true(change_missed(c));
    assert_string_equal(lines_of(c), "budget of a page that was not fetched: "
                                     "https://elsewhere.example/*, 7 bytes\n"
                                     "budgets: 1 too large, 1 not fetched\n");
    change_free(&c);
}

static void growth_has_its_limit(void **state)
{
    (void)state;
    struct fetch_settings set = {.save = file_with_a_run(), .max_growth = 10};
    struct record *r = opened(record_open(&set));
    struct change *c = change_by(&set, r);
    assert_change(see(c, r, A, 110), 100, -1, false);
    assert_change(see(c, r, B, 221), 200, -1, true);
    assert_change(see(c, r, C, 10), 300, -1, false);
    assert_change(see(c, r, D, 5000), -1, -1, false);
    assert_int_equal(change_end(c, true), 0);
    assert_true(change_missed(c));
    assert_int_equal(change_sum(c)->grew_too_much, 1);
    assert_string_equal(lines_of(c), "budgets: 1 grew too much\n"); // --compare was not asked for
    change_free(&c);
    end_run(r);
}

static void from_nothing_any_growth_is_too_much(void **state)
{
    (void)state;
    const char *file = new_file();
    struct record *r = begin_run(file);
    keep(r, A, 0);
    keep(r, B, 0);
    end_run(r);
    struct fetch_settings set = {.save = file, .compare = true, .max_growth = 1000000};
    r = opened(record_open(&set));
    struct change *c = change_by(&set, r);
    assert_change(see(c, r, A, 0), 0, -1, false);
    assert_change(see(c, r, B, 1), 0, -1, true);
    assert_int_equal(change_end(c, true), 0);
    assert_string_equal(lines_of(c), "since 1 grew, 1 as before\n"
                                     "largest growth: " B ", 0 -> 1 bytes\n"
                                     "budgets: 1 grew too much\n");
    change_free(&c);
    end_run(r);
}

// What the first part of a run fetched is not fetched again, but it counts.
static void what_was_done_before_counts_too(void **state)
{
    (void)state;
    struct fetch_settings set = {.save = file_with_a_run(), .max_growth = -1};
    struct record *r = opened(record_open(&set));
    keep(r, A, 100000);
    keep(r, B, 200);
    cut_run(r);
    set = (struct fetch_settings){
        .resume = set.save, .budget = 1000, .max_growth = 10, .compare = true};
    r = opened(record_open(&set));
    struct change *c = change_by(&set, r);
    struct page_change change;
    assert_int_equal(change_done(c, A, had(r, A), &change), 0);
    assert_change(change, 100, 1000, true);
    assert_int_equal(change_done(c, B, had(r, B), &change), 0);
    (void)see(c, r, C, 300);
    assert_int_equal(change_end(c, true), 0);
    assert_string_equal(lines_of(c), "since 1 grew, 2 as before\n"
                                     "largest growth: " A ", 100 -> 100000 bytes (+99900.0 %)\n"
                                     "budgets: 1 too large, 1 grew too much\n");
    change_free(&c);
    end_run(r);
}

static void nothing_asked_for_is_nothing_said(void **state)
{
    (void)state;
    struct fetch_settings set = {.max_growth = -1};
    struct change *c = change_by(&set, NULL);
    assert_change(see(c, NULL, A, 5), -1, -1, false);
    assert_change(see_failed(c, NULL, B), -1, -1, false);
    assert_int_equal(change_end(c, true), 0);
    assert_false(change_missed(c));
    assert_string_equal(lines_of(c), "");
    change_free(&c);
}

static void what_makes_no_sense_is_refused_at_once(void **state)
{
    (void)state;
    assert_null(
        change_open(&(struct fetch_settings){.compare = true, .max_growth = -1}, NULL, read_size));
    assert_string_equal(weft_error(), "there is no file of runs to compare with");
    assert_null(change_open(&(struct fetch_settings){.max_growth = 5}, NULL, read_size));
    assert_null(
        change_open(&(struct fetch_settings){.max_growth = -1, .budgets = "/nowhere/budgets"}, NULL,
                    read_size));
    assert_string_equal(weft_error(), "/nowhere/budgets: No such file or directory");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_grew_shrank_came_and_went_is_told),
    cmocka_unit_test(the_largest_growth_is_in_bytes),
    cmocka_unit_test(a_failed_page_is_not_compared),
    cmocka_unit_test(of_a_run_cut_short_nothing_is_gone_or_missing),
    cmocka_unit_test(the_first_run_has_nothing_to_compare_with),
    cmocka_unit_test(that_there_is_nothing_to_compare_with_is_said_also_for_growth_alone),
    cmocka_unit_test(only_the_first_that_are_gone_are_listed),
    cmocka_unit_test(a_page_over_its_budget_is_a_miss),
    cmocka_unit_test(a_failed_page_keeps_no_budget),
    cmocka_unit_test(budgets_of_a_file_go_before_that_of_all),
    cmocka_unit_test(growth_has_its_limit),
    cmocka_unit_test(from_nothing_any_growth_is_too_much),
    cmocka_unit_test(what_was_done_before_counts_too),
    cmocka_unit_test(nothing_asked_for_is_nothing_said),
    cmocka_unit_test(what_makes_no_sense_is_refused_at_once),
};

TEST_MAIN_AT_HOME(tests, NULL, 0)
