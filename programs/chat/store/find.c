// SPDX-License-Identifier: MIT
// find.c - full-text search: store_find, store_mentions.
//
// FTS5 gives the rows that match from the newest on, and the rest is looked up message by message
// until there are enough. What a search may see is a list of conversations: their numbers go in as
// one JSON array, the only list that can be bound as a value.
//
// A mention is looked for as words first, and then as it is written: the index does not tell [tom]
// from tom. A nick of no letters at all is in no index; then the texts themselves are read.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/error.h>

#include "chat/store/parts.h"
#include "chat/store/rows.h"
#include "chat/store/tokens.h"

#define SELECT "SELECT " ROWS_COLUMNS " FROM "
#define MESSAGES "messages m JOIN conversations c ON c.id = m.conversation"
#define NICK "lower(substr(m.source, 1, instr(m.source || '!', '!') - 1))"
#define FITS \
    " m.words AND NOT m.removed AND m.time > ?2 AND m.time < ?3" \
    " AND (?4 IS NULL OR m.conversation IN (SELECT value FROM json_each(?4)))"
#define BY_AUTHOR " AND (?5 IS NULL OR " NICK " = lower(?5) OR lower(m.account) = lower(?5))"
#define BY_OTHERS " AND " NICK " <> lower(?5)"
#define NEWEST_FIRST " ORDER BY w.rowid DESC"

static const char by_author[] = SELECT
    "found.words w CROSS JOIN messages m ON m.id = w.rowid"
    " CROSS JOIN conversations c ON c.id = m.conversation WHERE w.words MATCH ?1 AND" FITS BY_AUTHOR
        NEWEST_FIRST;
static const char by_others[] = SELECT
    "found.words w CROSS JOIN messages m ON m.id = w.rowid"
    " CROSS JOIN conversations c ON c.id = m.conversation WHERE w.words MATCH ?1 AND" FITS BY_OTHERS
        NEWEST_FIRST;
static const char unindexed[] = SELECT MESSAGES " WHERE ?1 = '' AND" FITS BY_OTHERS
                                                " ORDER BY m.id DESC";

// ---- where ----------------------------------------------------------------------------

static int write_ids(sqlite3 *db, const struct store_search *q, FILE *out)
{
    const char *comma = "[";
    int rc = 0;
    for (size_t i = 0; i < q->in_count && rc >= 0; i++) {
        int64_t id;
        rc = conversation_find(db, &q->in[i], &id);
        if (rc <= 0)
            continue;
        (void)fprintf(out, "%s%lld", comma, (long long)id); // fclose tells what failed
        comma = ",";
    }
    (void)fputs(*comma == '[' ? "[]" : "]", out);
    return rc < 0 ? rc : 0;
}

// "[1,5,7]", to be freed, in *ids; NULL: everywhere.
static int ids_of(sqlite3 *db, const struct store_search *q, char **ids)
{
    *ids = NULL;
    if (!q->in)
        return 0;
    size_t size;
    FILE *out = open_memstream(ids, &size);
    int rc = out ? write_ids(db, q, out) : -ENOMEM;
    if (out && fclose(out) == EOF && rc == 0)
        rc = -ENOMEM;
    return rc == -ENOMEM ? weft_fail(rc, "history: out of memory") : rc;
}

// ---- what -------------------------------------------------------------------------------

struct find {
    const struct store_search *search;
    bool mentions;
};

static bool is_of_nicks(char c)
{
    return c && ((c >= '0' && c <= '9') || (c >= 'A' && c <= '}') || c == '-' || c == '_');
}

// Beside a nick's ASCII end stands nothing that could belong to a nick. Chinese has no such ends.
static bool stands_alone(const char *text, const char *at, size_t size)
{
    char before = '\0';
    if (at > text)
        before = at[-1];
    bool begins = !is_of_nicks(*at) || !is_of_nicks(before);
    bool ends = !is_of_nicks(at[size - 1]) || !is_of_nicks(at[size]);
    return begins && ends;
}

static bool has_nick(const char *text, const char *nick)
{
    size_t size = strlen(nick);
    for (const char *at = text; (at = strcasestr(at, nick)); at++)
        if (stands_alone(text, at, size))
            return true;
    return false;
}

// Without memory for a copy: as if nothing were joined.
static bool contains_nick(const struct store_message *message, const void *nick)
{
    char *text = strchr(message->text, STORE_JOINT) ? strdup(message->text) : NULL, *to = text;
    for (const char *from = text; from && *from; from++)
        if (*from != STORE_JOINT)
            *to++ = *from;
    if (to)
        *to = '\0';
    bool found = has_nick(text ? text : message->text, nick);
    free(text);
    return found;
}

static int fill(sqlite3 *db, const struct find *f, const char *match, const char *ids,
                struct store_rows *rows)
{
    const struct store_search *q = f->search;
    const char *text = !f->mentions ? by_author : *match ? by_others : unindexed;
    sqlite3_stmt *s;
    int rc = sql_prepare(db, text, &s);
    if (rc == 0) {
        sql_text(s, 1, match);
        sql_int(s, 2, q->since_ms ? q->since_ms : INT64_MIN);
        sql_int(s, 3, q->until_ms ? q->until_ms : INT64_MAX);
        sql_text(s, 4, ids);
        sql_text(s, 5, f->mentions ? q->words : q->author);
        rc = rows_fill(rows, s, q->limit, f->mentions ? contains_nick : NULL, q->words);
    }
    (void)sqlite3_finalize(s);
    return rc;
}

static int find(sqlite3 *db, const void *question, struct store_rows **rows)
{
    const struct find *f = question;
    char *ids = NULL, *match = tokens_match(f->search->words);
    if (!match)
        return weft_fail(-ENOMEM, "history: out of memory");
    int rc = 0;
    if (!*match && !f->mentions)
        rc = weft_fail(-EINVAL, "there is no word to look for");
    if (rc == 0)
        rc = ids_of(db, f->search, &ids);
    if (rc == 0 && !(*rows = rows_new()))
        rc = -ENOMEM;
    if (rc == 0)
        rc = fill(db, f, match, ids, *rows);
    free(ids);
    free(match);
    return rc;
}

static int run(struct store *store, const struct find *f, struct store_rows **rows)
{
    *rows = NULL;
    if (store->set.no_index)
        return weft_fail(-ENOTSUP, "this history has no index");
    if (!f->search->words || !*f->search->words)
        return weft_fail(-EINVAL, "there is no word to look for");
    return reader_run(store, find, f, rows);
}

int store_find(struct store *store, const struct store_search *search, struct store_rows **rows)
{
    return run(store, &(struct find){search, false}, rows);
}

int store_mentions(struct store *store, const struct store_search *search, struct store_rows **rows)
{
    return run(store, &(struct find){search, true}, rows);
}
