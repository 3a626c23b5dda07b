// SPDX-License-Identifier: MIT
// settings.h - what the user wants of a server: its options.
#ifndef WEFT_CHAT_SETTINGS_H
#define WEFT_CHAT_SETTINGS_H

#include <stdbool.h>

#include "chat/address.h"
#include "chat/irc/irc.h"

enum { DOOR_PLAIN, DOOR_IRC, DOOR_WEB, DOORS };

struct door_setting {
    const char *address; // NULL: the door stays shut
    const char *option;  // that says where: "port", "irc"
    bool asked;          // for it, so that it must open
    char text[CHAT_ADDRESS_MAX];
};

struct settings {
    struct door_setting doors[DOORS];
    int queue_mb; // that may wait for a slow client
    bool lecture;
    const char *data; // the folder of the history. NULL: the usual one
    bool no_history, full_sync;
    struct irc_settings irc;
    const char *hosts[2], *origins[2]; // that the web door takes besides its own; end with NULL
    char name[256];                    // of this machine, where none is given for the server
};

// 0, or a negative number for settings_status: help was asked for and shown, or something was wrong
// and told.
int settings_read(struct settings *set, int argc, char **argv);
int settings_status(int wrong);

#endif
