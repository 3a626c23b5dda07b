// SPDX-License-Identifier: MIT
// labelled.h - the answer to a command with a label (IRCv3 labeled-response).
//
// No line: ACK. One: with the label. More: a batch with the label, unless the lines are one batch
// already, which then gets it.
#ifndef WEFT_CHAT_IRC_LABELLED_H
#define WEFT_CHAT_IRC_LABELLED_H

#include <errno.h>

#include "chat/irc/session.h"

enum { LABEL_MAX = 64 };

// Bytes that end in "\r\n", at once.
void session_post(struct session *s, const char *lines, size_t size);

// Holds a line back. False for want of memory: then it goes out alone.
bool labelled_add(struct labelled *answer, const char *tags, const char *body);
// Everything that was held back goes out, with the label: once what the command did is on disk.
void labelled_send(struct session *s, struct labelled *answer);

#endif
