// SPDX-License-Identifier: MIT
// history.h - what is kept of the events, and CHATHISTORY (IRCv3), which asks for it.
#ifndef WEFT_CHAT_IRC_HISTORY_H
#define WEFT_CHAT_IRC_HISTORY_H

#include "chat/irc/session.h"

// The hub's record: what is worth keeping of what happens in a room.
void history_record(struct hub *hub, const struct room *room, struct event *event);
// A message from one user to another.
void history_record_private(struct user *from, struct user *to, struct event *event);

void on_chathistory(struct session *s, const struct line *line);

#endif
