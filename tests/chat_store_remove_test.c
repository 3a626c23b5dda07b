// SPDX-License-Identifier: MIT
// chat_store_remove_test.c - words that go, because somebody asked or because they are old.
#include "chat_store.h"

static void remove_it(struct store *store, const char *msgid)
{
    int rc = store_remove(store, msgid, "alice", much_later());
    if (rc < 0)
        print_message("store_remove %s: %s\n", msgid, weft_error());
    assert_int_equal(rc, 0);
}

// ---- removal ----------------------------------------------------------------------------

static void a_removed_message_is_in_no_answer(void **state)
{
    (void)state;
    struct store *store = open_in(new_folder());
    say(store, "1", 10, "a word");
    say(store, "2", 20, "a word");
    say(store, "3", 30, "a word");
    wait_indexed(store);
    remove_it(store, "2");
    assert_string_equal(everything(store), "1 3");
    assert_string_equal(found_words(store, "word"), "3 1");
    close_store(store);
}

static void its_msgid_is_still_a_bound_and_still_taken(void **state)
{
    (void)state;
    struct store *store = open_in(new_folder());
    say(store, "1", 10, "a word");
    say(store, "2", 20, "a word");
    say(store, "3", 30, "a word");
    remove_it(store, "2");
    struct store_query q = {.range = STORE_BEFORE, .from = {.msgid = "2"}, .limit = 5};
    assert_string_equal(asked(store, q), "1");
    assert_int_equal(outcome_of(store, append(store, text_of("2", 40, "again"))), -EEXIST);
    close_store(store);
}

static void what_is_not_there_or_removed_cannot_be_removed(void **state)
{
    (void)state;
    struct store *store = open_in(new_folder());
    say(store, "1", 10, "a word");
    assert_int_equal(store_remove(store, "2", "alice", much_later()), -ENOENT);
    assert_int_equal(store_remove(store, "", "alice", much_later()), -ENOENT);
    assert_int_equal(store_remove(store, "123456789012345678901234567890123", NULL, much_later()),
                     -ENOENT);
    remove_it(store, "1");
    assert_int_equal(store_remove(store, "1", "alice", much_later()), -ENOENT);
    assert_non_null(strstr(weft_error(), "no message 1"));
    close_store(store);
}

static void what_was_appended_just_before_is_removed(void **state)
{
    (void)state;
    const char *folder = new_folder();
    struct store *store = open_in(folder);
    append(store, text_of("1", 10, "unfortunately"));
    remove_it(store, "1");
    assert_false(is_in_files(folder, "unfortunately"));
    close_store(store);
    assert_false(is_in_files(folder, "unfortunately"));
}

// Every message has words of its own, some long enough for pages of their own, and is indexed with
// its neighbours, in many transactions.
enum { TALK = 400, LONG = 9000 };

static void own_word(int i, char *word, size_t size)
{
    snprintf(word, size, "secret%dx", i * 7919);
}

static void say_secret(struct store *store, int i)
{
    char msgid[16], word[32], text[LONG + 100];
    own_word(i, word, sizeof word);
    snprintf(msgid, sizeof msgid, "%06d", i);
    size_t n = 0;
    for (int times = i % 50 == 0 ? LONG / 30 : 1; times > 0; times--)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s of many ", word);
    struct store_message m = text_of(msgid, i, text);
    char tags[64];
    snprintf(tags, sizeof tags, "+draft/reply=tag%s", word);
    m.tags = tags;
    append(store, m);
}

static void is_gone(const char *folder, int i)
{
    char word[32];
    own_word(i, word, sizeof word);
    if (is_in_files(folder, word))
        fail_msg("%s is still in a file", word);
}

static void removed_words_are_in_no_file(void **state)
{
    (void)state;
    char folder[64];
    snprintf(folder, sizeof folder, "%s", new_folder());
    struct store *store = open_in(folder);
    for (int i = 1; i <= TALK; i++) {
        say_secret(store, i);
        if (i % 40 == 0)
            wait_indexed(store);
    }
    wait_indexed(store);
    assert_true(is_in_files(folder, "secret7919x"));
    const int removed[] = {1, 2, 50, 51, 99, 100, 200, 399, 400};
    char msgid[16];
    for (size_t i = 0; i < COUNT(removed); i++) {
        snprintf(msgid, sizeof msgid, "%06d", removed[i]);
        remove_it(store, msgid);
        is_gone(folder, removed[i]);
    }
    struct store_search s = {.words = "secret23757x"}; // of 3, which stays
    assert_string_equal(found(store, s), "000003");
    close_store(store);
    for (size_t i = 0; i < COUNT(removed); i++)
        is_gone(folder, removed[i]);
    assert_int_equal(number_in(file_in(folder, "history.db"),
                               "SELECT count(*) FROM removals WHERE done = 1 AND who = 'alice'"),
                     COUNT(removed));
}

