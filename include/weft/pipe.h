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
// A pipe has two ends and goes both ways. Messages arrive whole or not at all, also empty ones, and
// those of one sender in the order of its calls.
//
// Several tasks may use one end, and several processes may have it (a plain fork copies it); it is
// closed when all have closed it. Each message goes to one of those who read. But if several
// processes read one end at the same time, each must have room for the largest message, or it may
// be lost; so may an empty one that is the last before the close.
//
// What was sent stays with the pipe: it can still be read when its sender has ended, was killed or
// has closed its end. A process that is killed sends nothing by halves, and its ends are closed.
#ifndef WEFT_PIPE_H
#define WEFT_PIPE_H

#include <sys/types.h>
#include <weft/task.h>

WEFT_C_BEGIN

enum { WEFT_MESSAGE_MAX = 65536 };
typedef struct {
    int fd;
} weft_end;

// A member of an argument that is a weft_end, for .ends of WEFT_TASK. The end moves with the task,
// whatever kind runs it: once the task is handed over, the task closes it, and the sender's copy
// is no longer valid. A task that was handed over and never runs (it was cancelled before, its
// deadline passed, its pool failed) has its ends closed by weft. If handing over failed, they are
// still the sender's; but weft_map and weft_block take them in any case. (weft_map on processes
// brings no ends: -ENOTSUP for a task that has some; weft_submit does.) A member {-1} is no end.
// Any descriptor travels so, as a weft_end {fd}. One that is not open never arrives in a process:
// weft_start gives -EBADF there, and a pool's task fails with it. On threads the task finds out.
#ifdef __cplusplus
#define WEFT_END(type, member) \
    (offsetof(type, member) + 1 + 0 * sizeof(static_cast<weft_end *>(&((type *)0)->member)))
#else
#define WEFT_END(type, member) _Generic(((type *)0)->member, weft_end : offsetof(type, member) + 1)
#endif

// 0, -EMFILE, -ENFILE or -ENOMEM; then both are {-1}. One variable for both ends aborts.
int weft_pipe(weft_end *a, weft_end *b);

// Both may wait, and a call that fails has moved nothing: -ECANCELED and -ETIMEDOUT as everywhere
// (task.h), -EPIPE (the other end is closed), -EBADF or -ENOTSOCK (not an end: a stream takes
// what is sent, but weft_recv says it), -ENOMEM, and where it has to wait -EMFILE or -ENFILE.
//
// 0; -EMSGSIZE: over WEFT_MESSAGE_MAX. Waits while the pipe is full: it holds 200 KB or so, less of
// small messages, which count for more than their bytes. Never SIGPIPE.
int weft_send(weft_end end, const void *msg, size_t size, weft_time deadline);
// The message's size; -EPIPE after the last message; -EMSGSIZE if it exceeds cap: then it stays.
// -EBADMSG: somebody who does not use weft sent what is larger than any message; it is gone, the
// pipe goes on. Descriptors that such a one attaches are closed.
ssize_t weft_recv(weft_end end, void *buf, size_t cap, weft_time deadline);
// Sets it to {-1}, which is fine to close. When it was the last copy of this end, whoever waits at
// the other gets what is still there, and -EPIPE. Nobody may be in a call with it. Never waits.
void weft_end_close(weft_end *end);

WEFT_C_END
#endif
