// SPDX-License-Identifier: MIT
// place.c - see place.h.
//
// From one id to the next time does not go back, but at the ids in clock_steps. Between two of
// those one finds a time by halving, a look at the index of conversations each: no index has the
// times, which would cost more with each message than this does with a question.
#include "chat/store/place.h"

#include <stdbool.h>

#include "common/sql.h"

// A stretch of ids in which time does not go back.
struct stretch {
    int64_t begin, end; // exclusive
};

struct search {
    int64_t conversation, time;
    sqlite3_stmt *seek, *seek_back; // the first, the last of a conversation between two ids
};

struct found {
    int64_t id, time;
};

// 1, 0 (there is none) or an error.
static int seek(sqlite3_stmt *s, int64_t conversation, struct stretch in, struct found *found)
{
    sql_int(s, 1, conversation);
    sql_int(s, 2, in.begin);
    sql_int(s, 3, in.end);
    int rc = sql_step(s);
    if (rc > 0)
        *found = (struct found){sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1)};
    (void)sqlite3_reset(s); // what was wrong, sql_step has told
    return rc;
}

// The first id of the stretch whose message is not before the time, else its end.
static int first_since(const struct search *search, struct stretch in, int64_t time, int64_t *first)
{
    struct found found = {0};
    *first = in.end;
    int rc = 0;
    while (rc >= 0 && in.begin < in.end) {
        int64_t middle = in.begin + (in.end - in.begin) / 2;
        rc = seek(search->seek, search->conversation, (struct stretch){middle, in.end}, &found);
        if (rc > 0 && found.time < time) {
            in.begin = found.id + 1;
        } else {
            *first = rc > 0 ? found.id : *first;
            in.end = middle;
        }
    }
    return rc < 0 ? rc : 0;
}

static int look_at(const struct search *search, struct stretch in, struct place *place)
{
    struct found found = {0};
    int64_t first = 0, behind = 0;
    int rc = first_since(search, in, search->time, &first);
    if (rc < 0)
        return rc;
    if (place->first == INT64_MAX && first < in.end)
        place->first = first;
    if (search->time == INT64_MAX)
        behind = in.end;
    else
        rc = first_since(search, (struct stretch){first, in.end}, search->time + 1, &behind);
    if (rc == 0)
        rc = seek(search->seek_back, search->conversation, (struct stretch){in.begin, behind},
                  &found);
    if (rc > 0)
        place->last = found.id;
    return rc < 0 ? rc : 0;
}

#define SEEK \
    "SELECT id, time FROM messages INDEXED BY messages_order WHERE conversation = ?1" \
    " AND id >= ?2 AND id < ?3 ORDER BY id "

// From the first to the last stretch.
static int look_at_all(sqlite3 *db, const struct search *search, struct place *place)
{
    struct stretch in = {0, 0};
    sqlite3_stmt *steps;
    int rc = sql_prepare(db,
                         "SELECT id FROM clock_steps UNION ALL"
                         " SELECT coalesce(max(id), 0) + 1 FROM messages ORDER BY id",
                         &steps);
    while (rc == 0 && (rc = sql_step(steps)) > 0) {
        in = (struct stretch){in.end, sqlite3_column_int64(steps, 0)};
        rc = look_at(search, in, place);
    }
    (void)sqlite3_finalize(steps);
    return rc;
}

int place_of_time(sqlite3 *db, int64_t conversation, int64_t time_ms, struct place *place)
{
    struct search search = {.conversation = conversation, .time = time_ms};
    *place = (struct place){INT64_MAX, -1};
    int rc = sql_prepare(db, SEEK "LIMIT 1", &search.seek);
    if (rc == 0)
        rc = sql_prepare(db, SEEK "DESC LIMIT 1", &search.seek_back);
    if (rc == 0)
        rc = look_at_all(db, &search, place);
    (void)sqlite3_finalize(search.seek);
    (void)sqlite3_finalize(search.seek_back);
    return rc;
}
