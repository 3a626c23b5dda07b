// SPDX-License-Identifier: MIT
// chat_store_eras_faults_test.c - eras of a server that is killed, on a full disk, in an old file.
#include "chat_store_eras.h"
#include "chat_store_v2.h"

// ---- kill -9, and a full disk ------------------------------------------------------------------

static void key_number(char key[24], int64_t number)
{
    snprintf(key, 24, "key%lld", (long long)number);
}

// Another key for each message, until it is killed; says the number of the last one on disk.
static int changes_keys(void)
{
    struct store *store;
    struct store_options options = {.folder = getenv(FOLDER_OF_SCENE), .no_index = true};
    CHECK(store_open(&store, &options) == 0);
    int64_t era = store_era_new(store);
    struct store_progress p = {.last = 0};
    for (int64_t number = 1;; number++) {
        char key[24], msgid[24];
        key_number(key, number);
        snprintf(msgid, sizeof msgid, "%lld", (long long)number);
        CHECK(store_era_set(store, era, "#lobby", key) == 0);
        struct store_message m = text_of(msgid, number, "behind this key");
        m.where.era = era;
        CHECK(store_append(store, &m) == number);
        if (number % 3 == 0) { // else several come together
            store_hurry(store, number);
            CHECK(store_wait_progress(store, p.last, &p, WEFT_FOREVER) == 0 && p.code == 0);
            CHECK(write(1, &p.last, sizeof p.last) == sizeof p.last); // whole: a pipe
        }
    }
}

