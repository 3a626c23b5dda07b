// SPDX-License-Identifier: MIT
// event.h - something that happened, worded once for all who get it in the same words.
//
// An event lies on the stack of who makes it, and is told before that returns; what is for later
// (history, an echo that waits for the disk) is a copy. A door that words it keeps its wording
// here, under what it depends on (for IRC the capabilities that change the bytes), so that a
// message to a thousand members is worded a few times, and never once for each.
//
//     struct event e = event_of(EVENT_MESSAGE, user);
//     e.target = room->name;
//     e.text = "hello";
//     room_tell(room, &e, user, 0);
//     event_end(&e);
#ifndef WEFT_CHAT_EVENT_H
#define WEFT_CHAT_EVENT_H

#include "chat/hub/hub.h"

// The numbers stand in the history: new kinds come at the end.
enum event_kind {
    EVENT_MESSAGE,   // target, text
    EVENT_NOTICE,    // target, text
    EVENT_TAGS,      // target; only client_tags
    EVENT_JOIN,      // target
    EVENT_PART,      // target, text or NULL
    EVENT_QUIT,      // text
    EVENT_KICK,      // target, whom, text
    EVENT_TOPIC,     // target, text
    EVENT_MODE,      // target, text: letters and parameters, as they are sent
    EVENT_NICK,      // target: the new name
    EVENT_INVITE,    // target: the room; whom
    EVENT_AWAY,      // text or NULL: back again
    EVENT_HOST,      // whom: the new login; text: the new host
    EVENT_NAME,      // text: the new "real name"
    EVENT_WALLOPS,   // text
    EVENT_REDACTION, // target, whom: the id of the message that is deleted; text: why, or NULL
};

// A message of several lines is one event, and may be far longer than a line of IRC. Its text has
// LINE_BREAK between two lines, and LINE_JOINT where a line goes on in the next one, which is only
// so because lines are short.
#define LINE_BREAK '\n'
#define LINE_JOINT '\r'
#define LINE_ENDS "\n\r" // the two

enum { EVENT_ID_SIZE = 17, EVENT_FORMS = 9 };

struct event_form {
    unsigned key;
    size_t size;
    char *bytes; // owned
};

struct event {
    enum event_kind kind;
    struct user *from;       // NULL: the server
    const char *source;      // who, as it was then
    const char *target;      // a room with or without a rank's prefix, or a name
    const char *whom;        // see the kinds
    const char *text;        // may be NULL
    const char *client_tags; // "+typing=active;+x=y", checked and escaped. NULL: none
    struct room *room;       // where it happened; NULL: in none
    int64_t number; // of the last record in the history; 0: not kept, less: why it could not be
    bool several;   // was sent as a message of several lines, also if it has one
    int records;    // of it: one for each room where it happened
    int64_t at;
    char id[EVENT_ID_SIZE]; // unique, also after a restart
    int form_count;
    struct event_form forms[EVENT_FORMS];
};

// An id that no event has, nor will have.
void event_make_id(struct hub *hub, int64_t at, char out[EVENT_ID_SIZE]);
// Now, by this user; and in this room, which is its target too.
struct event event_of(enum event_kind kind, struct user *from);
struct event event_in(struct room *room, enum event_kind kind, struct user *from);
// Whether a line of the text is for programs (CTCP), but for an ACTION: who knows of no messages of
// several lines gets each as a message. NULL has no lines.
bool event_has_ctcp(const char *text);
// The wording under `key`, or NULL. Adding one: it takes over `bytes`; NULL for want of room, which
// cannot be if all doors together have no more than EVENT_FORMS keys for an event: IRC 8, plain 1.
const struct event_form *event_form_find(const struct event *event, unsigned key);
const struct event_form *event_form_add(struct event *event, unsigned key, char *bytes,
                                        size_t size);
void event_end(struct event *event);

#endif
