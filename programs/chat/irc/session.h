// SPDX-License-Identifier: MIT
// session.h - what the commands of one IRC client work with.
#ifndef WEFT_CHAT_IRC_SESSION_H
#define WEFT_CHAT_IRC_SESSION_H

#include <weft/sync.h>

#include "chat/hub/event.h"
#include "chat/irc/irc.h"
#include "chat/irc/numerics.h"
#include "chat/seats.h"

// Capabilities (IRCv3), in the order of the table in caps.c.
enum cap {
    CAP_TAGS = 1 << 0,
    CAP_TIME = 1 << 1,
    CAP_ECHO = 1 << 2,
    CAP_LABEL = 1 << 3,
    CAP_BATCH = 1 << 4,
    CAP_AWAY = 1 << 5,
    CAP_EXTENDED_JOIN = 1 << 6,
    CAP_EXTENDED_MONITOR = 1 << 7,
    CAP_CAP_NOTIFY = 1 << 8,
    CAP_CHGHOST = 1 << 9,
    CAP_INVITE = 1 << 10,
    CAP_MULTI_PREFIX = 1 << 11,
    CAP_USERHOST_IN_NAMES = 1 << 12,
    CAP_SETNAME = 1 << 13,
    CAP_NO_IMPLICIT_NAMES = 1 << 14,
    CAP_STANDARD_REPLIES = 1 << 15,
    CAP_HISTORY = 1 << 16,
    CAP_EVENT_PLAYBACK = 1 << 17,
    CAP_MULTILINE = 1 << 18,
    CAP_SEARCH = 1 << 19,
    CAP_REDACTION = 1 << 20,
};

enum { COMMANDS_MAX = 64 };
// Searches of all sessions: so that readers of the history are left for who only reads on.
enum { SEARCHES_AT_ONCE = 2 };
enum { SCRATCH = 1 + LINE_TAGS_MAX + 1 + 512 + 16 };

struct irc {
    struct hub *hub;
    struct irc_settings set;
    int64_t started;
    size_t unknown; // sessions that have not registered
    LIST_HEAD(, session) sessions;
    TAILQ_HEAD(, session) holding; // those that wait for the disk: hold.c
    bool history_failed;           // and the operators know
    int64_t appended;              // the last record of the history
    weft_mutex settled_mu;         // guards `settled`, for who waits for it
    weft_cond settled_moved;
    int64_t settled;                  // records of which was told what has become of them
    unsigned long last_batch;         // a batch's reference, for whoever it goes to
    struct whowas *whowas;            // whowas.c
    struct watch *watches;            // monitor.c
    unsigned long used[COMMANDS_MAX]; // how often each command of the table was
    struct seats searches;            // search.c
    char scratch[SCRATCH];            // where a line is put together; nobody waits meanwhile
};

// What a labelled command has answered so far; on the stack of who runs it.
struct labelled {
    char *label;
    char *bytes; // lines, each with its own tags and a NUL at its end
    size_t size, room;
    int lines;
    bool late;           // the last word comes later
    int64_t first, last; // of the history's records that the command made, but messages; 0: none
    bool lost;           // one could not even be made
};

struct session {
    struct user user; // first: the hub's part
    struct irc *irc;
    struct wire *wire;
    void (*wake)(void *);
    void *task;
    LIST_ENTRY(session) link;
    unsigned caps;    // of enum cap
    bool version_302; // of capability negotiation
    bool negotiating; // CAP LS or REQ came and no CAP END yet
    bool named;       // user.name is the nick that it asked for, though not entered
    bool registered, ended;
    bool asked;            // a PING is under way
    bool exempt;           // from flood control
    int64_t paid;          // its lines, until then, in microseconds: flood.c
    int64_t opened, heard; // when it came, and when its last line did
    char *pass;            // from PASS; owned
    enum drop drop;        // likewise, in a word
    char *reason;          // why it ends; owned. NULL: the caller's
    const char *dropped;   // the same, if the server's own rules ended it. NULL: they did not
    struct hold *hold;     // what waits for the disk: hold.c. NULL: nothing
    TAILQ_ENTRY(session) in_holding;
    struct batch *batch;     // of several lines, that is being sent: multiline.c. NULL: none
    struct labelled *answer; // of the command that runs now. NULL: it has no label
    TAILQ_HEAD(, watching) watching; // monitor.c
    size_t watching_count;
    struct seats_party *party, alone; // as whom it searches: its network, or it alone
};

// The session of a user that is an IRC client's, or NULL.
struct session *session_of(struct user *user);

// ---- saying --------------------------------------------------------------------------------

// Lines for this client. Too long ones are cut at a character. A client that does not read is
// marked; nothing more is said to it.

// ":server 353 nick ..."
void reply(struct session *s, enum numeric number, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
// How many bytes are left for what follows the nick there; any name of a server and nick leave 400.
size_t reply_room(const struct session *s);
// ":server ..."
void tell(struct session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// ":server FAIL command code context :text" (standard-replies). context may be empty.
void fail(struct session *s, const char *command, const char *code, const char *context,
          const char *text);
// A line that is put together, without "\r\n"; tags without '@', or NULL.
void say(struct session *s, const char *tags, const char *body);
// What happened, worded for this client.
void session_deliver(struct user *user, struct event *event);
void session_expect(struct user *user, int after); // see struct outlet
// What is said from here on is no answer, though a command with a label may wait meanwhile (for the
// history, for a password). Returns what s->answer is to be again afterwards.
struct labelled *answer_aside(struct session *s);

// A client's word as an answer repeats it: one with a space would be two, an empty one none, and
// one that begins with ':' the last. What is long is cut, in place, to `most` bytes or WORD_SHOWN:
// else what stands behind it would not fit into the line.
const char *shown(char *word);
const char *shown_up_to(char *word, size_t most);
// A client's text that may be too long: cut in place, between characters. Returns it.
const char *shortened(char *text, size_t most);
enum { WORD_SHOWN = 100 };
// The name by which numerics call the client: its nick, or "*".
const char *session_name(const struct session *s);

// ---- ending --------------------------------------------------------------------------------

// The connection is to end with this reason: said to the client, and soon to the others.
void session_end(struct session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// By the server's rules; `why` stays, and is for the log too.
void session_drop(struct session *s, enum drop drop, const char *why);

// ---- commands ------------------------------------------------------------------------------

enum command_flag {
    COMMAND_EARLY = 1 << 0,    // also before registration
    COMMAND_OPERATOR = 1 << 1, // for operators of the server
};

struct command {
    const char *name;
    int least;      // parameters
    unsigned flags; // of enum command_flag
    int cost;       // of the client's budget: see flood.c
    void (*run)(struct session *s, const struct line *line);
    const char *help;
};

extern const struct command irc_commands[]; // ends with a row without name
const struct command *command_find(const char *name);

#endif
