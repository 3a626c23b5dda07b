// SPDX-License-Identifier: MIT
// fetch_totals_test.c - programs/fetch/totals.h: sums, percentiles within bounds, the first few.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fetch/output.h"
#include "fetch/totals.h"

static struct totals *new_totals(void)
{
    struct totals *t = totals_new();
    assert_non_null(t);
    return t;
}

static void add_whole(struct totals *t, const char *url, int64_t decoded, int64_t ns)
{
    const struct page page = {.encoded = decoded / 2, .decoded = decoded, .ns = ns, .claimed = -1};
    totals_add(t, url, &page, NULL);
}

static void only_whole_pages_count_and_failures_are_counted_by_kind(void **state)
{
    struct totals *t = new_totals();
    (void)state;
    add_whole(t, "a", 1000, 5);
    add_whole(t, "b", 3000, 7);
    totals_add(t, "c", &(struct page){.fault = FAULT_CUT, .encoded = 77, .decoded = 99, .ns = 900},
               NULL);
    totals_add(t, "d", &(struct page){.fault = FAULT_TIMEOUT, .ns = 1000}, NULL);
    totals_add(t, "e", &(struct page){.fault = FAULT_TIMEOUT, .ns = 1000}, NULL);
    const struct totals_sum *sum = totals_sum(t);
    assert_int_equal(sum->pages, 5);
    assert_int_equal(sum->failed, 3);
    assert_int_equal(sum->failed_by[FAULT_CUT], 1);
    assert_int_equal(sum->failed_by[FAULT_TIMEOUT], 2);
    assert_int_equal(sum->failed_by[FAULT_NONE], 0);
    assert_int_equal(sum->encoded, 2000);
    assert_int_equal(sum->decoded, 4000);
    assert_int_equal(sum->received, 2077);
    assert_int_equal(totals_ns_at(t, 100), 7);
    assert_int_equal(totals_size_at(t, 100), 3000);
    assert_string_equal(sum->slowest[0].url, "b");
    assert_string_equal(sum->slowest[1].url, "a");
    assert_null(sum->slowest[2].url);
    totals_free(&t);
    assert_null(t);
    totals_free(&t);
}

static void of_head_the_claims_are_added_and_no_sizes(void **state)
{
    struct totals *t = new_totals();
    (void)state;
    totals_add(t, "a", &(struct page){.head = true, .claimed = 500, .ns = 3}, NULL);
    totals_add(t, "b", &(struct page){.head = true, .claimed = -1, .ns = 4}, NULL);
    const struct totals_sum *sum = totals_sum(t);
    assert_int_equal(sum->heads, 2);
    assert_int_equal(sum->claimed, 500);
    assert_int_equal(sum->decoded, 0);
    assert_int_equal(totals_size_at(t, 50), -1);
    assert_int_equal(totals_ns_at(t, 50), 3);
    assert_null(sum->largest[0].url);
    totals_free(&t);
}

static void missed_budgets_are_counted_whether_the_page_failed_or_not(void **state)
{
    struct totals *t = new_totals();
    const struct page_change over = {.before = -1, .budget = 1, .over = true};
    const struct page_change within = {.before = -1, .budget = 1};
    (void)state;
    totals_add(t, "a", &(struct page){.decoded = 2}, &over);
    totals_add(t, "b", &(struct page){.decoded = 1}, &within);
    totals_add(t, "c", &(struct page){.fault = FAULT_HTTP}, &over);
    assert_int_equal(totals_sum(t)->over, 2);
    totals_free(&t);
}

static void nothing_has_no_percentiles_and_one_page_is_exact(void **state)
{
    struct totals *t = new_totals();
    (void)state;
    assert_int_equal(totals_size_at(t, 50), -1);
    assert_int_equal(totals_ns_at(t, 100), -1);
    add_whole(t, "a", 123457, 9876543219);
    for (double p = 0; p <= 100; p += 12.5) {
        assert_int_equal(totals_size_at(t, p), 123457);
        assert_int_equal(totals_ns_at(t, p), 9876543219);
    }
    totals_free(&t);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

// Against sorting, with sizes from 0 to 2^62, as many of each length in bits.
static void percentiles_are_within_a_32nd_of_those_of_sorting(void **state)
{
    enum { N = 5000 };
    static int64_t sizes[N];
    struct totals *t = new_totals();
    uint64_t random = 88172645463325252U;
    (void)state;
    for (int i = 0; i < N; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        sizes[i] = (int64_t)(random >> (1 + random % 63));
        add_whole(t, "x", sizes[i], 0);
    }
    qsort(sizes, N, sizeof *sizes, by_value);
    for (int percent = 1; percent <= 100; percent++) {
        int64_t exact = sizes[percent * N / 100 - 1], told = totals_size_at(t, percent);
        assert_non_null(bsearch(&told, sizes, N, sizeof *sizes, by_value)); // a page has it
        assert_true(told >= exact);
        assert_true(told - exact <= exact / 32);
    }
    assert_true(totals_size_at(t, 0) - sizes[0] <= sizes[0] / 32);
    assert_int_equal(totals_size_at(t, 100), sizes[N - 1]);
    totals_free(&t);
}

static void the_greatest_numbers_have_a_place_too(void **state)
{
    struct totals *t = new_totals();
    (void)state;
    totals_add(t, "a", &(struct page){.decoded = INT64_MAX, .ns = INT64_MAX}, NULL);
    totals_add(t, "b", &(struct page){.decoded = INT64_MAX - 1, .ns = -1}, NULL);
    assert_int_equal(totals_size_at(t, 1), INT64_MAX);
    assert_int_equal(totals_ns_at(t, 100), INT64_MAX);
    assert_int_equal(totals_ns_at(t, 50), 0); // a clock that went back
    assert_int_equal(totals_sum(t)->decoded, INT64_MAX);
    for (int i = 0; i < 3; i++)
        totals_add(t, "c", &(struct page){.head = true, .claimed = INT64_MAX}, NULL);
    assert_int_equal(totals_sum(t)->claimed, INT64_MAX);
    totals_free(&t);
}

static void the_first_three_are_in_order_and_of_equals_the_first_stays(void **state)
{
    static const struct {
        const char *url;
        int64_t size;
    } pages[] = {{"b", 20}, {"a", 10}, {"c", 30}, {"c again", 30}, {"d", 5}, {"e", 40}};
    struct totals *t = new_totals();
    (void)state;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        add_whole(t, pages[i].url, pages[i].size, 100 - pages[i].size);
    const struct totals_sum *sum = totals_sum(t);
    static const char *const largest[] = {"e", "c", "c again"}, *const slowest[] = {"d", "a", "b"};
    for (int i = 0; i < TOTALS_TOP; i++) {
        assert_string_equal(sum->largest[i].url, largest[i]);
        assert_string_equal(sum->slowest[i].url, slowest[i]);
    }
    assert_int_equal(sum->largest[0].value, 40);
    assert_int_equal(sum->slowest[0].value, 95);
    totals_free(&t);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_whole_pages_count_and_failures_are_counted_by_kind),
        cmocka_unit_test(of_head_the_claims_are_added_and_no_sizes),
        cmocka_unit_test(missed_budgets_are_counted_whether_the_page_failed_or_not),
        cmocka_unit_test(nothing_has_no_percentiles_and_one_page_is_exact),
        cmocka_unit_test(percentiles_are_within_a_32nd_of_those_of_sorting),
        cmocka_unit_test(the_greatest_numbers_have_a_place_too),
        cmocka_unit_test(the_first_three_are_in_order_and_of_equals_the_first_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
