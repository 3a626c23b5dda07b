// SPDX-License-Identifier: MIT
// fetch_retry_test.c - programs/fetch/retry.h: what is tried again, and when.
#include "contract.h"

#include <netdb.h>

#include "fetch/retry.h"

#define S INT64_C(1000000000)
#define NOW 784111777 // Sun, 06 Nov 1994 08:49:37 GMT

static const struct retry_set three = {.retries = 3, .cap_ns = 60 * S};

static struct page answer_of(int status)
{
    return (struct page){.fault = FAULT_HTTP, .status = status, .attempts = 1};
}

static bool is_retried(struct page page)
{
    struct retry retry = {-1, true};
    page.attempts = 1;
    bool again = retry_page(&three, &page, NULL, NOW, 7, &retry);
    assert_true(again ? retry.ns >= S / 2 && retry.ns <= S : retry.ns == 0);
    assert_int_equal(retry.whole_host, again && page.fault == FAULT_HTTP && page.status == 429);
    return again;
}

// ---- what -----------------------------------------------------------------------------------

TEST(statuses_that_pass_are_tried_again_and_no_others)
{
    static const int passing[] = {408, 429, 500, 502, 503, 504};
    for (int status = 0; status < 600; status++) {
        bool expected = false;
        for (size_t i = 0; i < COUNT(passing); i++)
            expected |= passing[i] == status;
        assert_int_equal(is_retried(answer_of(status)), expected);
    }
}

static const struct {
    enum page_fault fault;
    int code;
    bool unverified, again;
} rows[] = {
    {FAULT_NONE, 0, false, false},
    {FAULT_NO_SCHEME, 0, false, false},
    {FAULT_SCHEME, 0, false, false},
    {FAULT_URL, 3, false, false},
    {FAULT_NAME, EAI_AGAIN, false, true},
    {FAULT_NAME, EAI_SYSTEM, false, true},
    {FAULT_NAME, EAI_NONAME, false, false},
    {FAULT_NAME, EAI_NODATA, false, false},
    {FAULT_NAME, EAI_FAIL, false, false},
    {FAULT_CONNECT, ECONNREFUSED, false, false},
    {FAULT_CONNECT, EHOSTUNREACH, false, false},
    {FAULT_CONNECT, ENETUNREACH, false, false},
    {FAULT_CONNECT, 0, false, false},
    {FAULT_CONNECT, ECONNRESET, false, true},
    {FAULT_CONNECT, ETIMEDOUT, false, true},
    {FAULT_CONNECT, EADDRNOTAVAIL, false, true},
    {FAULT_CONNECT, EMFILE, false, true},
    {FAULT_TLS, 1, false, false},
    {FAULT_TLS, 0, false, false},
    {FAULT_PROXY, 0, false, false},
    {FAULT_TIMEOUT, PATIENCE_TOTAL, false, false},
    {FAULT_TIMEOUT, PATIENCE_CONNECT, false, true},
    {FAULT_TIMEOUT, PATIENCE_FIRST_BYTE, false, true},
    {FAULT_TIMEOUT, PATIENCE_IDLE, false, true},
    {FAULT_NO_ANSWER, 0, false, true},
    {FAULT_BROKEN, ECONNRESET, false, true},
    {FAULT_BROKEN, 0, false, true},
    {FAULT_NOT_HTTP, 0, false, false},
    {FAULT_ANSWER, 0, false, false},
    {FAULT_ANSWER, 1, false, true},
    {FAULT_HEADERS, 0, false, false},
    {FAULT_REDIRECT_LOOP, 0, false, false},
    {FAULT_REDIRECT_SCHEME, 0, false, false},
    {FAULT_CUT, 0, false, true},
    {FAULT_SIZE, 0, false, false},
    {FAULT_ENCODING, 0, false, false},
    {FAULT_ENCODING, 0, true, false},
    {FAULT_ENCODING_CUT, 0, false, false},
    {FAULT_ENCODING_CUT, 0, true, true},
    {FAULT_DECODED_SIZE, 0, false, false},
    {FAULT_CANCELED, 0, false, false},
    {FAULT_MEMORY, 0, false, false},
    {FAULT_OTHER, 2, false, false},
    {FAULT_OTHER, 16, false, true},
    {FAULT_OTHER, 92, false, true},
};

