// SPDX-License-Identifier: MIT
// chat_store_tokens_test.c - programs/chat/store/tokens.h: what a word is.
#include "unit.h"

#include "chat/store/tokens.h"

static int collect(void *ctx, const char *word, size_t size)
{
    char *all = ctx;
    size_t n = strlen(all);
    assert_true(n + size + 2 < 1024);
    snprintf(all + n, 1024 - n, "%s%.*s", n ? "|" : "", (int)size, word);
    return 0;
}

static const char *cut(const char *text, bool whole)
{
    static char all[1024];
    all[0] = '\0';
    assert_int_equal(tokens_of(text, strlen(text), whole, collect, all), 0);
    return all;
}

static void words_are_letters_and_digits_in_one_case(void **state)
{
    (void)state;
    assert_string_equal(cut("Two  Threads, 42 of them!", false), "two|threads|42|of|them");
    assert_string_equal(cut("", false), "");
    assert_string_equal(cut(" ... ", false), "");
    assert_string_equal(cut("foo_bar-baz", false), "foo|bar|baz");
    assert_string_equal(cut("Привет МИР", false), "привет|мир");
    assert_string_equal(cut("Straße STRASSE", false), "strasse|strasse");
}

static void accents_make_no_difference(void **state)
{
    (void)state;
    assert_string_equal(cut("Café CAFE\xCC\x81 naïve", false), "cafe|cafe|naive");
    assert_string_equal(cut("Ελλάδα", false), "ελλαδα");
}

static void marks_that_are_no_accents_belong_to_their_word(void **state)
{
    (void)state;
    assert_string_equal(cut("हिन्दी", false), "हिन्दी");
    assert_string_equal(cut("🙂 hi 🙂", false), "hi");
}

static void runs_of_east_asia_become_pairs_and_an_end(void **state)
{
    (void)state;
    assert_string_equal(cut("多线程", false), "多线|线程|程");
    assert_string_equal(cut("多线程", true), "多线|线程");
    assert_string_equal(cut("线", false), "线");
    assert_string_equal(cut("线", true), "线");
    assert_string_equal(cut("线。程", false), "线|程");
    assert_string_equal(cut("スレッド", true), "スレ|レッ|ッド");
    assert_string_equal(cut("스레드", true), "스레|레드");
    assert_string_equal(cut("多线程threads和fibers", false), "多线|线程|程|threads|和|fibers");
}

static void widths_make_no_difference(void **state)
{
    (void)state;
    assert_string_equal(cut("ＡＢＣ１２", false), "abc12");
    assert_string_equal(cut("ｽﾚｯﾄﾞ", true), "スレ|レッ|ッド");
}

static void what_is_no_text_separates(void **state)
{
    (void)state;
    assert_string_equal(cut("one\xFFtwo\xC3", false), "one|two");
    assert_string_equal(cut("线\xE7\xBA程", false), "线|程");
    char all[1024] = "";
    assert_int_equal(tokens_of("é\0b", 4, false, collect, all), 0);
    assert_string_equal(all, "e|b");
}

static void a_word_goes_on_behind_a_joint(void **state)
{
    (void)state;
    assert_string_equal(cut("con\rcurrency and\r more\r", false), "concurrency|and|more");
    assert_string_equal(cut("多\r线caf\ré", false), "多线|线|cafe");
}

static void a_word_without_end_is_cut(void **state)
{
    (void)state;
    char text[2000], all[1024] = "";
    memset(text, 'a', sizeof text);
    assert_int_equal(tokens_of(text, sizeof text, false, collect, all), 0);
    assert_int_equal(strlen(all), 256);
}

static int stop_at_once(void *ctx, const char *word, size_t size)
{
    (void)word, (void)size;
    ++*(int *)ctx;
    return 7;
}

static void who_is_told_may_end_it(void **state)
{
    (void)state;
    const char *texts[] = {"one two", "é two", "线程 two", "é线"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        int count = 0;
        assert_int_equal(tokens_of(texts[i], strlen(texts[i]), false, stop_at_once, &count), 7);
        assert_int_equal(count, 1);
    }
}

static void assert_match(const char *words, const char *wanted)
{
    char *match = tokens_match(words);
    assert_non_null(match);
    assert_string_equal(match, wanted);
    free(match);
}

static void a_search_is_made_of_words_only(void **state)
{
    (void)state;
    assert_match("one Two", "\"one\" AND \"two\"");
    assert_match("foo-bar", "\"foo bar\"");
    assert_match("\u3000服务\u3000\u3000线程\u3000", "\"服务\" AND \"线程\"");
    assert_match("\u3000", "");
    assert_match("多线程", "\"多线 线程\"");
    assert_match("线", "\"线\" *");
    assert_match("多线程threads", "\"多线 线程\" AND \"threads\"");
    assert_match("a线", "\"a\" AND \"线\" *");
    assert_match("\" OR text:* NEAR(a) --", "\"or\" AND \"text\" AND \"near a\"");
    assert_match(" \t ", "");
    assert_match("!?", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_letters_and_digits_in_one_case),
        cmocka_unit_test(accents_make_no_difference),
        cmocka_unit_test(marks_that_are_no_accents_belong_to_their_word),
        cmocka_unit_test(runs_of_east_asia_become_pairs_and_an_end),
        cmocka_unit_test(widths_make_no_difference),
        cmocka_unit_test(what_is_no_text_separates),
        cmocka_unit_test(a_word_goes_on_behind_a_joint),
        cmocka_unit_test(a_word_without_end_is_cut),
        cmocka_unit_test(who_is_told_may_end_it),
        cmocka_unit_test(a_search_is_made_of_words_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
