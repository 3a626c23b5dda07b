// SPDX-License-Identifier: MIT
// memory_store.c - the history of the fuzz targets: store.h in memory, where a commit is a call.
//
// It takes the place of programs/chat/store when a target is linked: what is asked for has a plain
// answer, found by looking at everything. The real one is compared with transcripts and has tests
// of its own; here its outcomes matter, and that they can come at any time.
#include <errno.h>
#include <string.h>

#include "chat/store/store.h"
#include "world.h"

enum { KEPT = 128, ERAS = 16 };

struct record {
    struct store_message message; // its texts are owned
    bool committed, removed;
};

// What opens an era.
struct opened {
    int64_t era;
    char room[ROOM_NAME_MAX + 1], key[KEY_MAX + 1];
};

struct store {
    struct record records[KEPT];
    struct opened opened[ERAS];
    int opened_count;
    int64_t last_era;
    int count;
    int64_t settled; // numbers are 1 for the first record, and so on
    int stopped;     // 0, or why
};

struct store *memory_open(void)
{
    struct store *store = calloc(1, sizeof *store);
    must(store);
    return store;
}

static char *copy(const char *text)
{
    char *same = text ? strdup(text) : NULL;
    must(!text || same);
    return same;
}

static struct store_message copy_message(const struct store_message *m)
{
    struct store_message same = *m;
    same.msgid = copy(m->msgid);
    same.where.first = copy(m->where.first);
    same.where.second = copy(m->where.second);
    same.source = copy(m->source);
    same.account = copy(m->account);
    same.target = copy(m->target);
    same.text = copy(m->text);
    same.tags = copy(m->tags);
    return same;
}

static void free_message(struct store_message *m)
{
    const char *texts[] = {m->msgid,   m->where.first, m->where.second, m->source,
                           m->account, m->target,      m->text,         m->tags};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free((char *)(uintptr_t)texts[i]);
}

void memory_close(struct store **store)
{
    for (int i = 0; i < (*store)->count; i++)
        free_message(&(*store)->records[i].message);
    free(*store);
    *store = NULL;
}

int64_t store_append(struct store *store, const struct store_message *m)
{
    must(*m->msgid && strlen(m->msgid) <= STORE_MSGID_MAX && m->where.first && *m->where.first);
    must(m->source && m->target && m->text);
    must(m->where.era >= 0 && m->where.era <= store->last_era &&
         !(m->where.second && m->where.era));
    for (int i = 0; i < store->count; i++)
        must(strcmp(store->records[i].message.msgid, m->msgid) != 0);
    if (store->stopped < 0)
        return store->stopped;
    if (store->count == KEPT)
        return -ENOBUFS;
    store->records[store->count++].message = copy_message(m);
    return store->count;
}

bool memory_settle(struct store *store, int code, struct store_progress *p)
{
    bool any = store->settled < store->count;
    *p = (struct store_progress){.first = store->settled + 1, .last = store->count, .code = code};
    for (int64_t i = store->settled; i < store->count; i++)
        store->records[i].committed = code == 0;
    store->settled = store->count;
    store->stopped = code;
    return any;
}

// ---- eras -----------------------------------------------------------------------------------

static struct opened *opened_by(struct store *store, const char *room, const char *key)
{
    for (int i = 0; i < store->opened_count; i++)
        if (strcmp(store->opened[i].room, room) == 0 && strcmp(store->opened[i].key, key) == 0)
            return &store->opened[i];
    return NULL;
}

int64_t store_era_new(struct store *store)
{
    return ++store->last_era;
}

int64_t store_era_find(struct store *store, const char *room, const char *key)
{
    const struct opened *o = opened_by(store, room, key);
    must(*room && *key);
    return o ? o->era : 0;
}

bool store_era_is_there(struct store *store, const char *room, const char *key)
{
    return store_era_find(store, room, key) != 0;
}

int store_era_set(struct store *store, int64_t era, const char *room, const char *key)
{
    must(era > 0 && era <= store->last_era && *room && (!key || *key));
    must(!key || !opened_by(store, room, key));
    for (int i = 0; i < store->opened_count; i++)
        if (store->opened[i].era == era)
            store->opened[i--] = store->opened[--store->opened_count];
    if (!key)
        return 0;
    if (store->opened_count == ERAS)
        return -ENOMEM;
    struct opened *o = &store->opened[store->opened_count++];
    o->era = era;
    must((size_t)snprintf(o->room, sizeof o->room, "%s", room) < sizeof o->room);
    must((size_t)snprintf(o->key, sizeof o->key, "%s", key) < sizeof o->key);
    return 0;
}

void store_era_end(struct store *store, int64_t era)
{
    must(era > 0 && era <= store->last_era);
}

// ---- questions ------------------------------------------------------------------------------

