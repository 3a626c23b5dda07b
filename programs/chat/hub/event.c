// SPDX-License-Identifier: MIT
// event.c - see event.h.
//
// An id is the time in milliseconds and a count, 48 and 32 bits, in base 32 with digits that sort
// as their values do. The count goes on from one event to the next, so two of one millisecond
// differ; after a restart the time does, unless the clock was set back: the count then begins with
// what the clock says below the millisecond.
#include "chat/hub/event.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void put_digits(char *out, int digits, uint64_t value)
{
    static const char digit[] = "0123456789abcdefghjkmnpqrstvwxyz"; // Crockford's: no i, l, o, u
    for (int i = digits - 1; i >= 0; i--, value >>= 5)
        out[i] = digit[value & 31];
}

void event_make_id(struct hub *hub, int64_t at, char out[EVENT_ID_SIZE])
{
    if (hub->last_id == 0) {
        struct timespec now;
        (void)clock_gettime(CLOCK_REALTIME, &now); // cannot fail
        hub->last_id = (uint64_t)now.tv_nsec;
    }
    put_digits(out, 10, (uint64_t)at); // 50 bits
    put_digits(out + 10, 6, ++hub->last_id);
    out[EVENT_ID_SIZE - 1] = '\0';
}

struct event event_of(enum event_kind kind, struct user *from)
{
    struct event event = {.kind = kind, .from = from, .source = from->source};
    event.at = from->hub->now(from->hub);
    event_make_id(from->hub, event.at, event.id);
    return event;
}

struct event event_in(struct room *room, enum event_kind kind, struct user *from)
{
    struct event event = event_of(kind, from);
    event.target = room->name;
    event.room = room;
    return event;
}

static bool begins_with_ctcp(const char *line)
{
    if (*line != '\001')
        return false;
    // Behind the word may also be the end of the text, which strchr finds too.
    bool action = strncmp(line, "\001ACTION", 7) == 0 && strchr(" \001" LINE_ENDS, line[7]);
    return !action;
}

bool event_has_ctcp(const char *text)
{
    bool found = false;
    while (text && !found) {
        found = begins_with_ctcp(text);
        text = strpbrk(text, LINE_ENDS);
        if (text)
            text++;
    }
    return found;
}

const struct event_form *event_form_find(const struct event *event, unsigned key)
{
    for (int i = 0; i < event->form_count; i++)
        if (event->forms[i].key == key)
            return &event->forms[i];
    return NULL;
}

const struct event_form *event_form_add(struct event *event, unsigned key, char *bytes, size_t size)
{
    if (event->form_count == EVENT_FORMS) {
        free(bytes);
        return NULL;
    }
    struct event_form *form = &event->forms[event->form_count++];
    *form = (struct event_form){.key = key, .bytes = bytes, .size = size};
    return form;
}

void event_end(struct event *event)
{
    for (int i = 0; i < event->form_count; i++)
        free(event->forms[i].bytes);
    event->form_count = 0;
}
