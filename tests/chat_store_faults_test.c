// SPDX-License-Identifier: MIT
// chat_store_faults_test.c - a server that is killed, a disk that is full, copies, other schemas.
#include "chat_store.h"
#include "chat_store_v1.h"

#include <dirent.h>

#include "common/schema.h"
#include "common/sql.h"

// ---- kill -9 -------------------------------------------------------------------------------

// Writes until it is killed; says the number of the last message that is on disk.
static int writes_on(void)
{
    struct store *store;
    struct store_options options = {.folder = getenv(FOLDER_OF_SCENE)};
    CHECK(store_open(&store, &options) == 0);
    char msgid[24];
    struct store_progress p = {.last = 0};
    for (int64_t number = 0;;) {
        for (int i = 0; i < 50; i++) {
            snprintf(msgid, sizeof msgid, "%lld", (long long)number + 1);
            struct store_message m = text_of(msgid, number, "a message that must survive");
            number = store_append(store, &m);
            CHECK(number > 0);
        }
        CHECK(store_wait_progress(store, p.last, &p, WEFT_FOREVER) == 0 && p.code == 0);
        CHECK(write(1, &p.last, sizeof p.last) == sizeof p.last); // whole: a pipe
    }
}

// What it said last; it is killed after it has said something `times` times.
static int64_t kill_after(int times)
{
    int from, status;
    int64_t said = 0, last = 0;
    pid_t pid = start_scene("writes_on", &from);
    for (int i = 0; read(from, &said, sizeof said) == sizeof said; i++) {
        last = said;
        if (i == times)
            kill(pid, SIGKILL);
    }
    close(from);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return last;
}

static void what_was_told_is_there_after_a_kill(void **state)
{
    (void)state;
    need_scenes();
    int rounds = getenv("WEFT_TEST_LONG") ? 100 : 6;
    for (int i = 0; i < rounds; i++) {
        char folder[64];
        snprintf(folder, sizeof folder, "%s", new_folder());
        int64_t told = kill_after(1 + i * i * 3 % 97);
        assert_true(told > 0);
        struct store *store = open_in(folder);
        say(store, "after", 1, "it goes on");
        wait_indexed(store);
        assert_string_equal(found_words(store, "goes"), "after");
        close_store(store);
        const char *history = file_in(folder, "history.db");
        assert_true(number_in(history, "SELECT count(*) FROM messages WHERE msgid <> 'after'") >=
                    told);
        assert_int_equal(number_in(history,
                                   "SELECT count(*) - max(CAST(msgid AS INTEGER)) FROM messages"
                                   " WHERE msgid <> 'after'"),
                         0); // no gap
        assert_int_equal(number_in(history, "SELECT count(*) FROM pragma_integrity_check"
                                            " WHERE integrity_check <> 'ok'"),
                         0);
    }
}

// ---- a full disk ------------------------------------------------------------------------------

static struct {
    weft_event stopped, going;
    int code, times;
    char reason[192];
} told;

static void on_change(int code, const char *reason, void *ctx)
{
    (void)ctx;
    if (code < 0) {
        told.code = code;
        told.times++;
        snprintf(told.reason, sizeof told.reason, "%s", reason);
        weft_event_set(&told.stopped);
    } else {
        weft_event_set(&told.going);
    }
}

static int allow_files_of(rlim_t size)
{
    struct rlimit limit = {size, RLIM_INFINITY};
    return setrlimit(RLIMIT_FSIZE, &limit);
}

// Appends until history stops: the first number that failed, having looked at each outcome.
static int fill_up(struct store *store, int64_t *first_failed, int64_t *next)
{
    char msgid[24], text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct store_progress p = {.last = 0};
    while (p.code == 0) {
        snprintf(msgid, sizeof msgid, "%lld", (long long)p.last + 1);
        struct store_message m = text_of(msgid, p.last, text);
        CHECK(store_append(store, &m) == p.last + 1);
        CHECK(store_wait_progress(store, p.last, &p, much_later()) == 0);
    }
    *first_failed = p.first;
    *next = p.last;
    CHECK(p.code == told.code);
    return 0;
}

