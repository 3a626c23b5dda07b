// SPDX-License-Identifier: MIT
// chat_query_test.c - what stands behind the "?" of a target, and times in it.
#include "unit.h"

#include "chat/web/query.h"

// ---- parameters -------------------------------------------------------------------------------

static const struct row {
    const char *query, *a, *long_one; // a NULL: it is refused
    const char *why;
} rows[] = {
    {"", "", "", NULL},
    {"a=x", "x", "", NULL},
    {"a=x&long=y", "x", "y", NULL},
    {"&&long=y&", "", "y", NULL},
    {"a=", "", "", NULL},
    {"a==", "=", "", NULL},
    {"a=x?y/z", "x?y/z", "", NULL},
    {"a=1+2%2b3%20", "1 2+3 ", "", NULL},
    {"a=%E7%ba%BF", "线", "", NULL},
    {"a=1234567", "1234567", "", NULL},
    {"a=%31%32%33%34%35%36%37", "1234567", "", NULL},
    {"a", NULL, NULL, "a parameter has no value"},
    {"b=x", NULL, NULL, "there is no such parameter"},
    {"aa=x", NULL, NULL, "there is no such parameter"},
    {"lon=x", NULL, NULL, "there is no such parameter"},
    {"%61=x", NULL, NULL, "there is no such parameter"},
    {"=x", NULL, NULL, "there is no such parameter"},
    {"a=x;long=y", NULL, NULL, "a value in the query is too long"}, // ';' is a letter as others
    {"a=x&a=x", NULL, NULL, "a parameter is there twice"},
    {"a=&a=", NULL, NULL, "a parameter is there twice"},
    {"a=%", NULL, NULL, "a broken escape in the query"},
    {"a=%4", NULL, NULL, "a broken escape in the query"},
    {"a=%4&long=1", NULL, NULL, "a broken escape in the query"},
    {"a=%g0", NULL, NULL, "a broken escape in the query"},
    {"a=%+1", NULL, NULL, "a broken escape in the query"},
    {"a=%00", NULL, NULL, "a control character in the query"},
    {"a=%0A", NULL, NULL, "a control character in the query"},
    {"a=%7F", NULL, NULL, "a control character in the query"},
    {"a=%E7%BA", NULL, NULL, "a value in the query is no UTF-8"},
    {"a=%ff", NULL, NULL, "a value in the query is no UTF-8"},
    {"a=%c0%80", NULL, NULL, "a value in the query is no UTF-8"},
    {"a=12345678", NULL, NULL, "a value in the query is too long"},
};

static void parameters_are_decoded_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char a[8], long_one[64];
        const struct query_parameter table[] = {{"a", a, sizeof a},
                                                {"long", long_one, sizeof long_one}};
        // on the heap, so that who reads behind its end is found
        size_t size = strlen(rows[i].query);
        char *query = malloc(size + (size == 0));
        assert_non_null(query);
        memcpy(query, rows[i].query, size);
        const char *why = query_read((struct http_text){query, size}, table, 2);
        free(query);
        if (rows[i].why) {
            if (!why)
                fail_msg("%s was read", rows[i].query);
            assert_string_equal(why, rows[i].why);
            continue;
        }
        if (why)
            fail_msg("%s: %s", rows[i].query, why);
        assert_string_equal(a, rows[i].a);
        assert_string_equal(long_one, rows[i].long_one);
    }
}

// ---- times ------------------------------------------------------------------------------------

static const struct moment {
    const char *text;
    int64_t ms; // -1: it is none
} moments[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01t00:00:01z", 1000},
    {"1970-01-01 00:00:01Z", 1000},
    {"1970-01-01T00:00:00.25Z", 250},
    {"1970-01-01T00:00:00.123999999999Z", 123},
    {"1970-01-01T01:00:00+01:00", 0},
    {"1969-12-31T22:30:00-01:30", 0},
    {"1970-01-01T00:00:00-00:00", 0},
    {"2026-01-31T23:59:59.999Z", 1769903999999},
    {"2024-02-29T00:00:00Z", 1709164800000},
    {"2016-12-31T23:59:60Z", 1483228800000},
    {"2026-02-29T00:00:00Z", -1},
    {"2026-04-31T00:00:00Z", -1},
    {"2026-13-01T00:00:00Z", -1},
    {"2026-00-01T00:00:00Z", -1},
    {"2026-01-00T00:00:00Z", -1},
    {"2026-01-01T24:00:00Z", -1},
    {"2026-01-01T00:60:00Z", -1},
    {"2026-01-01T00:00:61Z", -1},
    {"2026-01-01T00:00:00", -1},
    {"2026-01-01T00:00Z", -1},
    {"2026-01-01", -1},
    {"2026-1-1T00:00:00Z", -1},
    {"2026-01-01T00:00:00.Z", -1},
    {"2026-01-01T00:00:00+0100", -1},
    {"2026-01-01T00:00:00+01", -1},
    {"2026-01-01T00:00:00+24:00", -1},
    {"2026-01-01T00:00:00+01:60", -1},
    {"2026-01-01T00:00:00 01:00", -1},
    {"2026-01-01T00:00:00Zx", -1},
    {"-026-01-01T00:00:00Z", -1},
    {"-01-01T00:00:00Z", -1},
    {"yesterday", -1},
    {"", -1},
};

static void times_are_those_of_the_standard(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(moments); i++) {
        int64_t ms = 0;
        bool good = query_time(moments[i].text, &ms);
        if (good != (moments[i].ms >= 0))
            fail_msg("%s: %s", moments[i].text, good ? "a time" : "none");
        if (good && ms != moments[i].ms)
            fail_msg("%s: %lld", moments[i].text, (long long)ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_decoded_or_refused),
        cmocka_unit_test(times_are_those_of_the_standard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