static struct store *shared_store;

static int remove_own(const int *i, weft_none *none)
{
    (void)none;
    char msgid[16];
    snprintf(msgid, sizeof msgid, "%06d", *i);
    return store_remove(shared_store, msgid, "alice", WEFT_FOREVER);
}
WEFT_TASK(remove_own, int, weft_none);

static void removals_come_together_while_others_write(void **state)
{
    (void)state;
    char folder[64];
    snprintf(folder, sizeof folder, "%s", new_folder());
    struct store *store = shared_store = open_in(folder);
    enum { REMOVALS = 40 };
    weft_future *f[REMOVALS + 1];
    for (int i = 1; i <= TALK; i++) {
        say_secret(store, i);
        if (i % 10 == 0)
            f[i / 10] = weft_start(i % 20 ? WEFT_FIBERS : WEFT_THREADS, remove_own, &i);
    }
    for (int i = 1; i <= REMOVALS; i++) {
        assert_int_equal(weft_join(&f[i], NULL, 0), 0);
        is_gone(folder, i * 10);
    }
    close_store(store);
}

// As another program would that looks at the file, or backs it up.
static sqlite3 *held_by_another(const char *folder, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(file_in(folder, "history.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    return db;
}

// The log cannot be emptied while somebody reads; the wish is on disk long before.
static void who_waits_no_longer_for_a_written_removal_is_obeyed_all_the_same(void **state)
{
    (void)state;
    char folder[64];
    snprintf(folder, sizeof folder, "%s", new_folder());
    struct store *store = open_in(folder);
    say_secret(store, 1);
    wait_indexed(store);
    sqlite3 *reader = held_by_another(folder, "BEGIN; SELECT count(*) FROM messages");
    int rc = -ETIMEDOUT;
    for (int ms = 50; rc == -ETIMEDOUT; ms *= 2) // nothing is done by then on a slow machine
        rc = store_remove(store, "000001", "alice", weft_after_ms(ms));
    assert_int_equal(rc, -EINPROGRESS);
    assert_string_equal(everything(store), "");
    assert_true(is_in_files(folder, "secret7919x"));
    assert_int_equal(sqlite3_close(reader), SQLITE_OK);
    assert_true(eventually(!is_in_files(folder, "secret7919x")));
    close_store(store);
}

// The writer stands before the file with the message that was said last, and has not seen the wish.
static void what_is_not_written_by_the_deadline_is_not_removed(void **state)
{
    (void)state;
    char folder[64];
    snprintf(folder, sizeof folder, "%s", new_folder());
    struct store *store = open_in(folder);
    say(store, "1", 10, "a word");
    sqlite3 *other = held_by_another(folder, "BEGIN IMMEDIATE");
    int64_t number = append(store, text_of("2", 20, "a word"));
    assert_int_equal(store_remove(store, "1", "alice", weft_after_ms(5)), -ETIMEDOUT);
    assert_int_equal(store_remove(store, "1", "alice", WEFT_POLL), -ETIMEDOUT);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_int_equal(outcome_of(store, number), 0);
    assert_string_equal(everything(store), "1 2");
    remove_it(store, "2"); // by then all wishes before are seen to
    assert_string_equal(everything(store), "1");
    close_store(store);
}

struct removal {
    struct store *store;
    atomic_bool late;
};

static int remove_late(struct removal *const *arg, weft_none *none)
{
    (void)none;
    weft_time deadline = weft_after_ms(1);
    CHECK(weft_sleep(deadline) == 0);
    atomic_store(&(*arg)->late, true);
    return store_remove((*arg)->store, "1", "alice", deadline);
}
WEFT_TASK(remove_late, struct removal *, weft_none);

// Whether the writer took the wish or its maker took it back, both know the same of it.
static void who_is_late_and_the_writer_agree(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        char folder[64];
        snprintf(folder, sizeof folder, "%s", new_folder());
        struct store *store = open_in(folder);
        say(store, "1", 10, "a word");
        sqlite3 *other = held_by_another(folder, "BEGIN IMMEDIATE");
        struct removal removal = {.store = store};
        weft_future *f = weft_start(WEFT_THREADS, remove_late, &(struct removal *){&removal});
        assert_true(eventually(atomic_load(&removal.late)));
        nap_ms(i % 4);
        assert_int_equal(sqlite3_close(other), SQLITE_OK);
        int rc = weft_join(&f, NULL, 0);
        assert_true(rc == 0 || rc == -EINPROGRESS || rc == -ETIMEDOUT);
        say(store, "2", 20, "a word"); // after what the writer had to do before
        assert_string_equal(everything(store), rc == -ETIMEDOUT ? "1 2" : "2");
        close_store(store);
    }
}

// As if the process had been killed between marking the message and the rest.
static void a_removal_that_was_begun_is_finished_by_the_next_run(void **state)
{
    (void)state;
    char folder[64];
    snprintf(folder, sizeof folder, "%s", new_folder());
    struct store *store = open_in(folder);
    say_secret(store, 1);
    say_secret(store, 2);
    wait_indexed(store);
    close_store(store);
    change(file_in(folder, "history.db"), "UPDATE messages SET removed = 1 WHERE id = 1;"
                                          "INSERT INTO removals (id, expire) VALUES (1, 0)");
    store = open_in(folder);
    assert_string_equal(everything(store), "000002");
    assert_true(eventually(!is_in_files(folder, "secret7919x")));
    assert_string_equal(found_words(store, "many"), "000002");
    close_store(store);
}

// The same, after the index had forgotten and was not yet written anew.
static void a_removal_that_the_index_has_forgotten_is_finished_too(void **state)
{
    (void)state;
    char folder[64];
    snprintf(folder, sizeof folder, "%s", new_folder());
    struct store *store = open_in(folder);
    say_secret(store, 1);
    say_secret(store, 2);
    wait_indexed(store);
    remove_it(store, "000001");
    close_store(store);
    change(file_in(folder, "history.db"),
           "UPDATE messages SET text = 'secret7919x' WHERE id = 1; UPDATE removals SET done = 0");
    store = open_in(folder);
    assert_true(eventually(!is_in_files(folder, "secret7919x")));
    assert_string_equal(found_words(store, "many"), "000002");
    close_store(store);
}

static void without_an_index_words_go_as_well(void **state)
{
    (void)state;
    char folder[64];
    snprintf(folder, sizeof folder, "%s", new_folder());
    struct store *store = open_with((struct store_options){.folder = folder, .no_index = true});
    for (int i = 1; i <= 60; i++)
        say_secret(store, i);
    remove_it(store, "000001");
    remove_it(store, "000050");
    is_gone(folder, 1);
    is_gone(folder, 50);
    close_store(store);
    // The index comes later, and knows nothing of them.
    store = open_in(folder);
    wait_indexed(store);
    assert_string_equal(found_words(store, "secret7919x"), "");
    assert_string_equal(found_words(store, "secret15838x"), "000002");
    remove_it(store, "000002");
    is_gone(folder, 2);
    close_store(store);
}

// ---- retention ----------------------------------------------------------------------------

static const int64_t day_ms = 24 * 60 * 60 * 1000LL;
static int64_t day_ten(void)
{
    return 10 * day_ms;
}

static int64_t rows_in(const char *folder)
{
    return number_in(file_in(folder, "history.db"), "SELECT count(*) FROM messages");
}

static void messages_go_when_they_are_old(void **state)
{
    (void)state;
    char folder[64];
    snprintf(folder, sizeof folder, "%s", new_folder());
    struct store *store = open_with((struct store_options){
        .folder = folder, .keep_days = 3, .tidy_ms = 1, .clock_ms = day_ten});
    say(store, "1", 6 * day_ms, "an old word");
    say(store, "2", 7 * day_ms - 1, "an old word");
    say(store, "3", 7 * day_ms, "a fresh word");
    say(store, "4", 8 * day_ms, "a fresh word");
    assert_true(eventually(strcmp(everything(store), "3 4") == 0));
    wait_indexed(store);
    assert_string_equal(found_words(store, "word"), "4 3");
    struct store_status status;
    store_status(store, &status);
    assert_int_equal(status.code, 0);
    assert_true(eventually(strcmp(found_words(store, "old"), "") == 0));
    close_store(store);
}

static void each_room_keeps_its_newest_messages(void **state)
{
    (void)state;
    char folder[64];
    snprintf(folder, sizeof folder, "%s", new_folder());
    struct store *store = open_with((struct store_options){.folder = folder, .no_index = true});
    enum { MANY = 1700 }; // more than a few steps
    char msgid[16];
    for (int i = 1; i <= MANY; i++) {
        snprintf(msgid, sizeof msgid, "%04d", i);
        append(store, text_of(msgid, i, "text"));
    }
    struct store_message m = text_of("other", 1, "text");
    m.where.first = "#other";
    append(store, m);
    close_store(store);
    store = open_with(
        (struct store_options){.folder = folder, .keep_count = 3, .tidy_ms = 1, .no_index = true});
    struct store_query q = {.range = STORE_LATEST, .limit = 5};
    assert_true(eventually(strcmp(asked(store, q), "1698 1699 1700") == 0));
    q.where.first = "#other";
    assert_string_equal(asked(store, q), "other");
    close_store(store);
    store = open_with((struct store_options){.folder = folder, .keep_count = 3, .tidy_ms = 1});
    wait_indexed(store);
    assert_string_equal(found_words(store, "text"), "other 1700 1699 1698");
    close_store(store);
}

// What was said with a clock that ran ahead is not newer than what was said once it was set right.
static void a_clock_that_was_set_back_costs_no_new_message(void **state)
{
    (void)state;
    struct store *store = open_with((struct store_options){
        .folder = new_folder(), .keep_count = 3, .tidy_ms = 1, .no_index = true});
    struct store_query q = {.where = lobby, .range = STORE_LATEST, .limit = 9};
    for (int i = 0; i < 3; i++)
        say(store, (const char *[]){"a", "b", "c"}[i], day_ms + i, "ahead");
    say(store, "1", 1, "set right");
    assert_true(eventually(strcmp(asked(store, q), "b c 1") == 0));
    say(store, "2", 2, "set right");
    say(store, "3", 3, "set right");
    assert_true(eventually(strcmp(asked(store, q), "1 2 3") == 0));
    say(store, "4", 4, "set right");
    assert_true(eventually(strcmp(asked(store, q), "2 3 4") == 0));
    close_store(store);
}

// Each message by its own time, whatever stands before it.
static void what_was_said_ahead_of_the_clock_keeps_nothing_else(void **state)
{
    (void)state;
    struct store *store = open_with((struct store_options){.folder = new_folder(),
                                                           .keep_days = 3,
                                                           .tidy_ms = 1,
                                                           .no_index = true,
                                                           .clock_ms = day_ten});
    say(store, "ahead", 40 * day_ms, "text");
    say(store, "old", 6 * day_ms, "text");
    say(store, "fresh", 8 * day_ms, "text");
    say(store, "set back", 5 * day_ms, "text");
    assert_true(eventually(strcmp(everything(store), "ahead fresh") == 0));
    close_store(store);
}

// Not only out of sight.
static void what_is_not_kept_is_deleted(void **state)
{
    (void)state;
    char folder[64];
    snprintf(folder, sizeof folder, "%s", new_folder());
    bool with_index[] = {true, false};
    for (size_t i = 0; i < COUNT(with_index); i++) {
        snprintf(folder, sizeof folder, "%s", new_folder());
        struct store_options options = {
            .folder = folder, .keep_count = 2, .tidy_ms = 1, .no_index = !with_index[i]};
        struct store *store = open_with(options);
        say(store, "1", 1, "text");
        remove_it(store, "1"); // its blanks are to go as well
        say(store, "2", 2, "text");
        say(store, "3", 3, "text");
        say(store, "4", 4, "text");
        sqlite3 *db;
        assert_int_equal(sqlite3_open(file_in(folder, "history.db"), &db), SQLITE_OK);
        sqlite3_stmt *s;
        assert_int_equal(sqlite3_prepare_v2(db,
                                            "SELECT (SELECT count(*) FROM messages) +"
                                            " (SELECT count(*) FROM removals)",
                                            -1, &s, NULL),
                         SQLITE_OK);
        assert_true(eventually((sqlite3_reset(s), sqlite3_step(s) == SQLITE_ROW) &&
                               sqlite3_column_int(s, 0) == 2));
        sqlite3_finalize(s);
        close_store(store);
        sqlite3_close(db); // after the store: its own locks would go with it
        assert_int_equal(rows_in(folder), 2);
    }
}

// Write the word into the gap of every leaf of a table that has room: what SQLite may leave there
// when it brings together what deleting has left of two pages. How many there were.
static int put_into_gaps(const char *file, const char *word)
{
    enum { PAGE = 4096, LEAF = 13, FIRST = 100 };
    unsigned char page[PAGE];
    int fd = open(file, O_RDWR | O_CLOEXEC), count = 0;
    assert_true(fd >= 0);
    for (off_t at = 0; pread(fd, page, PAGE, at) == PAGE; at += PAGE) {
        const unsigned char *h = page + (at == 0 ? FIRST : 0);
        int to = h[5] << 8 | h[6], from = to - (int)strlen(word);
        if (h[0] != LEAF || from < (at == 0 ? FIRST : 0) + 8 + 2 * (h[3] << 8 | h[4]))
            continue;
        memcpy(page + from, word, strlen(word));
        assert_int_equal(pwrite(fd, page, PAGE, at), PAGE);
        count++;
    }
    close(fd);
    return count;
}

static void what_deleted_rows_left_in_gaps_goes_with_a_removal(void **state)
{
    (void)state;
    char folder[64];
    snprintf(folder, sizeof folder, "%s", new_folder());
    struct store_options options = {.folder = folder, .no_index = true};
    struct store *store = open_with(options);
    for (int i = 1; i <= 120; i++)
        say_secret(store, i);
    close_store(store);
    options.keep_count = 100;
    options.tidy_ms = 1;
    store = open_with(options);
    struct store_query q = {.range = STORE_AFTER, .limit = 1};
    assert_true(eventually(strcmp(asked(store, q), "000021") == 0));
    close_store(store);
    store = open_with((struct store_options){.folder = folder, .no_index = true});
    say(store, "deleted by now", 1000, "text");
    close_store(store);
    assert_int_equal(rows_in(folder), 101);
    assert_true(put_into_gaps(file_in(folder, "history.db"), "stalewordx") > 3);
    store = open_with((struct store_options){.folder = folder, .no_index = true});
    assert_true(is_in_files(folder, "stalewordx"));
    remove_it(store, "000030");
    is_gone(folder, 30);
    assert_false(is_in_files(folder, "stalewordx"));
    say_secret(store, 200); // the pages that it has seen are not written again
    remove_it(store, "000031");
    close_store(store);
    assert_false(is_in_files(folder, "stalewordx"));
    const char *wrong = "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'";
    assert_int_equal(number_in(file_in(folder, "history.db"), wrong), 0);
    assert_int_equal(rows_in(folder), 102);
}

// Ids are not used again, or the index would take a new message for an old one.
static void a_room_that_was_emptied_is_filled_again(void **state)
{
    (void)state;
    char folder[64];
    snprintf(folder, sizeof folder, "%s", new_folder());
    struct store_options options = {
        .folder = folder, .keep_days = 3, .tidy_ms = 1, .clock_ms = day_ten};
    struct store *store = open_with(options);
    say(store, "1", 1, "old");
    assert_true(eventually(strcmp(everything(store), "") == 0));
    close_store(store);
    store = open_with(options);
    say(store, "2", 10 * day_ms, "new");
    wait_indexed(store);
    assert_string_equal(found_words(store, "new"), "2");
    assert_string_equal(found_words(store, "old"), "");
    close_store(store);
    assert_int_equal(number_in(file_in(folder, "history.db"), "SELECT max(id) FROM messages"), 2);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_removed_message_is_in_no_answer),
    cmocka_unit_test(its_msgid_is_still_a_bound_and_still_taken),
    cmocka_unit_test(what_is_not_there_or_removed_cannot_be_removed),
    cmocka_unit_test(what_was_appended_just_before_is_removed),
    cmocka_unit_test(removed_words_are_in_no_file),
    cmocka_unit_test(removals_come_together_while_others_write),
    cmocka_unit_test(who_waits_no_longer_for_a_written_removal_is_obeyed_all_the_same),
    cmocka_unit_test(what_is_not_written_by_the_deadline_is_not_removed),
    cmocka_unit_test(who_is_late_and_the_writer_agree),
    cmocka_unit_test(a_removal_that_was_begun_is_finished_by_the_next_run),
    cmocka_unit_test(a_removal_that_the_index_has_forgotten_is_finished_too),
    cmocka_unit_test(without_an_index_words_go_as_well),
    cmocka_unit_test(messages_go_when_they_are_old),
    cmocka_unit_test(each_room_keeps_its_newest_messages),
    cmocka_unit_test(a_clock_that_was_set_back_costs_no_new_message),
    cmocka_unit_test(what_was_said_ahead_of_the_clock_keeps_nothing_else),
    cmocka_unit_test(what_is_not_kept_is_deleted),
    cmocka_unit_test(what_deleted_rows_left_in_gaps_goes_with_a_removal),
    cmocka_unit_test(a_room_that_was_emptied_is_filled_again),
};

TEST_MAIN_AT_HOME(tests, NULL, 0)
