// SPDX-License-Identifier: MIT
// out.c - see session.h: how lines leave, one after another or as the answer to a label.
//
// Lines are put together in one place for all sessions, irc->scratch: nobody waits while one is
// there, and a fiber's stack stays small. What a labelled command says to its own client is held
// back until the command has ended, because only then is known whether it is no line, one, or a
// batch (labeled-response).
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/irc/hold.h"
#include "chat/irc/labelled.h"
#include "chat/irc/deliver.h"
#include "chat/irc/session.h"
#include "common/utf8.h"

const char *shortened(char *text, size_t most)
{
    text[utf8_cut(text, strlen(text), most)] = '\0';
    return text;
}

const char *shown_up_to(char *word, size_t most)
{
    return !*word || *word == ':' || strchr(word, ' ') ? "*" : shortened(word, most);
}

const char *shown(char *word)
{
    return shown_up_to(word, WORD_SHOWN);
}

const char *session_name(const struct session *s)
{
    return s->registered ? s->user.name : "*";
}

// The client does not read, or its connection broke: its own task finds that out, and ends it.
static void mark(struct session *s, int rc)
{
    s->ended = true;
    s->dropped = rc == -ENOBUFS ? "too slow" : "connection lost";
    s->drop = rc == -ENOBUFS ? DROP_SLOW : DROP_LOST;
    (void)user_set_text(&s->reason, rc == -ENOBUFS ? "Too slow" : "Connection lost");
    s->wake(s->task);
}

void session_post(struct session *s, const char *lines, size_t size)
{
    if (s->ended)
        return;
    int rc = s->hold ? hold_add(s, lines, size) : s->wire->ops->post(s->wire, lines, size);
    if (rc < 0)
        mark(s, rc);
}

struct labelled *answer_aside(struct session *s)
{
    struct labelled *answer = s->answer;
    s->answer = NULL;
    return answer;
}

void say(struct session *s, const char *tags, const char *body)
{
    struct irc *irc = s->irc;
    if (s->answer && labelled_add(s->answer, tags, body))
        return;
    size_t length = strlen(body);
    length = utf8_cut(body, length, LINE_BODY_MAX);
    int size = snprintf(irc->scratch, sizeof irc->scratch, "%s%s%s%.*s\r\n", tags ? "@" : "",
                        tags ? tags : "", tags ? " " : "", (int)length, body);
    session_post(s, irc->scratch, (size_t)size);
}

// A line that is put together here leaves room in front for "@time=... ".
enum { TIME_TAG = sizeof "@time= " - 1 + TIME_TEXT - 1, LINE_ROOM = SCRATCH - TIME_TAG - 2 };

// The line of `size` bytes behind that room goes out, cut to what a line may have.
static void say_scratch(struct session *s, int size)
{
    char *line = s->irc->scratch + TIME_TAG, *begin = line;
    char tags[TIME_TAG + 1];
    size_t length = utf8_cut(line, size < LINE_ROOM ? (size_t)size : LINE_ROOM - 1, LINE_BODY_MAX);
    line[length] = '\0';
    tags[0] = '\0';
    if (s->caps & CAP_TIME) {
        char at[TIME_TEXT];
        time_text(s->irc->hub->now(s->irc->hub), at);
        (void)snprintf(tags, sizeof tags, "@time=%s ", at);
        begin = memcpy(line - TIME_TAG, tags, TIME_TAG);
        tags[TIME_TAG - 1] = '\0';
    }
    if (s->answer && labelled_add(s->answer, *tags ? tags + 1 : NULL, line))
        return;
    memcpy(line + length, "\r\n", 2);
    session_post(s, begin, (size_t)(line - begin) + length + 2);
}

void reply(struct session *s, enum numeric number, const char *fmt, ...)
{
    char *line = s->irc->scratch + TIME_TAG;
    va_list args;
    int size = sprintf(line, ":%s %03d %s ", s->irc->set.name, number, session_name(s));
    va_start(args, fmt);
    size += vsnprintf(line + size, LINE_ROOM - (size_t)size, fmt, args);
    va_end(args);
    say_scratch(s, size);
}

size_t reply_room(const struct session *s)
{
    size_t before = strlen(s->irc->set.name) + strlen(session_name(s)) + sizeof ": 000  " - 1;
    return LINE_BODY_MAX - before;
}

void tell(struct session *s, const char *fmt, ...)
{
    char *line = s->irc->scratch + TIME_TAG;
    va_list args;
    int size = sprintf(line, ":%s ", s->irc->set.name);
    va_start(args, fmt);
    size += vsnprintf(line + size, LINE_ROOM - (size_t)size, fmt, args);
    va_end(args);
    say_scratch(s, size);
}

void fail(struct session *s, const char *command, const char *code, const char *context,
          const char *text)
{
    tell(s, "FAIL %s %s %s%s:%s", command, code, context, *context ? " " : "", text);
}
