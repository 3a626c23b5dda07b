// SPDX-License-Identifier: MIT
// chat_store_eras_test.c - what is said in an era of a room, who sees it, and what opens it again.
#include "chat_store_eras.h"

// ---- who sees what -------------------------------------------------------------------------

// Said in the open (o), in one era (a) and another (b), by turns.
struct eras_of_test {
    int64_t a, b;
};
static struct store *by_turns(struct eras_of_test *eras, const char *folder)
{
    struct store *store = open_in(folder);
    *eras = (struct eras_of_test){begin(store, "ale"), begin(store, "beer")};
    say(store, "o1", 10, "open words of tom");
    say_in(store, eras->a, "a1", 20, "ale words of tom");
    say_in(store, eras->b, "b1", 30, "beer words of tom");
    say(store, "o2", 40, "open words");
    say_in(store, eras->a, "a2", 50, "ale words of ann");
    say_in(store, eras->a, "a3", 60, "ale words of tom");
    say_in(store, eras->b, "b2", 70, "beer words");
    return store;
}

static const char *part(struct store *store, int64_t era, enum store_range range,
                        struct store_point from, size_t limit)
{
    return asked(store, (struct store_query){
                            .where = in_era(era), .range = range, .from = from, .limit = limit});
}

static void a_question_sees_what_is_open_and_the_era_it_names(void **state)
{
    (void)state;
    struct eras_of_test e;
    struct store *store = by_turns(&e, folder_of_test());
    assert_string_equal(all_of(store, 0), "o1 o2");
    assert_string_equal(all_of(store, e.a), "o1 a1 o2 a2 a3");
    assert_string_equal(all_of(store, e.b), "o1 b1 o2 b2");
    assert_string_equal(all_of(store, e.b + 1), "o1 o2");
    close_store(store);
}

static void every_range_goes_through_both_in_their_order(void **state)
{
    (void)state;
    struct eras_of_test e;
    struct store *store = by_turns(&e, folder_of_test());
    struct store_point o2 = {.msgid = "o2"}, a2 = {.msgid = "a2"}, thirty = {.time_ms = 30};
    assert_string_equal(part(store, e.a, STORE_BEFORE, o2, 9), "o1 a1");
    assert_string_equal(part(store, e.a, STORE_BEFORE, a2, 2), "a1 o2");
    assert_string_equal(part(store, e.a, STORE_AFTER, o2, 9), "a2 a3");
    assert_string_equal(part(store, e.a, STORE_AFTER, thirty, 2), "o2 a2");
    assert_string_equal(part(store, e.a, STORE_BEFORE, thirty, 1), "a1");
    assert_string_equal(part(store, e.a, STORE_LATEST, o2, 1), "a3");
    assert_string_equal(part(store, e.a, STORE_AROUND, a2, 4), "a1 o2 a2 a3");
    assert_string_equal(part(store, 0, STORE_AROUND, o2, 4), "o1 o2");
    struct store_query q = {.where = in_era(e.a), .range = STORE_BETWEEN, .limit = 9};
    q.from.msgid = "o1";
    q.to.msgid = "a3";
    assert_string_equal(asked(store, q), "a1 o2 a2");
    q.from = (struct store_point){.time_ms = 60};
    q.to = (struct store_point){.time_ms = 10};
    assert_string_equal(asked(store, q), "a1 o2 a2");
    close_store(store);
}

static void an_era_whose_room_was_never_open_is_seen(void **state)
{
    (void)state;
    struct store *store = open_in(folder_of_test());
    int64_t era = begin(store, "ale");
    say_in(store, era, "a1", 10, "ale");
    say_in(store, era, "a2", 20, "ale");
    assert_string_equal(all_of(store, era), "a1 a2");
    assert_string_equal(all_of(store, 0), "");
    struct store_point fifteen = {.time_ms = 15};
    assert_string_equal(part(store, era, STORE_AFTER, fifteen, 9), "a2");
    assert_string_equal(part(store, era, STORE_BEFORE, fifteen, 9), "a1");
    close_store(store);
}

static void what_is_hidden_is_no_bound(void **state)
{
    (void)state;
    struct eras_of_test e;
    struct store *store = by_turns(&e, folder_of_test());
    const int64_t others[] = {0, e.b};
    for (size_t i = 0; i < COUNT(others); i++) {
        struct store_rows *rows;
        struct store_query q = {
            .where = in_era(others[i]), .range = STORE_AFTER, .from.msgid = "a1", .limit = 9};
        assert_int_equal(store_ask(store, &q, &rows), -ENOENT);
        q.range = STORE_AROUND;
        assert_int_equal(store_ask(store, &q, &rows), -ENOENT);
        q.range = STORE_BETWEEN;
        q.from.msgid = "o1";
        q.to.msgid = "a2";
        assert_int_equal(store_ask(store, &q, &rows), -ENOENT);
        struct store_conversation in = in_era(others[i]);
        struct store_search s = {.in = &in, .in_count = 1, .before = "a2", .limit = 9};
        assert_int_equal(store_find(store, &s, &rows), -ENOENT);
    }
    close_store(store);
}

