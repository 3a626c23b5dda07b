// SPDX-License-Identifier: MIT
// redact.c - REDACT (draft/message-redaction): a message is taken back, and its words are deleted.
//
// Its author may, and in a room those who keep order there; operators of the server in every room.
// The client's task waits until the words are in no file any more, and only then is it told. If
// that takes too long, all are told once the wish is on disk, and the deletion goes on; if not even
// that can be, nothing is deleted, and nobody but the client hears of it.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "chat/irc/handlers.h"
#include "chat/irc/history.h"

enum { REMOVE_MS = 20000 };

struct redaction {
    char target[ROOM_NAME_MAX + 1], id[STORE_MSGID_MAX + 1], reason[TOPIC_MAX + 1];
    struct place place;
};

static void refuse(struct session *s, const struct redaction *r, const char *code, const char *text)
{
    char context[sizeof r->target + sizeof r->id];
    (void)snprintf(context, sizeof context, "%s %s", r->target, r->id);
    fail(s, "REDACT", code, context, text);
}

// False: no message can have such an id, or be there; the client was told.
static bool read_redaction(struct session *s, struct redaction *r, const struct line *line)
{
    char *target = line->params[0], *id = line->params[1];
    bool can_be = *target && *id && strlen(target) < sizeof r->target && strlen(id) < sizeof r->id;
    if (!can_be || shown(target) != target || shown(id) != id) {
        fail(s, "REDACT", "UNKNOWN_MSGID", "*", "This message does not exist");
        return false;
    }
    (void)snprintf(r->target, sizeof r->target, "%s", target);
    (void)snprintf(r->id, sizeof r->id, "%s", id);
    (void)snprintf(r->reason, sizeof r->reason, "%s",
                   line->count > 2 ? shortened(line->params[2], TOPIC_MAX) : "");
    return true;
}

static bool finds_place(const struct session *s, struct redaction *r)
{
    const struct room *room = room_find(s->irc->hub, r->target);
    return (room && (s->user.modes & USER_OPERATOR)) ? place_of_room(room, &r->place)
                                                     : place_find(s, r->target, &r->place);
}

static bool is_of_room(const struct redaction *r)
{
    return r->place.where.second == NULL;
}

static bool may_redact(const struct session *s, const struct redaction *r,
                       const struct store_message *message)
{
    const struct room *room = is_of_room(r) ? room_find(s->irc->hub, r->target) : NULL;
    const struct member *member = room ? member_find(room, &s->user) : NULL;
    return (message->account && strcmp(message->account, s->user.identity) == 0) ||
           (room && (s->user.modes & USER_OPERATOR)) || member_rank(member) >= RANK_HALFOP;
}

static bool is_said(const struct store_message *message)
{
    return message->is_text || message->kind == EVENT_TAGS;
}

// 1: the message is the client's to delete; 0: no such message; -EACCES: it is not; or an error.
static int look_up(struct session *s, const struct redaction *r)
{
    const struct store_query query = {.where = r->place.where,
                                      .range = STORE_AROUND,
                                      .from.msgid = r->id,
                                      .limit = 1,
                                      .events = true};
    struct store_rows *rows = NULL;
    history_catch_up(s->irc);
    int rc = store_ask(s->irc->set.history, &query, &rows);
    if (rc == -ENOENT)
        rc = 0;
    else if (rc == 0 && rows->count > 0 && strcmp(rows->messages[0].msgid, r->id) == 0 &&
             is_said(&rows->messages[0]))
        rc = s->ended || may_redact(s, r, &rows->messages[0]) ? 1 : -EACCES;
    store_rows_free(&rows);
    return rc;
}

// Those who heard the message hear that it is no more. The room, or the other, may be gone by now.
static void tell_all(struct session *s, const struct redaction *r)
{
    struct event e = event_of(EVENT_REDACTION, &s->user);
    struct room *room = is_of_room(r) ? room_find(s->irc->hub, r->target) : NULL;
    struct user *other = is_of_room(r) ? NULL : user_find(s->irc->hub, r->target);
    e.target = room ? room->name : other ? other->name : r->target;
    e.whom = r->id;
    e.text = *r->reason ? r->reason : NULL;
    e.room = room;
    if (room)
        room_tell(room, &e, &s->user, 0);
    else if (other && other != &s->user)
        other->outlet->deliver(other, &e);
    session_deliver(&s->user, &e);
    event_end(&e);
}

static void redact(struct session *s, const struct redaction *r)
{
    int rc = look_up(s, r);
    if (rc > 0 && !s->ended)
        rc = store_remove(s->irc->set.history, r->id, s->user.identity, weft_after_ms(REMOVE_MS));
    else if (rc == 0)
        rc = -ENOENT;
    if (rc == 0 || rc == -EINPROGRESS)
        tell_all(s, r); // also if the client was thrown out meanwhile
    else if (rc == -ENOENT)
        refuse(s, r, "UNKNOWN_MSGID", "This message does not exist");
    else if (rc == -EACCES)
        refuse(s, r, "REDACT_FORBIDDEN", "You are not authorised to delete this message");
    else
        refuse(s, r, "REDACT_FORBIDDEN", "The history cannot delete it now");
}

void on_redact(struct session *s, const struct line *line)
{
    struct redaction r;
    if (!read_redaction(s, &r, line))
        return;
    if (!s->irc->set.history)
        refuse(s, &r, "REDACT_FORBIDDEN", "No history is kept here");
    else if (!finds_place(s, &r))
        fail(s, "REDACT", "INVALID_TARGET", r.target, "You cannot delete messages from there");
    else
        redact(s, &r);
}