TEST(of_faults_those_are_tried_again_that_pass_by_themselves)
{
    bool seen[FAULTS] = {[FAULT_HTTP] = true};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct page page = {.fault = rows[i].fault, .code = rows[i].code};
        page.unverified = rows[i].unverified;
        page.status = 429; // of a redirect before, say: it is no answer to this
        if (is_retried(page) != rows[i].again)
            fail_msg("fault %d, code %d", rows[i].fault, rows[i].code);
        seen[rows[i].fault] = true;
    }
    for (int fault = 0; fault < FAULTS; fault++)
        assert_true(seen[fault]);
}

TEST(it_is_tried_again_so_often_and_no_more)
{
    struct page page = {.fault = FAULT_CUT};
    struct retry retry;
    for (int retries = 0; retries < 5; retries++) {
        struct retry_set set = {.retries = retries, .cap_ns = S};
        for (page.attempts = 1; page.attempts < 8; page.attempts++) {
            bool again = retry_page(&set, &page, NULL, NOW, 0, &retry);
            assert_int_equal(again, page.attempts <= retries);
            assert_int_equal(retry.ns > 0, again);
        }
    }
}

// ---- when -----------------------------------------------------------------------------------

TEST(the_pauses_double_up_to_a_minute_and_have_jitter)
{
    static const int64_t seconds[] = {1, 2, 4, 8, 16, 32, 60, 60, 60, 60};
    static const uint64_t numbers[] = {0, 1, 12345678901234567u, UINT64_MAX};
    struct retry_set set = {.retries = INT32_MAX, .cap_ns = S};
    for (int i = 0; i < 10; i++) {
        struct page page = {.fault = FAULT_BROKEN, .attempts = i + 1};
        int64_t half = seconds[i] * S / 2;
        struct retry retry;
        for (size_t n = 0; n < COUNT(numbers); n++) {
            assert_true(retry_page(&set, &page, NULL, NOW, numbers[n], &retry));
            assert_true(retry.ns >= half && retry.ns <= 2 * half);
            assert_false(retry.whole_host);
        }
        assert_true(retry_page(&set, &page, NULL, NOW, 0, &retry));
        assert_int_equal(retry.ns, half);
        assert_true(retry_page(&set, &page, NULL, NOW, (uint64_t)half, &retry));
        assert_int_equal(retry.ns, 2 * half);
    }
    struct page page = {.fault = FAULT_BROKEN, .attempts = INT32_MAX};
    struct retry retry;
    assert_true(retry_page(&set, &page, NULL, NOW, 0, &retry));
    assert_int_equal(retry.ns, 30 * S);
}

