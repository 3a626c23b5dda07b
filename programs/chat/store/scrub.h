// SPDX-License-Identifier: MIT
// scrub.h - clear what lies in the gaps of history.db's pages.
#ifndef WEFT_CHAT_STORE_SCRUB_H
#define WEFT_CHAT_STORE_SCRUB_H

#include <sqlite3.h>

// 0; -EBUSY: the log is not empty, which it must be: sql_empty_log, and again; -ENOTSUP: too large
// (64 GiB); or as sql.h. db is in no transaction. Reads the whole file; nobody can write meanwhile.
int scrub_gaps(sqlite3 *db);

#endif
