// SPDX-License-Identifier: MIT
// settings_table.c - all settings of a server. To add one is to add a row, and a line to
// docs/weft.ini and to docs/weft-serve.1.
#include <stddef.h>

#include "chat/settings.h"

#define PLACE(field) offsetof(struct settings, field)

const struct setting settings_table[] = {
    {NULL, NULL, "config", 0, "FILE", "read settings from here; options win over it", NULL,
     &kind_file, PLACE(config), 0},
    {NULL, NULL, "check", 0, "FILE", "only look whether this file is good", NULL, &kind_file,
     PLACE(check), 0},

    {"doors", "host", "host", 0, "ADDR", "listen on this address", "127.0.0.1", &kind_host,
     PLACE(host), SETTING_TOLD},
    {"doors", "plain", "plain", 0, "[HOST:]PORT", "the lecture's door; 0: any free port, off: shut",
     "12345", &kind_door, PLACE(at[DOOR_PLAIN]), SETTING_TOLD},
    {"doors", "irc", "irc", 0, "[HOST:]PORT", "the door for IRC clients", "6667", &kind_door,
     PLACE(at[DOOR_IRC]), SETTING_TOLD},
    {"doors", "ircs", "ircs", 0, "[HOST:]PORT", "for IRC inside TLS, if there is a certificate",
     "6697", &kind_door, PLACE(at[DOOR_IRCS]), SETTING_TOLD},
    {"doors", "web", "web", 0, "[HOST:]PORT", "the door for browsers", "8080", &kind_door,
     PLACE(at[DOOR_WEB]), SETTING_TOLD},
    {NULL, NULL, "port", 'p', "N", "the plain door on this port, and no other door", NULL,
     &kind_port, PLACE(port), 0},
    {NULL, NULL, "lan", 0, NULL, "for everybody on this network: prints where to go, and a QR code",
     NULL, &kind_flag, PLACE(lan), 0},
    {NULL, NULL, "open", 0, NULL, "with --lan: make no password", NULL, &kind_flag, PLACE(open), 0},

    {"server", "name", "name", 0, "NAME", "of the server, as IRC clients see it", NULL,
     &kind_server_name, PLACE(irc.name), 0},
    {"server", "network", "network", 0, "NAME", "of the network", "weft", &kind_word,
     PLACE(irc.network), 0},
    {"server", "description", "description", 0, "TEXT", "of the server", "a weft chat server",
     &kind_text, PLACE(irc.description), SETTING_LIVE},
    {"server", "motd", "motd", 0, "FILE", "the message of the day", NULL, &kind_file, PLACE(motd),
     SETTING_LIVE},
    {"server", "password", "password", 0, "WORD", "that IRC clients and the page must give", NULL,
     &kind_text, PLACE(irc.password), SETTING_LIVE | SETTING_SECRET},
    {"server", "queue", "queue", 0, "MB", "drop a client when more than so much waits for it", "16",
     &kind_megabytes, PLACE(queue_mb), SETTING_LIVE},

    {"history", "data", "data", 0, "FOLDER", "keep the history there", "~/.local/state/weft",
     &kind_text, PLACE(data), SETTING_TOLD},
    {"history", "off", "no-history", 0, NULL, "keep no history", "no", &kind_flag,
     PLACE(no_history), 0},
    {"history", "full-sync", "full-sync", 0, NULL,
     "a message that was acknowledged survives loss of power too", "no", &kind_flag,
     PLACE(full_sync), 0},
    {"history", "keep-days", "keep-days", 0, "DAYS", "delete what is older; 0: never", "0",
     &kind_days, PLACE(irc.keep_days), 0},
    {"history", "keep-count", "keep-count", 0, "N", "of each room, the last N messages; 0: all",
     "0", &kind_many, PLACE(irc.keep_count), 0},

    {"tls", "certificate", "tls-cert", 0, "FILE", "PEM, with the chain behind it", NULL, &kind_file,
     PLACE(tls_cert), SETTING_LIVE},
    {"tls", "key", "tls-key", 0, "FILE", "PEM; may be in the certificate's file", NULL, &kind_file,
     PLACE(tls_key), SETTING_LIVE},
    {"tls", "web", "web-tls", 0, NULL, "https instead of http on the web door", "no", &kind_flag,
     PLACE(web_tls), 0},
    {"tls", "sts", "sts", 0, "DAYS", "tell IRC clients to come by TLS only, for so long", "0",
     &kind_days, PLACE(sts_days), 0},

    {"web", "hosts", "web-host", 0, "NAME", "by which browsers reach this server; several", NULL,
     &kind_hosts, PLACE(hosts), SETTING_LIVE},
    {"web", "origins", "web-origin", 0, "URL", "of a page elsewhere that may speak here; several",
     NULL, &kind_origins, PLACE(origins), SETTING_LIVE},

    {"admin", "name", "admin-name", 0, "TEXT", "who looks after the server", NULL, &kind_text,
     PLACE(irc.admin_name), SETTING_LIVE},
    {"admin", "place", "admin-place", 0, "TEXT", "where it is", NULL, &kind_text,
     PLACE(irc.admin_place), SETTING_LIVE},
    {"admin", "mail", "admin-mail", 0, "ADDR", "to write to", NULL, &kind_text,
     PLACE(irc.admin_mail), SETTING_LIVE},
    {"operator", "password", "operator", 0, "NAME:HASH", "who may OPER; see weft chat passwd", NULL,
     &kind_operators, PLACE(operators), SETTING_LIVE | SETTING_SECRET},

    {"irc", "refuse-tags", "refuse-tags", 0, "LIST", "client tags, as CLIENTTAGDENY lists them",
     NULL, &kind_word, PLACE(irc.tags_refused), SETTING_LIVE},
    {"limits", "rooms", "limit-rooms", 0, "N", "rooms that one user may be in", "100", &kind_count,
     PLACE(irc.rooms_each), SETTING_LIVE},
    {"limits", "list", "limit-list", 0, "N", "masks in each list of a room", "100", &kind_count,
     PLACE(irc.list_size), SETTING_LIVE},
    {"limits", "monitor", "limit-monitor", 0, "N", "names that one client may watch", "100",
     &kind_count, PLACE(irc.watches), SETTING_LIVE},
    {"limits", "register", "limit-register", 0, "SECONDS", "in which a client must say who it is",
     "30", &kind_milliseconds, PLACE(irc.register_ms), SETTING_LIVE},
    {"limits", "ping", "limit-ping", 0, "SECONDS", "of silence, before a client is asked", "120",
     &kind_milliseconds, PLACE(irc.ping_ms), SETTING_LIVE},
    {"limits", "answer", "limit-answer", 0, "SECONDS", "in which it must then say something", "60",
     &kind_milliseconds, PLACE(irc.answer_ms), SETTING_LIVE},
    {NULL, NULL, "lecture", 0, NULL, "print the list of connections, as the lecture does", NULL,
     &kind_flag, PLACE(lecture), 0},
    {0},
};

_Static_assert(sizeof settings_table / sizeof settings_table[0] <= SETTINGS_MAX, "each has a flag");
