// SPDX-License-Identifier: MIT
// message.h - one line of an IRC server, taken apart: [@tags] [:nick!user@host] COMMAND parameters.
//
// Not line_parse: that is a server's look at its clients. It ignores the source, which is half of
// what a client wants to know, and refuses tags that only a server may send.
#ifndef WEFT_CHAT_JOIN_MESSAGE_H
#define WEFT_CHAT_JOIN_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "chat/irc/line.h"

enum { MESSAGE_MAX = LINE_TAGS_MAX + 512 };

struct message {
    const char *tags; // without the '@'; "": none
    const char *nick; // or the server's name; "": none
    const char *host; // user@host; "": none
    const char *command;
    int numeric; // 0: the command is a word
    int count;
    char *params[LINE_PARAMS + 1]; // NULL after the last
};

// Takes `text`, without its line's end, apart in place. False: there is no command in it.
bool message_read(struct message *m, char *text);
const char *message_param(const struct message *m, int i); // "" if there are not so many
const char *message_last(const struct message *m);         // likewise

// Of the server's time tag, in seconds since 1970; without one, or with a wrong one, `now`.
int64_t message_time(const struct message *m, int64_t now);
int message_millis(const struct message *m); // of that second; 0 where the tag has none

#endif
