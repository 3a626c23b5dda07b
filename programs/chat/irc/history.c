// SPDX-License-Identifier: MIT
// history.c - CHATHISTORY: what was said, asked for by message, time and number.
//
// The answer is a batch of the lines as they were sent, with their ids and times. While the store
// looks, only this client's task waits; what it needs of the line is copied first.
#include "chat/irc/history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "chat/irc/deliver.h"
#include "chat/irc/handlers.h"
#include "chat/irc/playback.h"
#include "chat/store/store.h"

struct request {
    char name[16];                  // of the subcommand, as FAIL shows it
    char target[ROOM_NAME_MAX + 1]; // as it was asked for
    struct store_query query;
    struct place place;
    char ids[2][STORE_MSGID_MAX + 1];
};

static const struct {
    const char *name;
    enum store_range range;
    int points;
} subcommands[] = {
    {"BEFORE", STORE_BEFORE, 1}, {"AFTER", STORE_AFTER, 1},     {"LATEST", STORE_LATEST, 1},
    {"AROUND", STORE_AROUND, 1}, {"BETWEEN", STORE_BETWEEN, 2},
};
enum { SUBCOMMANDS = sizeof subcommands / sizeof subcommands[0], CATCH_UP_MS = 2000 };

// ---- reading -------------------------------------------------------------------------------

// Whether the text is of this shape, where 0 stands for any digit.
static bool has_shape(const char *text, const char *shape)
{
    for (; *shape && *text; text++, shape++)
        if (*shape == '0' ? *text < '0' || *text > '9' : *text != *shape)
            return false;
    return *text == *shape;
}

bool history_read_time(const char *text, int64_t *ms)
{
    struct tm t = {0};
    int fraction;
    if (!has_shape(text, "0000-00-00T00:00:00.000Z") ||
        sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour,
               &t.tm_min, &t.tm_sec, &fraction) != 7)
        return false;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    const struct tm meant = t;
    *ms = (int64_t)timegm(&t) * 1000 + fraction;
    return t.tm_mon == meant.tm_mon && t.tm_mday == meant.tm_mday && t.tm_hour == meant.tm_hour &&
           t.tm_min == meant.tm_min; // else there is no such time
}

// "timestamp=...", "msgid=..." or, where there need be none, "*".
static bool read_point(const char *word, struct store_point *point, char id[STORE_MSGID_MAX + 1],
                       bool may_lack)
{
    if (may_lack && strcmp(word, "*") == 0)
        return true;
    if (strncmp(word, "timestamp=", 10) == 0)
        return history_read_time(word + 10, &point->time_ms);
    if (strncmp(word, "msgid=", 6) != 0 || !word[6] || strlen(word + 6) > STORE_MSGID_MAX)
        return false;
    (void)snprintf(id, STORE_MSGID_MAX + 1, "%s", word + 6);
    point->msgid = id;
    return true;
}

bool history_read_limit(const char *word, int most, size_t *limit)
{
    char *end;
    long n = strtol(word, &end, 10);
    *limit = n > most ? (size_t)most : (size_t)n;
    return *word && !*end && n > 0;
}

// ---- asking --------------------------------------------------------------------------------

static void refuse(struct session *s, const char *code, const char *context, const char *text)
{
    fail(s, "CHATHISTORY", code, context, text);
}

// What was said before the question is to be in the answer, though it was not on disk yet. It takes
// a few milliseconds; a disk that hangs is not waited for.
void history_catch_up(struct irc *irc)
{
    int64_t wanted = irc->appended;
    store_hurry(irc->set.history, wanted);
    weft_time patience = weft_after_ms(CATCH_UP_MS);
    weft_guard(&irc->settled_mu);
    while (irc->settled < wanted)
        if (weft_cond_wait(&irc->settled_moved, &irc->settled_mu, patience) < 0)
            return;
}

static void ask(struct session *s, struct request *r)
{
    history_catch_up(s->irc);
    struct store_rows *rows = NULL;
    int rc = store_ask(s->irc->set.history, &r->query, &rows);
    char context[sizeof r->name + sizeof r->target];
    (void)snprintf(context, sizeof context, "%s %s", r->name, r->target);
    if (s->ended)
        (void)rc; // meanwhile
    else if (rc < 0 && rc != -ENOENT)
        refuse(s, "MESSAGE_ERROR", context, "Messages could not be retrieved");
    else
        play_back(s, r->target, rows); // nothing is after a message that is not known
    store_rows_free(&rows);
}

