// SPDX-License-Identifier: MIT
// multiline.h - messages of several lines (IRCv3 draft/multiline).
//
// Within the server such a message is one event, whose text has the marks of chat/hub/event.h.
#ifndef WEFT_CHAT_IRC_MULTILINE_H
#define WEFT_CHAT_IRC_MULTILINE_H

#include "chat/hub/event.h"
#include "chat/irc/session.h"

enum { MULTILINE_BYTES = 4096, MULTILINE_LINES = 32 };

bool is_multiline(const struct event *e);

// A line that an event is worded in: tags without '@', may be empty.
typedef void emit_line(void *ctx, const char *tags, const char *body);
// All lines of an event, of one line or several, for these capabilities; each begins with the tags
// `more`, if it is not empty and the line is not inside of a batch of the event's own. The lines
// that open and end such a batch are not inside of it.
void word_event(struct irc *irc, const struct event *e, unsigned caps, const char *more,
                emit_line *emit, void *ctx);
// Those to one client.
void say_event(struct session *s, const struct event *e, const char *more);
// Whether each line fits into a line of IRC.
bool event_fits(const struct event *e);

// A line that belongs to the client's own batch, or claims so: taken, or refused. False: it is an
// ordinary line.
bool batch_takes(struct session *s, const struct line *line);
// A line was refused. If it is of the client's own batch, nothing of that will be said: no message
// goes out with a hole in it.
void batch_spoil(struct session *s, const struct line *line);
void batch_clear(struct session *s);

#endif