static bool same_name(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_in(const struct store_message *m, const struct store_conversation *where)
{
    const char *a = m->where.first, *b = m->where.second;
    if (m->where.era && m->where.era != where->era)
        return false;
    return (same_name(a, where->first) && same_name(b, where->second)) ||
           (b && where->second && same_name(a, where->second) && same_name(b, where->first));
}

static struct store_rows *new_rows(void)
{
    struct store_rows *rows = calloc(1, sizeof *rows);
    must(rows && (rows->messages = calloc(KEPT, sizeof *rows->messages)));
    return rows;
}

// Copies: who keeps a row for too long is found out.
static void add(struct store_rows *rows, const struct store_message *m)
{
    rows->messages[rows->count++] = copy_message(m);
}

void store_rows_free(struct store_rows **rows)
{
    if (!*rows)
        return;
    for (size_t i = 0; i < (*rows)->count; i++)
        free_message(&(*rows)->messages[i]);
    free((*rows)->messages);
    free(*rows);
    *rows = NULL;
}

// Where the point is: what is before it has a lower place. -1: there is no such message.
static int place_of(const struct store *store, const struct store_point *point, bool after)
{
    for (int i = 0; i < store->count; i++) {
        const struct store_message *m = &store->records[i].message;
        if (point->msgid ? strcmp(m->msgid, point->msgid) == 0
                         : m->time_ms >= point->time_ms + after)
            return i + (point->msgid && after);
    }
    return point->msgid ? -1 : store->count;
}

static bool fits(const struct store *store, int i, const struct store_query *q)
{
    const struct record *r = &store->records[i];
    return r->committed && !r->removed && is_in(&r->message, &q->where) &&
           (q->events || r->message.is_text);
}

// Up to `limit` from these places on, forwards, or backwards from their end; the oldest first.
static void take(const struct store *store, const struct store_query *q, int from, int to,
                 bool last, struct store_rows *rows)
{
    size_t all = 0, seen = 0;
    for (int i = from; i < to; i++)
        all += fits(store, i, q);
    size_t skip = last && all > q->limit ? all - q->limit : 0;
    for (int i = from; i < to && rows->count < q->limit; i++)
        if (fits(store, i, q) && seen++ >= skip)
            add(rows, &store->records[i].message);
}

int store_ask(struct store *store, const struct store_query *q, struct store_rows **rows)
{
    bool upwards = q->range == STORE_AFTER || q->range == STORE_LATEST || q->range == STORE_BETWEEN;
    bool open = q->range == STORE_LATEST && !q->from.msgid && !q->from.time_ms;
    int from = open ? 0 : place_of(store, &q->from, upwards);
    int to = q->range == STORE_BETWEEN ? place_of(store, &q->to, false) : store->count;
    must(q->limit > 0 && q->where.first);
    if (from < 0 || to < 0)
        return -ENOENT;
    *rows = new_rows();
    if (q->range == STORE_BEFORE)
        take(store, q, 0, from, true, *rows);
    else if (q->range == STORE_AROUND)
        take(store, q, from > 2 ? from - 2 : 0, to, false, *rows);
    else
        take(store, q, from, to, q->range == STORE_LATEST, *rows);
    return 0;
}

int store_list(struct store *store, const struct store_targets *t, struct store_rows **rows)
{
    must(t->limit > 0 && t->user);
    *rows = new_rows();
    for (int i = store->count - 1; i >= 0 && (*rows)->count < t->limit; i--) {
        const struct store_message *m = &store->records[i].message;
        bool mine = m->where.second &&
                    (same_name(m->where.first, t->user) || same_name(m->where.second, t->user));
        for (size_t n = 0; n < t->room_count; n++)
            mine = mine || is_in(m, &t->rooms[n]);
        if (mine && store->records[i].committed)
            add(*rows, m);
    }
    return 0;
}

int store_find(struct store *store, const struct store_search *f, struct store_rows **rows)
{
    must(f->words && f->limit > 0 && f->in_count > 0);
    if (*f->words == ' ')
        return -EINVAL;
    *rows = new_rows();
    for (int i = store->count - 1; i >= 0 && (*rows)->count < f->limit; i--) {
        const struct store_message *m = &store->records[i].message;
        bool there = false;
        for (size_t n = 0; n < f->in_count; n++)
            there = there || is_in(m, &f->in[n]);
        if (there && m->is_text && store->records[i].committed && !store->records[i].removed &&
            strstr(m->text, f->words))
            add(*rows, m);
    }
    return 0;
}

int store_mentions(struct store *store, const struct store_search *f, struct store_rows **rows)
{
    return store_find(store, f, rows);
}

// While the real one rewrites its files, others go on.
int store_remove(struct store *store, const char *msgid, const char *by, weft_time deadline)
{
    (void)deadline;
    must(by && *by);
    world_pause();
    if (store->stopped < 0)
        return store->stopped;
    for (int i = 0; i < store->count; i++) {
        struct record *r = &store->records[i];
        if (!r->committed || r->removed || strcmp(r->message.msgid, msgid) != 0)
            continue;
        r->removed = true;
        return 0;
    }
    return -ENOENT;
}

void store_hurry(struct store *store, int64_t number)
{
    must(number >= 0 && number <= store->count); // it is settled when the target says so
}

int store_wait_indexed(struct store *store, weft_time deadline)
{
    (void)store, (void)deadline;
    return 0;
}
