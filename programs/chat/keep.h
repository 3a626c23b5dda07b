// SPDX-License-Identifier: MIT
// keep.h - where a server keeps its history, and the task that tells who waits for the disk.
#ifndef WEFT_CHAT_KEEP_H
#define WEFT_CHAT_KEEP_H

#include <stdbool.h>
#include <stddef.h>

struct irc_settings;
struct server;

enum { KEEP_FOLDER = 4096 };

// The folder where nothing else is said: $STATE_DIRECTORY, else $XDG_STATE_HOME/weft, else
// ~/.local/state/weft. False: there is no such place, not even a home.
bool keep_folder(char out[KEEP_FOLDER]);
// Open the history in a folder, which is made with all that leads to it: server->history is set.
// How long things are kept says `irc`. 0, or an error with weft_error().
int keep_open(struct server *server, const char *folder, bool full_sync,
              const struct irc_settings *irc);
// Start the task that passes on what has become of messages: server->irc is there.
int keep_start(struct server *server);
// What is still to be written is, for at most a few seconds; then it is closed.
void keep_close(struct server *server);

#endif
