// SPDX-License-Identifier: MIT
// eras.c - which key opens what was said behind one: see store.h.
//
// An era is a conversation of its own (schema.c): whoever may not see it does not come past it, and
// a question that forgot about eras would show less, not more. It is here that one learns its
// number: by a key, of which the file has a hash with a secret of its own, together with the room's
// name. Whoever has the file has what was said, and the secret as well; the hash keeps the key
// from him only as far as it cannot be guessed.
//
// The table is in memory, so that the hub's loop need not wait for the disk. What has changed there
// is taken by the writer together with the messages that wait, under the same lock, and is written
// in front of them in the same transaction. So whenever the process is killed:
//
//     a message is on disk    and so is what opened its era when it was said, or something later:
//                             a key that was given up before it was said opens it no more
//     a change is on disk     though messages from before it are not: these are lost as ever
//     neither is              the era never was, and its number may be given again
//
// A commit that fails takes its messages with it, but not the changes: these stay with the writer
// until they are on disk, so that what comes after a full disk is no less protected. While history
// is stopped, nothing is said under what changes; then a change takes the place of the one before,
// and an era that ends without a message is forgotten, so that there is no more than the rooms.
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <weft/error.h>

#define HASH_NONFATAL_OOM 1 // then the handle's tbl of what could not be added is NULL
#include <uthash.h>

#include "chat/store/parts.h"

enum { HASH_BYTES = 16, HASH_TEXT = 2 * HASH_BYTES };

struct era {
    UT_hash_handle with_id, with_hash;
    int64_t id;
    char hash[HASH_TEXT + 1];  // of what opens it; "": nothing does
    bool held;                 // a room is in it
    int64_t since;             // so many appends were before it; -1: it is of the file
    struct era_change *change; // that the writer has not taken. NULL: none
};

struct era_change {
    TAILQ_ENTRY(era_change) link;
    struct era *of; // NULL: it ended, or the writer has this
    int64_t id;
    char hash[HASH_TEXT + 1]; // "": nothing opens it
};

// ---- the table; mu is held, but while the store is opened ------------------------------------

static struct era *with_id(struct eras *eras, int64_t id)
{
    struct era *era;
    HASH_FIND(with_id, eras->by_id, &id, sizeof id, era);
    return era;
}

static struct era *with_hash(struct eras *eras, const char *hash)
{
    struct era *era;
    HASH_FIND(with_hash, eras->by_hash, hash, HASH_TEXT, era);
    return era;
}

static void shut(struct eras *eras, struct era *era)
{
    if (*era->hash)
        HASH_DELETE(with_hash, eras->by_hash, era);
    era->hash[0] = '\0';
}

// What is known of it; a change of it is still written.
static void drop(struct eras *eras, struct era *era)
{
    if (era->change)
        era->change->of = NULL;
    shut(eras, era);
    HASH_DELETE(with_id, eras->by_id, era);
    free(era);
}

// False: no memory, and it is shut.
static bool open_with(struct eras *eras, struct era *era, const char *hash)
{
    shut(eras, era);
    if (!*hash)
        return true;
    memcpy(era->hash, hash, sizeof era->hash);
    HASH_ADD(with_hash, eras->by_hash, hash, HASH_TEXT, era);
    if (!era->with_hash.tbl)
        era->hash[0] = '\0';
    return era->with_hash.tbl != NULL;
}

static struct era *add(struct eras *eras, int64_t id, int64_t since)
{
    struct era *era = malloc(sizeof *era);
    if (!era)
        return NULL;
    *era = (struct era){.id = id, .since = since};
    HASH_ADD(with_id, eras->by_id, id, sizeof id, era);
    if (era->with_id.tbl)
        return era;
    free(era);
    return NULL;
}