static void kill_when_said(int times)
{
    int from, status;
    int64_t said;
    pid_t pid = start_scene("changes_keys", &from);
    for (int i = 0; read(from, &said, sizeof said) == sizeof said; i++)
        if (i == times)
            kill(pid, SIGKILL);
    close(from);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void a_key_that_was_given_up_opens_nothing_after_a_kill(void **state)
{
    (void)state;
    need_scenes();
    for (int i = 0; i < 6; i++) {
        const char *folder = folder_of_test();
        kill_when_said(1 + i * i * 3 % 97);
        struct store *store = open_in(folder);
        close_store(store); // and what was in the log is in the file
        int64_t last = counted(folder, "SELECT max(CAST(msgid AS INTEGER)) FROM messages");
        assert_true(last > 0);
        store = open_in(folder);
        int opened = 0;
        for (int64_t number = 1; number < last + 10; number++) {
            char key[24];
            key_number(key, number);
            int64_t era = store_era_find(store, "#lobby", key);
            assert_true(era == 0 || number >= last);
            opened += era > 0;
        }
        assert_int_equal(opened, 1);
        close_store(store);
    }
}

static int allow_files_of(rlim_t size)
{
    struct rlimit limit = {size, RLIM_INFINITY};
    return setrlimit(RLIMIT_FSIZE, &limit);
}

static int append_in(struct store *store, int64_t era, int64_t number, size_t size, int *code)
{
    char msgid[24], text[2000];
    struct store_progress p;
    snprintf(msgid, sizeof msgid, "%lld", (long long)number);
    memset(text, 'x', size);
    text[size] = '\0';
    struct store_message m = text_of(msgid, number, text);
    m.where.era = era;
    int64_t given = store_append(store, &m);
    *code = (int)given;
    if (given < 0)
        return 0;
    CHECK(given == number && store_wait_progress(store, number - 1, &p, much_later()) == 0);
    *code = p.code;
    return 0;
}

// The change of the key is in the commit that fails, and another while history is stopped.
static int full_disk(void)
{
    struct store *store;
    struct store_options options = {
        .folder = getenv(FOLDER_OF_SCENE), .no_index = true, .retry_ms = 3600000};
    signal(SIGXFSZ, SIG_IGN);
    CHECK(store_open(&store, &options) == 0);
    CHECK(allow_files_of(1 << 20) == 0);
    int64_t era = store_era_new(store), number = 0;
    char key[24];
    int code = 0;
    while (code == 0) {
        key_number(key, ++number);
        CHECK(store_era_set(store, era, "#lobby", key) == 0);
        CHECK(append_in(store, era, number, 1999, &code) == 0);
    }
    CHECK(number > 10);
    if (getenv("WEFT_TEST_CHANGES")) // many: one is as good as all
        for (int i = 0; i < 1000; i++)
            CHECK(store_era_set(store, era, "#lobby", i % 2 ? "last" : "other") == 0);
    CHECK(append_in(store, era, number + 1, 10, &code) == 0 && code < 0);
    for (int i = 0; i < 1000; i++) { // nothing is said in them
        int64_t other = store_era_new(store);
        CHECK(store_era_set(store, other, "#lobby", "none") == 0);
        store_era_end(store, other);
        CHECK(store_era_find(store, "#lobby", "none") == 0);
    }
    CHECK(allow_files_of(RLIM_INFINITY) == 0);
    struct store_status status = {.code = -1};
    for (int i = 0; i < 1000 && status.code < 0; i++, nap_ms(5)) {
        store_retry(store);
        store_status(store, &status);
    }
    CHECK(status.code == 0);
    CHECK(append_in(store, era, number + 1, 10, &code) == 0 && code == 0);
    CHECK(store_close(&store, much_later()) == 0);

    CHECK(store_open(&store, &options) == 0);
    for (int64_t i = 1; i < number; i++) {
        key_number(key, i);
        CHECK(store_era_find(store, "#lobby", key) == 0);
    }
    key_number(key, number);
    bool changed = getenv("WEFT_TEST_CHANGES");
    CHECK(store_era_find(store, "#lobby", key) == (changed ? 0 : era));
    CHECK(store_era_find(store, "#lobby", "last") == (changed ? era : 0));
    return store_close(&store, much_later());
}

static void a_full_disk_opens_nothing_to_a_key_that_was_given_up(void **state)
{
    (void)state;
    (void)new_folder();
    assert_ends("full_disk", 0, "");
    (void)new_folder();
    setenv("WEFT_TEST_CHANGES", "1", 1);
    assert_ends("full_disk", 0, "");
    unsetenv("WEFT_TEST_CHANGES");
}

// ---- the schema of before ------------------------------------------------------------------

static void a_history_of_the_second_schema_is_read_on(void **state)
{
    (void)state;
    const char *folder = folder_of_test();
    make_history(folder, history_v2);
    struct store *store = open_in(folder);
    assert_string_equal(all_of(store, 0), "1 3 5");
    struct store_query q = {
        .where = {.first = "bob", .second = "ann"}, .range = STORE_LATEST, .limit = 9};
    assert_string_equal(asked(store, q), "6");
    int64_t era = begin(store, "ale");
    say_in(store, era, "7", 130, "behind ale");
    assert_string_equal(all_of(store, era), "1 3 5 7");
    assert_string_equal(all_of(store, 0), "1 3 5");
    wait_indexed(store);
    assert_string_equal(found_words(store, "five"), "5");
    assert_int_equal(number_in(file_in(folder, "history.db.v2"), "PRAGMA user_version"), 2);
    assert_int_equal(unlink(file_in(folder, "history.db.v2")), 0);
    assert_true(is_in_files(folder, "alice!a@host#lobbyfive")); // as its row has it
    assert_int_equal(store_remove(store, "5", "alice", much_later()), 0);
    assert_false(is_in_files(folder, "alice!a@host#lobbyfive"));
    close_store(store);
    assert_int_equal(counted(folder, "PRAGMA user_version"), 3);
    assert_int_equal(counted(folder, "SELECT id FROM conversations WHERE era > 0"), 4);
    store = open_in(folder);
    assert_int_equal(store_era_find(store, "#lobby", "ale"), era);
    close_store(store);
}

static const struct scene scenes[] = {
    SCENE(changes_keys),
    SCENE(full_disk),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_key_that_was_given_up_opens_nothing_after_a_kill),
    cmocka_unit_test(a_full_disk_opens_nothing_to_a_key_that_was_given_up),
    cmocka_unit_test(a_history_of_the_second_schema_is_read_on),
};

TEST_MAIN_AT_HOME(tests, scenes, COUNT(scenes))