static int full_disk(void)
{
    struct store *store;
    struct store_options options = {.folder = getenv(FOLDER_OF_SCENE),
                                    .on_change = on_change,
                                    .retry_ms = 20,
                                    .no_index = getenv("WEFT_TEST_NO_INDEX") != NULL};
    signal(SIGXFSZ, SIG_IGN);
    CHECK(store_open(&store, &options) == 0);
    CHECK(allow_files_of(1 << 20) == 0);
    int64_t failed = 0, last = 0;
    CHECK(fill_up(store, &failed, &last) == 0);
    CHECK(failed > 10 && failed == last);

    // It stays so, without a word for each attempt to go on, and is refused at once.
    struct store_status status;
    struct store_message m = text_of("refused", 1, "no room");
    CHECK(store_append(store, &m) == told.code);
    store_status(store, &status);
    CHECK(status.code == told.code && strcmp(status.reason, told.reason) == 0);
    CHECK(status.refused == 1 && status.failed == 1 && status.committed == failed - 1);
    CHECK(strstr(told.reason, "too large") || strstr(told.reason, "full"));
    store_retry(store);
    nap_ms(100); // a few attempts
    CHECK(told.times == 1 && !weft_event_is_set(&told.going));
    struct store_rows *rows;
    struct store_query q = {.where = lobby, .range = STORE_LATEST, .limit = 10000};
    CHECK(store_ask(store, &q, &rows) == 0);
    CHECK((int64_t)rows->count == failed - 1); // what was told is there, and no more
    store_rows_free(&rows);
    CHECK(store_remove(store, "1", "alice", much_later()) == told.code);

    // There is room.
    CHECK(allow_files_of(RLIM_INFINITY) == 0);
    CHECK(weft_event_wait(&told.going, much_later()) == 0);
    store_status(store, &status);
    CHECK(status.code == 0 && status.reason[0] == '\0');
    m = text_of("again", 1, "room");
    int64_t number = store_append(store, &m);
    CHECK(number == last + 1);
    struct store_progress p;
    CHECK(store_wait_progress(store, last, &p, much_later()) == 0);
    CHECK(p.code == 0 && p.first == number && p.refused == 1);
    CHECK(store_remove(store, "1", "alice", much_later()) == 0);
    CHECK(store_wait_indexed(store, much_later()) == 0);
    return store_close(&store, much_later());
}

static void a_full_disk_stops_history_until_there_is_room(void **state)
{
    (void)state;
    (void)new_folder();
    assert_ends("full_disk", 0, "");
}

static void a_full_disk_without_an_index_does_alike(void **state)
{
    (void)state;
    (void)new_folder();
    setenv("WEFT_TEST_NO_INDEX", "1", 1);
    assert_ends("full_disk", 0, "");
    unsetenv("WEFT_TEST_NO_INDEX");
}

// All that waits fails with the first, as one run.
static int full_disk_and_queue(void)
{
    struct store *store;
    struct store_options options = {
        .folder = getenv(FOLDER_OF_SCENE), .no_index = true, .retry_ms = 3600000};
    signal(SIGXFSZ, SIG_IGN);
    CHECK(store_open(&store, &options) == 0);
    CHECK(allow_files_of(1 << 20) == 0);
    char msgid[16], text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct store_progress p = {.last = 0};
    int64_t rc, last = 0;
    for (int i = 1; i < 100000; i++) {
        snprintf(msgid, sizeof msgid, "%d", i);
        struct store_message m = text_of(msgid, i, text);
        while ((rc = store_append(store, &m)) == -ENOBUFS)
            nap_ms(1);
        if (rc < 0)
            break;
        last = rc;
        if (i == 1) // else more than the disk has room for may be in the first transaction
            CHECK(store_wait_progress(store, 0, &p, much_later()) == 0 && p.code == 0);
    }
    CHECK(rc == -EFBIG);
    int64_t committed = p.last;
    while (p.last < last && store_wait_progress(store, p.last, &p, much_later()) == 0)
        if (p.code == 0)
            committed = p.last;
        else
            CHECK(p.code == -EFBIG && p.first == committed + 1 && p.last == last);
    CHECK(p.last == last && p.code == -EFBIG && committed > 0);
    struct store_status status;
    store_status(store, &status);
    CHECK(status.failed == last - committed && status.committed == committed);
    return store_close(&store, much_later());
}

