// SPDX-License-Identifier: MIT
// insert.c - a message becomes rows.
//
// Ids are counted here and noted in meta with each transaction, not by AUTOINCREMENT, which would
// write a second table with each message. They are never used again, even if retention takes the
// last message: the index counts on that.
#include <string.h>

#include "chat/store/parts.h"
#include "chat/store/place.h"

void conversation_names(const struct store_conversation *where, const char **first,
                        const char **second)
{
    bool in_order = !where->second || strcmp(where->first, where->second) <= 0;
    *first = in_order ? where->first : where->second;
    *second = !where->second ? "" : in_order ? where->second : where->first;
}

int insert_prepare(struct writer *w)
{
    int rc = sql_prepare(
        w->db, "SELECT id FROM conversations WHERE first = ? AND second = ? AND era = ?", &w->find);
    if (rc == 0)
        rc = sql_prepare(w->db, "INSERT INTO conversations (first, second, era) VALUES (?, ?, ?)",
                         &w->add_conversation);
    if (rc == 0)
        rc = sql_prepare(w->db,
                         "INSERT INTO messages (id, msgid, time, conversation, kind, words, source,"
                         " account, target, text, tags) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                         &w->insert);
    if (rc == 0)
        rc = sql_prepare(w->db, "UPDATE meta SET value = ? WHERE name = 'last_id'", &w->note_last);
    if (rc == 0)
        rc = sql_number(w->db, "SELECT value FROM meta WHERE name = 'last_id'", &w->last_id);
    if (rc == 0)
        rc = sql_number(w->db, "SELECT time FROM messages ORDER BY id DESC LIMIT 1", &w->last_time);
    return rc;
}

void insert_finish(struct writer *w)
{
    (void)sqlite3_finalize(w->find);
    (void)sqlite3_finalize(w->add_conversation);
    (void)sqlite3_finalize(w->insert);
    (void)sqlite3_finalize(w->note_last);
}

static struct known *place_of(struct writer *w, const char *first, const char *second)
{
    uint32_t hash = 0;
    for (const char *at = first; *at; at++)
        hash = hash * 31 + (unsigned char)*at;
    for (const char *at = second; *at; at++)
        hash = hash * 31 + (unsigned char)*at;
    return &w->known[(hash ^ hash >> 16) % KNOWN];
}

static void remember(struct known *k, int64_t id, int64_t era, const char *first,
                     const char *second)
{
    size_t first_size = strlen(first) + 1, second_size = strlen(second) + 1;
    if (first_size > KNOWN_NAME || second_size > KNOWN_NAME)
        return; // it is asked for each time
    k->id = id;
    k->era = era;
    memcpy(k->first, first, first_size);
    memcpy(k->second, second, second_size);
}

void insert_forget(struct writer *w)
{
    memset(w->known, 0, sizeof w->known);
}

static int find_or_add(struct writer *w, const char *first, const char *second, int64_t era,
                       int64_t *id)
{
    sql_text(w->find, 1, first);
    sql_text(w->find, 2, second);
    sql_int(w->find, 3, era);
    int rc = sql_one(w->find, id);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    sql_text(w->add_conversation, 1, first);
    sql_text(w->add_conversation, 2, second);
    sql_int(w->add_conversation, 3, era);
    rc = sql_run(w->add_conversation);
    *id = sqlite3_last_insert_rowid(w->db);
    return rc;
}

static int conversation_id(struct writer *w, const struct store_conversation *where, int64_t *id)
{
    const char *first, *second;
    conversation_names(where, &first, &second);
    struct known *k = place_of(w, first, second);
    *id = k->id;
    if (k->id && k->era == where->era && strcmp(k->first, first) == 0 &&
        strcmp(k->second, second) == 0)
        return 0;
    int rc = find_or_add(w, first, second, where->era, id);
    if (rc == 0)
        remember(k, *id, where->era, first, second);
    return rc;
}

// The clock was set back before this message.
static int note_step(struct writer *w, int64_t id)
{
    const struct sql_value step = {.number = id};
    int rc = sql_run_with(w->db, "INSERT INTO clock_steps VALUES (?)", &step);
    return rc < 0 ? rc
                  : sql_exec(w->db, "DELETE FROM clock_steps WHERE id NOT IN (SELECT id FROM"
                                    " clock_steps ORDER BY id DESC LIMIT " PLACE_STEPS ")");
}

int insert_message(struct writer *w, const struct store_message *m)
{
    int64_t conversation = 0;
    int rc = conversation_id(w, &m->where, &conversation);
    if (rc < 0)
        return rc;
    sqlite3_stmt *s = w->insert;
    sql_int(s, 1, w->last_id + 1);
    sql_text(s, 2, m->msgid);
    sql_int(s, 3, m->time_ms);
    sql_int(s, 4, conversation);
    sql_int(s, 5, m->kind);
    sql_int(s, 6, m->is_text);
    sql_text(s, 7, m->source);
    sql_text(s, 8, m->account);
    sql_text(s, 9, m->target);
    sql_text(s, 10, m->text);
    sql_text(s, 11, m->tags);
    rc = sql_run(s);
    if (rc < 0)
        return rc;
    w->last_id++;
    if (m->time_ms < w->last_time)
        rc = note_step(w, w->last_id);
    w->last_time = m->time_ms;
    return rc;
}
