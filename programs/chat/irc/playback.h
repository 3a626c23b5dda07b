// SPDX-License-Identifier: MIT
// playback.h - rows of the history as lines of IRC.
#ifndef WEFT_CHAT_IRC_PLAYBACK_H
#define WEFT_CHAT_IRC_PLAYBACK_H

#include "chat/irc/session.h"
#include "chat/store/store.h"

// A batch of these messages, as they were sent; without `batch` the lines alone. rows may be NULL.
void play_back(struct session *s, const char *target, const struct store_rows *rows);
// What a search has found, oldest first: rows come newest first.
void play_found(struct session *s, const struct store_rows *rows);
// CHATHISTORY TARGETS: whom each of these rows is of, and when it was.
void play_targets(struct session *s, const struct store_rows *rows);

#endif
