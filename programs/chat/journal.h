// SPDX-License-Identifier: MIT
// journal.h - the server's log: one event, one line, one write; from any task.
//
//     journal_event(j, "join", log_number("id", 1), log_text("addr", "127.0.0.1:40112"));
//
// How a line looks is in log_line.h. No secret belongs into an event.
//
// A log that cannot be written, a full disk or a reader that went away, does not end the server:
// it says so once on stderr and goes on.
#ifndef WEFT_CHAT_JOURNAL_H
#define WEFT_CHAT_JOURNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <weft/sync.h>

#include "chat/log_line.h"

struct journal {
    int fd;          // where lines go
    const char *who; // for the one complaint
    enum log_format format;
    weft_mutex mu; // guards `failed` and `unread`, and keeps lines whole on a slow pipe
    bool failed;   // a line was lost
    bool unread;   // it was waited for long enough: what has no room now is lost
    atomic_bool ending;
};

// An event with its fields, of log_text and log_number. Waits while the reader of the log is
// behind; once there is an order to stop, for some seconds in all.
#define journal_event(j, name, ...) \
    journal_event_(j, (const struct log_field[]){log_text(name, ""), ##__VA_ARGS__, {0}})
void journal_event_(struct journal *j, const struct log_field *fields);
// A sentence for people, without the time; long ones are cut. In JSON it is an event "note".
void journal_line(struct journal *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// Text of any length that has its newline, as it is: for a log that is text.
void journal_text(struct journal *j, const char *text, size_t size);
bool journal_failed(struct journal *j);
// There is an order to stop.
void journal_end(struct journal *j);

// For a handler of signals: an event of one field, without a lock. Waits a second at most for a
// reader that is behind.
void journal_last_words(const struct journal *j, const char *name, const char *key,
                        const char *text);

#endif
