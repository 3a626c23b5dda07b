// SPDX-License-Identifier: MIT
// fetch_record_v1.h - a file of runs as weft 0.1.0 wrote it, schema 1. It stays as it is: what
// comes later must be able to read it.
//
// Run 1 is finished, run 2 was cut short. /a grew, /b failed in the second, /c was not reached.
#ifndef WEFT_TESTS_FETCH_RECORD_V1_H
#define WEFT_TESTS_FETCH_RECORD_V1_H

static const char record_v1[] =
    "PRAGMA application_id = 0x77656666;"
    "PRAGMA user_version = 1;"
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
    "INSERT INTO runs VALUES (1, 1795900000000, 1795900001500, 1, 1, '0.1.0'),"
    " (2, 1795910000000, 1795910000900, 0, 1, '0.1.0');"
    "INSERT INTO settings VALUES (1, 'jobs', 5), (1, 'user-agent', ''), (2, 'jobs', 5);"
    "INSERT INTO urls VALUES (1, 'https://example.org/a', 1000), (2, 'https://example.org/b', "
    "2000),"
    " (3, 'https://example.org/c', 3000);"
    "INSERT INTO pages VALUES"
    " (1, 1, 0, NULL, 5, 0, 200, 20, 1, 0, 400, 1000, 400, 250, 120, 10, 90000, 1000, 2000, 3000,"
    "  80000, 90000, 0, 0, 0, NULL, 'gzip', '192.0.2.1', NULL),"
    " (1, 2, 0, NULL, 5, 0, 200, 11, 1, 1, 2000, 2000, NULL, 250, 120, 20, 90000, 0, 0, 0,"
    "  80000, 90000, 0, 0, 1, 'https://example.org/b/', NULL, '192.0.2.1', NULL),"
    " (1, 3, 0, NULL, 5, 0, 200, 11, 1, 0, 3000, 3000, 3000, 250, 120, 30, 90000, 0, 0, 0,"
    "  80000, 90000, 0, 0, 0, NULL, NULL, '192.0.2.1', NULL),"
    " (2, 1, 0, NULL, 5, 0, 200, 20, 1, 0, 500, 1200, 500, 250, 120, 10, 90000, 1000, 2000, 3000,"
    "  80000, 90000, 0, 0, 0, NULL, 'gzip', '192.0.2.1', NULL),"
    " (2, 2, 0, 'timeout', 5, 0, 200, 11, 3, 0, 17, 0, 2000, 250, 120, 20, 900000, 0, 0, 0,"
    "  80000, 0, 0, 0, 0, NULL, NULL, '192.0.2.1', NULL);";

#endif
