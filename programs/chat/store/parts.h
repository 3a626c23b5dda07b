// SPDX-License-Identifier: MIT
// parts.h - what the parts of the store share: its state, and who does what.
//
//     writer.c     a thread: commits, and what else changes history.db
//     insert.c     a message, as rows
//     eras.c       what was said behind a key, and which key
//     removal.c    whose words go: asked for, begun, finished
//     retention.c  what need not be kept
//     indexer.c    a thread: words.db follows history.db
//     readers.c    connections that answer
//     place.c      where a time is in a conversation
//
// Removing takes both threads. The writer marks the message and writes down a removal (from then on
// it is in no answer); the indexer takes its words out of the index, in the order of removals, and
// rewrites words.db so that they are in no page of it; then the writer overwrites them in
// history.db and empties the log. Each part is its own transaction, and can be done again after a
// kill: what is not `done` in the table of removals is taken up by the next store_open. Retention
// goes the same way, but does not wait for the rewrite.
#ifndef WEFT_CHAT_STORE_PARTS_H
#define WEFT_CHAT_STORE_PARTS_H

#include <stdatomic.h>
#include <sys/queue.h>
#include <weft/pool.h>
#include <weft/sync.h>

#include "chat/store/inbox.h"
#include "chat/store/store.h"
#include "common/sql.h"

enum { READERS = 6 };            // of which searches have four: API_AT_ONCE, SEARCHES_AT_ONCE
enum { STORE_ROWS_AT_ONCE = 8 }; // are written; then the chat may have the core

enum wish_state {
    WISH_MADE,    // its maker may still take it back
    WISH_TAKEN,   // the writer is about to write it down
    WISH_WRITTEN, // it is on disk, and will be granted whatever happens
    WISH_SETTLED, // granted or refused, by its code
};

// Somebody waits for a removal. Freed by the last of the two that hold it.
struct wish {
    struct wish *next;
    int64_t after; // the append that must be settled first: the message may be it
    int64_t seq;   // of the removal, once it is written down
    enum wish_state state;
    int code;
    int holders;
    char msgid[STORE_MSGID_MAX + 1];
    char by[]; // whom to note
};

// Which keys open what: eras.c. Those of which the file knows, and those of rooms that are there.
struct era;
struct era_change; // that is not on disk
TAILQ_HEAD(era_changes, era_change);
struct eras {
    char secret[65];             // of this file; does not change
    int64_t last;                // the number that was given last
    struct era *by_id, *by_hash; // tables
    struct era_changes changes;  // the writer has not seen them
};

struct store {
    // These do not change while it is open.
    struct store_options set;
    char *history_path, *index_path;
    int lock; // of the folder
    weft_future *writer, *indexer;
    sqlite3 *index_db; // the indexer's; others only interrupt it

    weft_mutex mu;              // guards all below
    weft_cond work, index_work; // the writer, the indexer has something to do
    weft_cond told;             // outcomes of appends
    weft_cond moved;            // the index, removals
    bool ended, abandoned;      // no more appends; nor are those that wait written
    int64_t hurried;            // the last append that somebody waits for
    bool index_idle;            // the indexer waits for work, and not for its time
    int index_waiters;          // who wait until all is indexed
    int lost;                   // why messages were not written after the end, or 0
    int64_t refused;            // appends that were not taken
    bool retry_now;
    int code; // why history is stopped
    char reason[192];
    struct inbox inbox;
    struct wish *wishes; // not yet seen by the writer; in any order
    struct eras eras;
    int64_t last_id, indexed;  // of messages: committed, searchable
    int64_t last_removal;      // committed
    int64_t forgotten, purged; // removals that the index knows of; that are in no page of it
    int index_code;
    sqlite3 *idle[READERS];
    size_t idle_count;
    weft_sem readers;
    atomic_bool silent; // no question is answered any more; nothing is read with it
};

// A conversation that was written to lately.
enum { KNOWN = 64, KNOWN_NAME = 65 };
struct known {
    int64_t id, era; // id 0: none
    char first[KNOWN_NAME], second[KNOWN_NAME];
};

// The two threads. Each opens its connections in *_open, on the thread of store_open, so that
// failures are its own.
struct writer {
    struct store *store;
    sqlite3 *db;
    sqlite3_stmt *find, *add_conversation, *insert, *note_last;
    struct known known[KNOWN];
    int64_t last_id, last_time; // of what is written
    struct era_changes changes; // of eras; to be written in front of the next messages
    struct wish *wishes;        // written down, not finished; in any order
    int64_t wanted, finished;   // removals asked for: written down; overwritten
    int64_t expired, deleted;   // removals of retention: written down; deleted
    bool thinned;               // retention has deleted rows of this file, ever
    bool empty_log;             // words that were overwritten may be in the log
    weft_time empty_at, retry_at, sweep_at;
    int64_t sweep;   // the conversation that is looked at next; 0: none
    int64_t surplus; // its last message that is too much; 0: none is; -1: it was not looked at
};

int writer_open(struct writer *w, struct store *store);
void writer_close(struct writer *w);
int write_history(struct writer *const *arg, weft_none *none);
WEFT_TASK(write_history, struct writer *, weft_none);
// History stops, and with it all that waits.
void writer_stop(struct writer *w, struct notes *taken, int code);

int eras_open(struct writer *w); // what the file knows
void eras_close(struct writer *w);
void eras_take(struct writer *w);    // what has changed; mu is held
int eras_write(struct writer *w);    // what was taken; again, until it is committed
void eras_written(struct writer *w); // it is
// There is no message of it: whether it may go, and then its key is forgotten.
bool eras_let_go(struct writer *w, int64_t era);

int insert_prepare(struct writer *w);
void insert_finish(struct writer *w);
int insert_message(struct writer *w, const struct store_message *message); // also -EEXIST
void insert_forget(struct writer *w); // what it knows: a transaction was undone

int removal_resume(struct writer *w); // what the last run left
void removal_begin(struct writer *w);
void removal_finish(struct writer *w);
// Removals are written down up to this one: tell the indexer, or do its part without one.
void removal_publish(struct writer *w, int64_t last);
void removal_give_up(struct writer *w);      // tell all who wait: -EPIPE
bool removal_is_due(const struct writer *w); // mu is held

void retention_step(struct writer *w);         // a short one
bool retention_is_due(const struct writer *w); // mu is held

struct indexer {
    struct store *store;
    sqlite3 *history, *words;
    sqlite3_stmt *removed, *fresh, *add, *forget, *note;
    int64_t indexed, forgotten;
    bool again; // the last turn left something
};

int indexer_open(struct indexer *x, struct store *store);
void indexer_close(struct indexer *x);
int follow_history(struct indexer *const *arg, weft_none *none);
WEFT_TASK(follow_history, struct indexer *, weft_none);
int index_file_open(struct store *store, sqlite3 *history, sqlite3 **words); // made if need be

// Call ask(db, question, rows) where it may block, with a connection that sees both files. At the
// deadline it is interrupted.
typedef int reader_asks(sqlite3 *db, const void *question, struct store_rows **rows);
int reader_run(struct store *store, reader_asks *ask, const void *question, weft_time deadline,
               struct store_rows **rows);
void readers_close(struct store *store);

// Names as the table of conversations has them: second is "" for a room.
void conversation_names(const struct store_conversation *where, const char **first,
                        const char **second);
// Take mu without ever parking: who appends may be in the middle of a broadcast, which must be
// whole for the other fibers of its loop. The others hold it for moments, to move pointers.
void lock_in_place(weft_mutex *mu);

#endif
