// SPDX-License-Identifier: MIT
// chat_store_find_test.c - messages found, by words and without. Words: chat_store_tokens_test.c.
#include "chat_store.h"

// ---- messages found -------------------------------------------------------------------------

static void say_as(struct store *store, const char *msgid, int64_t time_ms, const char *nick,
                   const char *account, const char *text)
{
    char source[64];
    snprintf(source, sizeof source, "%s!user@example.org", nick);
    struct store_message m = text_of(msgid, time_ms, text);
    m.source = source;
    m.account = account;
    assert_int_equal(outcome_of(store, append(store, m)), 0);
}

static void chinese_and_english_are_found_in_one_sentence(void **state)
{
    (void)state;
    struct store *store = open_in(new_folder());
    say(store, "1", 10, "我们用多线程 (threads) 写服务器");
    say(store, "2", 20, "something else");
    say(store, "3", 30, "进程");
    wait_indexed(store);
    assert_string_equal(found_words(store, "线程"), "1");
    assert_string_equal(found_words(store, "多线程"), "1");
    assert_string_equal(found_words(store, "threads"), "1");
    assert_string_equal(found_words(store, "THREADS 线程"), "1");
    assert_string_equal(found_words(store, "服务\u3000线程"), "1");
    assert_string_equal(found_words(store, "程"), "3 1");
    assert_string_equal(found_words(store, "器"), "1");
    assert_string_equal(found_words(store, "程线"), "");
    assert_string_equal(found_words(store, "thread"), "");
    close_store(store);
}

static void the_newest_come_first_and_as_many_as_are_wanted(void **state)
{
    (void)state;
    struct store *store = open_in(new_folder());
    say(store, "1", 10, "word");
    say(store, "2", 20, "word");
    say(store, "3", 30, "word");
    wait_indexed(store);
    assert_string_equal(found(store, (struct store_search){.words = "word", .limit = 2}), "3 2");
    close_store(store);
}

static struct store *talk(void)
{
    struct store *store = open_in(new_folder());
    say_as(store, "1", 10, "Ann", NULL, "the word of ann");
    say_as(store, "2", 20, "bob", "Ann", "the word of bob");
    say_as(store, "3", 30, "carl", NULL, "the word of carl");
    struct store_message m = text_of("4", 40, "the word elsewhere");
    m.where.first = "#other";
    append(store, m);
    m = text_of("5", 50, "the word between two");
    m.where = (struct store_conversation){.first = "carl", .second = "ann"};
    append(store, m);
    m = text_of("6", 60, "the word of a topic");
    m.is_text = false;
    assert_int_equal(outcome_of(store, append(store, m)), 0);
    wait_indexed(store);
    return store;
}

static void only_what_is_text_is_found(void **state)
{
    (void)state;
    struct store *store = talk();
    assert_string_equal(found_words(store, "word"), "5 4 3 2 1");
    close_store(store);
}

static void a_search_keeps_to_its_rooms(void **state)
{
    (void)state;
    struct store *store = talk();
    struct store_conversation in[] = {
        {.first = "#lobby"}, {.first = "#nowhere"}, {.first = "ann", .second = "carl"}};
    struct store_search s = {.words = "word", .in = in, .in_count = 3};
    assert_string_equal(found(store, s), "5 3 2 1");
    s.in_count = 2;
    assert_string_equal(found(store, s), "3 2 1");
    s.in = &in[1];
    s.in_count = 1;
    assert_string_equal(found(store, s), "");
    s.in_count = 0;
    assert_string_equal(found(store, s), "");
    close_store(store);
}

static void an_author_is_a_nick_or_an_account(void **state)
{
    (void)state;
    struct store *store = talk();
    struct store_search s = {.words = "word", .author = "ANN", .until_ms = 40};
    assert_string_equal(found(store, s), "2 1");
    s.author = "an";
    assert_string_equal(found(store, s), "");
    close_store(store);
}

static void times_are_exclusive_bounds(void **state)
{
    (void)state;
    struct store *store = talk();
    struct store_search s = {.words = "word", .since_ms = 10, .until_ms = 40};
    assert_string_equal(found(store, s), "3 2");
    close_store(store);
}

static void a_search_for_no_word_is_an_error(void **state)
{
    (void)state;
    struct store *store = talk();
    struct store_rows *rows;
    const char *nothing[] = {"", " ", "?!", NULL};
    for (size_t i = 0; i < COUNT(nothing); i++) {
        struct store_search s = {.words = nothing[i], .limit = 1};
        assert_int_equal(store_find(store, &s, &rows), -EINVAL);
        assert_null(rows);
    }
    close_store(store);
}

