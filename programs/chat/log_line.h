// SPDX-License-Identifier: MIT
// log_line.h - one event as one line, for people or for programs.
//
//     2026-11-28T21:47:34.123Z drop id=2 addr=127.0.0.1:40113 n=1 reason="too slow"
//     {"time":"2026-11-28T21:47:34.123Z","event":"drop","id":2,"addr":"127.0.0.1:40113",...}
//
// Names and fields are the same in both. A value of the text that is more than letters, digits and
// -_./:@%+,[]~ is a string of JSON, so both are escaped by one rule: whatever a stranger can get
// into a value, it ends neither the value nor the line, nor reaches a terminal. That holds for
// control characters (C1 too), for those that turn the direction of writing, for line separators,
// and for bytes that are no UTF-8, which become U+FFFD.
//
// Pure functions on the caller's memory, without a lock or an allocation: a handler of signals may
// call them.
#ifndef WEFT_CHAT_LOG_LINE_H
#define WEFT_CHAT_LOG_LINE_H

#include <stddef.h>
#include <time.h>

enum log_format { LOG_TEXT, LOG_JSON };

struct log_field {
    const char *key;  // letters, digits, '_'
    const char *text; // NULL: it is the number
    long long number;
};

static inline struct log_field log_text(const char *key, const char *text)
{
    return (struct log_field){.key = key, .text = text ? text : ""};
}

static inline struct log_field log_number(const char *key, long long number)
{
    return (struct log_field){.key = key, .number = number};
}

enum {
    LOG_VALUE = 512, // bytes of a value as it is written: a longer one is cut, and ends in "..."
    LOG_LINE = 2048,
};

// The line with its "\n", no NUL, and its size. The fields end with a key of NULL; those that find
// no room are left out.
size_t log_event(char out[LOG_LINE], enum log_format format, const struct timespec *when,
                 const char *name, const struct log_field *fields);
// A sentence: escaped alike, but without quotes, and in JSON the text of an event "note".
size_t log_sentence(char out[LOG_LINE], enum log_format format, const struct timespec *when,
                    const char *sentence);

#endif
