// SPDX-License-Identifier: MIT
// chat_store_v2.h - a history as the second schema had it. It stays as it is: what comes later must
// be able to read it.
//
// In #lobby 1 and 2 were said by a clock that ran ahead, 3 and 5 once it was set right; 4 is of
// another room, 6 between two people. 2 was removed.
#ifndef WEFT_TESTS_CHAT_STORE_V2_H
#define WEFT_TESTS_CHAT_STORE_V2_H

static const char history_v2[] =
    "PRAGMA application_id = 0x77656674;"
    "PRAGMA user_version = 2;"
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE conversations (id INTEGER PRIMARY KEY, first TEXT NOT NULL, second TEXT NOT NULL,"
    " UNIQUE (first, second));"
    "CREATE INDEX conversations_second ON conversations (second) WHERE second <> '';"
    "CREATE TABLE messages (id INTEGER PRIMARY KEY, msgid TEXT NOT NULL UNIQUE,"
    " time INTEGER NOT NULL, conversation INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " words INTEGER NOT NULL, removed INTEGER NOT NULL DEFAULT 0, source TEXT NOT NULL,"
    " account TEXT, target TEXT NOT NULL, text TEXT NOT NULL, tags TEXT);"
    "CREATE TABLE removals (seq INTEGER PRIMARY KEY AUTOINCREMENT, id INTEGER NOT NULL UNIQUE,"
    " expire INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0, who TEXT);"
    "CREATE INDEX removals_waiting ON removals (expire, seq) WHERE done = 0;"
    "CREATE INDEX messages_order ON messages (conversation);"
    "CREATE TABLE clock_steps (id INTEGER PRIMARY KEY);"
    "INSERT INTO meta VALUES ('last_id', 6), ('history', '00112233445566778899AABBCCDDEEFF'),"
    " ('needs', '0.1.0');"
    "INSERT INTO conversations VALUES (1, '#lobby', ''), (2, '#other', ''), (3, 'ann', 'bob');"
    "INSERT INTO messages VALUES"
    " (1, '1', 500, 1, 0, 1, 0, 'alice!a@host', NULL, '#lobby', 'one', NULL),"
    " (2, '2', 600, 1, 0, 1, 1, 'alice!a@host', NULL, '#lobby', '   ', NULL),"
    " (3, '3', 110, 1, 0, 1, 0, 'alice!a@host', NULL, '#lobby', 'three', NULL),"
    " (4, '4', 115, 2, 0, 1, 0, 'alice!a@host', NULL, '#other', 'four', NULL),"
    " (5, '5', 120, 1, 0, 1, 0, 'alice!a@host', NULL, '#lobby', 'five', NULL),"
    " (6, '6', 121, 3, 0, 1, 0, 'ann!a@host', 'ann', 'bob', 'six', NULL);"
    "INSERT INTO removals VALUES (1, 2, 0, 1, 'alice');"
    "INSERT INTO clock_steps VALUES (3);";

#endif
