// SPDX-License-Identifier: MIT
// record_schema.c - the file of runs.
//
// All of it is only appended to: the text of a URL once, and for each run a row of numbers, in the
// order of runs. There is no index but the keys: the one that finds a URL is in memory (see
// record_index.c). What a URL's size was before stands with the URL, however many runs there are.
// It is brought up to date when a run is finished, in the same transaction; so a run cut short is
// nothing to compare with.
//
//     runs      begin and end in ms since 1970; end is NULL while it runs, or after a kill. whole:
//               it was finished. parts: 1, and one more for each time it was resumed
//     settings  of a run, by name
//     urls      decoded: in the last finished run in which it did not fail
//     pages     fault is NULL if there was none. Sizes in bytes, -1 is NULL. Times in microseconds:
//               begin since the run began; took is all of it, the others are of the last request
//
// How the pages of one URL grew:
//
//     SELECT datetime(r.begin / 1000, 'unixepoch'), p.decoded FROM pages p
//     JOIN runs r ON r.id = p.run JOIN urls u ON u.id = p.url
//     WHERE u.url = 'https://example.org/' AND p.fault IS NULL ORDER BY r.id;
#include "fetch/record_parts.h"

static const char *const steps[] = {
    "PRAGMA application_id = 0x77656666;"
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE runs (id INTEGER PRIMARY KEY, begin INTEGER NOT NULL, end INTEGER,"
    " whole INTEGER NOT NULL DEFAULT 0, parts INTEGER NOT NULL DEFAULT 1, weft TEXT NOT NULL);"
    "CREATE TABLE settings (run INTEGER NOT NULL, name TEXT NOT NULL, value,"
    " PRIMARY KEY (run, name)) WITHOUT ROWID;"
    "CREATE TABLE urls (id INTEGER PRIMARY KEY, url TEXT NOT NULL, decoded INTEGER);"
    "CREATE TABLE pages (run INTEGER NOT NULL, url INTEGER NOT NULL, part INTEGER NOT NULL,"
    " fault TEXT, stage INTEGER NOT NULL, code INTEGER NOT NULL, status INTEGER NOT NULL,"
    " http INTEGER NOT NULL, attempts INTEGER NOT NULL, redirects INTEGER NOT NULL,"
    " encoded INTEGER NOT NULL, decoded INTEGER NOT NULL, claimed INTEGER,"
    " header_bytes INTEGER NOT NULL, request_bytes INTEGER NOT NULL,"
    " begin INTEGER NOT NULL, took INTEGER NOT NULL, name INTEGER NOT NULL,"
    " connect INTEGER NOT NULL, tls INTEGER NOT NULL, first_byte INTEGER NOT NULL,"
    " total INTEGER NOT NULL, head INTEGER NOT NULL, excess INTEGER NOT NULL,"
    " unverified INTEGER NOT NULL, target TEXT, encoding TEXT, address TEXT, detail TEXT,"
    " PRIMARY KEY (run, url)) WITHOUT ROWID;"
    "INSERT INTO meta VALUES ('needs', '0.1.0');"
    "PRAGMA user_version = 1;",
};

const struct schema record_schema = {
    .application = 0x77656666, // "weff"
    .what = "record",
    .steps = steps,
    .count = sizeof steps / sizeof *steps,
};