static void without_words_all_is_found_that_fits_the_rest(void **state)
{
    (void)state;
    struct store *store = talk();
    struct store_conversation in[] = {
        {.first = "#lobby"}, {.first = "#nowhere"}, {.first = "ann", .second = "carl"}};
    assert_string_equal(found(store, (struct store_search){.in = in, .in_count = 3}), "5 3 2 1");
    assert_string_equal(found(store, (struct store_search){.in = in, .in_count = 1}), "3 2 1");
    assert_string_equal(found(store, (struct store_search){.in = &in[1], .in_count = 1}), "");
    assert_string_equal(found(store, (struct store_search){.in = in}), "");
    assert_string_equal(found(store, (struct store_search){.words = "", .author = "ann"}), "2 1");
    assert_string_equal(found(store, (struct store_search){.author = "nobody"}), "");
    assert_string_equal(found(store, (struct store_search){.since_ms = 20}), "5 4 3");
    assert_string_equal(found(store, (struct store_search){.until_ms = 30}), "2 1");
    struct store_search s = {.author = "alice", .in = in, .in_count = 3, .since_ms = 10};
    assert_string_equal(found(store, s), "5");
    s = (struct store_search){.since_ms = 10, .until_ms = 50, .limit = 2};
    assert_string_equal(found(store, s), "4 3"); // the newest of all rooms, not of each
    assert_int_equal(store_remove(store, "4", "alice", much_later()), 0);
    assert_string_equal(found(store, s), "3 2");
    close_store(store);
}

static void a_clock_that_was_set_back_hides_nothing(void **state)
{
    (void)state;
    struct store_conversation in[] = {{.first = "#lobby"}};
    struct store *store = open_in(new_folder());
    say(store, "1", 1000, "said before");
    say(store, "2", 2000, "said before");
    say(store, "3", 1500, "said after");
    say(store, "4", 3000, "said after");
    wait_indexed(store);
    for (int i = 0; i < 2; i++) { // without words, and with
        struct store_search s = {.in = in, .in_count = 1, .words = i > 0 ? "said" : NULL};
        s.since_ms = 1200;
        assert_string_equal(found(store, s), "4 3 2");
        s.since_ms = 3000;
        assert_string_equal(found(store, s), "");
        s.since_ms = 0;
        s.until_ms = 1800;
        assert_string_equal(found(store, s), "3 1");
        s.until_ms = 1000;
        assert_string_equal(found(store, s), "");
    }
    close_store(store);
}

static void a_search_for_nothing_at_all_is_an_error(void **state)
{
    (void)state;
    struct store *store = talk();
    struct store_rows *rows;
    struct store_search s = {.words = "", .limit = 1};
    assert_int_equal(store_find(store, &s, &rows), -EINVAL);
    assert_null(rows);
    s.author = "ann"; // and of mentions the nick is the words
    assert_int_equal(store_mentions(store, &s, &rows), -EINVAL);
    close_store(store);
}

// An author is in no index: all that there is would be read.
static void a_search_has_a_deadline(void **state)
{
    (void)state;
    struct store *store = open_in(new_folder());
    enum { MANY = 5000 };
    char msgid[16];
    for (int i = 1; i <= MANY; i++) {
        snprintf(msgid, sizeof msgid, "%d", i);
        append(store, text_of(msgid, i, "hay"));
    }
    wait_indexed(store);
    struct store_rows *rows;
    struct store_search s = {.author = "nobody", .limit = 1, .deadline = {1}}; // long ago
    assert_int_equal(store_find(store, &s, &rows), -ETIMEDOUT);
    assert_null(rows);
    s.deadline = much_later();
    assert_string_equal(found(store, s), "");
    s = (struct store_search){.since_ms = 1, .limit = 2};
    assert_string_equal(found(store, s), "5000 4999");
    close_store(store);
}

