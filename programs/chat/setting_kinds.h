// SPDX-License-Identifier: MIT
// setting_kinds.h - kinds of settings: how a text becomes a value, and what a value owns.
//
// A value starts as zero bytes. Texts are copies, owned by the value's place.
#ifndef WEFT_CHAT_SETTING_KINDS_H
#define WEFT_CHAT_SETTING_KINDS_H

#include <stdbool.h>
#include <stddef.h>

struct setting_kind {
    // NULL, or what is wrong with the text, as "is not a port"; the place is unchanged then. The
    // message lives until the next call. text is NULL where an option stands without a value.
    const char *(*read)(const char *text, void *place);
    void (*release)(void *place); // back to zero; NULL: nothing is owned
    bool (*same)(const void *a, const void *b);
    size_t size;
    bool many; // a further text is added, and does not take the place of the one before
    bool flag; // the option has no value; in a file: yes or no
};

// Several texts; items ends with NULL, and is NULL itself where there are none.
struct setting_list {
    const char **items;
    size_t count;
};

struct setting_operators {
    struct irc_operator *items;
    size_t count;
};

// When a commit of the history is over: when it outlives the process, or a loss of power too.
enum history_sync { SYNC_NORMAL, SYNC_FULL };

// Who may read /metrics: nobody, a program on this machine, whoever reaches the web door.
enum metrics_for { METRICS_OFF, METRICS_LOCAL, METRICS_ALL };

// const char *
extern const struct setting_kind kind_text;        // not empty, on one line
extern const struct setting_kind kind_word;        // without spaces
extern const struct setting_kind kind_password;    // that fits into a line of IRC
extern const struct setting_kind kind_server_name; // "irc.example.org"
extern const struct setting_kind kind_host;        // to listen on
extern const struct setting_kind kind_door; // "[HOST:]PORT", "unix:/path", "systemd:NAME", "off"
extern const struct setting_kind kind_file; // regular, that can be read
// struct setting_list; one text may name several, with commas between them
extern const struct setting_kind kind_hosts, kind_origins;
// struct networks: "ADDRESS[/BITS]", several likewise, or "none"; another text takes their place
extern const struct setting_kind kind_networks;
// struct setting_operators: "NAME:HASH"
extern const struct setting_kind kind_operators;
// int
extern const struct setting_kind kind_port;      // 0 to 65535
extern const struct setting_kind kind_count;     // 1 to 100000
extern const struct setting_kind kind_days;      // 0 to 3650
extern const struct setting_kind kind_many;      // 0 to 1000000000
extern const struct setting_kind kind_megabytes; // 1 to 1024
extern const struct setting_kind kind_kilobytes; // 1 to 1024
extern const struct setting_kind kind_bits_v4;   // 1 to 32
extern const struct setting_kind kind_bits_v6;   // 1 to 128
extern const struct setting_kind kind_log;       // of enum log_format: text, json
extern const struct setting_kind kind_metrics;   // of enum metrics_for: off, local, all
extern const struct setting_kind kind_sync;      // of enum history_sync: normal, full
// int64_t, from seconds
extern const struct setting_kind kind_milliseconds;
// bool
extern const struct setting_kind kind_flag;

#endif
