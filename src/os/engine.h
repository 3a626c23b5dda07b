// SPDX-License-Identifier: MIT
// engine.h - what a loop's thread waits with: io_uring or epoll.
//
// A loop asks for one thing by one wf_io, which stays where it is until the engine has told of
// it or has forgotten it. Either a descriptor's readiness, which each engine knows, or a
// transfer: then the engine moves the bytes itself, all those of one turn by one system call.
// Everything here is the loop's own thread's, but for wf_engine_new, free, and ring.
//
// A wait for readiness is level by default: it ends when the descriptor is ready, whatever was
// told before. A wait for edges may also be told of what came earlier while nobody waited; so
// who asks so must have found the descriptor not ready since, and must bear to be told for no
// reason. It saves epoll a system call for each wait.
#ifndef WF_OS_ENGINE_H
#define WF_OS_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wf_io_kind {
    WF_IO_READY,
    WF_IO_RECEIVE, // where nothing is yet, as far as is known
    WF_IO_SEND,    // as much as goes at once; -EAGAIN: nothing
};
enum wf_io_state { WF_IO_NONE, WF_IO_ASKED, WF_IO_DONE };

struct wf_io {
    enum wf_io_kind kind;
    enum wf_io_state state; // the engine's, like the last three
    int fd;
    short events;   // READY: of poll(2)
    int result;     // once DONE. READY: the events. Else the bytes moved, or a negative errno
    uint64_t edges; // READY: not 0: edges will do. A number that nobody else has who asks for that
                    // descriptor, now or when it is another file
    void *bytes;    // of a transfer: the asker's until it is told
    size_t size;
    void (*told)(struct wf_io *io); // called once it is DONE, out of `look`
    void *asker;
    struct wf_io *beside;
    bool aside, forgotten;
};

struct wf_engine;

struct wf_engine_ops {
    bool transfers; // knows RECEIVE and SEND
    // 0: it will be told of. 1: it is DONE at once, and not told of. -ENOMEM, -ENOSPC.
    int (*ask)(struct wf_engine *engine, struct wf_io *io);
    // True: its state is NONE. False: it will be told of soon, if with -ECANCELED.
    bool (*forget)(struct wf_engine *engine, struct wf_io *io);
    // Hand over what was asked for, then tell of what is done. Waits for something, or a ring,
    // until the CLOCK_MONOTONIC time `deadline_ns`; not if that is 0.
    void (*look)(struct wf_engine *engine, int64_t deadline_ns);
    void (*end)(struct wf_engine *engine);  // the last on the loop's thread: nothing is asked for
    void (*free)(struct wf_engine *engine); // any thread, also if it was never used
};

enum { WF_NO_BELL = -1 };
struct wf_engine {
    const struct wf_engine_ops *ops;
    int bell;   // WF_NO_BELL: nobody rings
    int fd;     // readable when look would tell of something
    long asked; // how many wf_io it has
};

// By the environment's WEFT_IO (uring, epoll; without it, what is cheaper on this machine), or
// epoll where the kernel refuses io_uring: then *refused is the errno, else 0. 0, -EMFILE, -ENFILE,
// -ENOMEM, -ENOSPC (no watch left), -EINVAL (WEFT_IO is neither); then *engine is NULL if it was.
int wf_engine_new(struct wf_engine **engine, int *refused);
void wf_engine_free(struct wf_engine *engine);
void wf_engine_ring(struct wf_engine *engine); // end one look that waits. Any thread
// For engines: the kernel takes no more calls of what this one waits by ("io_uring"). A line, and
// abort: nothing that waits would ever be told, and each look would only return at once.
_Noreturn void wf_engine_lost(const char *what, int error);

int wf_epoll_new(int bell, struct wf_engine **engine); // 0, or as wf_engine_new
int wf_uring_new(int bell, struct wf_engine **engine); // or any errno: it cannot be had

#endif
