// SPDX-License-Identifier: MIT
// monitor.h - MONITOR: told when certain names come and go.
#ifndef WEFT_CHAT_IRC_MONITOR_H
#define WEFT_CHAT_IRC_MONITOR_H

#include "chat/irc/session.h"

void watch_clear(struct session *s); // it watches nobody any more
// A name came or went: its watchers are told. The hub's on_presence.
void watch_presence(struct hub *hub, struct user *user, bool here);
// What happened to a user, to those of its watchers that asked for it (extended-monitor) and share
// no room with it, and so were not told by peers_tell just before, whose visit still counts.
void watch_tell(struct user *user, struct event *event);
void on_monitor(struct session *s, const struct line *line);

#endif