static void a_search_finds_what_a_question_sees(void **state)
{
    (void)state;
    struct eras_of_test e;
    struct store *store = by_turns(&e, folder_of_test());
    wait_indexed(store);
    struct store_conversation in[] = {in_era(0), {.first = "#silent"}};
    struct store_search words = {.words = "words", .in = in, .in_count = 2};
    struct store_search wordless = {.author = "alice", .in = in, .in_count = 2};
    assert_string_equal(found(store, words), "o2 o1");
    assert_string_equal(found(store, wordless), "o2 o1");
    in[0].era = e.a;
    assert_string_equal(found(store, words), "a3 a2 o2 a1 o1");
    assert_string_equal(found(store, wordless), "a3 a2 o2 a1 o1");
    wordless.since_ms = 10;
    wordless.until_ms = 60;
    assert_string_equal(found(store, wordless), "a2 o2 a1");
    wordless.limit = 2;
    wordless.before = "a2";
    assert_string_equal(found(store, wordless), "o2 a1");
    close_store(store);
}

static const char *mentioned(struct store *store, int64_t era)
{
    struct store_rows *rows;
    struct store_conversation in = in_era(era);
    struct store_search s = {.words = "tom", .in = &in, .in_count = 1, .limit = 9};
    assert_int_equal(store_mentions(store, &s, &rows), 0);
    return ids_of(rows);
}

static void mentions_are_of_what_a_question_sees(void **state)
{
    (void)state;
    struct eras_of_test e;
    struct store *store = by_turns(&e, folder_of_test());
    wait_indexed(store);
    assert_string_equal(mentioned(store, 0), "o1");
    assert_string_equal(mentioned(store, e.a), "a3 a1 o1");
    assert_string_equal(mentioned(store, e.b), "b1 o1");
    close_store(store);
}

static const char *listed(struct store *store, int64_t era, int64_t from, int64_t to)
{
    struct store_rows *rows;
    struct store_conversation room = in_era(era);
    struct store_targets t = {
        .user = "tom", .rooms = &room, .room_count = 1, .from_ms = from, .to_ms = to, .limit = 9};
    assert_int_equal(store_list(store, &t, &rows), 0);
    return ids_of(rows);
}

static void the_last_text_of_a_room_is_the_last_that_is_seen(void **state)
{
    (void)state;
    struct eras_of_test e;
    struct store *store = by_turns(&e, folder_of_test());
    assert_string_equal(listed(store, 0, 0, 100), "o2");
    assert_string_equal(listed(store, e.a, 0, 100), "a3");
    assert_string_equal(listed(store, e.a, 0, 50), ""); // not once for each: it went on
    assert_string_equal(listed(store, e.b, 0, 100), "b2");
    say(store, "o3", 80, "open again");
    assert_string_equal(listed(store, e.a, 0, 100), "o3");
    close_store(store);
}

static void two_users_have_no_era(void **state)
{
    (void)state;
    struct store *store = open_in(folder_of_test());
    struct store_message m = text_of("1", 10, "for you");
    m.where = (struct store_conversation){.first = "ann", .second = "tom", .era = 1};
    assert_int_equal(store_append(store, &m), -EINVAL);
    close_store(store);
}

// ---- what opens an era ---------------------------------------------------------------------

static void a_key_opens_its_era_again_after_a_restart(void **state)
{
    (void)state;
    struct eras_of_test e;
    const char *folder = folder_of_test();
    struct store *store = by_turns(&e, folder);
    assert_int_equal(store_era_find(store, "#lobby", "ale"), e.a);
    for (int i = 0; i < 2; i++) {
        close_store(store);
        store = open_in(folder);
        assert_int_equal(store_era_find(store, "#lobby", "ale"), e.a);
        assert_int_equal(store_era_find(store, "#lobby", "beer"), e.b);
        assert_int_equal(store_era_find(store, "#lobby", "Ale"), 0);
        assert_int_equal(store_era_find(store, "#lobby", ""), 0);
        assert_int_equal(store_era_find(store, "#other", "ale"), 0);
        assert_string_equal(all_of(store, e.a), "o1 a1 o2 a2 a3");
        assert_string_equal(all_of(store, 0), "o1 o2");
    }
    say_in(store, e.a, "a4", 90, "it goes on");
    assert_string_equal(all_of(store, e.a), "o1 a1 o2 a2 a3 a4");
    close_store(store);
}

