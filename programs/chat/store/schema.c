// SPDX-License-Identifier: MIT
// schema.c - see schema.h.
//
// The table of messages is only appended to. A removal overwrites text and tags with as many
// blanks, and `removed` is 0 or 1, which SQLite stores in no byte: so a row never changes its size,
// no page is rebuilt, and no copy of what was removed stays in the gap of a page (secure_delete
// clears what is freed, not what a rebuilt page leaves behind). Retention does delete rows; then
// scrub.c clears the gaps.
//
// An entry of an index ends with its row's id. So messages_order has each conversation in the order
// in which it was said. That is the order of time as well, but where the clock was set back:
// clock_steps has the ids of the messages at which it was, those of the last few times.
//
// A conversation is a number, so that an index entry has a few bytes; `second` is '' for a room,
// and the names of two users are in order. What was said in a room behind a key or an invitation is
// a conversation beside that of the open room, for each `era` of it. A column of messages would
// have cost a byte in each of them, and more: rows of before would change their sizes with their
// removal, what is hidden would be looked through again and again by those who may not see it, and
// strangers who fill the open room would drive out what is kept of the guarded one. Numbers of
// conversations are never used again, for a question may have looked one up. `eras` has the hash of
// what opens one; what nothing opens is not in it.
//
// `removals` are what the index must forget, in the order
// of their numbers, which are never used again.
#include "chat/store/schema.h"

#include "chat/store/place.h"

static const char *const steps[] = {
    "PRAGMA application_id = 0x77656674;"
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE conversations (id INTEGER PRIMARY KEY, first TEXT NOT NULL, second TEXT NOT NULL,"
    " UNIQUE (first, second));"
    "CREATE INDEX conversations_second ON conversations (second) WHERE second <> '';"
    "CREATE TABLE messages (id INTEGER PRIMARY KEY, msgid TEXT NOT NULL UNIQUE,"
    " time INTEGER NOT NULL, conversation INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " words INTEGER NOT NULL, removed INTEGER NOT NULL DEFAULT 0, source TEXT NOT NULL,"
    " account TEXT, target TEXT NOT NULL, text TEXT NOT NULL, tags TEXT);"
    "CREATE INDEX messages_time ON messages (conversation, time);"
    "CREATE TABLE removals (seq INTEGER PRIMARY KEY AUTOINCREMENT, id INTEGER NOT NULL UNIQUE,"
    " expire INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0, who TEXT);"
    "CREATE INDEX removals_waiting ON removals (expire, seq) WHERE done = 0;"
    "INSERT INTO meta VALUES ('last_id', 0), ('history', hex(randomblob(16))), ('needs', '0.1.0');"
    "PRAGMA user_version = 1;",
    "DROP INDEX messages_time;"
    "CREATE INDEX messages_order ON messages (conversation);"
    "CREATE TABLE clock_steps (id INTEGER PRIMARY KEY);"
    "INSERT INTO clock_steps SELECT id FROM"
    " (SELECT id, time, lag(time) OVER (ORDER BY id) AS before FROM messages)"
    " WHERE time < before ORDER BY id DESC LIMIT " PLACE_STEPS ";"
    "PRAGMA user_version = 2;",
    "CREATE TABLE renewed (id INTEGER PRIMARY KEY AUTOINCREMENT, first TEXT NOT NULL,"
    " second TEXT NOT NULL, era INTEGER NOT NULL, UNIQUE (first, second, era));"
    "INSERT INTO renewed SELECT id, first, second, 0 FROM conversations;"
    "DROP TABLE conversations;"
    "ALTER TABLE renewed RENAME TO conversations;"
    "CREATE INDEX conversations_second ON conversations (second) WHERE second <> '';"
    "CREATE INDEX conversations_era ON conversations (era) WHERE era > 0;"
    "CREATE TABLE eras (id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE);"
    "INSERT INTO meta VALUES ('secret', hex(randomblob(32)));"
    "PRAGMA user_version = 3;",
};

const struct schema history_schema = {
    .application = 0x77656674, // "weft"
    .what = "history",
    .steps = steps,
    .count = sizeof steps / sizeof *steps,
};