// Of an era, one that the writer has not taken: that of before, or a new one. NULL: no memory.
static struct era_change *change_of(struct eras *eras, struct era *era)
{
    if (era->change)
        return era->change;
    struct era_change *change = malloc(sizeof *change);
    if (!change)
        return NULL;
    *change = (struct era_change){.of = era, .id = era->id};
    TAILQ_INSERT_TAIL(&eras->changes, change, link);
    era->change = change;
    return change;
}

static int change(struct store *s, int64_t id, const char *hash)
{
    struct eras *eras = &s->eras;
    struct era *era = with_id(eras, id);
    if (!era && !*hash)
        return 0; // nothing has opened it so far
    if (!era && !(era = add(eras, id, s->inbox.appended)))
        return -ENOMEM;
    struct era_change *note = change_of(eras, era);
    if (!note || !open_with(eras, era, hash)) {
        drop(eras, era);
        return -ENOMEM;
    }
    memcpy(note->hash, hash, sizeof note->hash);
    era->held = true;
    return 0;
}

// ---- the hub's side ---------------------------------------------------------------------

// Names of rooms have no NUL.
static void hash_key(const struct eras *eras, const char *room, const char *key,
                     char out[HASH_TEXT + 1])
{
    crypto_generichash_state state;
    unsigned char bytes[HASH_BYTES];
    const unsigned char *secret = (const unsigned char *)eras->secret;
    (void)crypto_generichash_init(&state, secret, sizeof eras->secret - 1, sizeof bytes);
    (void)crypto_generichash_update(&state, (const unsigned char *)room, strlen(room) + 1);
    (void)crypto_generichash_update(&state, (const unsigned char *)key, strlen(key));
    (void)crypto_generichash_final(&state, bytes, sizeof bytes); // sizes are right: none can fail
    (void)sodium_bin2hex(out, HASH_TEXT + 1, bytes, sizeof bytes);
}

int64_t store_era_new(struct store *s)
{
    lock_in_place(&s->mu);
    int64_t id = ++s->eras.last;
    weft_unlock(&s->mu);
    return id;
}

static int64_t find(struct store *s, const char *room, const char *key, bool hold)
{
    char hash[HASH_TEXT + 1];
    hash_key(&s->eras, room, key, hash);
    lock_in_place(&s->mu);
    struct era *era = with_hash(&s->eras, hash);
    int64_t id = era ? era->id : 0;
    if (era && hold)
        era->held = true;
    weft_unlock(&s->mu);
    return id;
}

int64_t store_era_find(struct store *s, const char *room, const char *key)
{
    return find(s, room, key, true);
}

bool store_era_is_there(struct store *s, const char *room, const char *key)
{
    return find(s, room, key, false) != 0;
}

int store_era_set(struct store *s, int64_t id, const char *room, const char *key)
{
    char hash[HASH_TEXT + 1] = "";
    if (key)
        hash_key(&s->eras, room, key, hash);
    lock_in_place(&s->mu);
    int rc = change(s, id, hash);
    weft_unlock(&s->mu);
    return rc < 0 ? weft_fail(rc, "history: out of memory") : 0;
}

void store_era_end(struct store *s, int64_t id)
{
    lock_in_place(&s->mu);
    struct era *era = with_id(&s->eras, id);
    bool unused = era && era->since == s->inbox.appended;
    if (unused && era->change) {
        TAILQ_REMOVE(&s->eras.changes, era->change, link);
        free(era->change);
        era->change = NULL;
    }
    if (era)
        era->held = false;
    if (era && (unused || !*era->hash))
        drop(&s->eras, era);
    weft_unlock(&s->mu);
}

// ---- the writer's side --------------------------------------------------------------------

void eras_take(struct writer *w)
{
    struct eras *eras = &w->store->eras;
    struct era_change *change;
    TAILQ_FOREACH (change, &eras->changes, link) {
        if (change->of)
            change->of->change = NULL;
        change->of = NULL;
    }
    TAILQ_CONCAT(&w->changes, &eras->changes, link);
}

