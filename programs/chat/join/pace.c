// SPDX-License-Identifier: MIT
// pace.c - see pace.h. To count lines and seconds instead would take the server's numbers, which it
// does not tell.
#include "chat/join/pace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/join/session.h"

enum { ASK_EVERY = 1024, OPEN_MOST = 2 };

static bool is_open(const struct pace *p)
{
    return p->asked - p->answered < OPEN_MOST;
}

static void send_now(struct session *s, const char *line)
{
    struct pace *p = &s->pace;
    char ping[40];
    s->ops->send(s->ctx, line);
    p->since += strlen(line) + 2; // its end
    if (p->since < ASK_EVERY || !s->registered)
        return;
    p->since = 0;
    (void)snprintf(ping, sizeof ping, "PING :pace-%lu", ++p->asked);
    s->ops->send(s->ctx, ping);
}

// False: no memory.
static bool hold(struct pace *p, const char *line)
{
    size_t n = strlen(line) + 1;
    if (p->from > 0 && p->room - p->size < n) {
        memmove(p->held, p->held + p->from, p->size - p->from);
        p->size -= p->from;
        p->from = 0;
    }
    if (p->room - p->size < n) {
        size_t room = 2 * p->room + n;
        char *more = realloc(p->held, room);
        if (!more)
            return false;
        p->held = more;
        p->room = room;
    }
    memcpy(p->held + p->size, line, n);
    p->size += n;
    return true;
}

// The server waits for the one; with the other we go.
static bool is_urgent(const char *line)
{
    static const char *const words[] = {"PONG", "QUIT"};
    size_t size = strcspn(line, " ");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i]) == size && memcmp(line, words[i], size) == 0)
            return true;
    return false;
}

void pace_send(struct session *s, const char *line)
{
    struct pace *p = &s->pace;
    bool waits = pace_holds(s) || !is_open(p);
    if (!waits || is_urgent(line) || !hold(p, line))
        send_now(s, line);
}

void pace_on_pong(struct session *s, const struct message *m)
{
    struct pace *p = &s->pace;
    unsigned long number;
    if (sscanf(message_last(m), "pace-%lu", &number) != 1 || number > p->asked ||
        number <= p->answered)
        return;
    p->answered = number;
    while (pace_holds(s) && is_open(p)) {
        const char *line = p->held + p->from;
        p->from += strlen(line) + 1;
        send_now(s, line);
    }
    if (!pace_holds(s))
        pace_end(s);
}

bool pace_holds(const struct session *s)
{
    return s->pace.from < s->pace.size;
}

void pace_end(struct session *s)
{
    struct pace *p = &s->pace;
    free(p->held);
    p->held = NULL;
    p->from = p->size = p->room = 0;
}