static void ask_messages(struct session *s, const struct line *line, int which)
{
    struct request r = {.query.events = s->caps & CAP_EVENT_PLAYBACK};
    int points = subcommands[which].points;
    (void)snprintf(r.name, sizeof r.name, "%s", subcommands[which].name);
    r.query.range = subcommands[which].range;
    bool good = line->count == 3 + points && strlen(line->params[1]) <= ROOM_NAME_MAX;
    good = good &&
           read_point(line->params[2], &r.query.from, r.ids[0], r.query.range == STORE_LATEST);
    good = good && (points == 1 || read_point(line->params[3], &r.query.to, r.ids[1], false));
    good = good &&
           history_read_limit(line->params[2 + points], s->irc->set.history_max, &r.query.limit);
    if (!good) {
        refuse(s, "INVALID_PARAMS", r.name, "Invalid parameters");
        return;
    }
    (void)snprintf(r.target, sizeof r.target, "%s", line->params[1]);
    char context[sizeof r.name + sizeof r.target];
    (void)snprintf(context, sizeof context, "%s %s", r.name, r.target);
    if (!place_find(s, r.target, &r.place)) {
        refuse(s, "INVALID_TARGET", context, "No such conversation");
    } else {
        r.query.where = r.place.where;
        ask(s, &r);
    }
}

// ---- targets -------------------------------------------------------------------------------

// The rooms that the client is in; NULL without memory.
struct store_conversation *history_rooms(struct session *s, size_t *count)
{
    struct member *m;
    *count = 0;
    TAILQ_FOREACH (m, &s->user.rooms, of_user)
        ++*count;
    struct store_conversation *rooms = calloc(*count + 1, sizeof *rooms);
    char(*names)[ROOM_NAME_MAX + 1] = calloc(*count + 1, sizeof *names);
    size_t i = 0;
    if (rooms && names)
        TAILQ_FOREACH (m, &s->user.rooms, of_user) {
            (void)snprintf(names[i], sizeof names[i], "%s", m->room->folded);
            rooms[i].first = names[i];
            rooms[i].era = m->room->era;
            i++;
        }
    if (rooms && names) {
        rooms[*count].first = names[0]; // where the names lie, to be freed
        return rooms;
    }
    free(rooms);
    free(names);
    return NULL;
}

void history_rooms_free(struct store_conversation *rooms, size_t count)
{
    if (rooms)
        free((char *)(uintptr_t)rooms[count].first);
    free(rooms);
}

static void ask_targets(struct session *s, const struct line *line)
{
    // all of them, as those that are gone are only known here
    struct store_targets t = {.user = s->user.identity, .limit = SIZE_MAX};
    struct store_point from = {0}, to = {0};
    size_t most;
    char ids[2][STORE_MSGID_MAX + 1];
    bool good = line->count == 4 && read_point(line->params[1], &from, ids[0], false) &&
                read_point(line->params[2], &to, ids[1], false) && !from.msgid && !to.msgid &&
                history_read_limit(line->params[3], s->irc->set.history_max, &most);
    if (!good) {
        refuse(s, "INVALID_PARAMS", "TARGETS", "Invalid parameters");
        return;
    }
    t.from_ms = from.time_ms;
    t.to_ms = to.time_ms;
    struct store_conversation *rooms = history_rooms(s, &t.room_count);
    struct store_rows *rows = NULL;
    history_catch_up(s->irc);
    t.rooms = rooms;
    int rc = rooms ? store_list(s->irc->set.history, &t, &rows) : -ENOMEM;
    if (!s->ended && rc == 0)
        rc = play_targets(s, rows, (long)most, to.time_ms < from.time_ms);
    if (!s->ended && rc < 0)
        refuse(s, "MESSAGE_ERROR", "TARGETS", "Targets could not be retrieved");
    store_rows_free(&rows);
    history_rooms_free(rooms, t.room_count);
}

void on_chathistory(struct session *s, const struct line *line)
{
    const char *name = line->count > 0 ? line->params[0] : "";
    if (!s->irc->set.history) {
        refuse(s, "MESSAGE_ERROR", "*", "No history is kept here");
        return;
    }
    if (strcasecmp(name, "TARGETS") == 0) {
        ask_targets(s, line);
        return;
    }
    for (int i = 0; i < SUBCOMMANDS; i++)
        if (strcasecmp(name, subcommands[i].name) == 0) {
            ask_messages(s, line, i);
            return;
        }
    refuse(s, "INVALID_PARAMS", *name ? shown(line->params[0]) : "*", "Unknown subcommand");
}
