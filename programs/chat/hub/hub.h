// SPDX-License-Identifier: MIT
// hub.h - who is there, in which rooms, and in which order all see what happens.
//
// The hub knows no socket, no protocol and no clock of its own. A door (IRC, plain, the page) turns
// what its client says into calls of it, and gets back events, which it words for its client:
//
//     user    somebody with a name; a door's own struct has it as a part
//     room    its members and what they may do; there as long as it has members, or is kept
//     event   something that happened, for everybody who may see it: event.h
//
// All of it belongs to one loop, and no call waits: what a fiber does between two waits is whole
// for all the others, so there is no lock, and everybody sees events in the same order. A user is
// never freed inside a broadcast: a door that cannot deliver marks its client, whose own task then
// takes it out.
//
// Times are milliseconds since 1970 UTC, from hub->now.
#ifndef WEFT_CHAT_HUB_H
#define WEFT_CHAT_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define HASH_NONFATAL_OOM 1 // then hh.tbl of what could not be added is NULL; else it calls exit
#include <uthash.h>

#include "chat/hub/mask.h"
#include "chat/hub/name.h"

struct event;
struct user;

enum { OUTLET_AHEAD = 4 };

// How what happens reaches a user; one for each kind of door. Never waits, never frees the user.
struct outlet {
    void (*deliver)(struct user *to, struct event *event);
    // A delivery to him comes after `after` others, OUTLET_AHEAD and then each number below: ask
    // for the memory that the step before told of. NULL: it is not worth it.
    void (*expect)(struct user *to, int after);
    // End the connection: soon, by its own task. The reason is shown to others.
    void (*expel)(struct user *user, const char *reason);
};

enum { LOGIN_MAX = 10, HOST_MAX = 64, TOPIC_MAX = 390, KEY_MAX = 32 };

enum user_mode {
    USER_INVISIBLE = 1 << 0, // i: not listed to strangers
    USER_OPERATOR = 1 << 1,  // o: of the server
    USER_WALLOPS = 1 << 2,   // w: hears what operators say to all
    USER_BOT = 1 << 3,       // B
};

struct user {
    UT_hash_handle hh; // in hub->users, once it has entered
    const struct outlet *outlet;
    struct hub *hub;
    TAILQ_HEAD(, member) rooms; // in order of coming
    char name[NICK_MAX + 1];
    char folded[NICK_MAX + 1]; // its key
    char login[LOGIN_MAX + 1]; // with the '~' of one that nobody vouches for
    char host[HOST_MAX + 1];
    char *real;                  // the "real name"; owned
    char *away;                  // why; NULL: here. Owned
    char identity[NICK_MAX + 1]; // whose history it is; until there are accounts, this visit's
    char *source;                // "name!login@host"; owned
    int64_t since, spoke;        // entered, and last said something
    uint64_t visit;              // see hub->visit
    unsigned modes;              // of enum user_mode
    bool present;                // has entered and not left
};

// Higher is more; a member may have several.
enum rank {
    RANK_VOICE = 1 << 0,
    RANK_HALFOP = 1 << 1,
    RANK_OP = 1 << 2,
    RANK_ADMIN = 1 << 3,
    RANK_OWNER = 1 << 4,
};
#define RANK_LETTERS "vhoaq" // of bit 0, 1, ...
#define RANK_PREFIXES "+%@&~"
enum { RANKS = 5 };

struct member {
    struct user *user;
    struct room *room;
    unsigned ranks; // of enum rank
    TAILQ_ENTRY(member) in_room;
    TAILQ_ENTRY(member) of_user;
};

// Flags of a room, by their letters; k and l have values of their own.
enum room_mode {
    ROOM_NO_CTCP = 1 << 0,     // C
    ROOM_NO_NOTICE = 1 << 1,   // T
    ROOM_INVITE_ONLY = 1 << 2, // i
    ROOM_MODERATED = 1 << 3,   // m
    ROOM_NO_EXTERNAL = 1 << 4, // n
    ROOM_SECRET = 1 << 5,      // s
    ROOM_TOPIC_LOCK = 1 << 6,  // t
};
#define ROOM_LETTERS "CTimnst" // of bit 0, 1, ...

// Lists of masks.
enum room_list { ROOM_BANS, ROOM_EXCEPTIONS, ROOM_INVITATIONS, ROOM_LISTS };
#define ROOM_LIST_LETTERS "beI"

struct mask_entry {
    char *mask, *by; // owned
    int64_t at;
    TAILQ_ENTRY(mask_entry) link;
};
TAILQ_HEAD(mask_list, mask_entry);

// One who was asked in by name may come once, whatever the modes.
struct invitation {
    const struct user *user;
    LIST_ENTRY(invitation) link;
};

