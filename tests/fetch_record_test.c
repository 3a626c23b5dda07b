// SPDX-License-Identifier: MIT
// fetch_record_test.c - runs that are kept, compared, resumed.
#include "fetch_record.h"

#include <netdb.h>

#define A "https://example.org/a"
#define B "https://example.org/b"
#define C "https://example.org/c"

// ---- what is kept ---------------------------------------------------------------------

static void all_of_a_page_is_kept(void **state)
{
    (void)state;
    const char *file = new_file();
    char target[] = "https://www.example.org/a/";
    struct page page = {.stage = STAGE_BODY,
                        .code = 3,
                        .status = 200,
                        .http = 20,
                        .attempts = 2,
                        .redirects = 1,
                        .encoded = 5000000000,
                        .decoded = 6000000000,
                        .claimed = 5000000001,
                        .header_bytes = 300,
                        .request_bytes = 200,
                        .ns = 7500000,
                        .begin_ns = 2000,
                        .excess = true,
                        .unverified = true,
                        .times = {11, 12, 13, 14, 15},
                        .target = target,
                        .encoding = "br",
                        .address = "::1",
                        .detail = "of no fault"};
    struct record *r = begin_run(file);
    assert_int_equal(record_page(r, A, &page), 0);
    end_run(r);
    assert_string_equal(text_in(file, "SELECT url FROM urls"), A);
    const char *all =
        "SELECT run || ' ' || url || ' ' || part || ' ' || stage || ' ' || code || ' ' || status ||"
        " ' ' || http || ' ' || attempts || ' ' || redirects || ' ' || encoded || ' ' || decoded"
        " || ' ' || claimed || ' ' || header_bytes || ' ' || request_bytes || ' ' || begin || ' '"
        " || took || ' ' || name || ' ' || connect || ' ' || tls || ' ' || first_byte || ' ' ||"
        " total || ' ' || head || ' ' || excess || ' ' || unverified || ' ' || target || ' ' ||"
        " encoding || ' ' || address FROM pages";
    assert_string_equal(text_in(file, all),
                        "1 1 0 5 3 200 20 2 1 5000000000 6000000000 5000000001 300 200 2 7500 11 12"
                        " 13 14 15 0 1 1 https://www.example.org/a/ br ::1");
    assert_string_equal(text_in(file, "SELECT fault FROM pages"), "-");
    assert_string_equal(text_in(file, "SELECT detail FROM pages"), "-");
}

static void a_failure_is_kept_with_its_name_and_words(void **state)
{
    (void)state;
    const char *file = new_file();
    struct record *r = begin_run(file);
    struct page page = {
        .fault = FAULT_TLS, .stage = STAGE_TLS, .claimed = -1, .detail = "certificate has expired"};
    assert_int_equal(record_page(r, A, &page), 0);
    strcpy(page.detail, "caf\xe9"); // of a server that speaks Latin-1
    assert_int_equal(record_page(r, B, &page), 0);
    strcpy(page.detail, "caf\u00e9");
    assert_int_equal(record_page(r, C, &page), 0);
    end_run(r);
    assert_string_equal(text_in(file, "SELECT fault FROM pages"), "tls");
    assert_string_equal(text_in(file, "SELECT claimed FROM pages"), "-");
    assert_string_equal(text_in(file, "SELECT detail FROM pages WHERE url = 1"),
                        "certificate has expired");
    assert_string_equal(text_in(file, "SELECT hex(detail) FROM pages WHERE url = 2"), "636166E9");
    assert_string_equal(text_in(file, "SELECT typeof(detail) FROM pages WHERE url = 2"), "blob");
    assert_string_equal(text_in(file, "SELECT detail FROM pages WHERE url = 3"), "caf\u00e9");
}

// The codes of getaddrinfo are negative: none of them may be taken for "not known".
static void a_name_that_nobody_knows_is_kept_and_so_is_what_follows(void **state)
{
    (void)state;
    const char *file = new_file();
    struct record *r = begin_run(file);
    struct page page = {
        .fault = FAULT_NAME, .stage = STAGE_NAME, .code = EAI_NONAME, .claimed = -1};
    assert_int_equal(record_page(r, A, &page), 0);
    keep(r, B, 5);
    end_run(r);
    assert_string_equal(text_in(file, "SELECT fault FROM pages WHERE url = 1"), "name");
    assert_int_equal(number_in(file, "SELECT code FROM pages WHERE url = 1"), EAI_NONAME);
    assert_int_equal(number_in(file, "SELECT decoded FROM pages WHERE url = 2"), 5);
}

