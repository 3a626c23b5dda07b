// SPDX-License-Identifier: MIT
// mode.h - what the parts of MODE share: mode.c, mode_lists.c, mode_user.c.
#ifndef WEFT_CHAT_IRC_MODE_H
#define WEFT_CHAT_IRC_MODE_H

#include "chat/irc/limits.h"
#include "chat/irc/session.h"

// One command on its way through its letters.
struct mode_change {
    struct session *s;
    struct room *room;
    struct member *member;  // the client's place in it, or NULL
    bool on;                // behind a '+'
    bool refused;           // was told that its rank is too low: once is enough
    bool shown[ROOM_LISTS]; // has seen this list: likewise
    char sign;              // of the last letter in `letters`
    // what has changed and was not told yet, which fits into one line: letters with signs, and a
    // space before each value
    char letters[LINE_BODY_MAX + 1], values[LINE_BODY_MAX + 1];
};

// Something has changed; value may be NULL. The room is told when the line is full.
void mode_note(struct mode_change *c, char letter, const char *value);
// Whether who asks has this rank; false: told so.
bool mode_allowed(struct mode_change *c, unsigned rank);

// A change as it was told, "+kl key 5", as it is kept and told later: "+kl * 5". Else the open
// history would have keys in it, of those that were set for a moment and of those of old.
void mode_hide_key(const char *text, char out[LINE_BODY_MAX + 1]);

void mode_set_rank(struct mode_change *c, char letter, unsigned rank, char *nick);
void mode_set_list(struct mode_change *c, enum room_list list, const char *written);
void mode_of_user(struct session *s, const struct line *line);

#endif
