// SPDX-License-Identifier: MIT
// store.h - the history of a chat server: messages that survive, and can be found again.
//
//     struct store *store;
//     int rc = store_open(&store, &(struct store_options){.folder = "/var/lib/weft"});
//     int64_t number = store_append(store, &message);   // at once; the disk comes later
//     struct store_progress p;
//     while (store_wait_progress(store, seen, &p, WEFT_FOREVER) == 0) {
//         acknowledge(p.first, p.last, p.code);         // 0: they are on disk
//         seen = p.last;
//     }
//
// In its folder lie history.db, the messages; words.db, the full-text index, which is made anew
// when it is missing; and `lock`. A thread writes, all that waits in one transaction; a second one
// follows with the index, so that nobody who waits for a commit waits for the index too. Who asks
// is served beside them. Any task of the process may call; failures leave their reason in
// weft_error().
//
// The store knows no protocol. Names of rooms and users are keys, folded by the caller; kinds of
// messages are the caller's numbers.
#ifndef WEFT_CHAT_STORE_H
#define WEFT_CHAT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/time.h>

struct store;

enum { STORE_MSGID_MAX = 32 }; // bytes

// In a text: it goes on in a new line because lines are short. A search does not see it.
#define STORE_JOINT '\r'

struct store_options {
    const char *folder;        // made with mode 0700 if it is missing; its parent must be there
    bool full_sync;            // a commit survives loss of power too, not only the process's end
    bool no_index;             // no search, no words.db
    int keep_days;             // 0: for ever
    int64_t keep_count;        // of each conversation. 0: all
    size_t queue_messages;     // how many may wait for the disk. 0: 65,536
    size_t queue_bytes;        // and their size. 0: 64 MiB
    int64_t retry_ms;          // between attempts to go on after a failure. 0: 5 s
    int64_t tidy_ms;           // between looks for what need not be kept. 0: 60 s
    int64_t (*clock_ms)(void); // since the epoch, for keep_days. NULL: the system's
    // History has stopped (code < 0, once, with the reason) or goes on (0, ""). Called on the
    // writer's thread; must not wait.
    void (*on_change)(int code, const char *reason, void *ctx);
    void *ctx;
};

// 0; -EBUSY: another process, or this one, has it open; -EPROTO: it was made by a newer weft, which
// the message names; -EUCLEAN: it is no history, or is damaged; -EAGAIN: no thread; -ENOMEM; or the
// system's reason. A file of an older schema N is first copied, to history.db.vN, and then brought
// up to date. Waits for the disk.
int store_open(struct store **store, const struct store_options *options);

// No more appends (-EPIPE). What waits is still written. Never waits.
void store_end(struct store *store);
// store_end, then wait until all is written, and release everything. At the deadline what is left
// fails with -ECANCELED; a transaction that has begun is waited for. 0, or why the last messages
// were not written.
// Nobody else may be using the store: let who waits for progress first see its -EPIPE.
int store_close(struct store **store, weft_time deadline);

// ---- messages ------------------------------------------------------------------

// A room: its name, and NULL. Two users: their names in any order.
struct store_conversation {
    const char *first, *second;
    int64_t era; // of a room, see below. 0: it is open
};

struct store_message {
    // Unique; 1 to STORE_MSGID_MAX bytes. Cheapest if they sort by time. What happened in several
    // conversations is a message in each: "x", "x.2", "x.3"...; each is also found as "x".
    const char *msgid;
    int64_t time_ms; // since the epoch
    int kind;        // the caller's number
    bool is_text;    // is searched, and shown where no events are asked for
    struct store_conversation where;
    const char *source;        // nick!user@host
    const char *account;       // may be NULL
    const char *target, *text; // "" if there is none
    const char *tags;          // as they came. May be NULL
};

// Copy it into the queue: its number, 1, 2, 3... of this store_open. Never waits for the disk, and
// never parks the task: a fiber may call it in the middle of what must be whole for its loop.
// -ENOBUFS: the queue is full; -EPIPE: ended; -EINVAL: no msgid, or a long one, or no room, or an
// era of two users; -ENOMEM; or why history is stopped, and then nothing is queued.
int64_t store_append(struct store *store, const struct store_message *message);