static void a_run_is_kept_with_its_times_and_settings(void **state)
{
    (void)state;
    const char *file = new_file();
    struct fetch_settings set = {
        .save = file,
        .at_once = 50,
        .user_agent = "me",
        .limits = {.total_ns = 1500000000},
        .headers = {{"Authorization: Basic c2VjcmV0", "X-Empty;", "Cookie c2VjcmV0"}, 3}};
    struct record *r = opened(record_open(&set));
    assert_string_equal(text_in(file, "SELECT end FROM runs"), "-"); // others may look
    keep(r, A, 1);
    end_run(r);
    assert_int_equal(number_in(file, "SELECT count(*) FROM runs WHERE whole = 1 AND parts = 1"
                                     " AND end >= begin AND begin > 1700000000000"),
                     1);
    assert_string_equal(text_in(file, "SELECT weft FROM runs"), weft_version());
    assert_int_equal(number_in(file, "SELECT value FROM settings WHERE name = 'jobs'"), 50);
    assert_int_equal(number_in(file, "SELECT value FROM settings WHERE name = 'timeout-ms'"), 1500);
    assert_string_equal(text_in(file, "SELECT value FROM settings WHERE name = 'user-agent'"),
                        "me");
    assert_string_equal(text_in(file, "SELECT group_concat(name) FROM settings"
                                      " WHERE name LIKE 'header %'"),
                        "header Authorization,header Cookie,header X-Empty");
    assert_int_equal(
        number_in(file, "SELECT count(*) FROM settings WHERE name || value LIKE '%c2Vj%'"), 0);
}

static void of_a_url_that_comes_twice_the_last_is_kept(void **state)
{
    (void)state;
    const char *file = new_file();
    struct record *r = begin_run(file);
    keep(r, A, 1);
    keep(r, B, 5);
    keep(r, A, 2);
    end_run(r);
    assert_string_equal(text_in(file, "SELECT group_concat(decoded) FROM pages"), "2,5");
}

// More than may wait: the writer is waited for.
static void many_pages_at_once_are_all_kept(void **state)
{
    (void)state;
    enum { MANY = 12000 };
    const char *file = new_file();
    for (int run = 0; run < 2; run++) {
        struct record *r = begin_run(file);
        char url[64];
        for (int i = 0; i < MANY; i++) {
            snprintf(url, sizeof url, "https://example.org/%d", i);
            assert_int_equal(before(r, url), run == 0 ? -1 : i);
            keep(r, url, i);
        }
        end_run(r);
    }
    assert_int_equal(number_in(file, "SELECT count(*) FROM urls"), MANY);
    assert_int_equal(number_in(file, "SELECT count(*) FROM pages p JOIN urls u ON u.id = p.url"
                                     " WHERE u.url = 'https://example.org/' || p.decoded"),
                     2 * MANY);
}

static void a_file_that_nobody_has_open_is_alone(void **state)
{
    (void)state;
    char log[80];
    const char *file = new_file();
    struct record *r = begin_run(file);
    keep(r, A, 1);
    end_run(r);
    for (size_t i = 0; i < 3; i++) {
        snprintf(log, sizeof log, "%s-%s", file, (const char *[]){"wal", "shm", "journal"}[i]);
        assert_int_equal(access(log, F_OK), -1);
    }
    assert_string_equal(text_in(file, "PRAGMA journal_mode"), "delete");
}

static void a_run_without_a_page_leaves_no_trace(void **state)
{
    (void)state;
    const char *file = new_file();
    cut_run(begin_run(file));
    end_run(begin_run(file));
    assert_int_equal(number_in(file, "SELECT count(*) FROM runs"), 0);
    assert_int_equal(number_in(file, "SELECT count(*) FROM settings"), 0);
    struct record *none = NULL;
    assert_int_equal(record_close(&none, true), 0);
}

// ---- what was before ------------------------------------------------------------------

static void the_size_in_the_last_run_is_found(void **state)
{
    (void)state;
    const char *file = new_file();
    struct record *r = begin_run(file);
    assert_int_equal(before(r, A), -1);
    assert_int_equal(record_past(r)->last_ms, 0);
    keep(r, A, 10);
    keep(r, B, 0);
    assert_int_equal(before(r, A), -1); // it is this run's
    end_run(r);
    r = begin_run(file);
    assert_int_equal(before(r, A), 10);
    assert_int_equal(before(r, B), 0);
    assert_int_equal(before(r, C), -1);
    assert_true(record_past(r)->last_ms > 1700000000000);
    assert_false(record_past(r)->resumed);
    keep(r, A, 11);
    assert_int_equal(before(r, A), 10);
    end_run(r);
    r = begin_run(file);
    assert_int_equal(before(r, A), 11);
    assert_int_equal(before(r, B), 0); // of the last run that had it
    cut_run(r);
}

static void a_failure_leaves_the_size_before_it(void **state)
{
    (void)state;
    const char *file = new_file();
    struct record *r = begin_run(file);
    keep(r, A, 10);
    end_run(r);
    r = begin_run(file);
    keep_failed(r, A);
    struct page head = page_of(0);
    head.head = true;
    assert_int_equal(record_page(r, B, &head), 0);
    end_run(r);
    r = begin_run(file);
    assert_int_equal(before(r, A), 10);
    assert_int_equal(before(r, B), -1); // nobody knows its size
    cut_run(r);
}

