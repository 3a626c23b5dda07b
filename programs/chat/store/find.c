// SPDX-License-Identifier: MIT
// find.c - full-text search: store_find, store_mentions.
//
// FTS5 gives the rows that match from the newest on, and the rest is looked up message by message
// until there are enough. What a search may see is a list of conversations: their numbers go in as
// one JSON array, the only list that can be bound as a value.
//
// Without words there is nothing that FTS5 could give. Then each conversation is read in its own
// order from its newest message on, until there are enough, and the newest of all of them remain:
// the whole table of messages would be read to its end for a room of which it has little. Times are
// places in that order (place.h), between which is read; who is the author is in no index.
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
#include "chat/store/place.h"
#include "chat/store/rows.h"
#include "chat/store/tokens.h"

#define SELECT "SELECT " ROWS_COLUMNS " FROM "
#define MESSAGES "messages m JOIN conversations c ON c.id = m.conversation"
#define NICK "lower(substr(m.source, 1, instr(m.source || '!', '!') - 1))"
#define FITS \
    " m.words AND NOT m.removed AND m.time > ?2 AND m.time < ?3" \
    " AND (?4 IS NULL OR m.conversation IN (SELECT value ->> 0 FROM json_each(?4)))"
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
// The newest of each place, and of these the newest.
static const char wordless[] = SELECT
    "json_each(?4) place CROSS JOIN messages m CROSS JOIN conversations c ON c.id = m.conversation"
    " WHERE ?1 = '' AND m.id IN (SELECT m.id FROM messages m INDEXED BY messages_order"
    " WHERE m.conversation = place.value ->> 0 AND m.id >= place.value ->> 1"
    " AND m.id <= place.value ->> 2 AND m.words AND NOT m.removed AND m.time > ?2 AND m.time < "
    "?3" BY_AUTHOR " ORDER BY m.id DESC LIMIT ?6) ORDER BY m.id DESC";

static bool has_words(const struct store_search *q)
{
    return q->words && *q->words;
}

// ---- where ----------------------------------------------------------------------------

// Conversations, each with its first and its last message that can be of the search's times:
// "[[5,1,900],[7,1,9223372036854775807]]".
struct places {
    sqlite3 *db;
    const struct store_search *search;
    FILE *out; // fclose tells what failed
    bool some; // were written
};

static int add_place(struct places *p, int64_t conversation)
{
    const struct store_search *q = p->search;
    struct place since = {.first = 0}, until = {.last = INT64_MAX};
    bool by_time = !has_words(q); // else each message that matches is asked for its time
    int rc = 0;
    if (by_time && q->since_ms)
        rc = place_of_time(p->db, conversation, q->since_ms, &since);
    if (rc == 0 && by_time && q->until_ms)
        rc = place_of_time(p->db, conversation, q->until_ms, &until);
    if (rc < 0)
        return rc;
    (void)fprintf(p->out, "%s[%lld,%lld,%lld]", p->some ? "," : "", (long long)conversation,
                  (long long)since.first, (long long)until.last);
    p->some = true;
    return 0;
}

// All rows of a statement whose values are bound.
static int add_places(struct places *p, sqlite3_stmt *conversations)
{
    int rc;
    while ((rc = sql_step(conversations)) > 0 &&
           (rc = add_place(p, sqlite3_column_int64(conversations, 0))) == 0)
        continue;
    (void)sqlite3_reset(conversations);
    return rc;
}

static int write_places(struct places *p)
{
    static const char named[] = "SELECT id FROM conversations WHERE first = ?1 AND second = ?2";
    const struct store_search *q = p->search;
    sqlite3_stmt *s;
    int rc = sql_prepare(p->db, q->in ? named : "SELECT id FROM conversations", &s);
    if (rc == 0 && !q->in)
        rc = add_places(p, s);
    for (size_t i = 0; q->in && i < q->in_count && rc == 0; i++) {
        const char *first, *second;
        conversation_names(&q->in[i], &first, &second);
        sql_text(s, 1, first);
        sql_text(s, 2, second);
        rc = add_places(p, s);
    }
    (void)sqlite3_finalize(s);
    return rc;
}

// To be freed, in *text; NULL: everywhere, which is for a search without words a list as well.
static int places_of(sqlite3 *db, const struct store_search *q, char **text)
{
    *text = NULL;
    if (!q->in && has_words(q))
        return 0;
    size_t size;
    struct places p = {.db = db, .search = q, .out = open_memstream(text, &size)};
    if (p.out)
        (void)fputs("[", p.out);
    int rc = p.out ? write_places(&p) : -ENOMEM;
    if (p.out)
        (void)fputs("]", p.out);
    if (p.out && fclose(p.out) == EOF && rc == 0)
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

static const char *statement_for(const struct find *f, const char *match)
{
    if (f->mentions)
        return *match ? by_others : unindexed;
    return *match ? by_author : wordless;
}

static int fill(sqlite3 *db, const struct find *f, const char *match, const char *places,
                struct store_rows *rows)
{
    const struct store_search *q = f->search;
    const char *text = statement_for(f, match);
    sqlite3_stmt *s;
    int rc = sql_prepare(db, text, &s);
    if (rc == 0) {
        sql_text(s, 1, match);
        sql_int(s, 2, q->since_ms ? q->since_ms : INT64_MIN);
        sql_int(s, 3, q->until_ms ? q->until_ms : INT64_MAX);
        sql_text(s, 4, places);
        sql_text(s, 5, f->mentions ? q->words : q->author);
        if (text == wordless)
            sql_int(s, 6, q->limit < INT64_MAX ? (int64_t)q->limit : INT64_MAX);
        rc = rows_fill(rows, s, q->limit, f->mentions ? contains_nick : NULL, q->words);
    }
    (void)sqlite3_finalize(s);
    return rc;
}

static int find(sqlite3 *db, const void *question, struct store_rows **rows)
{
    const struct find *f = question;
    char *places = NULL, *match = tokens_match(has_words(f->search) ? f->search->words : "");
    if (!match)
        return weft_fail(-ENOMEM, "history: out of memory");
    int rc = 0;
    if (!*match && !f->mentions && has_words(f->search))
        rc = weft_fail(-EINVAL, "there is no word to look for");
    if (rc == 0)
        rc = places_of(db, f->search, &places);
    if (rc == 0 && !(*rows = rows_new()))
        rc = -ENOMEM;
    if (rc == 0)
        rc = fill(db, f, match, places, *rows);
    free(places);
    free(match);
    return rc;
}

static bool asks_something(const struct find *f)
{
    const struct store_search *q = f->search;
    return has_words(q) || (!f->mentions && (q->in || q->author || q->since_ms || q->until_ms));
}

static int run(struct store *store, const struct find *f, struct store_rows **rows)
{
    const struct store_search *q = f->search;
    *rows = NULL;
    if (store->set.no_index && has_words(q))
        return weft_fail(-ENOTSUP, "this history has no index");
    if (!asks_something(f))
        return weft_fail(-EINVAL, "there is no word to look for");
    return reader_run(store, find, f, q->deadline.ns ? q->deadline : WEFT_FOREVER, rows);
}

int store_find(struct store *store, const struct store_search *search, struct store_rows **rows)
{
    return run(store, &(struct find){search, false}, rows);
}

int store_mentions(struct store *store, const struct store_search *search, struct store_rows **rows)
{
    return run(store, &(struct find){search, true}, rows);
}
