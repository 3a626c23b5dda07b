// SPDX-License-Identifier: MIT
// weft/error.h - how everything in weft fails.
//
//     weft_conn *c = weft_connect("example.org:80", weft_after_ms(2000));
//     if (!c)
//         return weft_fail(weft_error_code(), "greeting: %s", weft_error());
//
// A fallible call returns 0 or a count on success and a negative errno on failure; one that
// returns a pointer returns NULL, and weft_error_code() has the errno. So strerror(-rc) always
// works and there is no second code space:
//     -ETIMEDOUT   the deadline came first       -ECANCELED  this task was asked to stop
//     -EPIPE       closed, or broken             -EAGAIN     no more threads, or no spare worker
//     -ENOTSUP     not here (this kind, a forked child)      -ENOMEM  out of memory
//     -EOWNERDEAD  the process that ran it, or held the lock, has died
// The message - which host, which file, which signal - is kept beside the code, per task. Both
// travel with a result: joining a failed task gives the joiner the same code and message.
//
// Misuse (a NULL queue, unlocking a free lock, a wrong result size) is a bug, not an error: it
// aborts with one line that names it.
#ifndef WEFT_ERROR_H
#define WEFT_ERROR_H

#include <errno.h> // the codes
#include <weft/base.h>

WEFT_C_BEGIN

enum { WEFT_ERROR_MAX = 192 }; // longest message kept, with its NUL

// Record `code` (negative) and a message, and return `code`, so that a task fails in one line:
//     return weft_fail(-EIO, "read %s: %s", path, strerror(errno));
// The arguments may include weft_error(). A longer text is cut, at a UTF-8 character. Without
// memory for the text it is strerror's of the code. A code that is not negative aborts. Never
// waits.
int weft_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));

// The message and the code of this task's most recent failure; "" and 0 if there was none.
// The text is never NULL and lives until this task's next failure. Success clears nothing.
const char *weft_error(void);
int weft_error_code(void);

// Who is told of a task that failed and that nobody joins: one of weft_spawn, or one that was
// dropped (weft_drop). One that fails with -ECANCELED is not reported. A pool's own on_error
// (pool.h) comes first. NULL, the default: one line on stderr. The texts live until it returns.
// Called on the thread that ran the task; of a task of a process on a thread of weft's, perhaps the
// only one that hears of processes: so the hook must not wait for any of them.
void weft_on_unobserved(void (*hook)(const char *task, int code, const char *message, void *ctx),
                        void *ctx);

WEFT_C_END
#endif
