// SPDX-License-Identifier: MIT
// fetch_budget_test.c - files of budgets: which line holds, and what is wrong with a line.
#include "unit.h"

#include "fetch/budget.h"

static char path[] = "/tmp/weft-test-XXXXXX"; // made before the first test

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd >= 0 && close(fd) == 0 ? 0 : -1;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static const char *read_size(const char *value, void *target)
{
    char *end;
    long long size = strtoll(value, &end, 10);
    *(int64_t *)target = size;
    return end != value && !*end && size > 0 ? NULL : "is not a size";
}

static struct budgets *read_bytes(const char *text, size_t size)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
    return budgets_read(path, read_size);
}

static struct budgets *read_text(const char *text)
{
    struct budgets *b = read_bytes(text, strlen(text));
    if (!b)
        print_message("%s\n", weft_error());
    assert_non_null(b);
    return b;
}

static void assert_wrong(const char *text, int line, const char *words)
{
    char at[64];
    assert_null(read_bytes(text, strlen(text)));
    if (line > 0)
        snprintf(at, sizeof at, "%s:%d: ", path, line);
    else
        snprintf(at, sizeof at, "%s: ", path);
    if (strncmp(weft_error(), at, strlen(at)) != 0 || !strstr(weft_error(), words))
        print_message("%s\n", weft_error());
    assert_int_equal(strncmp(weft_error(), at, strlen(at)), 0);
    assert_non_null(strstr(weft_error(), words));
    assert_null(strchr(weft_error(), '\n'));
}

static void a_line_holds_for_its_url_alone(void **state)
{
    (void)state;
    struct budgets *b = read_text("# budgets\n"
                                  "\n"
                                  "https://a.example/ 100\n"
                                  "  \thttps://b.example/x#y\t200   # not above\r\n"
                                  "HTTP://c.example/?q=* 300");
    assert_int_equal(budgets_find(b, "https://a.example/"), 100);
    assert_int_equal(budgets_find(b, "https://a.example"), -1);
    assert_int_equal(budgets_find(b, "https://a.example/x"), -1);
    assert_int_equal(budgets_find(b, "https://b.example/x#y"), 200);
    assert_int_equal(budgets_find(b, "HTTP://c.example/?q=1"), 300);
    assert_int_equal(budgets_find(b, ""), -1);
    budgets_free(&b);
    assert_null(b);
    budgets_free(&b);
}

static void the_longest_beginning_holds(void **state)
{
    (void)state;
    struct budgets *b = read_text("* 1\n"
                                  "https://a.example/* 2\n"
                                  "https://a.example/x/* 3\n"
                                  "https://a.example/x/y 4\n"
                                  "https://a.example/x/b* 5\n"
                                  "https://a.example/x/bc* 6\n"
                                  "https://b.example/* 7\n");
    static const struct {
        const char *url;
        int64_t size;
    } wanted[] = {
        {"http://z.example/", 1},      {"https://a.example", 1},      {"https://a.example/", 2},
        {"https://a.example/w", 2},    {"https://a.example/x/", 3},   {"https://a.example/x/a", 3},
        {"https://a.example/x/y", 4},  {"https://a.example/x/y/", 3}, {"https://a.example/x/b", 5},
        {"https://a.example/x/bb", 5}, {"https://a.example/x/bc", 6}, {"https://a.example/x/bd", 5},
        {"https://a.example/x/c", 3},  {"https://a.example/z", 2},    {"https://b.example/", 7},
        {"https://c.example/", 1},
    };
    for (size_t i = 0; i < COUNT(wanted); i++)
        assert_int_equal(budgets_find(b, wanted[i].url), wanted[i].size);
    budgets_free(&b);
}

enum { LINES = 200, LINE = 24 };

// A URL of few letters, so that many begin with another.
static void random_url(char url[LINE], unsigned most)
{
    static uint64_t seed = 4711;
    int n = snprintf(url, LINE, "http://");
    for (unsigned left = 1 + (unsigned)(seed >> 60) % most; left > 0; left--) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        url[n++] = (char)('a' + (seed >> 60) % 3);
    }
    url[n] = '\0';
}

// The plain way: each beginning is tried.
static int64_t longest(char lines[][LINE], size_t count, const char *url)
{
    size_t length = 0;
    int64_t found = -1;
    for (size_t i = 0; i < count; i++) {
        size_t own = strlen(lines[i]);
        if (own > length && strncmp(url, lines[i], own) == 0) {
            length = own;
            found = (int64_t)i + 1;
        }
    }
    return found;
}

static bool is_among(char lines[][LINE], size_t count, const char *url)
{
    int64_t found = longest(lines, count, url);
    return found > 0 && strcmp(lines[found - 1], url) == 0;
}

