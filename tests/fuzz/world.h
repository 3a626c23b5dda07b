// SPDX-License-Identifier: MIT
// world.h - a chat server in memory, for the fuzz targets: up to eight clients of IRC, a history
// without a disk, a clock that goes on when it is told to.
//
// Steps are whole for everybody, as the server's are between two waits of its tasks. Where a
// command waits for the history, a step of somebody else comes in between (world_meanwhile).
//
//     world.c         the server, its clients, the steps
//     view.c          each line that is sent is looked at, and what its client knows by it
//     check.c         what holds of users and rooms after each step
//     memory_store.c  the history
#ifndef WEFT_TESTS_FUZZ_WORLD_H
#define WEFT_TESTS_FUZZ_WORLD_H

#include "fuzz.h"

#include "chat/irc/session.h"
#include "chat/store/store.h"

enum { CLIENTS = 8, ROOMS_SEEN = 128, BATCHES_SEEN = 8, LABELS = 400 };
#define LABEL_MARK "zZ" // labels that we put on lines begin so; inputs with it are passed over

struct label {
    unsigned number;
    bool exactly; // must be answered by the end of its step; else it may be, once
};

// What a client knows by the lines that it got.
struct view {
    char nick[NICK_MAX + 1];                   // "": it is not registered
    char rooms[ROOMS_SEEN][ROOM_NAME_MAX + 1]; // in which it is, folded
    char batches[BATCHES_SEEN][24];            // that are open
    bool past[BATCHES_SEEN];                   // of what once was
    int room_count, batch_count;
    bool unsure; // has asked for the past in a way that cannot be told from the present
};

struct client {
    struct wire wire;        // first
    struct session *session; // NULL: not connected
    bool busy;               // in the middle of a command, which waits
    bool slow;
    size_t room; // bytes that a slow one still takes
    struct label labels[LABELS];
    int label_count;
    struct view view;
};

extern struct client clients[CLIENTS];
extern struct hub hub;
extern struct irc *irc;
// Told of each line that a client gets, taken apart; `source` is who says it. NULL: nobody listens.
extern void (*world_heard)(int who, const struct line *line, const char *source);

void world_begin(void);
void world_end(void);

// ---- steps: each does nothing where it makes no sense ---------------------------------------

void world_connect(int who); // if it is not
void world_enter(int who);   // and registers with all capabilities, and joins #r
void world_close(int who);
// A line without its end; all bytes may be in it but LF. Connects who is not. Labelled: with a
// label of its own, that has to be answered once.
void world_say(int who, const char *line, size_t size, bool labelled);
void world_wait(int64_t ms);
void world_slow(int who); // it takes few bytes from now on
// What was appended to the history is kept, or fails with this code.
void world_settle(int code);
void world_rehash(unsigned which); // other settings

void world_pause(void); // a command waits: somebody else's step

// The target's: a step of somebody else, in the middle of a command that waits for the history.
void world_meanwhile(void);

// ---- what must hold -------------------------------------------------------------------------

void view_line(struct client *c, char *line, size_t size); // that was sent to it, without its end
void view_forget(struct client *c);
void label_expect(struct client *c, unsigned number, bool exactly);
void world_check(void);

// ---- the history ----------------------------------------------------------------------------

struct store *memory_open(void);
void memory_close(struct store **store);
// The appends that nobody was told of are settled with this code. False: there are none.
bool memory_settle(struct store *store, int code, struct store_progress *p);

#endif
