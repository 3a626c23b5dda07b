// SPDX-License-Identifier: MIT
// pipe.h - IRC in a pipe: lines in are said to the room, "<nick> text" comes out.
#ifndef WEFT_CHAT_JOIN_PIPE_H
#define WEFT_CHAT_JOIN_PIPE_H

#include "chat/join/screen.h"

// Talk until the server closes, which is success, or the room is lost. The end of the input only
// ends the sending, as in the plain form. Takes the connection; the status to end with.
int pipe_talk(weft_conn *conn, const struct irc_options *options);

#endif
