// SPDX-License-Identifier: MIT
// journal.h - the server's log: one event, one line, one write; from any task.
//
//     join id=1 addr=127.0.0.1:40112 n=1
//     drop id=2 addr=127.0.0.1:40113 n=1 reason="too slow"
//
// A log that cannot be written, a full disk or a reader that went away, does not end the server:
// it says so once on stderr and goes on.
#ifndef WEFT_CHAT_JOURNAL_H
#define WEFT_CHAT_JOURNAL_H

#include <stdbool.h>
#include <weft/sync.h>

struct journal {
    int fd;          // where lines go
    const char *who; // for the one complaint
    weft_mutex mu;   // guards `failed`, and keeps lines whole on a slow pipe
    bool failed;     // a line was lost
};

// One line; the newline is added. Waits while the reader of the log is behind.
void journal_line(struct journal *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// The same for text of any length that has its newline.
void journal_text(struct journal *j, const char *text, size_t size);
bool journal_failed(struct journal *j);

#endif
