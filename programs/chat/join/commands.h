// SPDX-License-Identifier: MIT
// commands.h - what is typed: a line to say, or a command that begins with '/'.
#ifndef WEFT_CHAT_JOIN_COMMANDS_H
#define WEFT_CHAT_JOIN_COMMANDS_H

#include "chat/join/keyring.h"
#include "chat/join/model.h"
#include "chat/join/session.h"

struct desk {
    struct model *model;
    struct session *session;
    struct keyring *keyring; // what /join is told of
    int64_t now_s;
    bool connected;
    bool quit; // set by /quit, which has said so to the server
};

extern const char *const command_names[]; // with their '/', NULL at the end: for completion

// False: it was not done, for want of a connection, and is to be kept. "//text" says "/text".
bool desk_enter(struct desk *d, const char *line);
// Say it as it is, whatever it begins with. False as above.
bool desk_say(struct desk *d, const char *text);
// Ask for what is older than all that we have of the active room, if there is anything to ask for
// and nothing of it under way.
void desk_ask_older(struct desk *d);

#endif