// What has become of a run of appends.
struct store_progress {
    int64_t first, last; // first is `seen` + 1
    int code;            // 0: committed. -EEXIST: its msgid was there before. Else why history
                         // stopped, or -ECANCELED (store_close)
    int64_t refused;     // appends that were not taken, since store_open
};
// Wait for the outcome of the appends after `seen`, and write the first run of one outcome: so each
// append is told once, in order, and a failure names exactly those that failed. One task asks, with
// the last number that it has seen; what lies before is forgotten. 0; -ETIMEDOUT; -ECANCELED;
// -EPIPE: ended, and all were told.
int store_wait_progress(struct store *store, int64_t seen, struct store_progress *progress,
                        weft_time deadline);

// What is appended is committed within 20 ms or so, with what has come by then. Somebody waits for
// this one: commit it, and all before it, now. Never waits.
void store_hurry(struct store *store, int64_t number);

// A commit that fails stops history: all that waited fails with its code, appends are refused with
// it. Every retry_ms the store looks whether it can write again; for tests: look now.
void store_retry(struct store *store);

// Delete the words (text and tags) of a message, and wait until they are in none of the files: not
// in free pages, not in the log, not in the index. The message is in no answer from the first
// moment on; its msgid still serves as a bound. That takes a rewrite of the index: removals that
// come together share one. 0; -ENOENT: no such message, or it is removed; -ETIMEDOUT: nothing is
// removed; -EINPROGRESS: the deadline has passed, and it goes on, also after a restart (until that
// is on disk it waits longer); -ECANCELED: either; -EPIPE: ended; or why history is stopped.
// Not reached are copies: of backups, and history.db.vN. Where keep_days or keep_count have ever
// deleted messages, all of history.db is read for it, and writing waits meanwhile; then it is not
// done for a file of 64 GiB.
int store_remove(struct store *store, const char *msgid, const char *by, weft_time deadline);

// ---- eras ----------------------------------------------------------------------
// While a room is guarded, what is said there is of an era. A question about the room sees what was
// said in the open, and in the one era that it names; of the others it knows not even the msgids. A
// key, of which a hash is kept, may open an era again, also after a restart. What opens it is told
// before the first append that is protected so; both are committed together. None of these waits.

int64_t store_era_new(struct store *store); // a number under which nothing was said
// The era that this key of the room opens, 0 if it opens none. A room is in it from now on; to ask
// whether there is one puts none in it.
int64_t store_era_find(struct store *store, const char *room, const char *key);
bool store_era_is_there(struct store *store, const char *room, const char *key);
// From now on this key of the room, which opened none, opens this era, and no other does; NULL:
// none. A room is in it. 0 or -ENOMEM: then append nothing more to it.
int store_era_set(struct store *store, int64_t id, const char *room, const char *key);
void store_era_end(struct store *store, int64_t id); // no room is in it now; its messages are kept

// ---- questions ---------------------------------------------------------------
// An answer sees all that was committed before the question. Only the calling task waits; it may be
// cancelled. 0, with *rows to be freed by the caller; -ENOENT: an unknown msgid; -EINVAL; -ENOMEM;
// -ECANCELED; -ETIMEDOUT; or the system's reason, and then *rows is NULL.

struct store_rows {
    size_t count;
    struct store_message *messages; // what they point to is owned by the rows
    char next[STORE_MSGID_MAX + 1]; // of a search: `before` of the next part; "": nothing is left
};
void store_rows_free(struct store_rows **rows); // NULL is fine

// The store is about to be closed: questions that are under way, and all that come, end with
// -ECANCELED, so that nobody is waited for who looks through all that was ever said. Never waits.
void store_end_questions(struct store *store);

// A conversation is in the order of its appends, which is that of time unless a clock was set. A
// point is one message of it, or a time: what comes after that begins with the first that was not
// said before it, what comes before it ends with the last that was not said after it, and that
// millisecond is in neither.
struct store_point {
    const char *msgid; // NULL: the time counts
    int64_t time_ms;
};

