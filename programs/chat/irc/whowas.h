// SPDX-License-Identifier: MIT
// whowas.h - who left lately, under which name; of each name the last few times.
#ifndef WEFT_CHAT_IRC_WHOWAS_H
#define WEFT_CHAT_IRC_WHOWAS_H

#include "chat/irc/session.h"

void whowas_add(struct irc *irc, const struct user *user);    // leaves, or changes its name
int64_t whowas_last(const struct irc *irc, const char *name); // when it last left; 0: not known
void whowas_free(struct irc *irc);
void on_whowas(struct session *s, const struct line *line);

#endif