// FTS5 has found all of a word's messages before it gives the first; of many words it takes long.
static void a_search_for_many_words_has_a_deadline(void **state)
{
    (void)state;
    struct store *store = open_in(new_folder());
    enum { MANY = 5000, WORDS = 120 };
    char msgid[16], words[WORDS * 4 + 1] = "";
    for (int i = 1; i <= MANY; i++) {
        snprintf(msgid, sizeof msgid, "%d", i);
        append(store, text_of(msgid, i, "干草")); // hay
    }
    for (int i = 0; i < WORDS; i++)
        snprintf(words + (size_t)i * 4, 5, "干 "); // the beginning of any word
    wait_indexed(store);
    struct store_rows *rows;
    struct store_search s = {.words = words, .limit = 1, .deadline = {1}}; // long ago
    assert_int_equal(store_find(store, &s, &rows), -ETIMEDOUT);
    assert_null(rows);
    s.deadline = much_later();
    assert_string_equal(found(store, s), "5000");
    close_store(store);
}

// ---- in parts --------------------------------------------------------------------------------

// One part; `next` is where it goes on, before and after.
static const char *part(struct store *store, struct store_search search, char *next)
{
    struct store_rows *rows;
    search.before = *next ? next : NULL;
    search.limit = search.limit ? search.limit : 100;
    assert_int_equal(store_find(store, &search, &rows), 0);
    snprintf(next, STORE_MSGID_MAX + 1, "%s", rows->next);
    return ids_of(rows);
}

static void a_search_goes_on_exactly_where_it_ended(void **state)
{
    (void)state;
    struct store_conversation in[] = {{.first = "#lobby"}};
    const struct store_search ways[] = {{.words = "word", .limit = 2},
                                        {.author = "alice", .limit = 2},
                                        {.in = in, .in_count = 1, .limit = 2, .until_ms = 100}};
    for (size_t i = 0; i < COUNT(ways); i++) {
        char next[STORE_MSGID_MAX + 1] = "";
        struct store *store = open_in(new_folder());
        for (char id[] = "1"; *id < '6'; ++*id)
            say(store, id, 10, "a word"); // all in one millisecond
        wait_indexed(store);
        assert_string_equal(part(store, ways[i], next), "5 4");
        assert_string_equal(next, "4");
        say(store, "6", 10, "a word in between");
        wait_indexed(store);
        assert_string_equal(part(store, ways[i], next), "3 2");
        assert_int_equal(store_remove(store, "2", "alice", much_later()), 0);
        assert_string_equal(part(store, ways[i], next), "1");
        assert_string_equal(next, "");
        close_store(store);
    }
}

static void who_is_looked_for_in_vain_is_looked_for_in_parts(void **state)
{
    (void)state;
    char next[STORE_MSGID_MAX + 1] = "";
    struct store_conversation in[] = {{.first = "#lobby"}, {.first = "#nowhere"}};
    struct store_search s = {.author = "ann", .in = in, .in_count = 2, .look_at = 3};
    struct store *store = open_in(new_folder());
    say_as(store, "1", 10, "ann", NULL, "first");
    say_as(store, "2", 20, "ann", NULL, "second");
    say(store, "3", 30, "of another");
    say(store, "4", 40, "of another");
    struct store_message m = text_of("5", 50, "elsewhere");
    m.where.first = "#other";
    append(store, m);
    m.msgid = "6";
    append(store, m);
    m.msgid = "7";
    assert_int_equal(outcome_of(store, append(store, m)), 0);
    // what lies elsewhere is passed over, and is nowhere to go on
    assert_string_equal(part(store, s, next), "2");
    assert_string_equal(next, "2");
    assert_string_equal(part(store, s, next), "1");
    assert_string_equal(next, "");
    s.look_at = 2;
    assert_string_equal(part(store, s, next), "");
    assert_string_equal(next, "3");
    assert_string_equal(part(store, s, next), "2 1");
    assert_string_equal(next, "");
    s.until_ms = 25; // begins there
    assert_string_equal(part(store, s, next), "2 1");
    s.in_count = 0;
    assert_string_equal(part(store, s, next), "");
    assert_string_equal(next, "");
    close_store(store);
}

static void one_goes_on_behind_a_message_of_these_rooms_only(void **state)
{
    (void)state;
    struct store *store = talk();
    struct store_rows *rows;
    struct store_conversation in[] = {{.first = "#lobby"}};
    struct store_search s = {.words = "word", .in = in, .in_count = 1, .limit = 9, .before = "4"};
    assert_int_equal(store_find(store, &s, &rows), -ENOENT);
    assert_null(rows);
    s.words = NULL;
    assert_int_equal(store_find(store, &s, &rows), -ENOENT);
    s.before = "none";
    assert_int_equal(store_find(store, &s, &rows), -ENOENT);
    s.in = NULL;
    s.author = "ann";
    assert_int_equal(store_find(store, &s, &rows), -ENOENT);
    s.before = "2";
    assert_string_equal(found(store, s), "1");
    close_store(store);
}

