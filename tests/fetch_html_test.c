// SPDX-License-Identifier: MIT
// fetch_html_test.c - programs/fetch/html.h: what is in the report, where it lies, and what happens
// when it cannot be written. How it looks is for a browser (report_test.py).
#include "disk_helpers.h"
#include "html_pages.h"

#include "fetch/html_parts.h"

// ---- memory that can be refused -----------------------------------------------------------------

static int spared = -1; // so many requests for memory succeed; negative: all

static bool is_refused(void)
{
    if (spared != 0) {
        spared -= spared > 0;
        return false;
    }
    errno = ENOMEM;
    return true;
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
    return is_refused() ? NULL : __real_calloc(n, size);
}

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text)
{
    return is_refused() ? NULL : __real_strdup(text);
}

FILE *__real_open_memstream(char **text, size_t *size);
FILE *__wrap_open_memstream(char **text, size_t *size);
FILE *__wrap_open_memstream(char **text, size_t *size)
{
    return is_refused() ? NULL : __real_open_memstream(text, size);
}

// ---- a report, and what is in it ----------------------------------------------------------------

static char *whole; // the last report; freed by the next

static void read_whole(const char *path)
{
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    long size = ftell(f);
    rewind(f);
    free(whole);
    whole = malloc((size_t)size + 1);
    assert_non_null(whole);
    assert_int_equal(fread(whole, 1, (size_t)size, f), size);
    whole[size] = '\0';
    assert_int_equal(fclose(f), 0);
}

static int count(const char *words)
{
    int n = 0;
    for (const char *at = whole; (at = strstr(at, words)); at += strlen(words))
        n++;
    return n;
}

#define assert_has(words) assert_non_null(strstr(whole, (words)))
#define assert_has_not(words) assert_null(strstr(whole, (words)))

struct run {
    struct html *html;
    struct totals *totals;
};

static struct run begin(void)
{
    empty_folder();
    struct run run = {.html = html_open(in_folder("report.html")), .totals = totals_new()};
    assert_true(run.html && run.totals);
    return run;
}

static void add(struct run *run, const char *url, const struct page *page,
                const struct page_change *change)
{
    totals_add(run->totals, url, page, change);
    html_page(run->html, url, page, change);
}

static int end(struct run *run)
{
    int rc = html_close(&run->html, run->totals, (int64_t)1000 * MS);
    assert_null(run->html);
    totals_free(&run->totals);
    return rc;
}

static void end_well(struct run *run)
{
    assert_int_equal(end(run), 0);
    assert_int_equal(files_in_folder(), 1);
    read_whole(in_folder("report.html"));
}

static void a_report_asks_nobody_and_runs_nothing(void **state)
{
    (void)state;
    struct run run = begin();
    struct page page = arrived(0, 100, 2048, 1024);
    add(&run, "http://example.org/", &page, NULL);
    end_well(&run);
    assert_has("<!doctype html>\n<html lang=en>");
    assert_has("content=\"default-src 'none'; style-src 'unsafe-inline'\"");
    assert_has_not("<script");
    assert_has_not("<link");
    assert_has_not("<img");
    assert_has_not("src=");
    assert_has_not("url(");
    assert_has_not("@import");
    assert_non_null(strstr(whole, "</html>\n"));
}

static void a_page_has_its_sizes_time_and_address(void **state)
{
    (void)state;
    struct run run = begin();
    struct page page = arrived(0, 250, 4096, 1536);
    (void)snprintf(page.encoding, sizeof page.encoding, "gzip");
    page.claimed = -1;
    page.attempts = 2;
    page.http = 20;
    add(&run, "http://example.org/", &page, NULL);
    end_well(&run);
    assert_has("<tr><td>1<td><a class=u href=\"http://example.org/\">http://example.org/</a>"
               "<small>HTTP/2 · gzip · 192.0.2.7</small>"
               "<td>200<td>4.00 KiB<td>1.50 KiB<td>–<td>250 ms<td>2<td>–\n");
    assert_has("All");
    assert_has("<title>decoded 4.00 KiB, encoded 1.50 KiB, claimed nothing</title>");
}

static void what_failed_comes_first_in_words_and_by_kind(void **state)
{
    (void)state;
    struct run run = begin();
    struct page page = arrived(0, 100, 2048, 1024);
    add(&run, "http://example.org/", &page, NULL);
    page = failed(FAULT_NAME, STAGE_NAME, 0, 20, "");
    page.code = EAI_NONAME;
    add(&run, "http://nowhere.example/", &page, NULL);
    page = failed(FAULT_CUT, STAGE_BODY, 0, 20, "");
    page.encoded = 3000;
    page.claimed = 9000;
    add(&run, "http://cut.example/", &page, NULL);
    end_well(&run);
    assert_has("2 of 3 pages failed.");
    assert_has("<b class=kind>name</b> 1");
    assert_has("<b class=kind>cut</b> 1");
    assert_has("<p>name not known (DNS)</p>");
    assert_has("2.93 KiB came, which is not its size");
    assert_has("<td>–<td>–<td>8.79 KiB");
    assert_true(strstr(whole, "id=failures") < strstr(whole, "id=sizes"));
    assert_int_equal(count("<rect class=dec"), 1); // what failed has no size to draw
}

