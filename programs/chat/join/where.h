// SPDX-License-Identifier: MIT
// where.h - where to go, and in which protocol: read off what the user wrote, never found out by
// speaking. A word of IRC in a plain room would be shown to everybody there.
//
//     what was written                  what is tried, in this order
//     --plain, --irc or --tls           that, on its usual port unless one is given
//     irc://HOST, ircs://HOST           IRC on 6667; IRC inside TLS on 6697
//     http://HOST:PORT/                 (the page's) IRC on 6667, else plain on 12345
//     https://HOST/                     IRC inside TLS on 6697
//     HOST:6667, HOST:6697              IRC; IRC inside TLS
//     HOST:PORT                         plain, as ever
//     HOST, or nothing, on a terminal   IRC on 6667, else plain on 12345
//     HOST, or nothing, in a pipe       plain on 12345, else IRC on 6667
//
// A nick, a room or a password mean something in IRC only: with one of them plain is not tried. The
// next place is tried when nobody answers at the one before.
#ifndef WEFT_CHAT_JOIN_WHERE_H
#define WEFT_CHAT_JOIN_WHERE_H

#include <stdbool.h>

#include "chat/address.h"

enum { WHERE_PLACES = 2, WHERE_WORD = 128 };

struct asked {
    const char *server; // as written; "": nothing
    bool plain, irc, tls;
    bool named;    // a nick, a room or a password was given
    bool terminal; // a person sits there, not a pipe
};

struct place {
    char address[CHAT_ADDRESS_MAX];
    bool irc, tls;
};

struct where {
    struct place places[WHERE_PLACES];
    int count;
    char host[CHAT_ADDRESS_MAX]; // whom a certificate must name
    // from a URL, irc://nick:password@host/room?key=word, http://host/#room&password=word; "": not
    // in it
    char nick[WHERE_WORD], password[WHERE_WORD], room[WHERE_WORD], key[WHERE_WORD];
    bool names; // one of these is there, or the URL is of TLS: not for --plain
};

// NULL, or what is wrong with asked->server.
const char *where_read(struct where *w, const struct asked *asked);

#endif
