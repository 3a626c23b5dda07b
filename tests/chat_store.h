// SPDX-License-Identifier: MIT
// chat_store.h - for tests of the history of a chat server: a folder for each test, short ways to
// say something and to see what is there.
#ifndef WEFT_TESTS_CHAT_STORE_H
#define WEFT_TESTS_CHAT_STORE_H

#include "home.h"

#include <sqlite3.h>

#include "chat/store/store.h"

// A scene is told where by its environment.
#define FOLDER_OF_SCENE "WEFT_TEST_FOLDER"

// Not yet there; another for each call.
SHARED const char *new_folder(void)
{
    static char folder[64];
    static int count;
    snprintf(folder, sizeof folder, "%s/%d", home, ++count);
    setenv(FOLDER_OF_SCENE, folder, 1);
    return folder;
}

SHARED const char *file_in(const char *folder, const char *name)
{
    static char file[128];
    snprintf(file, sizeof file, "%s/%s", folder, name);
    return file;
}

// ---- a store ------------------------------------------------------------------------------

SHARED struct store *open_with(struct store_options options)
{
    struct store *store;
    int rc = store_open(&store, &options);
    if (rc < 0)
        print_message("store_open: %s\n", weft_error());
    assert_int_equal(rc, 0);
    assert_non_null(store);
    return store;
}

SHARED struct store *open_in(const char *folder)
{
    return open_with((struct store_options){.folder = folder});
}

SHARED void close_store(struct store *store)
{
    assert_int_equal(store_close(&store, much_later()), 0);
    assert_null(store);
}

static const struct store_conversation lobby = {.first = "#lobby"};

SHARED struct store_message text_of(const char *msgid, int64_t time_ms, const char *text)
{
    return (struct store_message){
        .msgid = msgid,
        .time_ms = time_ms,
        .kind = 1,
        .is_text = true,
        .where = lobby,
        .source = "alice!a@example.org",
        .target = "#lobby",
        .text = text,
    };
}

SHARED int64_t append(struct store *store, struct store_message message)
{
    int64_t number = store_append(store, &message);
    if (number < 0)
        print_message("store_append: %s\n", weft_error());
    assert_true(number > 0);
    return number;
}

// Is the append on disk? Waits for its outcome.
SHARED int outcome_of(struct store *store, int64_t number)
{
    struct store_progress p;
    assert_int_equal(store_wait_progress(store, number - 1, &p, much_later()), 0);
    assert_int_equal(p.first, number);
    return p.code;
}

SHARED void say(struct store *store, const char *msgid, int64_t time_ms, const char *text)
{
    assert_int_equal(outcome_of(store, append(store, text_of(msgid, time_ms, text))), 0);
}

// All that was appended is settled, and what was committed can be found.
SHARED void wait_indexed(struct store *store)
{
    struct store_status status;
    struct store_progress p;
    store_status(store, &status);
    if (status.appended > 0)
        assert_int_equal(store_wait_progress(store, status.appended - 1, &p, much_later()), 0);
    assert_int_equal(store_wait_indexed(store, much_later()), 0);
}

// The msgids of an answer, in order, with spaces between: "1 2 3". Frees the rows.
SHARED const char *ids_of(struct store_rows *rows)
{
    static char ids[4096];
    size_t n = 0;
    ids[0] = '\0';
    assert_non_null(rows);
    for (size_t i = 0; i < rows->count && n < sizeof ids; i++)
        n += (size_t)snprintf(ids + n, sizeof ids - n, "%s%s", i ? " " : "",
                              rows->messages[i].msgid);
    assert_true(n < sizeof ids);
    store_rows_free(&rows);
    assert_null(rows);
    return ids;
}

SHARED const char *asked(struct store *store, struct store_query query)
{
    struct store_rows *rows;
    if (!query.where.first)
        query.where = lobby;
    int rc = store_ask(store, &query, &rows);
    if (rc < 0)
        print_message("store_ask: %s\n", weft_error());
    assert_int_equal(rc, 0);
    return ids_of(rows);
}

SHARED const char *everything(struct store *store)
{
    return asked(store, (struct store_query){.range = STORE_LATEST, .limit = 1000, .events = true});
}

SHARED const char *found(struct store *store, struct store_search search)
{
    struct store_rows *rows;
    if (!search.limit)
        search.limit = 100;
    int rc = store_find(store, &search, &rows);
    if (rc < 0)
        print_message("store_find: %s\n", weft_error());
    assert_int_equal(rc, 0);
    return ids_of(rows);
}

SHARED const char *found_words(struct store *store, const char *words)
{
    return found(store, (struct store_search){.words = words});
}

// ---- files ------------------------------------------------------------------------------------

// Is the word in any file below the folder? By another process: SQLite's locks of this one would be
// lost when it closes a file of which the store has locks.
SHARED bool is_in_files(const char *folder, const char *word)
{
    char grep[] = "grep", options[] = "-rqaF", separator[] = "--";
    char *argv[] = {grep, options, separator, strdup(word), strdup(folder), NULL};
    pid_t pid;
    int status;
    assert_int_equal(posix_spawnp(&pid, grep, NULL, NULL, argv, environ), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    free(argv[3]);
    free(argv[4]);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
    return WEXITSTATUS(status) == 0;
}

SHARED int mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (int)(st.st_mode & 0777);
}

// Of a store that is closed.
SHARED int64_t number_in(const char *file, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    int64_t number = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
    sqlite3_finalize(s);
    sqlite3_close(db);
    return number;
}

SHARED void change(const char *file, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

// As the statements make it, by a weft of before.
SHARED void make_history(const char *folder, const char *sql)
{
    assert_int_equal(mkdir(folder, 0700), 0);
    int fd = open(file_in(folder, "history.db"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    change(file_in(folder, "history.db"), sql);
}

#endif