struct room {
    UT_hash_handle hh;
    TAILQ_HEAD(, member) members; // in order of coming
    size_t count;
    char name[ROOM_NAME_MAX + 1];
    char folded[ROOM_NAME_MAX + 1];
    char *topic, *topic_by; // NULL: none was set. Owned
    int64_t topic_at, created;
    unsigned modes;        // of enum room_mode
    char key[KEY_MAX + 1]; // empty: none
    size_t limit;          // 0: none
    int64_t era;           // of its history, while one needs a key or an invitation: irc/era.h
    bool kept;             // also without members
    struct mask_list lists[ROOM_LISTS];
    size_t list_sizes[ROOM_LISTS];
    LIST_HEAD(, invitation) invitations;
};

struct hub {
    int64_t (*now)(const struct hub *); // ms since 1970
    struct user *users;                 // by folded name
    struct room *rooms;                 // by folded name
    size_t most_users;                  // at once, so far
    size_t invisible, operators;        // of the users that are here
    uint64_t visit;                     // counts walks over all peers of a user: each is met once
    uint64_t messages;                  // that were told to rooms and people
    uint64_t last_id;                   // of an event; see event.c
    // Told of each user that enters, leaves, or changes the name (then with both): may be NULL.
    void (*on_presence)(struct hub *, struct user *, bool here);
    // Told of each room that ends. May be NULL.
    void (*on_close)(struct hub *, const struct room *);
    // Keep what happens in a room, before it is told: the event's `number` is set. May be NULL.
    void (*record)(struct hub *, const struct room *, struct event *);
    void *owner; // who made the hub
};

void hub_init(struct hub *hub, int64_t (*now)(const struct hub *), void *owner);
void hub_free(struct hub *hub); // no user is present any more

// ---- users ---------------------------------------------------------------------------------

struct user *user_find(struct hub *hub, const char *name); // NULL: nobody
// Enter under a valid name, with login, host and real set. 0, -EEXIST (taken), -ENOMEM.
int user_enter(struct hub *hub, struct user *user, const char *name);
// The same person under another valid name, or with another login or host: 0, -EEXIST, -ENOMEM. Is
// there no memory to go back either, the user is expelled.
int user_rename(struct user *user, const char *name);
int user_set_text(char **field, const char *text); // a copy; empty or NULL is none. 0 or -ENOMEM
void user_set_mode(struct user *user, enum user_mode mode, bool on); // and counts it
void user_set_host(struct user *user, const char *host); // an address, as lines of IRC can have it
void user_leave(struct user *user); // from its rooms and the hub; nobody is told. Again is harmless
void user_release(struct user *user); // frees what it owns, not itself; after user_leave

// ---- rooms ---------------------------------------------------------------------------------

struct room *room_find(struct hub *hub, const char *name); // NULL: none
struct room *room_make(struct hub *hub, const char *name); // found or new. NULL: out of memory
void room_close_if_empty(struct hub *hub, struct room *room);
struct member *member_find(const struct room *room, const struct user *user);    // NULL: not in it
struct member *room_enter(struct room *room, struct user *user, unsigned ranks); // NULL: no memory
void member_leave(struct hub *hub, struct member *member); // may close the room
// Whether the viewer may know that the room is there, or who is in it.
bool room_is_visible(const struct room *room, const struct user *viewer);
int room_set_topic(struct room *room, const char *topic, const char *by, int64_t now); // or -ENOMEM
bool room_is_asked(const struct room *room, const struct user *user); // invited by name
int room_invite(struct room *room, const struct user *user);          // 0, also again; -ENOMEM
void room_uninvite(struct room *room, const struct user *user);
// Masks. Adding: 0, -EEXIST, -ENOMEM. Removing: whether it was there, and how it was written.
int room_list_add(struct room *room, enum room_list list, const char *mask, const char *by,
                  int64_t now);
bool room_list_remove(struct room *room, enum room_list list, const char *mask,
                      char written[MASK_MAX + 1]);
bool room_list_has(const struct room *room, enum room_list list, const char *mask);
bool room_list_fits(const struct room *room, enum room_list list, const struct user *user);
bool room_is_banned(const struct room *room, const struct user *user); // and no exception fits
// Why the user may not come in: the mode, k (it is not this key), i (invited only), b (banned) or l
// (it is full). 0: it may.
char room_bars(const struct room *room, const struct user *user, const char *key);
// Anybody may know of the room, and come in without a key or an invitation; this user too, who need
// not have entered the hub, but has a source.
bool room_is_open(const struct room *room, const struct user *user);
// Why the user may not speak there: the mode, n (not a member), m (moderated) or b (banned). 0: it
// may.
char room_mutes(const struct room *room, const struct user *user);

// The member's highest rank as a bit, 0 for none or NULL; its letters, highest first, all or one.
unsigned member_rank(const struct member *member);
const char *rank_prefixes(unsigned ranks, bool all, char out[RANKS + 1]);

// ---- telling -------------------------------------------------------------------------------

// To all members with at least one of these ranks (0: to all), except one, who may be NULL.
void room_tell(const struct room *room, struct event *event, const struct user *except,
               unsigned ranks);
// To everybody who shares a room with the user, once each, not to the user.
void peers_tell(struct user *user, struct event *event);

#endif
