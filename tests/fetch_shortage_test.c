// SPDX-License-Identifier: MIT
// fetch_shortage_test.c - without memory, at each place in turn where what is kept and compared
// asks for some: it is an error in one line, and the file is good for the next run.
#include "fetch_record.h"

#include "fetch/budget.h"
#include "fetch/change.h"

static atomic_int left; // calls until one is refused; 0: none is
static atomic_bool refused;

static bool refuses(void)
{
    int n = atomic_load(&left);
    if (n == 0 || atomic_fetch_sub(&left, 1) != 1)
        return false;
    atomic_store(&refused, true);
    errno = ENOMEM;
    return true;
}

#define WRAPPED(type, name, parameters, ...) \
    type __real_##name parameters; \
    type __wrap_##name parameters; \
    type __wrap_##name parameters \
    { \
        return refuses() ? NULL : __real_##name(__VA_ARGS__); \
    }
WRAPPED(void *, malloc, (size_t size), size)
WRAPPED(void *, calloc, (size_t n, size_t size), n, size)
WRAPPED(void *, realloc, (void *old, size_t size), old, size)
WRAPPED(char *, strdup, (const char *text), text)

static void refuse_the(int which)
{
    atomic_store(&refused, false);
    atomic_store(&left, which);
}

static bool refuse_no_more(void)
{
    atomic_store(&left, 0);
    return atomic_load(&refused);
}

static const char *read_size(const char *value, void *target)
{
    *(int64_t *)target = strtoll(value, NULL, 10);
    return NULL;
}

// What fails tells why.
static void assert_told(int rc)
{
    assert_int_equal(rc, -ENOMEM);
    assert_int_equal(weft_error_code(), -ENOMEM);
    assert_non_null(strstr(weft_error(), "out of memory"));
    assert_null(strchr(weft_error(), '\n'));
}

static int compare_all(struct change *c, struct record *r)
{
    char url[64];
    int failed = 0;
    for (int i = 0; i < 200; i++) { // so that the tables grow
        struct page page = page_of(2 * i);
        struct page_change compared;
        snprintf(url, sizeof url, "https://example.org/%d", i);
        assert_int_equal(change_page(c, url, &page, &compared), 0);
        int rc = record_page(r, url, &page);
        if (rc < 0)
            assert_told(rc);
        failed += rc < 0;
    }
    int rc = change_end(c, true);
    if (rc < 0)
        assert_told(rc);
    return failed + (rc < 0);
}

// Whether all of it was kept.
static bool run_without(const struct fetch_settings *set, int which)
{
    refuse_the(which);
    struct record *r = record_open(set);
    if (!r) {
        assert_told(weft_error_code());
        return false;
    }
    struct change *c = change_open(set, r, read_size);
    int failed = c ? compare_all(c, r) : 1;
    if (!c)
        assert_told(weft_error_code());
    change_free(&c);
    int rc = record_close(&r, true);
    if (rc < 0)
        assert_told(rc);
    assert_true(failed <= 1); // it is told once
    return failed == 0 && rc == 0;
}

static void each_refusal_is_an_error_and_harms_no_file(void **state)
{
    (void)state;
    char budgets[80];
    struct fetch_settings set = {.save = new_file(), .compare = true, .budget = 5};
    snprintf(budgets, sizeof budgets, "%s.budgets", set.save);
    FILE *f = fopen(budgets, "w");
    assert_true(f && fputs("https://example.org/1 1\nhttps://example.org/1* 2\n", f) >= 0);
    assert_int_equal(fclose(f), 0);
    set.budgets = budgets;
    int which = 0, failures = 0;
    do {
        assert_true(++which < 500);
        failures += !run_without(&set, which);
    } while (refuse_no_more());
    assert_true(failures > 5);
    struct record *r = begin_run(set.save);
    assert_int_equal(before(r, "https://example.org/199"), 398);
    cut_run(r);
    assert_string_equal(text_in(set.save, "PRAGMA integrity_check"), "ok");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_refusal_is_an_error_and_harms_no_file),
};

TEST_MAIN_AT_HOME(tests, NULL, 0)