static void all_that_waits_fails_with_the_first(void **state)
{
    (void)state;
    (void)new_folder();
    assert_ends("full_disk_and_queue", 0, "");
}

// ---- copies --------------------------------------------------------------------------------

static void a_backup_is_the_history_of_a_moment(void **state)
{
    (void)state;
    char folder[64], copy[64], elsewhere[64];
    snprintf(folder, sizeof folder, "%s", new_folder());
    snprintf(copy, sizeof copy, "%s/copy.db", home);
    struct store *store = open_in(folder);
    say(store, "1", 1, "kept");
    say(store, "2", 2, "not kept");
    assert_int_equal(store_remove(store, "2", "alice", much_later()), 0);
    mode_t before = umask(0);
    assert_int_equal(store_backup(folder, copy, NULL), 0);
    umask(before);
    assert_int_equal(mode_of(copy), 0600);
    assert_int_equal(store_backup(folder, copy, NULL), -EEXIST);
    say(store, "3", 3, "later");
    assert_string_equal(everything(store), "1 3");
    close_store(store);

    snprintf(elsewhere, sizeof elsewhere, "%s", new_folder());
    assert_int_equal(mkdir(elsewhere, 0700), 0);
    assert_int_equal(rename(copy, file_in(elsewhere, "history.db")), 0);
    store = open_in(elsewhere);
    wait_indexed(store);
    assert_string_equal(everything(store), "1");
    assert_string_equal(found_words(store, "kept"), "1");
    close_store(store);
}

static void a_backup_that_cannot_be_leaves_nothing(void **state)
{
    (void)state;
    char folder[64], copy[128];
    snprintf(folder, sizeof folder, "%s", new_folder());
    snprintf(copy, sizeof copy, "%s/copy.db", home);
    assert_int_equal(store_backup(folder, copy, NULL), -ENOENT);
    close_store(open_in(folder));
    assert_int_equal(store_backup(folder, "/nowhere/copy.db", NULL), -ENOENT);
    assert_int_equal(access(copy, F_OK), -1);
    snprintf(copy, sizeof copy, "%s", file_in(folder, "history.db"));
    assert_int_equal(store_backup(folder, copy, NULL), -EEXIST);
    close_store(open_in(folder));
}

static int count_files(const char *folder)
{
    int count = 0;
    DIR *files = opendir(folder);
    if (!files)
        return -1;
    while (readdir(files))
        count++;
    closedir(files);
    return count;
}

static bool at_once(void)
{
    return true;
}

static void a_backup_that_is_stopped_leaves_nothing(void **state)
{
    (void)state;
    char folder[64], copies[64], msgid[16];
    snprintf(folder, sizeof folder, "%s", new_folder());
    snprintf(copies, sizeof copies, "%s", new_folder());
    assert_int_equal(mkdir(copies, 0700), 0);
    struct store *store = open_in(folder);
    for (int i = 1; i <= 500; i++) {
        snprintf(msgid, sizeof msgid, "%d", i);
        say(store, msgid, i, "much");
    }
    close_store(store);
    assert_int_equal(store_backup(folder, file_in(copies, "copy.db"), at_once), -ECANCELED);
    assert_int_equal(count_files(copies), 2); // . and ..
}

static int backup_to_a_full_disk(void)
{
    struct store *store;
    const char *folder = getenv(FOLDER_OF_SCENE);
    struct store_options options = {.folder = folder, .no_index = true};
    char msgid[16], text[1000], copy[128];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    signal(SIGXFSZ, SIG_IGN);
    CHECK(store_open(&store, &options) == 0);
    for (int i = 1; i <= 6000; i++) { // more than SQLite keeps in memory
        snprintf(msgid, sizeof msgid, "%d", i);
        struct store_message m = text_of(msgid, i, text);
        CHECK(store_append(store, &m) == i);
    }
    CHECK(store_close(&store, much_later()) == 0);
    int before = count_files(folder);
    snprintf(copy, sizeof copy, "%s/copy.db", folder);
    CHECK(allow_files_of(4 << 20) == 0);
    CHECK(store_backup(folder, copy, NULL) == -EFBIG);
    CHECK(before > 0 && count_files(folder) == before);
    return 0;
}