static void a_key_that_was_changed_opens_no_more(void **state)
{
    (void)state;
    const char *folder = folder_of_test();
    struct store *store = open_in(folder);
    int64_t era = begin(store, "ale");
    say_in(store, era, "1", 10, "behind ale");
    assert_int_equal(store_era_set(store, era, "#lobby", "wine"), 0);
    say_in(store, era, "2", 20, "behind wine");
    assert_int_equal(store_era_find(store, "#lobby", "ale"), 0);
    assert_int_equal(store_era_find(store, "#lobby", "wine"), era);
    close_store(store);
    store = open_in(folder);
    assert_int_equal(store_era_find(store, "#lobby", "ale"), 0);
    assert_int_equal(store_era_find(store, "#lobby", "wine"), era);
    assert_string_equal(all_of(store, era), "1 2");
    close_store(store);
}

static void what_nothing_opens_is_open_to_nobody_later(void **state)
{
    (void)state;
    const char *folder = folder_of_test();
    struct store *store = open_in(folder);
    int64_t era = begin(store, "ale"), invited = begin(store, NULL);
    say_in(store, era, "1", 10, "behind ale");
    say_in(store, invited, "2", 20, "among the invited");
    assert_int_equal(store_era_set(store, era, "#lobby", NULL), 0);
    say_in(store, era, "3", 30, "among the invited");
    assert_int_equal(store_era_find(store, "#lobby", "ale"), 0);
    close_store(store);
    assert_int_equal(counted(folder, "SELECT count(*) FROM eras"), 0);
    store = open_in(folder);
    assert_int_equal(store_era_find(store, "#lobby", "ale"), 0);
    assert_string_equal(all_of(store, 0), "");
    assert_true(store_era_new(store) > invited); // or it would be seen by others
    close_store(store);
}

static void a_key_that_is_given_back_opens_again(void **state)
{
    (void)state;
    const char *folder = folder_of_test();
    struct store *store = open_in(folder);
    int64_t era = begin(store, "ale");
    say_in(store, era, "1", 10, "behind ale");
    assert_int_equal(store_era_set(store, era, "#lobby", NULL), 0);
    say_in(store, era, "2", 20, "among the invited");
    assert_int_equal(store_era_set(store, era, "#lobby", "ale"), 0);
    say_in(store, era, "3", 30, "behind ale");
    close_store(store);
    store = open_in(folder);
    assert_int_equal(store_era_find(store, "#lobby", "ale"), era);
    assert_string_equal(all_of(store, era), "1 2 3");
    close_store(store);
}

static void the_key_is_in_no_file(void **state)
{
    (void)state;
    const char *folder = folder_of_test();
    struct store *store = open_in(folder);
    say_in(store, begin(store, "unguessable77"), "1", 10, "behind it");
    assert_false(is_in_files(folder, "unguessable77"));
    close_store(store);
    assert_false(is_in_files(folder, "unguessable77"));
    assert_int_equal(counted(folder, "SELECT count(*) FROM eras"), 1);
}

static void each_history_has_a_secret_of_its_own(void **state)
{
    (void)state;
    char folders[2][64];
    for (int i = 0; i < 2; i++) {
        snprintf(folders[i], sizeof folders[i], "%s", new_folder());
        struct store *store = open_in(folders[i]);
        say_in(store, begin(store, "ale"), "1", 10, "behind it");
        close_store(store);
    }
    change(file_in(folders[0], "history.db"), "CREATE TABLE theirs (hash)");
    char sql[256];
    snprintf(sql, sizeof sql,
             "ATTACH '%s/history.db' AS other; INSERT INTO theirs SELECT hash FROM other.eras",
             folders[1]);
    change(file_in(folders[0], "history.db"), sql);
    assert_int_equal(number_in(file_in(folders[0], "history.db"),
                               "SELECT count(*) FROM eras JOIN theirs USING (hash)"),
                     0);
}

// ---- how many there are --------------------------------------------------------------------

static void an_era_without_a_message_needs_no_record(void **state)
{
    (void)state;
    const char *folder = folder_of_test();
    struct store *store = open_in(folder);
    for (int i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%d", i);
        int64_t era = begin(store, key);
        store_era_end(store, era);
        assert_int_equal(store_era_find(store, "#lobby", key), 0);
    }
    say(store, "1", 10, "open");
    close_store(store);
    assert_int_equal(counted(folder, "SELECT count(*) FROM eras"), 0);
    assert_int_equal(counted(folder, "SELECT count(*) FROM conversations"), 1);
}

static void an_era_that_ended_is_found_again(void **state)
{
    (void)state;
    struct store *store = open_in(folder_of_test());
    int64_t era = begin(store, "ale");
    say_in(store, era, "1", 10, "behind ale");
    store_era_end(store, era);
    assert_int_equal(store_era_find(store, "#lobby", "ale"), era);
    close_store(store);
}