static void redirects_are_shown_hop_by_hop(void **state)
{
    (void)state;
    char first[] = "http://a.example/", second[] = "http://b.example/",
         last[] = "http://c.example/";
    struct page_hop hops[] = {{301, first}, {307, second}};
    struct page page = arrived(0, 100, 2048, 1024);
    page.redirects = 2;
    page.hops = hops;
    page.target = last;
    struct run run = begin();
    add(&run, first, &page, NULL);
    page.hops = NULL; // out of memory for them, say
    add(&run, first, &page, NULL);
    end_well(&run);
    assert_has("<li>301 to <a class=u href=\"http://b.example/\">http://b.example/</a>"
               "<li>307 to <a class=u href=\"http://c.example/\">http://c.example/</a></ol>");
}

static void hostile_text_is_no_markup(void **state)
{
    (void)state;
    struct run run = begin();
    struct page page = failed(FAULT_HTTP, STAGE_BODY, 0, 20, "");
    page.status = 500;
    (void)snprintf(page.reason, sizeof page.reason, "<script>x</script>\r\n\"'\xff");
    (void)snprintf(page.encoding, sizeof page.encoding, "<i>\"");
    (void)snprintf(page.address, sizeof page.address, "<u>");
    page.redirects = 1;
    char hop[] = "http://a/\"onclick='x'", target[] = "javascript:alert(1)";
    struct page_hop hops[] = {{302, hop}};
    page.hops = hops;
    page.target = target;
    add(&run, "http://a/\"><script>alert(1)</script>\n", &page, NULL);
    add(&run, "javascript:alert(1)", &page, NULL);
    end_well(&run);
    assert_has_not("<script");
    assert_has_not("<i>");
    assert_has_not("<u>");
    assert_has_not("href=\"javascript");
    assert_has_not("\"onclick");
    assert_has("&lt;script&gt;alert(1)&lt;/script&gt;\\x0a");
}

