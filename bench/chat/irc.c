// SPDX-License-Identifier: MIT
// irc.c - IRC as one who only listens and speaks needs it; also inside TLS and WebSocket.
//
// Of what comes, a text of the own room is looked at byte by byte: who says it, the head before it,
// and, where they were asked for, the tags. An error of the server ends the program.
#define _GNU_SOURCE // memmem
#include "carriers.h"

enum { LINES_END = 2 }; // bytes: CR LF

static size_t hello(const struct member *m, char *out)
{
    return (size_t)snprintf(out, LONGEST, "NICK m%d\r\nUSER m 0 * :m\r\n", m->number);
}

static size_t hello_with_tags(const struct member *m, char *out)
{
    return (size_t)snprintf(out, LONGEST,
                            "CAP LS 302\r\nCAP REQ :message-tags server-time\r\n"
                            "NICK m%d\r\nUSER m 0 * :m\r\nCAP END\r\n",
                            m->number);
}

static size_t join(const struct member *m, char *out)
{
    return (size_t)snprintf(out, LONGEST, "JOIN %s\r\n", m->room->name);
}

static size_t say(const struct member *m, const char *text, char *out)
{
    return (size_t)snprintf(out, LONGEST, "PRIVMSG %s :%s\r\n", m->room->name, text);
}

// ---- what comes -----------------------------------------------------------------------------

static bool begins(const char *at, const char *end, const char *word)
{
    size_t size = strlen(word);
    return (size_t)(end - at) >= size && memcmp(at, word, size) == 0;
}

static bool has(const char *at, const char *end, const char *word)
{
    return memmem(at, (size_t)(end - at), word, strlen(word)) != NULL;
}

static void *refused(const char *line, const char *end)
{
    static char why[256];
    snprintf(why, sizeof why, "the server says: %.*s", (int)(end - line), line);
    return die(why);
}

static const char *after_word(const char *at, const char *end)
{
    const char *space = memchr(at, ' ', (size_t)(end - at));
    return space ? space : end;
}

// `at` is behind the author. Whether it is a text, of the one who speaks in this room.
static bool take_text(const struct member *m, const char *author, const char *at, const char *end,
                      struct unit *u)
{
    char name[16];
    size_t head = m->room->head_size;
    if ((size_t)(end - at) < head || memcmp(at, m->room->head, head) != 0)
        return false;
    snprintf(name, sizeof name, ":m%d!", m->room->members->number);
    if (!begins(author, at, name))
        refused(author, end);
    *u = (struct unit){SPOKEN, at + head, (size_t)(end - at) - head};
    return true;
}

static enum happening meaning(const char *author, const char *at, const char *end)
{
    if (begins(at, end, " 001 "))
        return WELCOME;
    if (begins(at, end, " 366 "))
        return INSIDE;
    if (begins(at, end, " JOIN "))
        return CAME;
    bool is_error = begins(at, end, " 4") || begins(at, end, " 5") || begins(at, end, " PRIVMSG ");
    if (is_error && !begins(at, end, " 422 "))
        refused(author, end);
    return NOTHING;
}

// Answers a PING: the answer without its line's end into `out`; 0: it is none.
static size_t answer_ping(const char *line, const char *end, char *out)
{
    if (!begins(line, end, "PING"))
        return 0;
    return (size_t)snprintf(out, LONGEST, "PONG%.*s", (int)(end - line) - 4, line + 4);
}

// A line without its end and its tags.
static void take_line(struct member *m, const char *line, const char *end, struct unit *u)
{
    if (begins(line, end, "ERROR"))
        refused(line, end);
    const char *at = after_word(line, end);
    if (!take_text(m, line, at, end, u))
        u->what = meaning(line, at, end);
}

// One line; how long it is, 0: it is not whole. `end` is where it ends without CR LF.
static size_t find_line(const char *bytes, size_t size, const char **end)
{
    const char *newline = memchr(bytes, '\n', size);
    if (!newline)
        return 0;
    *end = newline > bytes && newline[-1] == '\r' ? newline - 1 : newline;
    return (size_t)(newline - bytes) + 1;
}

static void pong(struct member *m, const char *line, const char *end)
{
    char out[LONGEST + LINES_END];
    size_t size = answer_ping(line, end, out);
    if (size == 0)
        return;
    memcpy(out + size, "\r\n", LINES_END);
    member_send(m, out, size + LINES_END);
}

static size_t take(struct member *m, const char *bytes, size_t size, struct unit *u)
{
    const char *end;
    size_t taken = find_line(bytes, size, &end);
    if (taken == 0)
        return 0;
    take_line(m, bytes, end, u);
    if (u->what == NOTHING)
        pong(m, bytes, end);
    return taken;
}

static size_t take_with_tags(struct member *m, const char *bytes, size_t size, struct unit *u)
{
    const char *end, *line = bytes;
    size_t taken = find_line(bytes, size, &end);
    if (taken == 0)
        return 0;
    if (*bytes == '@') {
        line = after_word(bytes, end);
        line += line < end;
    }
    take_line(m, line, end, u);
    if (u->what == SPOKEN && !(has(bytes, line, "time=") && has(bytes, line, "msgid=")))
        refused(bytes, end);
    if (u->what == NOTHING)
        pong(m, line, end);
    return taken;
}

const struct protocol irc = {
    .name = "irc", .hello = hello, .join = join, .say = say, .take = take, .tells_who_came = true};
const struct protocol irc_tags = {.name = "irc_tags",
                                  .hello = hello_with_tags,
                                  .join = join,
                                  .say = say,
                                  .take = take_with_tags,
                                  .tells_who_came = true};
const struct protocol irc_tls = {.name = "irc_tls",
                                 .hello = hello,
                                 .join = join,
                                 .say = say,
                                 .take = take,
                                 .shake_hands = tls_shake_hands,
                                 .tells_who_came = true};

// ---- inside WebSocket: a frame for each line ---------------------------------------------------

static size_t framed(size_t size, char *out)
{
    if (size > 0)
        size -= LINES_END;
    return websocket_wrap(out, size);
}

// Several lines of one call: each gets its frame.
static size_t hello_websocket(const struct member *m, char *out)
{
    size_t nick = websocket_wrap(out, (size_t)snprintf(out, LONGEST, "NICK m%d", m->number));
    char *user = out + nick;
    return nick + websocket_wrap(user, (size_t)snprintf(user, LONGEST, "USER m 0 * :m"));
}

static size_t join_websocket(const struct member *m, char *out)
{
    return framed(join(m, out), out);
}

static size_t say_websocket(const struct member *m, const char *text, char *out)
{
    return framed(say(m, text, out), out);
}

static size_t take_websocket(struct member *m, const char *bytes, size_t size, struct unit *u)
{
    const char *line;
    char out[2 * LONGEST];
    size_t length, taken = websocket_unwrap(bytes, size, &line, &length);
    if (taken == 0)
        return 0;
    take_line(m, line, line + length, u);
    if (u->what == NOTHING && (length = answer_ping(line, line + length, out)) > 0)
        member_send(m, out, websocket_wrap(out, length));
    return taken;
}

const struct protocol irc_websocket = {.name = "irc_websocket",
                                       .hello = hello_websocket,
                                       .join = join_websocket,
                                       .say = say_websocket,
                                       .take = take_websocket,
                                       .shake_hands = websocket_shake_hands,
                                       .tells_who_came = true};
