// SPDX-License-Identifier: MIT
// inbox.c - see inbox.h. It knows nothing of locks: its owner has one.
#include "chat/store/inbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ENOUGH = 1024 };

void notes_init(struct notes *notes)
{
    *notes = (struct notes){.end = &notes->first};
}

static void notes_add(struct notes *notes, struct note *note)
{
    note->next = NULL;
    *notes->end = note;
    notes->end = &note->next;
    notes->count++;
    notes->size += note->size;
}

// The first, or NULL.
static struct note *notes_take(struct notes *notes)
{
    struct note *note = notes->first;
    if (!note)
        return NULL;
    notes->first = note->next;
    if (!notes->first)
        notes->end = &notes->first;
    notes->count--;
    notes->size -= note->size;
    return note;
}

// All of them; `to` is empty.
static void notes_move(struct notes *to, struct notes *from)
{
    if (!from->first)
        return;
    *to = *from;
    notes_init(from);
}

void notes_free(struct notes *notes)
{
    for (struct note *note; (note = notes_take(notes));)
        free(note);
}

static size_t room_for(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static const char *copy(char **to, const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    char *at = memcpy(*to, text, size);
    *to += size;
    return at;
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

struct note *note_new(const struct store_message *m)
{
    const char *source = or_empty(m->source), *target = or_empty(m->target);
    const char *text = or_empty(m->text);
    size_t size = sizeof(struct note) + room_for(m->msgid) + room_for(m->where.first) +
                  room_for(m->where.second) + room_for(source) + room_for(m->account) +
                  room_for(target) + room_for(text) + room_for(m->tags);
    struct note *note = malloc(size);
    if (!note)
        return NULL;
    char *to = note->bytes;
    *note = (struct note){.size = size, .message = *m};
    note->message.msgid = copy(&to, m->msgid);
    note->message.where.first = copy(&to, m->where.first);
    note->message.where.second = copy(&to, m->where.second);
    note->message.source = copy(&to, source);
    note->message.account = copy(&to, m->account);
    note->message.target = copy(&to, target);
    note->message.text = copy(&to, text);
    note->message.tags = copy(&to, m->tags);
    return note;
}

// ---- the queue --------------------------------------------------------------------

void inbox_init(struct inbox *inbox, size_t max_count, size_t max_size)
{
    *inbox = (struct inbox){.max_count = max_count, .max_size = max_size};
    notes_init(&inbox->waiting);
    notes_init(&inbox->failures);
}

void inbox_free(struct inbox *inbox)
{
    notes_free(&inbox->waiting);
    notes_free(&inbox->failures);
}

int64_t inbox_add(struct inbox *inbox, struct note *note)
{
    struct notes *waiting = &inbox->waiting;
    if (waiting->count >= inbox->max_count || waiting->size + note->size > inbox->max_size)
        return -ENOBUFS;
    note->number = note->last = ++inbox->appended;
    notes_add(waiting, note);
    return note->number;
}

bool inbox_is_filling(const struct inbox *inbox)
{
    const struct notes *waiting = &inbox->waiting;
    return waiting->count >= ENOUGH || waiting->count > inbox->max_count / 2 ||
           waiting->size > inbox->max_size / 2;
}

void inbox_take(struct inbox *inbox, size_t most, struct notes *taken)
{
    struct note *note;
    notes_init(taken);
    if (inbox->waiting.count <= most)
        notes_move(taken, &inbox->waiting);
    while (taken->count < most && (note = notes_take(&inbox->waiting)))
        notes_add(taken, note);
    inbox->taken_ms = taken->first ? taken->first->message.time_ms : 0;
}

int64_t inbox_oldest(const struct inbox *inbox)
{
    const struct note *first = inbox->waiting.first;
    if (inbox->taken_ms)
        return inbox->taken_ms;
    return first ? first->message.time_ms : 0;
}

static void keep_failure(struct inbox *inbox, struct note *note)
{
    inbox->failed += note->last - note->number + 1;
    notes_add(&inbox->failures, note);
}

void inbox_settle(struct inbox *inbox, struct notes *notes, struct notes *done)
{
    notes_init(done);
    inbox->taken_ms = 0;
    for (struct note *note; (note = notes_take(notes));) {
        inbox->settled = note->last;
        if (note->code < 0)
            keep_failure(inbox, note);
        else
            notes_add(done, note);
    }
}

void inbox_fail(struct inbox *inbox, struct notes *taken, int code)
{
    struct note *first = notes_take(taken);
    inbox->taken_ms = 0;
    if (!first)
        first = notes_take(&inbox->waiting);
    if (!first)
        return;
    notes_free(taken);
    notes_free(&inbox->waiting);
    first->last = inbox->settled = inbox->appended;
    first->code = code;
    keep_failure(inbox, first);
}

bool inbox_told(struct inbox *inbox, int64_t seen, struct store_progress *progress)
{
    struct note *bad;
    while ((bad = inbox->failures.first) && bad->last <= seen)
        free(notes_take(&inbox->failures));
    if (inbox->settled <= seen)
        return false;
    *progress = (struct store_progress){.first = seen + 1, .last = inbox->settled};
    if (bad && bad->number <= seen + 1) {
        progress->last = bad->last;
        progress->code = bad->code;
    } else if (bad) {
        progress->last = bad->number - 1;
    }
    return true;
}
