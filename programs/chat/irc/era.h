// SPDX-License-Identifier: MIT
// era.h - which part of a room's history those see who are in the room.
//
// While one needs a key or an invitation to come in, the room has an era, and so has what is said
// there. Who is in the room sees what was said in the open, and in its era; so what was said behind
// a key can be read behind that key and nowhere else. An era begins when the room becomes guarded,
// and goes on when the key is changed. A key that opens an era of before leads back to it, in
// a room that is there, and by JOIN in one that is not. What is said where one must be invited has
// no key; it can be read as long as that room is there, and guarded.
#ifndef WEFT_CHAT_IRC_ERA_H
#define WEFT_CHAT_IRC_ERA_H

#include "chat/irc/session.h"

// The room's modes have changed, and nothing was said since.
void era_follow(struct irc *irc, struct room *room);
// The room was made just now, by somebody with this key: if the key opens what was said there, the
// room has the key again.
void era_enter(struct irc *irc, struct room *room, const char *key);
// Somebody has come in with a key: if the room is open, and the key opens what was said behind it,
// he is told that nobody is behind it now.
void era_warn(struct session *s, const struct room *room, const char *key);
void era_close(struct hub *hub, const struct room *room); // hub->on_close

#endif
