// SPDX-License-Identifier: MIT
// nats.c - core NATS: who subscribes to a subject hears what is published there.
#include "chat.h"

static const char *subject(const struct member *m)
{
    return m->room->name + 1; // without '#'
}

static size_t hello(const struct member *m, char *out)
{
    (void)m;
    return (size_t)snprintf(out, LONGEST,
                            "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false}\r\n");
}

static size_t join(const struct member *m, char *out)
{
    return (size_t)snprintf(out, LONGEST, "SUB %s 1\r\nPING\r\n", subject(m));
}

static size_t say(const struct member *m, const char *text, char *out)
{
    return (size_t)snprintf(out, LONGEST, "PUB %s %d\r\n%s\r\n", subject(m), TEXT, text);
}

// A text behind its head, which ends at `line`. The bytes of both, 0: not all are there.
static size_t take_text(const struct member *m, const char *bytes, size_t size, size_t line,
                        struct unit *u)
{
    char head[LONGEST];
    int head_size = snprintf(head, sizeof head, "MSG %s 1 %d\r\n", subject(m), TEXT);
    if (line != (size_t)head_size || memcmp(bytes, head, line) != 0)
        die("a text was altered: its head is not that of one");
    if (size < line + TEXT + 2)
        return 0;
    if (memcmp(bytes + line + TEXT, "\r\n", 2) != 0)
        die("a text was altered: it is longer");
    *u = (struct unit){SPOKEN, bytes + line, TEXT};
    return line + TEXT + 2;
}

static size_t take(struct member *m, const char *bytes, size_t size, struct unit *u)
{
    const char *newline = memchr(bytes, '\n', size);
    if (!newline)
        return 0;
    size_t line = (size_t)(newline - bytes) + 1;
    if (*bytes == 'M')
        return take_text(m, bytes, size, line, u);
    if (line >= 4 && memcmp(bytes, "INFO", 4) == 0)
        u->what = WELCOME;
    else if (line >= 4 && memcmp(bytes, "PONG", 4) == 0)
        u->what = INSIDE;
    else if (line >= 4 && memcmp(bytes, "PING", 4) == 0)
        member_send(m, "PONG\r\n", 6);
    else
        die("the server says something else than NATS");
    return line;
}

const struct protocol nats = {
    .name = "nats", .hello = hello, .join = join, .say = say, .take = take};
