// SPDX-License-Identifier: MIT
// settings.h - what the user wants of a server: options, and a file.
//
//     struct settings set;
//     int rc = settings_read(&set, argc, argv);
//     if (rc != SETTINGS_GOOD)
//         return settings_status(rc);
//     ...
//     settings_free(&set);
//
// Every setting is a row of one table (settings_table.c): its option, its place in the file, its
// help and its check follow from that. An option wins over the file, the file over the default.
#ifndef WEFT_CHAT_SETTINGS_H
#define WEFT_CHAT_SETTINGS_H

#include <stdbool.h>

#include "chat/address.h"
#include "chat/gate.h"
#include "chat/irc/irc.h"
#include "chat/setting_kinds.h"

enum { DOOR_PLAIN, DOOR_IRC, DOOR_IRCS, DOOR_WEB, DOORS };
enum { SETTINGS_MAX = 64 };

struct door_setting {
    const char *address; // NULL: the door stays shut
    const char *option;  // that says where: "port", "irc"
    bool asked;          // for it, so that it must open
    char text[CHAT_ADDRESS_MAX];
};

struct settings {
    // As they were given; texts are owned. NULL, 0, false: not given, and no default.
    const char *config, *check; // the file that was read; to look at, and no more
    const char *host, *at[DOORS];
    int port;         // the plain door alone; NO_PORT: not given
    const char *motd; // the file
    const char *tls_cert, *tls_key;
    bool web_tls, lan, open, lecture;
    int sts_days;
    int queue_mb;     // that may wait for a slow client
    const char *data; // the folder of the history. NULL: the usual one
    bool no_history;
    int sync;       // of enum history_sync
    int log_format; // of enum log_format
    bool no_sandbox;
    int metrics; // of enum metrics_for
    struct setting_list hosts, origins;
    struct setting_operators operators;
    struct irc_settings irc;   // complete, but for rehash and owner
    bool no_flood;             // control: then irc says nothing of it
    struct networks unhurried; // that flood control is not for
    struct gate_rules gate;    // complete, but for exempt; most: 0 as many as there may be
    struct networks exempt;    // from the gate's limits

    // For messages: the line of the file on which a row's value stands; 0: it is not from there.
    int lines[SETTINGS_MAX];

    // What follows from them.
    struct door_setting doors[DOORS];
    char *motd_text; // owned
    char name[256];  // of this machine, where none is given for the server
};

enum { NO_PORT = -1 };

struct setting {
    const char *section, *key; // in the file; NULL: it is an option only
    const char *option;        // "tls-cert"
    char letter;               // of the option; 0: none
    const char *value;         // what --help calls its value; NULL: it takes none
    const char *help;
    const char *fallback; // the default, as one would write it; NULL: there is none
    const struct setting_kind *kind;
    size_t place;    // in struct settings
    unsigned traits; // of enum setting_trait
};

enum setting_trait {
    SETTING_LIVE = 1 << 0,   // can change while the server runs
    SETTING_SECRET = 1 << 1, // is not repeated in a message
    // The default is told, not set: what holds where nothing is said depends on other settings.
    SETTING_TOLD = 1 << 2,
};

extern const struct setting settings_table[]; // option NULL ends it

// What settings_read says, and settings_status takes.
enum settings_result {
    SETTINGS_GOOD = 0,
    SETTINGS_HELP = -1,  // --help was asked for and shown
    SETTINGS_WRONG = -2, // something was wrong, and told in one line on stderr
};

// Reads the command line, and the file that it names. On SETTINGS_GOOD the caller frees it, else
// nothing is left. Blocks on files. argv may be read again later: it is permuted, and not kept.
int settings_read(struct settings *set, int argc, char **argv);
int settings_status(int result);          // the exit status
void settings_free(struct settings *set); // again is harmless

// The file alone, over what is in set, with its lines. False: `wrong` says why, with file and line:
// "weft.ini:12: unknown key 'x' (did you mean 'y'?)".
bool settings_read_file(struct settings *set, const char *path, char *wrong, size_t room);

// One line on stderr: why a value that can be read is no good, after the file and the line on which
// it stands, if it does. place: in set.
void settings_complain(const struct settings *set, const void *place, const char *why);

// Take what can change while the server runs from `next`, which gets the old values in exchange.
void settings_adopt(struct settings *now, struct settings *next);
// The first row from `from` on that differs and can not change so: its index, or -1.
int settings_differ(const struct settings *now, const struct settings *next, int from);

#endif
