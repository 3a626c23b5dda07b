// SPDX-License-Identifier: MIT
// chat.h - the members of a chat server, all of them in one program, so that all are asked alike.
//
//     chat_load PROTOCOL PLAN N... PORT SERVER [ARGUMENT...]
//
// It starts the server, which is to listen on this port, on core 0, and stays itself on core 1. In
// each room one member speaks, and all the others must hear each text once, whole and in order;
// what is not so ends the program with a line that says what happened. What the server did is read
// from the kernel (../load/load.h), not asked of it.
//
// Programs of a measurement: what goes wrong ends them (die), so no function here returns an error.
#ifndef WEFT_BENCH_CHAT_H
#define WEFT_BENCH_CHAT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../load/load.h"

enum { TEXT = 100, LONGEST = 512 }; // bytes: of a text, and of one with all that is around it

struct room {
    char name[16]; // as the protocol writes it
    char head[32]; // what stands before a text, between its author and it; IRC
    size_t head_size;
    struct member *members; // the first one speaks
    int count;
    uint64_t said, complete; // texts, from the beginning; those before `complete` all have heard
    struct said *kept;       // the last `room_kept` of them
};

struct member {
    int fd;
    int number; // of all
    struct room *room;
    SSL *ssl;         // or NULL
    bool inside;      // hears what is said
    uint64_t next;    // the text that it must hear
    char *held;       // half a unit, until the rest comes
    size_t held_size; // bytes
};

// ---- a protocol
enum happening { NOTHING, WELCOME, INSIDE, CAME, SPOKEN };

struct unit {
    enum happening what; // CAME: somebody, also oneself, entered the room
    const char *text;    // SPOKEN; `size` bytes
    size_t size;
};

struct protocol {
    const char *name;
    // Bytes for the server, put into `out` (LONGEST); how many. Each may be NULL: nothing to say.
    size_t (*hello)(const struct member *m, char *out);
    size_t (*join)(const struct member *m, char *out); // after WELCOME
    size_t (*say)(const struct member *m, const char *text, char *out);
    // What the first bytes mean, and how many they are; 0: they are no whole unit yet.
    size_t (*take)(struct member *m, const char *bytes, size_t size, struct unit *u);
    void (*shake_hands)(struct member *m); // after connecting; blocks
    bool silent;                           // nobody is told that he is in
    bool tells_who_came;                   // each member of a room, itself too
};

extern const struct protocol irc, irc_tags, irc_websocket, irc_tls, nats, mqtt, plain;

// ---- the members (members.c)
struct load {
    const struct protocol *protocol;
    struct server *server;
    int port, poller;
    struct room *rooms;
    struct member *members;
    int room_count, count; // of rooms; of members in all of them
    int room_kept;         // texts of each that are remembered: more than may be under way
    int welcome, inside;   // of them
    uint64_t came;
    bool open; // deliveries count
    struct times times;
};

void load_open(struct load *l, int rooms, int members, int kept);
void member_connect(struct load *l, struct member *m); // and says hello
void member_join(struct load *l, struct member *m);
void member_send(struct member *m, const char *bytes, size_t size);
void load_enter(struct load *l); // all connect, register and join; and have heard a text
// Hear what comes within so many nanoseconds: false, if nothing did.
bool load_hear(struct load *l, double patience_ns);
void load_register(struct load *l, int first, int end); // these connect, and are welcome
void load_join(struct load *l, int first, int end);

// ---- the texts (texts.c)
// So many more, with one call; they count from `since`.
void room_say(struct load *l, struct room *room, int texts, double since);
void room_heard(struct load *l, struct member *m, const char *text, size_t size);

// ---- what is asked (plans.c)
void in_flight(struct load *l, const int *n);
void at_a_rate(struct load *l, const int *n);
void registration(struct load *l, const int *n);
void joining(struct load *l, const int *n);
void idle(struct load *l, const int *n);

#endif
