// SPDX-License-Identifier: MIT
// reload.h - what the settings mean for a server that runs, at its start and when they are read
// again.
#ifndef WEFT_CHAT_RELOAD_H
#define WEFT_CHAT_RELOAD_H

#include "chat/door.h"
#include "chat/settings.h"

// A server with what it was started with. All of it lives as long as the server.
struct house {
    int argc; // the command line, to be read again
    char **argv;
    struct settings *set;
    struct server *server;
    struct door *doors; // DOORS of them
    struct web_site *site;
    weft_tls *tls;    // owned; NULL: no certificate
    long descriptors; // that may be open; -1: nobody knows
    int room;         // for connections, as descriptors allow; 0: nobody knows

    // Between the main thread and the server's own task, which is on the hub's loop.
    weft_event started; // or could not: rc, why
    int rc;
    char why[256];
    weft_event called; // there is something to do: change, or if that is NULL to end
    struct change *change;
    weft_event changed; // it has been done
};

// How many connections there may be at this limit of descriptors, of which so many are open
// already: what else the server opens for a while has room too. Negative limit: nobody knows, 0.
int house_room(long limit, long open);
// For the hub's first moment: as irc_new wants them.
struct irc_settings house_irc(const struct house *house);
// Hand all that can change to those who use it; on the hub's loop, or before there is one.
void house_apply(struct house *house);
// The server's own task: applies what the main thread has read, until house_leave.
void house_stay(struct house *house);
void house_leave(struct house *house);
// Read everything again, and apply it; else one line says why all stays as it was, and operators of
// IRC are told that it does. By the main thread; waits for files and for the hub's loop.
void house_reload(struct house *house);

#endif