// A hash that another era has in the file is no longer that one's: in memory each has one.
int eras_write(struct writer *w)
{
    const struct era_change *change;
    int rc = 0;
    TAILQ_FOREACH (change, &w->changes, link) {
        const struct sql_value opened[] = {{.text = change->hash}, {.number = change->id}};
        rc = *change->hash
                 ? sql_run_with(w->db, "INSERT OR REPLACE INTO eras (hash, id) VALUES (?, ?)",
                                opened)
                 : sql_run_with(w->db, "DELETE FROM eras WHERE id = ?", &opened[1]);
        if (rc < 0)
            break;
    }
    return rc;
}

static void changes_free(struct era_changes *changes)
{
    for (struct era_change *change; (change = TAILQ_FIRST(changes));) {
        TAILQ_REMOVE(changes, change, link);
        free(change);
    }
}

void eras_written(struct writer *w)
{
    changes_free(&w->changes);
}

// What is under way may be of this era.
bool eras_let_go(struct writer *w, int64_t id)
{
    struct store *s = w->store;
    weft_guard(&s->mu);
    struct era *era = with_id(&s->eras, id);
    bool busy = (era && era->held) || s->inbox.waiting.count > 0 ||
                !TAILQ_EMPTY(&s->eras.changes) || !TAILQ_EMPTY(&w->changes);
    if (era && !busy)
        drop(&s->eras, era);
    return !busy;
}

// ---- opening -------------------------------------------------------------------------------

static int read_secret(struct writer *w)
{
    struct eras *eras = &w->store->eras;
    sqlite3_stmt *s;
    int rc = sql_prepare(w->db, "SELECT value FROM meta WHERE name = 'secret'", &s);
    if (rc == 0 && (rc = sql_step(s)) > 0 &&
        sqlite3_column_bytes(s, 0) == (int)sizeof eras->secret - 1)
        memcpy(eras->secret, sqlite3_column_text(s, 0), sizeof eras->secret);
    (void)sqlite3_finalize(s);
    if (rc >= 0 && !*eras->secret)
        return weft_fail(-EUCLEAN, "%s has no secret", w->store->history_path);
    return rc < 0 ? rc : 0;
}

static int load(struct writer *w)
{
    struct eras *eras = &w->store->eras;
    sqlite3_stmt *s;
    int rc = sql_prepare(w->db, "SELECT id, hash FROM eras WHERE length(hash) = 32", &s);
    while (rc == 0 && (rc = sql_step(s)) > 0) {
        struct era *era = add(eras, sqlite3_column_int64(s, 0), -1);
        bool known = era && open_with(eras, era, (const char *)sqlite3_column_text(s, 1));
        rc = known ? 0 : weft_fail(-ENOMEM, "history: out of memory");
    }
    (void)sqlite3_finalize(s);
    return rc;
}
_Static_assert(HASH_TEXT == 32, "load takes others for none");

// One whose first messages were never committed is not there.
int eras_open(struct writer *w)
{
    struct eras *eras = &w->store->eras;
    TAILQ_INIT(&eras->changes);
    TAILQ_INIT(&w->changes);
    int rc = sodium_init() < 0 ? weft_fail(-ENOSYS, "libsodium does not begin") : read_secret(w);
    if (rc == 0)
        rc = sql_exec(w->db, "DELETE FROM eras WHERE id NOT IN"
                             " (SELECT era FROM conversations WHERE era > 0)");
    if (rc == 0)
        rc = sql_number(w->db, "SELECT max(era) FROM conversations WHERE era > 0", &eras->last);
    return rc == 0 ? load(w) : rc;
}

void eras_close(struct writer *w)
{
    if (!w->store)
        return; // it was never opened
    struct eras *eras = &w->store->eras;
    struct era *era, *next;
    HASH_ITER (with_id, eras->by_id, era, next)
        drop(eras, era);
    changes_free(&eras->changes);
    changes_free(&w->changes);
}