static void changes_and_budgets_are_told(void **state)
{
    (void)state;
    struct run run = begin();
    static const struct {
        const char *url;
        int64_t now, before, budget;
        bool over;
    } rows[] = {
        {"http://a/grown", 3000, 2000, -1, false},  {"http://a/over", 9000, 8999, 5000, true},
        {"http://a/shrunk", 1000, 1500, -1, false}, {"http://a/same", 700, 700, 800, false},
        {"http://a/new", 100, -1, -1, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct page page = arrived(0, 10, rows[i].now, rows[i].now);
        struct page_change change = {rows[i].before, rows[i].budget, rows[i].over, true};
        add(&run, rows[i].url, &page, &change);
    }
    struct page gone = failed(FAULT_TIMEOUT, STAGE_BODY, 0, 10, "");
    struct page_change missing = {400, 500, true, true};
    add(&run, "http://a/gone", &gone, &missing);
    html_others(run.html, 1, 2);
    end_well(&run);
    assert_has("2 grew, 1 shrank, 1 stayed the same, 1 new, 2 gone. "
               "Together the pages of both were 12.9 KiB and are 13.4 KiB");
    assert_has("2 over budget.");
    const char *changes = strstr(whole, "id=changes");
    assert_non_null(changes);
    // Over budget first, the others by how much they differ; what is the same is not listed.
    const char *over = strstr(changes, "http://a/over"), *grown = strstr(changes, "http://a/grown"),
               *shrunk = strstr(changes, "http://a/shrunk"), *bars = strstr(changes, "id=sizes");
    assert_true(over < grown && grown < shrunk && shrunk < bars);
    assert_true(strstr(changes, "http://a/same") > bars);
    assert_has("<td>1.95 KiB<td>2.93 KiB<td>+50.0\u00a0%<td>–<td>–\n");
    assert_has("<td>400 B<td>–<td>failed<td>500 B<td><b class=over>over</b>\n");
    assert_has_not("class=unchanged");
}

static void what_came_and_went_is_told_where_nothing_changed(void **state)
{
    (void)state;
    struct run run = begin();
    struct page page = arrived(0, 10, 30, 30);
    struct page_change change = {-1, -1, false, false};
    add(&run, "http://a/new", &page, &change);
    html_others(run.html, 1, 2);
    end_well(&run);
    assert_has("<a href=\"#changes\">");
    assert_has("0 grew, 0 shrank, 0 stayed the same, 1 new, 2 gone.</p>");
    assert_has_not("Together");
}

static void without_a_run_before_nothing_is_said_of_changes(void **state)
{
    (void)state;
    struct run run = begin();
    struct page page = arrived(0, 10, 10, 10);
    struct page_change none = {.before = -1, .budget = -1};
    add(&run, "http://a/", &page, &none);
    end_well(&run);
    assert_has("class=unchanged");
    assert_has_not("id=changes");
}

static void what_was_asked_for_its_claim_shows_the_claim_only(void **state)
{
    (void)state;
    struct run run = begin();
    struct page page = arrived(0, 10, 0, 0);
    page.head = true;
    page.claimed = 5 << 20;
    add(&run, "http://a/", &page, NULL);
    page.claimed = -1;
    add(&run, "http://a/unknown", &page, NULL);
    end_well(&run);
    assert_has("<dt>Claimed<dd>5.00 MiB");
    assert_has_not("<dt>Encoded");
    assert_has("<td>200<td>–<td>–<td>5.00 MiB");
    assert_int_equal(count("<rect class=dec"), 0);
    assert_int_equal(count("<rect class=cla"), 1);
}

static void doubts_are_said(void **state)
{
    (void)state;
    struct run run = begin();
    struct page page = arrived(0, 10, 10, 10);
    page.excess = page.unverified = true;
    add(&run, "http://a/", &page, NULL);
    html_cut_short(run.html);
    end_well(&run);
    assert_has("more came than was claimed");
    assert_has("nothing says that it is whole");
    assert_has("The run was cut short");
    assert_has_not("verdict fine");
}

static void a_run_of_nothing_has_a_report(void **state)
{
    (void)state;
    struct run run = begin();
    end_well(&run);
    assert_has("There was no page to fetch.");
    assert_has_not("<svg");
}

static void of_many_pages_200_are_drawn_and_all_are_in_the_table(void **state)
{
    (void)state;
    struct run run = begin();
    enum { MANY = 1234 };
    for (int i = 0; i < MANY; i++) {
        char url[64];
        (void)snprintf(url, sizeof url, "http://a/%d", i);
        struct page page = arrived(i, i % 7 + 1, i + 1, i + 1);
        if (i % 4 == 0)
            page = failed(FAULT_NO_ANSWER, STAGE_FIRST_BYTE, i, 5, "");
        add(&run, url, &page, NULL);
    }
    end_well(&run);
    assert_int_equal(count("<rect class=dec"), HTML_SHOWN);
    assert_int_equal(count("<tr class=bad><td><a"), HTML_SHOWN);
    assert_int_equal(count("<small>HTTP"), MANY);
    assert_int_equal(count("<table class=pages>"), 3);
    assert_int_equal(count("</table></details>\n</section>\n<footer>"), 1);
    assert_has("<summary>Pages 501 to 1,000</summary>");
    assert_has("<summary>Pages 1,001 to 1,234</summary>");
    assert_has("Shown are the 200 largest pages of 925.");
    assert_has("Shown are the 200 slowest pages of 1,234.");
    assert_has("Shown are the 200 first failures of 309.");
    assert_has("In parts of 500, of which the first is open.");
    assert_has("<summary>150 more</summary>");
    assert_int_equal(count("<details>") + count("<details open>"), count("</details>"));
    assert_int_equal(count("<table class"), count("</table>"));
}

// ---- when it cannot be written ------------------------------------------------------------------

static void a_report_takes_the_place_of_the_old_one_at_its_end(void **state)
{
    (void)state;
    struct run run = begin();
    put_file(in_folder("report.html"), "old");
    struct page page = arrived(0, 10, 10, 10);
    add(&run, "http://a/", &page, NULL);
    assert_file(in_folder("report.html"), "old");
    assert_int_equal(files_in_folder(), 1); // the scratch file has no name
    end_well(&run);
    assert_has("All pages");
}

static void a_report_that_is_not_wanted_leaves_the_old_one(void **state)
{
    (void)state;
    struct run run = begin();
    put_file(in_folder("report.html"), "old");
    assert_int_equal(html_close(&run.html, NULL, 0), 0);
    totals_free(&run.totals);
    assert_null(run.html);
    assert_int_equal(html_close(&run.html, NULL, 0), 0);
    assert_file(in_folder("report.html"), "old");
    assert_int_equal(files_in_folder(), 1);
}

static void a_path_that_cannot_be_written_is_refused_at_once(void **state)
{
    (void)state;
    empty_folder();
    assert_null(html_open(folder));
    assert_int_equal(weft_error_code(), -EISDIR);
    assert_non_null(strstr(weft_error(), folder));
    assert_null(html_open(in_folder("missing/report.html")));
    assert_int_equal(weft_error_code(), -ENOENT);
}

// As the pages come, so that it is the scratch file that is refused; and at the end.
static void a_full_disk_is_one_error_and_leaves_the_old_report(void **state)
{
    (void)state;
    for (int when = 0; when < 2; when++) {
        struct run run = begin();
        put_file(in_folder("report.html"), "old");
        if (when == 0)
            limit_files(1000);
        struct page page = arrived(0, 10, 10, 10);
        for (int i = 0; i < 300; i++)
            add(&run, "http://a/", &page, NULL);
        limit_files(1000);
        int rc = end(&run);
        limit_files(RLIM_INFINITY);
        assert_int_equal(rc, -EFBIG);
        assert_int_equal(weft_error_code(), -EFBIG);
        assert_non_null(strstr(weft_error(), "report.html: File too large"));
        assert_file(in_folder("report.html"), "old");
        assert_int_equal(files_in_folder(), 1);
    }
}

static void a_full_device_is_told_of(void **state)
{
    (void)state;
    struct run run = {.html = html_open("/dev/full"), .totals = totals_new()};
    assert_true(run.html && run.totals);
    assert_int_equal(end(&run), -ENOSPC);
    assert_string_equal(weft_error(), "cannot write /dev/full: No space left on device");
}

static void a_folder_that_went_away_is_told_of(void **state)
{
    (void)state;
    empty_folder();
    char path[512];
    (void)snprintf(path, sizeof path, "%s", in_folder("sub/report.html"));
    assert_int_equal(mkdir(in_folder("sub"), 0700), 0);
    struct run run = {.html = html_open(path), .totals = totals_new()};
    assert_true(run.html && run.totals);
    assert_int_equal(rmdir(in_folder("sub")), 0);
    assert_int_equal(end(&run), -ENOENT);
    assert_non_null(strstr(weft_error(), path));
}

// Each request for memory refused in turn: there is the whole report, or an error and none.
static void without_memory_there_is_an_error_and_no_report(void **state)
{
    (void)state;
    struct page page = failed(FAULT_OTHER, STAGE_BODY, 0, 10, "something");
    struct page_change change = {10, 5, true, true};
    bool whole_once = false;
    for (int n = 0; n < 60; n++) {
        empty_folder();
        struct totals *totals = totals_new();
        assert_non_null(totals);
        totals_add(totals, "http://a/", &page, &change);
        spared = n;
        struct html *h = html_open(in_folder("report.html"));
        int rc = h ? 0 : weft_error_code();
        if (h) {
            html_page(h, "http://a/", &page, &change);
            rc = html_close(&h, totals, 0);
        }
        whole_once = spared > 0;
        spared = -1;
        totals_free(&totals);
        assert_int_equal(rc, whole_once ? 0 : rc);
        assert_true(rc == 0 || rc == -ENOMEM);
        assert_int_equal(files_in_folder(), rc == 0);
        if (rc < 0)
            assert_non_null(strstr(weft_error(), "emory"));
    }
    assert_true(whole_once);
}

static int tidy(void **state)
{
    free(whole);
    return remove_folder(state);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_report_asks_nobody_and_runs_nothing),
    cmocka_unit_test(a_page_has_its_sizes_time_and_address),
    cmocka_unit_test(what_failed_comes_first_in_words_and_by_kind),
    cmocka_unit_test(redirects_are_shown_hop_by_hop),
    cmocka_unit_test(hostile_text_is_no_markup),
    cmocka_unit_test(changes_and_budgets_are_told),
    cmocka_unit_test(what_came_and_went_is_told_where_nothing_changed),
    cmocka_unit_test(without_a_run_before_nothing_is_said_of_changes),
    cmocka_unit_test(what_was_asked_for_its_claim_shows_the_claim_only),
    cmocka_unit_test(doubts_are_said),
    cmocka_unit_test(a_run_of_nothing_has_a_report),
    cmocka_unit_test(of_many_pages_200_are_drawn_and_all_are_in_the_table),
    cmocka_unit_test(a_report_takes_the_place_of_the_old_one_at_its_end),
    cmocka_unit_test(a_report_that_is_not_wanted_leaves_the_old_one),
    cmocka_unit_test(a_path_that_cannot_be_written_is_refused_at_once),
    cmocka_unit_test(a_full_disk_is_one_error_and_leaves_the_old_report),
    cmocka_unit_test(a_full_device_is_told_of),
    cmocka_unit_test(a_folder_that_went_away_is_told_of),
    cmocka_unit_test(without_memory_there_is_an_error_and_no_report),
};

int main(void)
{
    prepare_tests();
    return end_tests(cmocka_run_group_tests(tests, make_folder, tidy));
}
