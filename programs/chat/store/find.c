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
// places in that order (place.h), between which is read; who is the author is in no index. With
// indexes of nicks and accounts 400,000 inserts cost 2.2 times as much, for a question that is
// seldom asked and takes a second or two in a million messages. So who asks may bound how many are
// looked at (`look_at`), and goes on behind them.
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

enum { PLACED = 32 }; // rooms of which a search for words looks up where its times are

#define SELECT "SELECT " ROWS_COLUMNS " FROM "
#define MESSAGES "messages m JOIN conversations c ON c.id = m.conversation"
#define NICK "lower(substr(m.source, 1, instr(m.source || '!', '!') - 1))"
#define FITS \
    " m.words AND NOT m.removed AND m.time > ?2 AND m.time < ?3 AND m.id >= ?7 AND m.id <= ?8" \
    " AND (?4 IS NULL OR m.conversation IN (SELECT value ->> 0 FROM json_each(?4)))"
#define BY_AUTHOR " AND (?5 IS NULL OR " NICK " = lower(?5) OR lower(m.account) = lower(?5))"
#define BY_OTHERS " AND " NICK " <> lower(?5)"
#define NEWEST_FIRST " AND w.rowid >= ?7 AND w.rowid <= ?8 ORDER BY w.rowid DESC"

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
    " WHERE m.conversation = place.value ->> 0 AND m.id >= max(place.value ->> 1, ?7)"
    " AND m.id <= min(place.value ->> 2, ?8) AND m.words AND NOT m.removed AND m.time > ?2"
    " AND m.time < ?3" BY_AUTHOR " ORDER BY m.id DESC LIMIT ?6) ORDER BY m.id DESC";

// Of the messages in places (?1) the last up to ?2, the first from ?2 on; NULL: there is none.
#define ONE_OF "SELECT m.id FROM messages m INDEXED BY messages_order WHERE m.conversation ="
static const char newest_until[] =
    "SELECT max((" ONE_OF " place.value ->> 0 AND m.id >= place.value ->> 1"
    " AND m.id <= min(place.value ->> 2, ?2) ORDER BY m.id DESC LIMIT 1)) FROM json_each(?1) place";
static const char oldest_since[] =
    "SELECT min((" ONE_OF " place.value ->> 0 AND m.id >= max(place.value ->> 1, ?2)"
    " AND m.id <= place.value ->> 2 ORDER BY m.id LIMIT 1)) FROM json_each(?1) place";
#define OF_MSGID "SELECT id FROM messages WHERE msgid = ?1"
static const char of_msgid_in[] = OF_MSGID
    " AND +conversation IN (SELECT value ->> 0 FROM json_each(?2))";

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
    FILE *out;           // fclose tells what failed
    bool some;           // were written
    int64_t first, last; // of all of them
};

static int add_place(struct places *p, int64_t conversation)
{
    const struct store_search *q = p->search;
    struct place since = {.first = 0}, until = {.last = INT64_MAX};
    // A few lookups for each room: with words each message that matches is asked for its time too.
    bool by_time = !has_words(q) || q->in_count <= PLACED;
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
    p->first = since.first < p->first ? since.first : p->first;
    p->last = until.last > p->last ? until.last : p->last;
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
    static const char named[] = "SELECT id FROM conversations WHERE first = ?1 AND second = ?2"
                                " AND era IN (0, ?3)";
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
        sql_int(s, 3, q->in[i].era);
        rc = add_places(p, s);
    }
    (void)sqlite3_finalize(s);
    return rc;
}

// The ids between which is looked, both included.
struct stretch {
    int64_t first, last;
    bool cut; // something is in front of it
};

