// SPDX-License-Identifier: MIT
// ancestor.h - what the root and its ancestor say to each other: whole messages, in this program's
// own layout, for it is one executable.
#ifndef WF_EXEC_ANCESTOR_H
#define WF_EXEC_ANCESTOR_H

#include "core/arena.h"
#include "exec/family.h"
#include "exec/modules.h"

// The constructor that stops an ancestor is in this program, and has run. (Whoever starts the
// program once more looks at this: so the linker leaves it in, too.)
extern bool wf_ancestor_would_stop;

enum wf_wish_kind { WF_WISH_HELLO, WF_WISH_FORK, WF_WISH_SIGNAL };

// From the root. HELLO brings the bell and, if there is one, the arena, FORK the channel and the
// socket of the worker.
struct wf_wish {
    enum wf_wish_kind kind;
    int sig;
    uint64_t serial;
    struct wf_birth birth;       // its on_start as it is called in the ancestor
    struct wf_arena_place arena; // at: NULL if there is none
    uint64_t kin;                // the ancestor's word to a worker: its number (core/kin.h), or 0
};

enum wf_news_kind { WF_NEWS_FORKED, WF_NEWS_DIED };

// From the ancestor.
struct wf_news {
    enum wf_news_kind kind;
    int status; // FORKED: 0 or a negative errno. DIED: as of waitpid
    uint64_t serial;
    pid_t pid;
};

// The answer to HELLO.
struct wf_hello {
    bool is_apart;    // something else lies where the arena is to be
    bool has_threads; // that a constructor has started
    size_t count;
    struct wf_module modules[WF_MODULES_MAX];
};

// What a worker has from its ancestor. Returns the status to exit with.
struct wf_heritage {
    struct wf_birth birth;
    uint64_t kin; // 0: no memory is shared
    int channel, socket, bell;
};
void wf_worker_prepare(void); // worker.c: what is the same for all of them, in the ancestor; then
int wf_worker_run(const struct wf_heritage *heritage);

#endif
