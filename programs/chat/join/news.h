// SPDX-License-Identifier: MIT
// news.h - what a session tells, put into the model.
#ifndef WEFT_CHAT_JOIN_NEWS_H
#define WEFT_CHAT_JOIN_NEWS_H

#include "chat/join/model.h"
#include "chat/join/session.h"

void news_take(struct model *m, const struct session *s, const struct news *news);
// Where what we know of a room ends; false: we were not there yet. As session_ops wants it.
bool news_last(const struct model *m, const char *room, struct past_mark *mark);
// Where it begins, for a question about what is older; false: there is nothing to ask for, or no
// room for it.
bool news_first(const struct model *m, const struct room *r, struct past_mark *mark);

#endif