// To be freed, in *text; NULL: everywhere, which is for a search without words a list as well.
static int places_of(sqlite3 *db, const struct store_search *q, char **text, struct stretch *in)
{
    *text = NULL;
    *in = (struct stretch){.first = 0, .last = INT64_MAX};
    if (!q->in && has_words(q))
        return 0;
    size_t size;
    struct places p = {.db = db, .search = q, .first = INT64_MAX, .last = -1};
    p.out = open_memstream(text, &size);
    if (p.out)
        (void)fputs("[", p.out);
    int rc = p.out ? write_places(&p) : -ENOMEM;
    if (p.out)
        (void)fputs("]", p.out);
    if (p.out && fclose(p.out) == EOF && rc == 0)
        rc = -ENOMEM;
    *in = (struct stretch){.first = p.first, .last = p.last};
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

// The newest messages in these places, as many as may be looked at.
static int bound(sqlite3 *db, const struct store_search *q, const char *places, struct stretch *in)
{
    struct sql_value until[] = {{.text = places}, {.number = in->last}};
    int64_t newest = 0, older = 0;
    int rc = sql_find(db, newest_until, until, &newest);
    if (rc < 0 || newest - in->first < (int64_t)q->look_at)
        return rc < 0 ? rc : 0;
    in->first = newest - (int64_t)q->look_at + 1;
    until[1].number = in->first - 1;
    rc = sql_find(db, newest_until, until, &older);
    in->cut = older > 0;
    return rc < 0 ? rc : 0;
}

static int cut_stretch(sqlite3 *db, const struct store_search *q, const char *match,
                       const char *places, struct stretch *in)
{
    const struct sql_value before[] = {{.text = q->before}, {.text = places}};
    int64_t id = 0;
    int rc = 1;
    if (q->before)
        rc = sql_find(db, places ? of_msgid_in : OF_MSGID, before, &id);
    if (rc == 0)
        return weft_fail(-ENOENT, "no message %s there", q->before);
    if (q->before && in->last > id - 1)
        in->last = id - 1;
    if (rc > 0 && q->look_at && !*match && places)
        rc = bound(db, q, places, in);
    return rc < 0 ? rc : 0;
}

// Where one goes on.
static int write_next(sqlite3 *db, const struct find *f, const char *places,
                      const struct stretch *in, struct store_rows *rows)
{
    const struct sql_value since[] = {{.text = places}, {.number = in->first}};
    const char *msgid = NULL;
    int64_t oldest = 0;
    sqlite3_stmt *s = NULL;
    int rc = 0;
    if (rows->count > 0 && rows->count == f->search->limit) {
        msgid = rows->messages[rows->count - 1].msgid;
    } else if (in->cut && (rc = sql_find(db, oldest_since, since, &oldest)) >= 0 &&
               (rc = sql_prepare(db, "SELECT msgid FROM messages WHERE id = ?", &s)) == 0) {
        sql_int(s, 1, oldest);
        rc = sql_step(s);
        msgid = rc > 0 ? (const char *)sqlite3_column_text(s, 0) : NULL;
    }
    if (msgid)
        (void)snprintf(rows->next, sizeof rows->next, "%s", msgid);
    (void)sqlite3_finalize(s);
    return rc < 0 ? rc : 0;
}

static const char *statement_for(const struct find *f, const char *match)
{
    if (f->mentions)
        return *match ? by_others : unindexed;
    return *match ? by_author : wordless;
}

static int fill(sqlite3 *db, const struct find *f, const char *match, const char *places,
                const struct stretch *in, struct store_rows *rows)
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
        sql_int(s, 7, in->first);
        sql_int(s, 8, in->last);
        rc = rows_fill(rows, s, q->limit, f->mentions ? contains_nick : NULL, q->words);
    }
    (void)sqlite3_finalize(s);
    return rc;
}

static int find(sqlite3 *db, const void *question, struct store_rows **rows)
{
    const struct find *f = question;
    struct stretch in;
    char *places = NULL, *match = tokens_match(has_words(f->search) ? f->search->words : "");
    if (!match)
        return weft_fail(-ENOMEM, "history: out of memory");
    int rc = 0;
    if (!*match && !f->mentions && has_words(f->search))
        rc = weft_fail(-EINVAL, "there is no word to look for");
    if (rc == 0)
        rc = places_of(db, f->search, &places, &in);
    if (rc == 0)
        rc = cut_stretch(db, f->search, match, places, &in);
    if (rc == 0 && !(*rows = rows_new()))
        rc = -ENOMEM;
    if (rc == 0)
        rc = fill(db, f, match, places, &in, *rows);
    if (rc == 0)
        rc = write_next(db, f, places, &in, *rows);
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