static void before_the_end_nobody_is_answered_any_more(void **state)
{
    (void)state;
    struct store *store = talk();
    struct store_rows *rows;
    struct store_search s = {.words = "word", .limit = 1};
    struct store_query q = {.where = lobby, .range = STORE_LATEST, .limit = 1};
    store_end_questions(store);
    assert_int_equal(store_find(store, &s, &rows), -ECANCELED);
    assert_int_equal(store_ask(store, &q, &rows), -ECANCELED);
    assert_null(rows);
    say(store, "7", 70, "what is said is kept all the same");
    close_store(store);
}

static void what_people_type_is_no_language(void **state)
{
    (void)state;
    struct store *store = talk();
    assert_string_equal(found_words(store, "\"word"), "5 4 3 2 1");
    assert_string_equal(found_words(store, "word)"), "5 4 3 2 1");
    assert_string_equal(found_words(store, "text:word"), "");
    assert_string_equal(found_words(store, "word NOT ann"), "");
    assert_string_equal(found_words(store, "'; DROP TABLE messages; --"), "");
    assert_string_equal(found_words(store, "word"), "5 4 3 2 1");
    close_store(store);
}

static void without_an_index_no_words_can_be_looked_for(void **state)
{
    (void)state;
    struct store *store = open_with(
        (struct store_options){.folder = new_folder(), .no_index = true});
    struct store_rows *rows;
    struct store_search s = {.words = "word", .limit = 1};
    assert_int_equal(store_find(store, &s, &rows), -ENOTSUP);
    assert_int_equal(store_mentions(store, &s, &rows), -ENOTSUP);
    wait_indexed(store);
    say(store, "1", 10, "a word");
    assert_string_equal(found(store, (struct store_search){.author = "alice"}), "1");
    close_store(store);
}

// ---- mentions -------------------------------------------------------------------------------

static const char *mentions(struct store *store, const char *nick, int64_t since_ms)
{
    struct store_rows *rows;
    struct store_search s = {.words = nick, .since_ms = since_ms, .limit = 100};
    assert_int_equal(store_mentions(store, &s, &rows), 0);
    return ids_of(rows);
}

static void mentions_are_of_others_and_of_the_nick_as_it_is_written(void **state)
{
    (void)state;
    struct store *store = open_in(new_folder());
    say_as(store, "1", 10, "ann", NULL, "Tom: are you there?");
    say_as(store, "2", 20, "tom", NULL, "tom is here");
    say_as(store, "3", 30, "ann", NULL, "[tom] is another, and tommy, and tom|away");
    say_as(store, "4", 40, "ann", NULL, "atom, or tom.");
    say_as(store, "5", 50, "ann", NULL, "小明你好, ^_^");
    say_as(store, "6", 60, "ann", NULL, "小明白");
    wait_indexed(store);
    assert_string_equal(mentions(store, "tom", 0), "4 1");
    assert_string_equal(mentions(store, "TOM", 10), "4");
    assert_string_equal(mentions(store, "[tom]", 0), "3");
    assert_string_equal(mentions(store, "小明", 0), "6 5");
    assert_string_equal(mentions(store, "^_^", 0), "5");
    assert_string_equal(mentions(store, "nobody", 0), "");
    say(store, "8", 80, "a line that ends within t\rom's name");
    wait_indexed(store);
    assert_string_equal(mentions(store, "tom", 70), "8");
    close_store(store);
}

// ---- the index follows ------------------------------------------------------------------------

static void an_index_that_is_missing_is_made_again(void **state)
{
    (void)state;
    const char *folder = new_folder();
    struct store *store = open_in(folder);
    say(store, "1", 10, "a word");
    close_store(store);
    assert_int_equal(unlink(file_in(folder, "words.db")), 0);
    store = open_in(folder);
    say(store, "2", 20, "the word");
    wait_indexed(store);
    assert_string_equal(found_words(store, "word"), "2 1");
    close_store(store);
}

