// SPDX-License-Identifier: MIT
// hold.h - echoes and answers that wait until what they acknowledge is on disk.
//
// Who sees its own message come back (echo-message, a labelled answer) takes it for kept. So from
// such a line on, everything for that client waits, in order, until the history has committed the
// message: its other lines too, because a client counts on their order. What others get does not.
#ifndef WEFT_CHAT_IRC_HOLD_H
#define WEFT_CHAT_IRC_HOLD_H

#include "chat/irc/session.h"

// What is said from here on waits for the history's record of this number. 0 or less: nothing.
void hold(struct session *s, int64_t number);
// Whether bytes were taken, to wait. -ENOBUFS: too many wait; the client is too slow to be served.
int hold_add(struct session *s, const char *lines, size_t size);
void hold_clear(struct session *s);

#endif