static const struct {
    const char *header;
    int64_t seconds; // 0: nothing is said
} times[] = {
    {"1", 1},
    {"59", 59},
    {" 7\t", 7},
    {"007", 7},
    {"60", 60},
    {"61", 60}, // the cap
    {"3600", 60},
    {"9223372036854775807", 60},
    {"9223372036854775808", 60},
    {"99999999999999999999999999999999", 60},
    {"0", 0},
    {"", 0},
    {" ", 0},
    {"-1", 0},
    {"+5", 0},
    {"1.5", 0},
    {"5 seconds", 0},
    {"0x10", 0},
    {"soon", 0},
    {"5,6", 0},
    {"99999999999999999999999999999999999999999999999999999999999999999999", 0},
    // ten seconds from now, in all three forms
    {"Sun, 06 Nov 1994 08:49:47 GMT", 10},
    {"Sunday, 06-Nov-94 08:49:47 GMT", 10},
    {"Sun Nov  6 08:49:47 1994", 10},
    {"  Sun, 06 Nov 1994 08:49:47 GMT  ", 10},
    {"Mon, 07 Nov 1994 08:49:47 GMT", 60},
    {"Fri, 31 Dec 9999 23:59:59 GMT", 60},
    {"Sunday, 06-Nov-44 08:49:47 GMT", 60}, // 2044
    {"Sunday, 06-Nov-45 08:49:47 GMT", 0},  // 1945
    // over
    {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
    {"Sun, 06 Nov 1994 08:49:36 GMT", 0},
    {"Sat, 06 Nov 1993 08:49:47 GMT", 0},
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    {"Sunday, 06-Nov-93 08:49:47 GMT", 0},
    // no dates
    {"Sun, 06 Nov 1994 08:49:47", 0},
    {"Sun, 06 Nov 1994 08:49:47 CET", 0},
    {"Sun, 06 Nov 1994 08:49:47 GMT+1", 0},
    {"Sun, 06 Nop 1994 08:49:47 GMT", 0},
    {"Sun, 32 Nov 1994 08:49:47 GMT", 0},
    {"Sun, 00 Dec 1994 08:49:47 GMT", 0},
    {"Sun, 06 Nov 1994 24:49:47 GMT", 0},
    {"Sun, 06 Nov 1994 08:60:47 GMT", 0},
    {"Sun, 06 Nov 1994 08:49:61 GMT", 0},
    {"Sun, 06 Nov 1994 -8:49:47 GMT", 0},
    {"06 Nov 1994 08:49:47 GMT", 0},
    {"1994-11-06T08:49:47Z", 0},
    {"Sun, 06 Nov 1969 08:49:47 GMT", 0},
    {", , ,", 0},
};

TEST(a_server_may_say_when_in_seconds_or_as_a_date)
{
    static const int statuses[] = {408, 429, 500, 502, 503, 504};
    for (size_t i = 0; i < COUNT(times) * COUNT(statuses); i++) {
        struct page page = answer_of(statuses[i % COUNT(statuses)]);
        int64_t asked = times[i / COUNT(statuses)].seconds;
        struct retry retry;
        assert_true(retry_page(&three, &page, times[i / COUNT(statuses)].header, NOW, 0, &retry));
        if (retry.ns != (asked > 0 ? asked * S : S / 2))
            fail_msg("'%s': %lld ns", times[i / COUNT(statuses)].header, (long long)retry.ns);
        assert_int_equal(retry.whole_host, asked > 0 || page.status == 429);
    }
}

TEST(the_cap_is_kept_to_the_nanosecond)
{
    struct retry_set set = {.retries = 1, .cap_ns = 2 * S + 5};
    static const int64_t expected[] = {S, 2 * S, 2 * S + 5};
    static const char *const headers[] = {"1", "2", "3"};
    struct page page = answer_of(503);
    struct retry retry;
    for (int i = 0; i < 3; i++) {
        assert_true(retry_page(&set, &page, headers[i], NOW, 0, &retry));
        assert_int_equal(retry.ns, expected[i]);
    }
    set.cap_ns = 0; // servers may ask for nothing
    assert_true(retry_page(&set, &page, "5", NOW, 0, &retry));
    assert_int_equal(retry.ns, S / 2);
    assert_false(retry.whole_host);
}

TEST(a_host_that_asked_for_a_pause_has_it_though_the_page_is_given_up)
{
    struct page page = answer_of(503);
    struct retry retry;
    page.attempts = 4;
    assert_false(retry_page(&three, &page, "5", NOW, 0, &retry));
    assert_true(retry.ns == 5 * S && retry.whole_host);
    assert_false(retry_page(&three, &page, NULL, NOW, 0, &retry));
    assert_true(retry.ns == 0 && !retry.whole_host);
    page.status = 429;
    assert_false(retry_page(&three, &page, NULL, NOW, 0, &retry));
    assert_true(retry.ns == 4 * S && retry.whole_host);
    page.status = 404;
    assert_false(retry_page(&three, &page, "5", NOW, 0, &retry));
    assert_true(retry.ns == 0 && !retry.whole_host);
    page.fault = FAULT_CUT; // a header of what was not an answer
    page.attempts = 1;
    assert_true(retry_page(&three, &page, "5", NOW, 0, &retry));
    assert_true(retry.ns == S / 2 && !retry.whole_host);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(statuses_that_pass_are_tried_again_and_no_others),
    cmocka_unit_test(of_faults_those_are_tried_again_that_pass_by_themselves),
    cmocka_unit_test(it_is_tried_again_so_often_and_no_more),
    cmocka_unit_test(the_pauses_double_up_to_a_minute_and_have_jitter),
    cmocka_unit_test(a_server_may_say_when_in_seconds_or_as_a_date),
    cmocka_unit_test(the_cap_is_kept_to_the_nanosecond),
    cmocka_unit_test(a_host_that_asked_for_a_pause_has_it_though_the_page_is_given_up),
};

TEST_MAIN(tests)
