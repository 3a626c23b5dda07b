// SPDX-License-Identifier: MIT
// session.h - the IRC protocol of a client, without its socket: lines of the server become news,
// what the user wants becomes lines to the server.
//
// Who gets the news is the screen's model (news.h) or a pipe (pipe.c). Nothing here waits.
#ifndef WEFT_CHAT_JOIN_SESSION_H
#define WEFT_CHAT_JOIN_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "chat/join/message.h"
#include "chat/join/names.h"
#include "chat/join/pace.h"
#include "chat/join/past.h"

enum { SESSION_LINE = 512, REFUSED_PASSWORD = 464 };

enum news_kind {
    NEWS_WELCOME, // registered; `who` is what we are called
    NEWS_REFUSED, // the server does not let us in: `text`
    NEWS_SAID,
    NEWS_ACTION, // /me
    NEWS_NOTICE,
    NEWS_JOIN,
    NEWS_PART,
    NEWS_KICK,   // `other` was put out by `who`
    NEWS_INVITE, // `who` invites us to the room
    NEWS_QUIT,
    NEWS_NICK,    // `who` is called `other` now
    NEWS_TOPIC,   // `who` set it; "": it was so before
    NEWS_MEMBERS, // `text`: some of those who are there, with their ranks in front
    NEWS_MEMBERS_END,
    NEWS_TELL, // something the server says: an answer, a mode
    NEWS_ERROR,
    NEWS_CLOSING,   // the server is about to close the connection: `text` says why
    NEWS_KEPT,      // `text`: whether and how long the room keeps what is said
    NEWS_REDACTED,  // `who` has deleted the message `id`; `text` says why, or ""
    NEWS_FOUND_END, // of what was told as PAST_FOUND; `text` says how much it was
    NEWS_BEGINNING, // nothing is older than what we have of the room
};

// Texts are the server's bytes, and live during the call.
struct news {
    enum news_kind kind;
    int numeric; // 0: none
    int64_t time_s;
    int millis;       // of that second
    const char *room; // or the partner of a private talk; "": the server as such
    const char *who, *other, *text;
    const char *id; // of the message; "": it has none
    bool mine;      // it is by us, or in NEWS_KICK happens to us
    bool more;      // another line of the message that was told before it
    enum past_way way;
};

struct session;

struct session_ops {
    void (*send)(void *ctx, const char *line); // without its end; at most 510 bytes
    void (*tell)(void *ctx, const struct news *news);
    int64_t (*now_s)(void *ctx);
    // What we know of a room: true, and where that ends. False: we come for the first time.
    // NULL: the past is of no interest.
    bool (*last)(void *ctx, const char *room, struct past_mark *mark);
};

struct session_options {
    const char *nick;     // "": the login's name
    const char *password; // "": none
    bool echo;            // ask for our own lines as the server has them, and for the past
};

struct session {
    const struct session_ops *ops;
    void *ctx;
    struct session_options options;
    char nick[NAME_ROOM]; // what we are called now, or try to be
    char mask[NAME_ROOM]; // our user@host as others see it; "": not known yet
    char ranks[16];       // what stands before names, highest first: "~&@%+"
    char kinds[16];       // what rooms begin with: "#"
    enum casemap casemap;
    char wanted[240]; // capabilities to ask for: those that we know and that are there
    bool echo;        // our own lines come back
    bool history;     // the past can be asked for
    int history_most; // lines at a time; 0: the server does not say
    bool registered;
    int tries; // of nicks
    struct past past;
    struct pace pace;
};

// The strings of options are the caller's, and stay. Each begin has its end, when the connection is
// over.
void session_begin(struct session *s, const struct session_options *options,
                   const struct session_ops *ops, void *ctx);
void session_over(struct session *s);
// Introduce us: the first lines of a connection.
void session_greet(struct session *s);
// One line from the server, without its end; taken apart in place.
void session_hear(struct session *s, char *line);

bool session_is_room(const struct session *s, const char *name);
// Say it: split at characters where it is too long for a line, `action` as by /me. Without the echo
// it is news at once. Empty texts are not sent.
void session_say(struct session *s, const char *target, const char *text, bool action);
// A line as printf makes it. What does not fit is cut at a character; it ends at a line's end.
// It may wait until the server has taken those before it (pace.h).
void session_send(struct session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