static void a_backup_to_a_full_disk_leaves_nothing(void **state)
{
    (void)state;
    (void)new_folder();
    assert_ends("backup_to_a_full_disk", 0, "");
}

// ---- schemas --------------------------------------------------------------------------------

#define STEP_1 \
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL);" \
    "INSERT INTO meta VALUES ('needs', '0.1.0');" \
    "PRAGMA application_id = 0x77656674; PRAGMA user_version = 1"
#define STEP_2 \
    "CREATE TABLE second (x); INSERT INTO second VALUES ('of the second step');" \
    "PRAGMA user_version = 2"
#define STEP_3 "INSERT INTO second VALUES ('of the third step'); PRAGMA user_version = 3"
static const char *const three_steps[] = {STEP_1, STEP_2, STEP_3};

static int bring_up(const char *path, const char *const *steps, size_t count)
{
    sqlite3 *db;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(sql_open(&db, path), 0);
    const struct schema schema = {0x77656674, "history", steps, count};
    int rc = schema_bring_up(db, path, &schema);
    sql_close(&db);
    return rc;
}

static void a_file_that_is_not_there_is_told_as_such(void **state)
{
    (void)state;
    sqlite3 *db = NULL;
    char path[80], said[160];
    snprintf(path, sizeof path, "%s/none/none.db", home);
    snprintf(said, sizeof said, "%s: %s", path, strerror(ENOENT));
    assert_int_equal(sql_open(&db, path), -ENOENT);
    assert_string_equal(weft_error(), said);
    assert_null(db);
}

static void an_older_file_is_copied_and_brought_up_to_date(void **state)
{
    (void)state;
    char path[64], copy[80];
    snprintf(path, sizeof path, "%s/steps.db", home);
    assert_int_equal(bring_up(path, three_steps, 1), 0);
    assert_int_equal(bring_up(path, three_steps, 3), 0);
    assert_int_equal(number_in(path, "PRAGMA user_version"), 3);
    assert_int_equal(number_in(path, "SELECT count(*) FROM second"), 2);
    snprintf(copy, sizeof copy, "%s.v1", path);
    assert_int_equal(mode_of(copy), 0600);
    assert_int_equal(number_in(copy, "PRAGMA user_version"), 1);
    assert_int_equal(number_in(copy, "SELECT count(*) FROM sqlite_master WHERE name = 'second'"),
                     0);
    assert_int_equal(bring_up(path, three_steps, 3), 0); // and that is that
    assert_int_equal(number_in(path, "SELECT count(*) FROM second"), 2);
}

static void a_history_of_the_first_schema_is_read_on(void **state)
{
    (void)state;
    const char *folder = new_folder();
    make_history(folder, history_v1);
    struct store *store = open_in(folder);
    say(store, "6", 130, "after");
    struct store_query q = {.range = STORE_LATEST, .limit = 9};
    assert_string_equal(asked(store, q), "1 2 3 5 6");
    q.range = STORE_AFTER;
    q.from.time_ms = 600; // after the step back, which was found in the old file
    assert_string_equal(asked(store, q), "3 5 6");
    wait_indexed(store);
    assert_string_equal(found_words(store, "five"), "5");
    close_store(store);
    assert_int_equal(number_in(file_in(folder, "history.db.v1"), "PRAGMA user_version"), 1);
    assert_int_equal(number_in(file_in(folder, "history.db"), "PRAGMA user_version"), 3);
}

static void plant(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "half a page", 11), 11);
    close(fd);
}

// Not by their likeness: what the user called almost so is the user's.
static void what_a_kill_left_of_a_copy_goes_with_the_next(void **state)
{
    (void)state;
    const char *folder = new_folder();
    char path[80];
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(path, sizeof path, "%s/steps.db", folder);
    assert_int_equal(bring_up(path, three_steps, 1), 0);
    plant(file_in(folder, "steps.db.v1.unfinished"));
    plant(file_in(folder, "steps.db.v1.unfinished-journal"));
    plant(file_in(folder, "steps.db.v1.backup"));
    assert_int_equal(bring_up(path, three_steps, 3), 0);
    assert_int_equal(number_in(file_in(folder, "steps.db.v1"), "PRAGMA user_version"), 1);
    assert_int_equal(access(file_in(folder, "steps.db.v1.backup"), F_OK), 0);
    assert_int_equal(count_files(folder), 5); // with "." and ".."
}

