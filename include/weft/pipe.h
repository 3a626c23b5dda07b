// SPDX-License-Identifier: MIT
// weft/pipe.h - messages between any two tasks, in any two processes.
//
//     struct job { weft_end out; int limit; };
//     static int count(const struct job *job, long *sent)
//     {
//         WEFT_SCOPED(weft_end_close) weft_end out = job->out; // ours to close
//         for (int i = 0; i < job->limit; i++) {
//             int rc = weft_send(out, &i, sizeof i, WEFT_FOREVER);
//             if (rc < 0)
//                 return rc;
//         }
//         *sent = job->limit;
//         return 0;
//     }
//     WEFT_TASK(count, struct job, long, .ends = {WEFT_END(struct job, out)});
//
// A pipe has two ends and goes both ways. Messages arrive whole or not at all, also empty ones.
#ifndef WEFT_PIPE_H
#define WEFT_PIPE_H

#include <sys/types.h>
#include <weft/task.h>

WEFT_C_BEGIN

enum { WEFT_MESSAGE_MAX = 65536 };
typedef struct { int fd; } weft_end;

// A member of an argument that is a weft_end, for .ends of WEFT_TASK. The end moves with the task,
// whatever kind runs it: once the task is handed over, the task closes it, and the sender's copy
// is no longer valid. If handing over failed, it is still the sender's. Any descriptor travels
// so, as a weft_end {fd}.
#ifdef __cplusplus
#define WEFT_END(type, member) \
    (offsetof(type, member) + 1 + 0 * sizeof(static_cast<weft_end *>(&((type *)0)->member)))
#else
#define WEFT_END(type, member) _Generic(((type *)0)->member, weft_end: offsetof(type, member) + 1)
#endif

int weft_pipe(weft_end *a, weft_end *b); // 0, -EMFILE, -ENFILE or -ENOMEM; then both are {-1}
// 0, -EPIPE (the other end is closed), -EMSGSIZE (over WEFT_MESSAGE_MAX), -ETIMEDOUT, -ECANCELED,
// -EBADF or -ENOTSOCK (not an end). A full pipe makes it wait.
int weft_send(weft_end end, const void *msg, size_t size, weft_time deadline);
// The message's size, or the same errors; -EPIPE after the last message, -EMSGSIZE if it exceeds
// cap: then it stays.
ssize_t weft_recv(weft_end end, void *buf, size_t cap, weft_time deadline);
void weft_end_close(weft_end *end); // sets it to {-1}, which is fine to close; wakes the other end

WEFT_C_END
#endif