enum store_range {
    STORE_BEFORE,  // the last ones before `from`
    STORE_AFTER,   // the first ones after `from`
    STORE_LATEST,  // the last ones, if after `from` (zero: whatever they are)
    STORE_AROUND,  // half before `from`, and from it on
    STORE_BETWEEN, // the first ones after `from` and before `to`; the last ones if `to` is sooner
};
struct store_query {
    struct store_conversation where;
    enum store_range range;
    struct store_point from, to; // exclusive, but for STORE_AROUND
    size_t limit;
    bool events; // also what is not text
};
// The oldest first.
int store_ask(struct store *store, const struct store_query *query, struct store_rows **rows);

// The conversations whose last text is between the two times (exclusive, in any order): of those
// that the user has with others, and of the rooms named. That text of each; the oldest first. More
// than the limit: those nearest to `from`.
struct store_targets {
    const char *user;
    const struct store_conversation *rooms;
    size_t room_count;
    int64_t from_ms, to_ms;
    size_t limit;
};
int store_list(struct store *store, const struct store_targets *targets, struct store_rows **rows);

// How long a client's search waits, whatever door it came by: for what was said last to be indexed,
// for a place (seats.h; twice as long as one can be taken), and for the answer.
enum { SEARCH_INDEX_MS = 2000, SEARCH_WAIT_MS = 10000, SEARCH_FIND_MS = 5000 };

struct store_search {
    const char *words; // all of them; what has no space within, as 多线程 or foo-bar, is a phrase
    const struct store_conversation *in; // each once. NULL: everywhere, and in each era
    size_t in_count;
    const char *author;         // a nick or an account, in any case (of ASCII). NULL: anybody
    int64_t since_ms, until_ms; // exclusive. 0: no bound
    const char *before;         // a msgid in one of these conversations, exclusive. NULL: no bound
    size_t limit;
    size_t look_at;     // without words of the index: so many messages, for what fits. 0: all
    weft_time deadline; // an author who says little is looked for in all that was said: -ETIMEDOUT.
                        // Zero: none
};
// The newest first, in the order of appends, in which `before` is a bound too: so one part follows
// the other exactly, whatever is said meanwhile. Behind rows->next there may be nothing more. Sees
// what is indexed: see store_wait_indexed. Without words (NULL or "") it is all that fits the rest,
// of which there must be something, and sees what is committed. -EINVAL: there is no word in
// `words`, or nothing at all is asked for; -ENOENT: no `before` there; -ENOTSUP: words, and
// no_index.
int store_find(struct store *store, const struct store_search *search, struct store_rows **rows);
// The same for texts of others that contain the nick `words`, as it is written, in any case. There
// must be one.
int store_mentions(struct store *store, const struct store_search *search,
                   struct store_rows **rows);

// ---- the rest ------------------------------------------------------------------

struct store_status {
    int64_t appended, committed, failed; // since store_open
    int64_t refused;                     // not appended: stopped, or the queue was full
    int64_t queued;                      // appended, and not yet settled
    int64_t oldest_ms;                   // the time_ms of the first of these; 0: there is none
    int64_t unindexed;                   // committed, also before, and not yet searchable
    int code;                            // 0, or why history is stopped
    char reason[192];                    // in words, or ""
    int index_code;                      // 0, or why the index does not follow just now
    int64_t file_bytes;                  // history.db, words.db and their logs
};
void store_status(struct store *store, struct store_status *status); // waits for moments

// Wait until all that is committed by now can be found: 0, -ETIMEDOUT or -ECANCELED; -EPIPE: ended.
int store_wait_indexed(struct store *store, weft_time deadline);

// Copy the history in the folder, in use or not, into a new file of mode 0600: as it is at one
// moment, without the index. 0; -EEXIST: never overwritten; -ENOENT: no history; or the system's
// reason: then there is no such file. Waits for the disk; -ECANCELED once stopped() is true, which
// is asked all the while (NULL: it never is).
int store_backup(const char *folder, const char *file, bool (*stopped)(void));

#endif
