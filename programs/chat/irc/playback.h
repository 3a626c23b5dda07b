// SPDX-License-Identifier: MIT
// playback.h - rows of the history as lines of IRC.
#ifndef WEFT_CHAT_IRC_PLAYBACK_H
#define WEFT_CHAT_IRC_PLAYBACK_H

#include "chat/irc/session.h"
#include "chat/store/store.h"

// A batch of these messages, as they were sent; without `batch` the lines alone. rows may be NULL.
void play_back(struct session *s, const char *target, const struct store_rows *rows);
// What was found, oldest first, as a batch of this type: rows come newest first, and may be NULL.
// Who knows no batches would take old lines for new ones: it gets notices for people to read.
void play_found(struct session *s, const char *type, const struct store_rows *rows);
// CHATHISTORY TARGETS: whom each of these rows is of, and when it was. Of those that can be asked
// for at most `most`: the first ones, or if it goes `backward` the last. -ENOMEM: nothing is said.
int play_targets(struct session *s, const struct store_rows *rows, long most, bool backward);

#endif
