// SPDX-License-Identifier: MIT
// hold.h - echoes and answers that wait until what they acknowledge is on disk.
//
// Who sees its own message come back (echo-message), or has the answer to a command with a label,
// takes what it did for kept. So from such a line on, everything for that client waits, in order,
// until the history has committed the message, or all that the command left there (a TOPIC, a JOIN
// of several rooms): its other lines too, because a client counts on their order. What others get
// does not wait, nor does the answer to a command that left nothing. No acknowledgement is what has
// no label, though its client sees it happen; nor an end: what QUIT or KILL leaves comes only when
// the connection goes.
#ifndef WEFT_CHAT_IRC_HOLD_H
#define WEFT_CHAT_IRC_HOLD_H

#include "chat/irc/session.h"

enum deed { DEED_MESSAGE, DEED_COMMAND };

// What is said from here on waits for the history's records from `first` to `last`, all of one deed
// and later than those held for before; 0: for none. If one cannot be kept, that is told first.
void hold(struct session *s, enum deed deed, int64_t first, int64_t last);
// FAIL HISTORY NOT_STORED.
void hold_fail(struct session *s, enum deed deed);
// Whether bytes were taken, to wait. -ENOBUFS: too many wait; the client is too slow to be served.
int hold_add(struct session *s, const char *lines, size_t size);
void hold_clear(struct session *s);

#endif