static void many_beginnings_are_told_apart(void **state)
{
    (void)state;
    char lines[LINES][LINE], text[LINES * 32], url[LINE];
    size_t used = 0, count = 0;
    while (count < LINES) {
        random_url(lines[count], 8);
        if (!is_among(lines, count, lines[count])) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s* %zu\n", lines[count],
                                     count + 1);
            count++;
        }
    }
    struct budgets *b = read_text(text);
    for (int i = 0; i < 3000; i++) {
        random_url(url, 12);
        assert_int_equal(budgets_find(b, url), longest(lines, count, url));
    }
    budgets_free(&b);
}

static void add_line(void *ctx, const char *url, int64_t size)
{
    char *all = ctx;
    size_t used = strlen(all);
    snprintf(all + used, 256 - used, "%s %lld\n", url, (long long)size);
}

static void lines_that_were_never_found_are_missing(void **state)
{
    (void)state;
    struct budgets *b = read_text("https://a.example/* 2\n"
                                  "https://a.example/x 3\n"
                                  "https://b.example/ 4\n"
                                  "* 1\n");
    char all[256] = "";
    budgets_missing(b, add_line, all);
    assert_string_equal(all, "https://a.example/x 3\nhttps://b.example/ 4\n* 1\n"
                             "https://a.example/* 2\n");
    (void)budgets_find(b, "https://a.example/x"); // the beginning is not met by that
    (void)budgets_find(b, "https://c.example/x");
    all[0] = '\0';
    budgets_missing(b, add_line, all);
    assert_string_equal(all, "https://b.example/ 4\nhttps://a.example/* 2\n");
    (void)budgets_find(b, "https://a.example/y"); // still found, after it was shown
    (void)budgets_find(b, "https://b.example/");
    all[0] = '\0';
    budgets_missing(b, add_line, all);
    assert_string_equal(all, "");
    budgets_free(&b);
}

static void an_empty_file_has_no_budgets(void **state)
{
    (void)state;
    struct budgets *b = read_text("# nothing yet\n");
    assert_int_equal(budgets_find(b, "https://a.example/"), -1);
    budgets_free(&b);
}

static void a_malformed_line_is_named(void **state)
{
    (void)state;
    assert_wrong("# first\nhttps://a.example/\n", 2, "there is no size behind the URL");
    assert_wrong("https://a.example/ # 5\n", 1, "there is no size behind the URL");
    assert_wrong("\n\nhttps://a.example/ 5 6\n", 3, "more than a URL and a size");
    assert_wrong("https://a.example/ big\n", 1, "big is not a size");
    assert_wrong("https://a.example/ 5\nftp://a.example/ 5\n", 2, "neither http:// nor https://");
    assert_wrong("a* 5", 1, "neither http:// nor https://");
    assert_wrong("https://a.example/ 5\nhttps://b.example/ 5\nhttps://a.example/ 6\n", 3,
                 "the same URL as in line 1");
    assert_wrong("https://a.example/* 5\n* 1\nhttps://a.example/* 5\n", 3,
                 "the same URL as in line 1");
}

static void a_mark_at_the_beginning_is_no_part_of_the_first_url(void **state)
{
    (void)state;
    struct budgets *b = read_text("\xef\xbb\xbfhttps://a.example/ 100\n"
                                  "https://b.example/ 200\n");
    assert_int_equal(budgets_find(b, "https://a.example/"), 100);
    assert_int_equal(budgets_find(b, "https://b.example/"), 200);
    budgets_free(&b);
    assert_wrong("https://a.example/ 100\n\xef\xbb\xbfhttps://b.example/ 5\n", 2, "neither http");
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    (void)state;
    assert_null(read_bytes("https://a.example/\0 5\n", 23));
    assert_non_null(strstr(weft_error(), ":1: there is a zero byte"));
    static char line[70000];
    memset(line, 'x', sizeof line - 1);
    assert_wrong(line, 1, "a line of more than 64 KiB");
    assert_null(budgets_read("/nowhere/budgets", read_size));
    assert_string_equal(weft_error(), "/nowhere/budgets: No such file or directory");
    assert_null(budgets_read("/tmp", read_size));
    assert_string_equal(weft_error(), "/tmp: Is a directory");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_line_holds_for_its_url_alone),
    cmocka_unit_test(the_longest_beginning_holds),
    cmocka_unit_test(many_beginnings_are_told_apart),
    cmocka_unit_test(lines_that_were_never_found_are_missing),
    cmocka_unit_test(an_empty_file_has_no_budgets),
    cmocka_unit_test(a_malformed_line_is_named),
    cmocka_unit_test(a_mark_at_the_beginning_is_no_part_of_the_first_url),
    cmocka_unit_test(bytes_that_are_no_text_are_refused),
};

int main(void)
{
    prepare_tests();
    return end_tests(cmocka_run_group_tests(tests, make_file, remove_file));
}