static const int64_t day_ms = 24 * 60 * 60 * 1000LL;
static int64_t day_ten(void)
{
    return 10 * day_ms;
}

// Without staying in it.
static bool opens(struct store *store, const char *key)
{
    int64_t era = store_era_find(store, "#lobby", key);
    if (era)
        store_era_end(store, era);
    return era > 0;
}

static void an_era_of_which_nothing_is_left_goes(void **state)
{
    (void)state;
    const char *folder = folder_of_test();
    struct store_options options = {
        .folder = folder, .keep_days = 3, .tidy_ms = 1, .clock_ms = day_ten, .no_index = true};
    struct store *store = open_with(options);
    int64_t over = begin(store, "ale"), here = begin(store, "beer"), fresh = begin(store, "wine");
    say(store, "1", day_ms, "old, and open");
    say_in(store, over, "2", day_ms, "old");
    say_in(store, here, "3", day_ms, "old, and its room is there");
    say_in(store, fresh, "4", 9 * day_ms, "new");
    store_era_end(store, over);
    store_era_end(store, fresh);
    assert_true(eventually(!opens(store, "ale")));
    assert_int_equal(store_era_find(store, "#lobby", "beer"), here);
    say_in(store, here, "5", 9 * day_ms, "it goes on");
    store_era_end(store, here);
    nap_ms(20); // some sweeps
    close_store(store);
    assert_int_equal(counted(folder, "SELECT count(*) FROM eras"), 2);
    assert_int_equal(counted(folder, "SELECT count(*) FROM conversations WHERE era > 0"), 2);
    store = open_with(options);
    assert_int_equal(store_era_find(store, "#lobby", "beer"), here);
    assert_int_equal(store_era_find(store, "#lobby", "wine"), fresh);
    assert_string_equal(all_of(store, here), "5");
    close_store(store);
}

// A number of a conversation that a question has looked up is never that of another.
static void the_number_of_what_went_is_not_used_again(void **state)
{
    (void)state;
    const char *folder = folder_of_test();
    struct store *store = open_with((struct store_options){
        .folder = folder, .keep_days = 3, .tidy_ms = 1, .clock_ms = day_ten, .no_index = true});
    int64_t era = begin(store, "ale");
    say_in(store, era, "1", day_ms, "old");
    store_era_end(store, era);
    assert_true(eventually(!opens(store, "ale")));
    close_store(store);
    assert_int_equal(counted(folder, "SELECT count(*) FROM conversations"), 0);
    store = open_in(folder);
    say(store, "2", 20, "open");
    close_store(store);
    assert_int_equal(counted(folder, "SELECT id FROM conversations"), 2);
}

static void each_era_keeps_its_newest_messages(void **state)
{
    (void)state;
    const char *folder = folder_of_test();
    struct eras_of_test e;
    struct store *store = by_turns(&e, folder);
    close_store(store);
    store = open_with(
        (struct store_options){.folder = folder, .keep_count = 2, .tidy_ms = 1, .no_index = true});
    assert_true(eventually(strcmp(all_of(store, e.a), "o1 o2 a2 a3") == 0));
    say(store, "o3", 80, "a stranger");
    say(store, "o4", 90, "says much");
    assert_true(eventually(strcmp(all_of(store, e.a), "a2 a3 o3 o4") == 0));
    close_store(store);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_question_sees_what_is_open_and_the_era_it_names),
    cmocka_unit_test(every_range_goes_through_both_in_their_order),
    cmocka_unit_test(an_era_whose_room_was_never_open_is_seen),
    cmocka_unit_test(what_is_hidden_is_no_bound),
    cmocka_unit_test(a_search_finds_what_a_question_sees),
    cmocka_unit_test(mentions_are_of_what_a_question_sees),
    cmocka_unit_test(the_last_text_of_a_room_is_the_last_that_is_seen),
    cmocka_unit_test(two_users_have_no_era),
    cmocka_unit_test(a_key_opens_its_era_again_after_a_restart),
    cmocka_unit_test(a_key_that_was_changed_opens_no_more),
    cmocka_unit_test(what_nothing_opens_is_open_to_nobody_later),
    cmocka_unit_test(a_key_that_is_given_back_opens_again),
    cmocka_unit_test(the_key_is_in_no_file),
    cmocka_unit_test(each_history_has_a_secret_of_its_own),
    cmocka_unit_test(an_era_without_a_message_needs_no_record),
    cmocka_unit_test(an_era_that_ended_is_found_again),
    cmocka_unit_test(an_era_of_which_nothing_is_left_goes),
    cmocka_unit_test(the_number_of_what_went_is_not_used_again),
    cmocka_unit_test(each_era_keeps_its_newest_messages),
};

TEST_MAIN_AT_HOME(tests, NULL, 0)
