// SPDX-License-Identifier: MIT
// history.h - what is kept of the events, and CHATHISTORY (IRCv3), which asks for it.
#ifndef WEFT_CHAT_IRC_HISTORY_H
#define WEFT_CHAT_IRC_HISTORY_H

#include "chat/irc/place.h"
#include "chat/irc/session.h"
#include "chat/store/store.h"

// The hub's record: what is worth keeping of what happens in a room.
void history_record(struct hub *hub, const struct room *room, struct event *event);
// Say whether, and how long, what is said is kept: at each JOIN to a client that knows standard
// replies; else once, on arrival, as clients do not expect a notice among the answers to JOIN.
void history_tell_kept(struct session *s, const struct room *room);
void history_tell_all_kept(struct session *s);
// A message from one user to another.
void history_record_private(struct user *from, struct user *to, struct event *event);

// What was said before is on disk, or we have waited long enough. Waits.
void history_catch_up(struct irc *irc);
// "2026-01-31T23:59:59.999Z" as milliseconds; false: it is none.
bool history_read_time(const char *text, int64_t *ms);
// How many messages are wanted, at most `most`; false: it is no number, or none.
bool history_read_limit(const char *word, int most, size_t *limit);
// The rooms that the client is in, to be freed with their count; NULL without memory.
struct store_conversation *history_rooms(struct session *s, size_t *count);
void history_rooms_free(struct store_conversation *rooms, size_t count);

// Ask the index, once it has what was said before, and play what it finds as a batch of this type,
// or say why `command` fails. Waits. search.c
typedef int history_asks(struct store *store, const struct store_search *search,
                         struct store_rows **rows);
void history_find(struct session *s, const char *command, const char *type, history_asks *asks,
                  const struct store_search *search);

#endif