static void a_run_cut_short_is_nothing_to_compare_with(void **state)
{
    (void)state;
    const char *file = new_file();
    struct record *r = begin_run(file);
    keep(r, A, 10);
    end_run(r);
    r = begin_run(file);
    keep(r, A, 99);
    keep(r, B, 99);
    cut_run(r);
    r = begin_run(file);
    assert_int_equal(before(r, A), 10);
    assert_int_equal(before(r, B), -1);
    keep(r, B, 20);
    end_run(r);
    r = begin_run(file);
    assert_int_equal(before(r, B), 20);
    cut_run(r);
}

static void what_is_not_there_any_more_is_gone(void **state)
{
    (void)state;
    const char *file = new_file();
    struct record *r = begin_run(file);
    keep(r, A, 10);
    keep(r, B, 20);
    keep(r, C, 30);
    keep_failed(r, "https://example.org/failed");
    assert_string_equal(gone(r), "");
    end_run(r);
    r = begin_run(file);
    keep_failed(r, B); // it is not gone: it was asked for
    keep(r, C, 30);
    assert_string_equal(gone(r), A " 10\n");
    end_run(r);
    r = begin_run(file);
    keep(r, A, 10);
    assert_string_equal(gone(r), C " 30\n"); // since the last one
    end_run(r);
}

// ---- resumed --------------------------------------------------------------------------

static void a_run_cut_short_is_resumed(void **state)
{
    (void)state;
    const char *file = new_file();
    struct record *r = begin_run(file);
    assert_int_equal(had(r, A), -1);
    keep(r, A, 10);
    keep_failed(r, B);
    cut_run(r);
    assert_int_equal(number_in(file, "SELECT whole FROM runs WHERE end IS NOT NULL"), 0);
    r = resume_run(file);
    const struct record_past *past = record_past(r);
    assert_true(past->resumed);
    assert_int_equal(past->done, 1);
    assert_int_equal(past->failed, 1);
    assert_int_equal(past->decoded, 10);
    assert_int_equal(had(r, A), 10);
    assert_int_equal(had(r, B), -1); // tried again
    keep(r, B, 20);
    keep(r, C, 30);
    assert_int_equal(had(r, B), -1); // not before it was resumed: --duplicates
    cut_run(r);
    r = resume_run(file);
    assert_int_equal(had(r, B), 20);
    end_run(r); // and there was nothing left to do
    assert_string_equal(text_in(file, "SELECT group_concat(url || ':' || part || ':' || decoded)"
                                      " FROM pages WHERE fault IS NULL"),
                        "1:0:10,2:1:20,3:1:30");
    assert_int_equal(number_in(file, "SELECT parts FROM runs WHERE whole = 1"), 3);
    r = begin_run(file);
    assert_int_equal(before(r, A), 10); // of its first part
    cut_run(r);
}

static void the_second_part_goes_on_in_time(void **state)
{
    (void)state;
    const char *file = new_file();
    struct record *r = begin_run(file);
    keep(r, A, 10);
    cut_run(r);
    change(file, "UPDATE runs SET begin = begin - 60000");
    r = resume_run(file);
    keep(r, B, 10);
    cut_run(r);
    assert_true(number_in(file, "SELECT begin FROM pages WHERE url = 2") >= 60000000);
    change(file, "UPDATE runs SET begin = begin + 3600000"); // the clock was set back
    r = resume_run(file);
    keep(r, C, 10);
    cut_run(r);
    assert_int_equal(number_in(file, "SELECT begin FROM pages WHERE url = 3"), 0);
}

static void what_is_finished_or_was_never_begun_is_not_resumed(void **state)
{
    (void)state;
    const char *file = new_file();
    assert_refused(NULL, file, -ENOENT, "No such file");
    assert_int_equal(access(file, F_OK), -1);
    struct record *r = begin_run(file);
    cut_run(r);
    assert_refused(NULL, file, -ENOENT, "has no run to go on with");
    r = begin_run(file);
    keep(r, A, 1);
    end_run(r);
    assert_refused(NULL, file, -EALREADY, "is finished: there is nothing to resume");
    assert_int_equal(number_in(file, "SELECT parts FROM runs"), 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(all_of_a_page_is_kept),
    cmocka_unit_test(a_failure_is_kept_with_its_name_and_words),
    cmocka_unit_test(a_name_that_nobody_knows_is_kept_and_so_is_what_follows),
    cmocka_unit_test(a_run_is_kept_with_its_times_and_settings),
    cmocka_unit_test(of_a_url_that_comes_twice_the_last_is_kept),
    cmocka_unit_test(many_pages_at_once_are_all_kept),
    cmocka_unit_test(a_file_that_nobody_has_open_is_alone),
    cmocka_unit_test(a_run_without_a_page_leaves_no_trace),
    cmocka_unit_test(the_size_in_the_last_run_is_found),
    cmocka_unit_test(a_failure_leaves_the_size_before_it),
    cmocka_unit_test(a_run_cut_short_is_nothing_to_compare_with),
    cmocka_unit_test(what_is_not_there_any_more_is_gone),
    cmocka_unit_test(a_run_cut_short_is_resumed),
    cmocka_unit_test(the_second_part_goes_on_in_time),
    cmocka_unit_test(what_is_finished_or_was_never_begun_is_not_resumed),
};

TEST_MAIN_AT_HOME(tests, NULL, 0)
