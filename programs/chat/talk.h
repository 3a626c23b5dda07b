// SPDX-License-Identifier: MIT
// talk.h - one client of IRC, whatever carries its lines: a task's whole work.
#ifndef WEFT_CHAT_TALK_H
#define WEFT_CHAT_TALK_H

#include "chat/irc/irc.h"
#include "chat/wire.h"

struct visitor;

// Until the client goes, is too slow, breaks the rules, or the server ends; called by the visitor's
// task, on the hub's loop. The connection stays the visitor's, to be closed.
void talk(struct visitor *v, struct wire *wire);

#endif
