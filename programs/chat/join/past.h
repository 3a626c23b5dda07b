// SPDX-License-Identifier: MIT
// past.h - what was said in a room before we came, or while we were away (IRCv3 chathistory), and
// the batches in which it comes.
//
// A room is asked about when we have joined it. What is said in it meanwhile is held, and told
// after the answer: so it is told in its order. Whether a line was told before is for those to find
// out who have the lines: it has its message's id.
//
// Later, what is older than all that we have of a room is asked for page by page, as far as the
// user goes back. Nothing is held for that: it has its place before the rest.
#ifndef WEFT_CHAT_JOIN_PAST_H
#define WEFT_CHAT_JOIN_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chat/join/message.h"

enum {
    NAME_ROOM = 160,
    PAST_ID = 128,     // of a message, with its end; a longer id is as none
    PAST_BATCHES = 16, // open at a time; the lines of others are as without one
    PAST_WAITS = 100,  // rooms that are asked about at a time; others are not
    PAST_HELD = 500,   // lines; when there are more, those of the room are told too early
    PAST_LINES = 100,  // to ask for at a time
    PAST_PAGES = 50,   // of them, before one gives up
};

struct session;
struct news;
struct held;

// Where our knowledge of a room ends, or begins.
struct past_mark {
    char id[PAST_ID]; // of the last (or first) message in it; "": there was none
    int64_t time_s;   // of that message, or when we came
    int millis;       // of that second
};

enum past_way {
    PAST_LIVE,   // it happens now
    PAST_OLD,    // before we first came
    PAST_MISSED, // while we were away
    PAST_FOUND,  // it was asked for: a search
    PAST_OLDER,  // before all that we have of the room
};

struct past_batch {
    char reference[64]; // "": none
    enum past_way way;
    bool top; // not inside another of the past
    bool one; // its lines are one message: of this id and time
    char id[PAST_ID];
    int64_t time_s;
    int millis;
    int count;            // of lines
    char room[NAME_ROOM]; // of a wait, or ""
};

struct past_wait {
    char room[NAME_ROOM]; // "": none
    enum past_question {
        PAST_LATEST,
        PAST_AFTER_ID,
        PAST_AFTER_TIME,
        PAST_BEFORE_ID, // these two are by the user's leave, and hold nothing
        PAST_BEFORE_TIME,
    } question;
    unsigned long number;  // of the PING behind the question
    int pages;             // that came
    struct past_mark mark; // goes on with the answer
};

struct past {
    struct past_batch batches[PAST_BATCHES];
    struct past_wait waits[PAST_WAITS];
    unsigned long asked; // questions
    struct held *first, *last;
    int held_count;
    char id[PAST_ID]; // of the line that is being heard
};

// We are joining this room: ask, if the server keeps a history and can tell it.
void past_ask(struct session *s, const char *room);
// What is older than the mark, where our knowledge of the room begins: a page as PAST_OLDER, or
// NEWS_BEGINNING. False: not asked, because past_ask would not, or the room's last question is not
// answered yet.
bool past_ask_older(struct session *s, const char *room, const struct past_mark *first);
// What the tags of a line say of it goes into the news: id, time, way. `now` as in message_time.
void past_describe(struct session *s, const struct message *m, struct news *news);
// True: it is kept, and told later.
bool past_holds(struct session *s, const struct news *news);
// Whether a line is of the past, where only speech is of interest.
bool past_skips(struct session *s, const struct message *m);

void past_on_batch(struct session *s, const struct message *m);
void past_on_pong(struct session *s, const struct message *m);
// FAIL CHATHISTORY; true: the question is asked in another way, or the answer is that nothing older
// is there, and there is no error to tell.
bool past_on_fail(struct session *s, const struct message *m);

// Nothing more comes. What is held is dropped: it is part of the next answer.
void past_end(struct session *s);

#endif