static void a_step_that_fails_leaves_the_file_as_it_was(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "%s/fails.db", home);
    const char *const broken[] = {three_steps[0], three_steps[1], "INSERT INTO nowhere VALUES (1)"};
    assert_int_equal(bring_up(path, three_steps, 1), 0);
    assert_true(bring_up(path, broken, 3) < 0);
    assert_int_equal(number_in(path, "PRAGMA user_version"), 1);
    assert_int_equal(number_in(path, "SELECT count(*) FROM sqlite_master WHERE name = 'second'"),
                     0);
    assert_int_equal(bring_up(path, three_steps, 3), 0); // the copy that is there is replaced
}

static void a_newer_file_is_refused_with_the_version_it_needs(void **state)
{
    (void)state;
    const char *folder = new_folder();
    close_store(open_in(folder));
    change(file_in(folder, "history.db"),
           "UPDATE meta SET value = '7.8.9' WHERE name = 'needs'; PRAGMA user_version = 99");
    struct store *store;
    assert_int_equal(store_open(&store, &(struct store_options){.folder = folder}), -EPROTO);
    assert_non_null(strstr(weft_error(), "schema 99 and needs weft 7.8.9 or newer"));
    assert_int_equal(number_in(file_in(folder, "history.db"), "PRAGMA user_version"), 99);
}

static void what_is_no_history_is_refused(void **state)
{
    (void)state;
    const char *folder = new_folder();
    assert_int_equal(mkdir(folder, 0700), 0);
    change(file_in(folder, "history.db"), "CREATE TABLE somebody_elses (x)");
    struct store *store;
    assert_int_equal(store_open(&store, &(struct store_options){.folder = folder}), -EUCLEAN);
    assert_non_null(strstr(weft_error(), "is no history of weft"));
    change(file_in(folder, "history.db"), "PRAGMA user_version = 1");
    assert_int_equal(store_open(&store, &(struct store_options){.folder = folder}), -EUCLEAN);
    FILE *f = fopen(file_in(folder, "history.db"), "w");
    assert_non_null(f);
    fputs("this is no database, and long enough that SQLite sees it at once: ..............", f);
    fclose(f);
    assert_int_equal(store_open(&store, &(struct store_options){.folder = folder}), -EUCLEAN);
    assert_null(store);
}

static const struct scene scenes[] = {
    SCENE(writes_on),
    SCENE(full_disk),
    SCENE(full_disk_and_queue),
    SCENE(backup_to_a_full_disk),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_was_told_is_there_after_a_kill),
    cmocka_unit_test(a_full_disk_stops_history_until_there_is_room),
    cmocka_unit_test(a_full_disk_without_an_index_does_alike),
    cmocka_unit_test(all_that_waits_fails_with_the_first),
    cmocka_unit_test(a_backup_is_the_history_of_a_moment),
    cmocka_unit_test(a_backup_that_cannot_be_leaves_nothing),
    cmocka_unit_test(a_backup_that_is_stopped_leaves_nothing),
    cmocka_unit_test(a_backup_to_a_full_disk_leaves_nothing),
    cmocka_unit_test(a_file_that_is_not_there_is_told_as_such),
    cmocka_unit_test(an_older_file_is_copied_and_brought_up_to_date),
    cmocka_unit_test(a_history_of_the_first_schema_is_read_on),
    cmocka_unit_test(what_a_kill_left_of_a_copy_goes_with_the_next),
    cmocka_unit_test(a_step_that_fails_leaves_the_file_as_it_was),
    cmocka_unit_test(a_newer_file_is_refused_with_the_version_it_needs),
    cmocka_unit_test(what_is_no_history_is_refused),
};

TEST_MAIN_AT_HOME(tests, scenes, COUNT(scenes))
