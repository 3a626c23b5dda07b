// SPDX-License-Identifier: MIT
// playback.c - see playback.h.
#include "chat/irc/playback.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/irc/deliver.h"
#include "chat/irc/mode.h"
#include "chat/irc/multiline.h"

static bool open_batch(struct session *s, const char *what, const char *target, char reference[24])
{
    bool batches = s->caps & CAP_BATCH;
    *reference = '\0';
    if (!batches)
        return false;
    (void)snprintf(reference, 24, "%lu", ++s->irc->last_batch);
    tell(s, "BATCH +%s %s%s%s", reference, what, *target ? " " : "", target);
    return true;
}

static void close_batch(struct session *s, const char *reference)
{
    if (*reference)
        tell(s, "BATCH -%s", reference);
}

// The event that a row tells of. `whom` is where the name of one who was kicked is put, `text` is
// for modes: what was kept by weft of old has their keys.
static struct event event_of_row(const struct store_message *row, char whom[NICK_MAX + 1],
                                 char text[LINE_BODY_MAX + 1])
{
    struct event e = {.kind = (enum event_kind)row->kind, .at = row->time_ms};
    e.source = row->source;
    e.target = row->target;
    e.text = *row->text || e.kind == EVENT_MESSAGE || e.kind == EVENT_NOTICE ? row->text : NULL;
    e.client_tags = row->tags;
    (void)snprintf(e.id, sizeof e.id, "%s", row->msgid);
    if (e.kind == EVENT_KICK) {
        size_t size = strcspn(row->text, " ");
        (void)snprintf(whom, NICK_MAX + 1, "%.*s", (int)size, row->text);
        e.whom = whom;
        e.text = row->text + size + (row->text[size] == ' ');
    }
    if (e.kind == EVENT_MODE) {
        mode_hide_key(row->text, text);
        e.text = text;
    }
    return e;
}

static void play_one(struct session *s, const struct store_message *row, const char *reference)
{
    char whom[NICK_MAX + 1], text[LINE_BODY_MAX + 1], batch[40] = "";
    struct event e = event_of_row(row, whom, text);
    if (*reference)
        (void)snprintf(batch, sizeof batch, "batch=%s", reference);
    if (e.kind == EVENT_TAGS && !(s->caps & CAP_TAGS))
        return;
    say_event(s, &e, batch);
}

void play_back(struct session *s, const char *target, const struct store_rows *rows)
{
    char reference[24];
    (void)open_batch(s, "chathistory", target, reference);
    for (size_t i = 0; rows && i < rows->count; i++)
        play_one(s, &rows->messages[i], reference);
    close_batch(s, reference);
}

// "2026-01-31 23:59:59 #room <nick> text", on one line.
static void play_for_people(struct session *s, const struct store_message *row)
{
    char at[TIME_TEXT], text[LINE_BODY_MAX + 1], *end = text;
    time_text(row->time_ms, at);
    for (const char *c = row->text; *c && end < text + LINE_BODY_MAX; c++)
        if (*c != LINE_JOINT)
            *end++ = *c;
    *end = '\0';
    for (char *c = text; *c; c++)
        if (*c == LINE_BREAK || *c == '\001')
            *c = ' ';
    tell(s, "NOTICE %s :%.10s %.8s %s%s<%.*s> %s", session_name(s), at, at + 11,
         *row->target == '#' ? row->target : "", *row->target == '#' ? " " : "",
         (int)strcspn(row->source, "!"), row->source, text);
}

void play_found(struct session *s, const char *type, const struct store_rows *rows)
{
    char reference[24];
    size_t count = rows ? rows->count : 0;
    bool batches = open_batch(s, type, "", reference);
    for (size_t i = count; i > 0; i--) {
        if (batches)
            play_one(s, &rows->messages[i - 1], reference);
        else
            play_for_people(s, &rows->messages[i - 1]);
    }
    if (!batches)
        tell(s, "NOTICE %s :Found: %zu", session_name(s), count);
    close_batch(s, reference);
}

// ---- targets -------------------------------------------------------------------------------

// A conversation, and the name by which the client can ask for it: a room's, or that of the other
// one, who may be called otherwise than in the message. NULL: gone, and so is what was said with
// them.
struct target {
    const struct store_message *row;
    const char *identity; // the other's; NULL: it is a room
    const char *name;
};

static struct target target_of(const struct session *s, const struct store_message *row)
{
    const struct store_conversation *where = &row->where;
    if (*row->target == '#')
        return (struct target){.row = row, .name = row->target};
    bool is_first = strcmp(where->first, s->user.identity) == 0;
    return (struct target){.row = row, .identity = is_first ? where->second : where->first};
}

static int by_identity(const void *a, const void *b)
{
    const struct target *const *x = a, *const *y = b;
    return strcmp((*x)->identity, (*y)->identity);
}

// All at once, as there may be many of both: each user is looked up among those that are sought.
static void name_users(const struct hub *hub, struct target **sought, size_t count)
{
    qsort(sought, count, sizeof(struct target *), by_identity);
    for (const struct user *user = hub->users; user && count > 0; user = user->hh.next) {
        const struct target key = {.identity = user->identity}, *wanted = &key;
        struct target **found = bsearch(&wanted, sought, count, sizeof(struct target *),
                                        by_identity);
        if (found)
            (*found)->name = user->name;
    }
}

// Those of the rows that can be asked for come first, in their order. Their number, or -ENOMEM.
static long find_targets(const struct session *s, const struct store_rows *rows,
                         struct target *targets)
{
    long users = 0, count = 0;
    struct target **sought = calloc(rows->count + 1, sizeof(struct target *));
    if (!sought)
        return -ENOMEM;
    for (size_t i = 0; i < rows->count; i++) {
        targets[i] = target_of(s, &rows->messages[i]);
        if (targets[i].identity)
            sought[users++] = &targets[i];
    }
    name_users(s->irc->hub, sought, (size_t)users);
    free(sought);
    for (size_t i = 0; i < rows->count; i++)
        if (targets[i].name)
            targets[count++] = targets[i];
    return count;
}

static void say_target(struct session *s, const struct target *target, const char *reference)
{
    char at[TIME_TEXT], tag[40], body[LINE_BODY_MAX];
    (void)snprintf(tag, sizeof tag, "batch=%s", reference);
    time_text(target->row->time_ms, at);
    (void)snprintf(body, sizeof body, ":%s CHATHISTORY TARGETS %s %s", s->irc->set.name,
                   target->name, at);
    say(s, *reference ? tag : NULL, body);
}

int play_targets(struct session *s, const struct store_rows *rows, long most, bool backward)
{
    char reference[24];
    struct target *targets = calloc(rows->count + 1, sizeof *targets);
    long count = targets ? find_targets(s, rows, targets) : -ENOMEM;
    if (count >= 0) {
        long first = backward && count > most ? count - most : 0;
        (void)open_batch(s, "draft/chathistory-targets", "", reference);
        for (long i = first; i < count && i < first + most; i++)
            say_target(s, &targets[i], reference);
        close_batch(s, reference);
    }
    free(targets);
    return count < 0 ? (int)count : 0;
}
