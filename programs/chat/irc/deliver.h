// SPDX-License-Identifier: MIT
// deliver.h - the words of an event in IRC; also for what is played back from history.
#ifndef WEFT_CHAT_IRC_DELIVER_H
#define WEFT_CHAT_IRC_DELIVER_H

#include "chat/irc/session.h"

enum {
    TIME_TEXT = sizeof "2026-01-31T23:59:59.999Z",
    TAGS_ROOM = LINE_TAGS_MAX + 1, // for all tags of a line
};

// As server-time has it: UTC, with milliseconds.
void time_text(int64_t ms, char out[TIME_TEXT]);
// The tags that these capabilities ask for, without '@'; their size, at most room - 1.
size_t word_tags(const struct event *e, unsigned caps, char *out, size_t room);
// The rest of the line, without its end; the size that it has, or would have, as snprintf.
int word_body(const struct event *e, unsigned caps, char *out, size_t room);

#endif
