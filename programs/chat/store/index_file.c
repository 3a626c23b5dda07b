// SPDX-License-Identifier: MIT
// index_file.c - words.db: made, or found to fit history.db.
//
// The index has a file of its own. Its transactions, merges and rewrites then hold up no commit; a
// copy of the history can do without it; and whatever is wrong with it, the answer is to make it
// anew from history.db. It fits if it is of the same history (by the random name in both) and not
// ahead of it, as it would be after an older copy was put back.
//
// The table is contentless: texts are in history.db, and a second copy would be a second place to
// forget them in. FTS5 must then be told the old words to forget them, which the removal has at
// hand.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <weft/error.h>

#include "chat/store/folder.h"
#include "chat/store/parts.h"
#include "chat/store/tokens.h"

enum { INDEX_VERSION = 2 }; // 2: words go on behind a joint

// So many parts of a size become one. FTS5 itself takes 4, which rewrites each entry more often; a
// search looks into each part.
#define MERGED "8"

static int open_file(const char *path, sqlite3 **words)
{
    int rc = folder_touch(path);
    if (rc == 0)
        rc = sql_open(words, path);
    if (rc == 0 && (rc = tokens_register(*words)) == 0)
        rc = sql_exec(*words, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                              "PRAGMA cache_size = -16384");
    if (rc < 0)
        sql_close(words);
    return rc;
}

static char *history_name(sqlite3 *history)
{
    sqlite3_stmt *find;
    char *name = NULL;
    if (sql_prepare(history, "SELECT value FROM meta WHERE name = 'history'", &find) == 0 &&
        sql_step(find) > 0)
        name = strdup((const char *)sqlite3_column_text(find, 0));
    (void)sqlite3_finalize(find);
    return name;
}

static bool is_of(sqlite3 *words, const char *name)
{
    const struct sql_value value = {.text = name};
    int64_t fits = 0;
    (void)sql_find(words, "SELECT history = ? FROM mark", &value, &fits); // or it does not fit
    return fits == 1;
}

static bool fits(const struct store *s, sqlite3 *words, const char *name)
{
    int64_t version = 0, indexed = -1, forgotten = -1;
    return sql_number(words, "PRAGMA user_version", &version) == 0 && version == INDEX_VERSION &&
           is_of(words, name) && sql_number(words, "SELECT indexed FROM mark", &indexed) == 0 &&
           sql_number(words, "SELECT forgotten FROM mark", &forgotten) == 0 &&
           indexed <= s->last_id && forgotten <= s->last_removal;
}

// What was removed before is not taken in, so there is nothing to forget.
static int make(const struct store *s, sqlite3 *words, const char *name)
{
    int rc = sql_exec(words, "BEGIN IMMEDIATE;"
                             "CREATE VIRTUAL TABLE words USING fts5 (text, content = '',"
                             " columnsize = 0, tokenize = 'weft');"
                             "INSERT INTO words (words, rank) VALUES ('automerge', " MERGED ");"
                             "CREATE TABLE mark (history TEXT, indexed INTEGER, forgotten INTEGER);"
                             "PRAGMA user_version = 2");
    const struct sql_value mark[] = {{.text = name}, {.number = s->last_removal}};
    if (rc == 0)
        rc = sql_run_with(words, "INSERT INTO mark VALUES (?, 0, ?)", mark);
    return rc < 0 ? rc : sql_exec(words, "COMMIT"); // else it ends with the connection
}

static int open_or_make(struct store *s, sqlite3 **words, const char *name)
{
    int rc = open_file(s->index_path, words);
    if (rc == 0 && fits(s, *words, name))
        return 0;
    if (rc < 0 && rc != -EUCLEAN)
        return rc;
    sql_close(words);
    folder_drop(s->index_path);
    rc = open_file(s->index_path, words);
    return rc < 0 ? rc : make(s, *words, name);
}

int index_file_open(struct store *s, sqlite3 *history, sqlite3 **words)
{
    char *name = history_name(history);
    int rc = name ? open_or_make(s, words, name)
                  : weft_fail(-EUCLEAN, "%s has no name", s->history_path);
    free(name);
    return rc;
}
