// SPDX-License-Identifier: MIT
// model.h - what the screen is about: rooms, who is in them, what was said, what was not seen yet.
//
// It knows no protocol and no terminal. Texts are made fit to be shown when they come in (text.h),
// so that whatever draws them has nothing dangerous in its hands. When memory runs out a line or a
// member is missing, and `short_of_memory` says so.
#ifndef WEFT_CHAT_JOIN_MODEL_H
#define WEFT_CHAT_JOIN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chat/join/names.h"

enum { MODEL_ROOMS = 100, MODEL_LINES = 5000 };

enum said_kind { SAID_TEXT, SAID_ACTION, SAID_NOTICE, SAID_EVENT, SAID_ERROR };

// One line of a room: "<alice> hello", "* alice waves", "-- bob has joined".
struct said {
    int64_t time_s;
    int millis; // of that second
    enum said_kind kind;
    bool mine, mention; // by us; calls us
    bool date;          // the date of the lines below it
    char *text;         // with the name in it
    size_t size, head;  // bytes; of them the name and what stands around it
    char *id;           // of the message; NULL: none
};

struct member {
    char *nick;
    char rank;      // '@' and the like, 0: none
    uint64_t spoke; // when, as the count of all lines; 0: not yet
};

struct room {
    char *name, *topic; // the topic NULL: none
    bool channel;       // not a private talk, nor the server's own room
    bool joined;
    bool lists;                      // the members that come next are to be shown
    bool stale;                      // the members are to be replaced by those that come next
    bool kept_told;                  // whether what is said here is kept
    int64_t since_s;                 // when we first came; 0: we did not yet
    char *doubled;                   // id of the message that was left out last; NULL: none was
    struct said *lines[MODEL_LINES]; // a ring: the oldest at `first`
    size_t first, count;
    uint64_t added; // lines, ever; the newest is number `added`, the oldest added - count + 1
    uint64_t older; // the line before which the next older one goes
    bool begun;     // the room has the beginning of its history
    struct member *members;
    size_t member_count, member_room;
    int unread, mentions;
    // Scrolled back: the lowest row that is shown is of this line, with so many of its rows below
    // it. 0: the newest line is at the bottom.
    uint64_t bottom;
    int hidden;
};

struct model {
    struct room *rooms[MODEL_ROOMS]; // the first is the server's, and always there
    int count, active;
    enum casemap casemap;
    char nick[160];
    char state[160]; // of the connection, when it is not well: "connecting..."; "": it is
    uint64_t spoken;
    bool short_of_memory;
};

// -ENOMEM, or 0.
int model_init(struct model *m, const char *server);
void model_release(struct model *m);

// By its name, or NULL; model_room makes it if it is not there. NULL: no memory, or too many.
struct room *model_find(const struct model *m, const char *name);
struct room *model_room(struct model *m, const char *name, bool channel);
struct room *model_active(const struct model *m);
void model_close(struct model *m,
                 struct room *r); // not the first; the one before it is active then
// Show it: by its number from 0, or so many further round the circle. Its marks go out.
void model_show(struct model *m, int index);
void model_turn(struct model *m, int by);
int model_index(const struct model *m, const struct room *r);

// A line at the end of a room. Names may be NULL with the last two kinds. Text of others that calls
// us, or any in a private talk, is a mention. A first line of another day has a line with the date
// before it.
struct speech {
    enum said_kind kind;
    int64_t time_s;
    int millis; // of that second
    const char *who, *text;
    const char *id; // NULL or "": none
    bool mine, old; // old: it was said before we came, and is not counted as not seen
};
void model_add(struct model *m, struct room *r, const struct speech *speech);
// Lines that are older than all that was said in the room, in their order: the first call before
// them. They go directly before model_first, with dates as above. What is looked at stays where it
// is. In a full room the oldest lines make way, as ever.
void model_begin_older(struct room *r);
void model_add_older(struct model *m, struct room *r, const struct speech *speech);
// One that the program itself says, now.
void model_note(struct model *m, struct room *r, enum said_kind kind, int64_t now_s,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
// Line number n, counted from 1; NULL: it is not there (any more).
const struct said *model_line(const struct room *r, uint64_t number);
// The newest line with this id, or, with NULL, with any. NULL: there is none.
const struct said *model_said(const struct room *r, const char *id);
// The oldest line that somebody said, else the oldest of all; NULL: there is none.
const struct said *model_first(const struct room *r);
// A message was deleted: its lines have no words any more. False: there are none.
bool model_blank(struct room *r, const char *id);

void model_set_topic(struct model *m, struct room *r, const char *topic);
struct member *model_member(const struct model *m, const struct room *r, const char *nick);
void model_enter(struct model *m, struct room *r, const char *nick, char rank);
bool model_leave(struct model *m, struct room *r, const char *nick); // whether he was there
void model_rename(struct model *m, struct room *r, const char *nick, const char *new_nick);
void model_empty(struct room *r); // of its members

#endif
