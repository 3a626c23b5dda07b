// SPDX-License-Identifier: MIT
// inbox.h - the messages that wait for the disk, and what became of those that no longer do.
//
// A queue of copies, bounded in number and size, and the list of outcomes that were not yet told.
// An outcome that is not success is kept in the copy of the first message that it befell: so
// telling of a failure needs no memory, and cannot fail itself.
#ifndef WEFT_CHAT_STORE_INBOX_H
#define WEFT_CHAT_STORE_INBOX_H

#include <weft/sync.h>

#include "chat/store/store.h"

struct note {
    struct note *next;
    int64_t number;
    int64_t last; // as an outcome: of number to last
    int code;
    size_t size; // of all of it
    struct store_message message;
    char bytes[]; // that it points to
};

struct notes {
    struct note *first, **end; // end: where the next one is hung
    size_t count, size;
};

struct inbox {
    size_t max_count, max_size;
    int64_t appended, settled; // numbers
    int64_t failed;            // how many
    int64_t taken_ms;          // the time of the first that is taken and not settled; 0: none is
    struct notes waiting;      // appended, in order
    struct notes failures;     // settled, and not yet told: outcomes other than 0, in order
};

void notes_init(struct notes *notes);
void notes_free(struct notes *notes);

// A copy, or NULL: out of memory.
struct note *note_new(const struct store_message *message);

void inbox_init(struct inbox *inbox, size_t max_count, size_t max_size);
void inbox_free(struct inbox *inbox);
int64_t inbox_add(struct inbox *inbox, struct note *note); // its number, or -ENOBUFS
// So many wait that no more need come together, or soon no more have room.
bool inbox_is_filling(const struct inbox *inbox);
// The time_ms of the first that is not settled; 0: all are.
int64_t inbox_oldest(const struct inbox *inbox);
// Up to `most` of those that wait. *taken is written.
void inbox_take(struct inbox *inbox, size_t most, struct notes *taken);
// The outcome of notes that were taken, in order, each by the code in it. Failures are kept; *done
// is written: the others, to be freed without the lock.
void inbox_settle(struct inbox *inbox, struct notes *notes, struct notes *done);
// The outcome of all that are taken and that wait: one failure.
void inbox_fail(struct inbox *inbox, struct notes *taken, int code);
// The first outcome after `seen`: whether there is one.
bool inbox_told(struct inbox *inbox, int64_t seen, struct store_progress *progress);

#endif