static void an_index_that_is_damaged_or_of_another_version_is_made_again(void **state)
{
    (void)state;
    const char *folder = new_folder();
    struct store *store = open_in(folder);
    say(store, "1", 10, "a word");
    wait_indexed(store);
    close_store(store);
    change(file_in(folder, "words.db"), "PRAGMA user_version = 1");
    store = open_in(folder);
    wait_indexed(store);
    assert_string_equal(found_words(store, "word"), "1");
    close_store(store);
    change(file_in(folder, "words.db"), "PRAGMA user_version = 77; DELETE FROM mark");
    store = open_in(folder);
    wait_indexed(store);
    assert_string_equal(found_words(store, "word"), "1");
    close_store(store);
    FILE *f = fopen(file_in(folder, "words.db"), "w");
    assert_non_null(f);
    fputs("this is no database, and long enough that SQLite sees it at once: ..............", f);
    fclose(f);
    store = open_in(folder);
    wait_indexed(store);
    assert_string_equal(found_words(store, "word"), "1");
    close_store(store);
}

static void copy_file(const char *from, const char *to)
{
    char command[320];
    snprintf(command, sizeof command, "cp '%s' '%s'", from, to);
    assert_int_equal(system(command), 0); // NOLINT: names of our own
}

// The index is ahead of it: it knows of messages that are no more.
static void an_older_history_that_is_put_back_is_indexed_anew(void **state)
{
    (void)state;
    const char *folder = new_folder();
    char history[128], kept[128];
    snprintf(history, sizeof history, "%s/history.db", folder);
    snprintf(kept, sizeof kept, "%s/kept", folder);
    struct store *store = open_in(folder);
    say(store, "1", 10, "a word");
    close_store(store);
    copy_file(history, kept);
    store = open_in(folder);
    say(store, "2", 20, "another");
    wait_indexed(store);
    close_store(store);
    copy_file(kept, history);
    store = open_in(folder);
    say(store, "3", 30, "word");
    wait_indexed(store);
    assert_string_equal(found_words(store, "another"), "");
    assert_string_equal(found_words(store, "word"), "3 1");
    close_store(store);
}

static void what_was_written_without_an_index_is_indexed_later(void **state)
{
    (void)state;
    const char *folder = new_folder();
    struct store *store = open_with((struct store_options){.folder = folder, .no_index = true});
    enum { MANY = 9000 }; // more than two turns
    char msgid[16];
    for (int i = 1; i <= MANY; i++) {
        snprintf(msgid, sizeof msgid, "%d", i);
        append(store, text_of(msgid, i, i == 1 ? "needle" : "hay"));
    }
    close_store(store);
    store = open_in(folder);
    wait_indexed(store);
    struct store_status status;
    store_status(store, &status);
    assert_int_equal(status.unindexed, 0);
    assert_string_equal(found_words(store, "needle"), "1");
    close_store(store);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(chinese_and_english_are_found_in_one_sentence),
    cmocka_unit_test(the_newest_come_first_and_as_many_as_are_wanted),
    cmocka_unit_test(only_what_is_text_is_found),
    cmocka_unit_test(a_search_keeps_to_its_rooms),
    cmocka_unit_test(an_author_is_a_nick_or_an_account),
    cmocka_unit_test(times_are_exclusive_bounds),
    cmocka_unit_test(a_search_for_no_word_is_an_error),
    cmocka_unit_test(without_words_all_is_found_that_fits_the_rest),
    cmocka_unit_test(a_clock_that_was_set_back_hides_nothing),
    cmocka_unit_test(a_search_for_nothing_at_all_is_an_error),
    cmocka_unit_test(a_search_has_a_deadline),
    cmocka_unit_test(a_search_for_many_words_has_a_deadline),
    cmocka_unit_test(a_search_goes_on_exactly_where_it_ended),
    cmocka_unit_test(who_is_looked_for_in_vain_is_looked_for_in_parts),
    cmocka_unit_test(one_goes_on_behind_a_message_of_these_rooms_only),
    cmocka_unit_test(before_the_end_nobody_is_answered_any_more),
    cmocka_unit_test(what_people_type_is_no_language),
    cmocka_unit_test(without_an_index_no_words_can_be_looked_for),
    cmocka_unit_test(mentions_are_of_others_and_of_the_nick_as_it_is_written),
    cmocka_unit_test(an_index_that_is_missing_is_made_again),
    cmocka_unit_test(an_index_that_is_damaged_or_of_another_version_is_made_again),
    cmocka_unit_test(an_older_history_that_is_put_back_is_indexed_anew),
    cmocka_unit_test(what_was_written_without_an_index_is_indexed_later),
};

TEST_MAIN_AT_HOME(tests, NULL, 0)
