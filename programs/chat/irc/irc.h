// SPDX-License-Identifier: MIT
// irc.h - the IRC door as its owner sees it: a server, its sessions, and lines that go into them.
//
//     struct session *s = session_open(irc, wire, "192.0.2.7");
//     while ((n = wire->ops->read(wire, line, sizeof line, deadline)) > 0 && !session_ended(s))
//         session_line(s, line, n);
//     session_close(&s, "Connection closed");
//
// All of it belongs to the hub's loop. No call waits, but session_line where it asks the history.
#ifndef WEFT_CHAT_IRC_H
#define WEFT_CHAT_IRC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chat/drop.h"
#include "chat/hub/hub.h"
#include "chat/irc/line.h"
#include "chat/wire.h"

// A command that is longer than any client may send has no end in such a buffer.
enum { SESSION_LINE = LINE_TEXT_MAX + 3 };

// Of a setting that 005 shows: what is longer would be cut there.
enum { IRC_WORD_MAX = 180 };

struct irc_operator {
    const char *name, *hash; // as crypto_pwhash_str of libsodium makes it
};

// Texts belong to the caller and stay until irc_free, or until irc_set gave others.
struct irc_settings {
    const char *name;        // "irc.example.org": what lines from the server begin with
    const char *network;     // "Example", of at most IRC_WORD_MAX bytes
    const char *description; // of the server, for WHOIS and LINKS
    const char *motd;        // lines that end in "\n"; NULL: none
    const char *password;    // that every client must give; NULL: none
    // Who looks after it, where, and the address to write to; all NULL: nobody says.
    const char *admin_name, *admin_place, *admin_mail;
    const struct irc_operator *operators;
    size_t operator_count;
    void (*rehash)(void *owner); // REHASH: read the settings again. May be NULL
    void *owner;
    struct store *history;    // NULL: none is kept
    int history_max;          // messages in one answer; 0: 100
    int keep_days;            // how long messages are kept, as clients are told. 0: for ever
    int keep_count;           // and how many of each room. 0: all
    const char *tags_refused; // CLIENTTAGDENY: "*,-typing", as long. NULL: all pass
    int rooms_each;           // that one user may be in; 0: 100
    int list_size;            // masks in each list of a room; 0: 100
    int watches;              // names in a list of MONITOR; 0: 100
    int sts_port;             // where clients are to come by TLS (STS); 0: they need not
    long sts_seconds;         // and for how long they are to remember it
    // Milliseconds; 0: 30 s, 120 s, 60 s.
    int64_t register_ms; // in which a client must say who it is
    int64_t ping_ms;     // of silence, before it is asked whether it is there
    int64_t answer_ms;   // in which it must then say something
    // Flood control: what a client may ask at once and then each second, as the costs of commands
    // (commands.c) add up. Rate 0: there is none, as it is for who is exempt.
    int flood_burst, flood_rate;
    int flood_backlog_kb; // of lines that wait for the budget; more: it is put out. 0: any
};

struct irc;
struct session;
struct store;
struct store_progress;

struct irc *irc_new(struct hub *hub, const struct irc_settings *set); // NULL: out of memory
// Other settings than before, for all sessions, who are told what changes of ISUPPORT: the texts of
// before are read once more. Its name, its network and its history stay.
void irc_set(struct irc *irc, const struct irc_settings *set);
void irc_shut(struct irc *irc, const char *why); // ends all sessions
// What has become of messages that were to be kept: echoes and answers that waited for it go out.
void irc_progress(struct irc *irc, const struct store_progress *progress);
void irc_tell_operators(struct irc *irc, const char *text); // a NOTICE to each
void irc_free(struct irc **irc);                            // no session is open any more

// Those who ask without a session.
// These bytes are the password, or there is none.
bool irc_lets_in(const struct irc *irc, const char *password, size_t size);
// A budget as each session has one: a number that only this changes, 0 at first. 0: the cost was
// charged. Else it was not: in how many milliseconds there is a budget again.
int64_t irc_charge(const struct irc *irc, int64_t *paid, int cost);

// A client that has said nothing yet; `host` is its address, as others will see it. `wake` is
// called, from any call into the hub, when the session has ended while its task may wait: it must
// make the task look at session_ended, and may not wait. NULL: out of memory.
struct session *session_open(struct irc *irc, struct wire *wire, const char *host,
                             void (*wake)(void *), void *task);
// One line, without its end; changed on the way.
void session_line(struct session *s, char *line, size_t size);
void session_too_long(struct session *s); // a line that was longer than can be
// Bytes came, many of them, that are no line: they count as one.
void session_noise(struct session *s);
bool session_ended(const struct session *s);
enum drop session_cause(const struct session *s); // why it has ended
bool session_registered(const struct session *s); // for tests
// Why the server ended it, for a log: our own words, which stay. NULL: it did not, or not yet, or a
// person did, whose reason is his.
const char *session_dropped(const struct session *s);
// When session_tick is to be called if no line comes before: then it asks whether the client is
// there, or ends the session. In the hub's time.
int64_t session_due(const struct session *s);
void session_tick(struct session *s);
// This client has no budget: flood control is not for it.
void session_exempt(struct session *s);
// Its searches are those of this party, which stays as long as the session.
struct seats_party;
void session_join_party(struct session *s, struct seats_party *party);
// For so many milliseconds no line is to be read from it, because its budget is used up; 0: now.
int64_t session_delay(struct session *s);
// So many bytes wait while session_delay lasts: too many end it.
void session_backlog(struct session *s, size_t waiting);
// Before it is closed: what it was told may wait for the disk, its goodbye behind it. That goes
// out, unless the disk takes too long. Waits.
void session_settle(struct session *s);
// Ends it, with this reason if it has none yet, and frees it. Others see it leave.
void session_close(struct session **s, const char *reason);

#endif
