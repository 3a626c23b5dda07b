// SPDX-License-Identifier: MIT
// lookout.c - it looks at all words, and sleeps on those that are still as expected.
//
// No wake-up is lost: who changes a word wakes who sleeps on it, after the change. The lookout
// either finds the change when it looks, or its sleep compares the word again. Who is new rings
// `changes`, one of the words that it sleeps on. And a wake-up that came for a word which no fiber
// waits for any more was meant for another sleeper, of another process: it is passed on.
//
// The list is under a spin bit, because whoever parks may not wait for a lock: a token that came
// for the one wait would end the other.
//
// The thread runs from the first watch on, and is not joined: it holds nothing, and ends with the
// program. In the child of a fork there is none, and no fiber either.
#include "core/lookout.h"

#include <errno.h>

#include "os/futex.h"
#include "os/thread.h"

static struct {
    uint32_t busy; // a spin bit: guards the next three
    bool runs;
    uint32_t fork; // wf_fork_count when it was started
    LIST_HEAD(, wf_lookout) watches;
    uint32_t changes; // atomic
} lookout;

// ---- the list, while it is busy ---------------------------------------------------------

static void add(struct wf_lookout *l)
{
    l->stands = true;
    LIST_INSERT_HEAD(&lookout.watches, l, link);
}

static void take_out(struct wf_lookout *l)
{
    l->stands = false;
    LIST_REMOVE(l, link);
}

// ---- the thread -------------------------------------------------------------------------

// What it sleeps on, each word once.
struct view {
    struct wf_futex_one words[WF_FUTEX_ANY_MAX];
    unsigned count;
    bool is_full; // there are more
};

static bool shows(const struct view *view, const uint32_t *word)
{
    for (unsigned i = 0; i < view->count; i++)
        if (view->words[i].word == word)
            return true;
    return false;
}

static void look_at(struct view *view, const struct wf_wait *wait)
{
    for (unsigned i = 0; i < wait->word_count; i++)
        if (shows(view, wait->words[i].word))
            continue;
        else if (view->count < WF_FUTEX_ANY_MAX)
            view->words[view->count++] = wait->words[i];
        else
            view->is_full = true;
}

static void pass_on(const struct view *before, const struct view *now)
{
    for (unsigned i = 1; i < before->count; i++)
        if (!shows(now, before->words[i].word))
            wf_futex_wake_shared(before->words[i].word);
}

static void look_around(struct view *view)
{
    view->words[0] = (struct wf_futex_one){.word = &lookout.changes,
                                           .expected = wf_load(&lookout.changes, WF_ACQUIRE)};
    view->count = 1;
    view->is_full = false;
    wf_spin_lock(&lookout.busy);
    for (struct wf_lookout *l = LIST_FIRST(&lookout.watches), *next; l; l = next) {
        next = LIST_NEXT(l, link);
        if (wf_words_changed(l->wait)) {
            take_out(l);
            wf_unpark(l->parker); // its watch lies on its stack until it sees that it is out
        } else {
            look_at(view, l->wait);
        }
    }
    wf_spin_unlock(&lookout.busy);
}

static void sleep_on(const struct view *view)
{
    int64_t slice = weft_after_ms(WF_SLICE_MS).ns;
    int rc = wf_futex_wait_any(view->words, view->count, view->is_full ? slice : INT64_MAX);
    if (rc == -ENOSYS)
        (void)wf_futex_wait(view->words[0].word, view->words[0].expected,
                            view->count > 1 ? slice : INT64_MAX);
}

static void *look_out(void *arg)
{
    (void)arg;
    wf_thread_set_name("weft-lookout");
    static struct view views[2];
    views[0].count = 0;
    for (unsigned turn = 1;; turn++) {
        struct view *now = &views[turn % 2];
        look_around(now);
        pass_on(&views[(turn + 1) % 2], now);
        sleep_on(now);
    }
    return NULL;
}

// ---- who waits --------------------------------------------------------------------------

// While it is busy. False: no thread.
static bool start(void)
{
    static wf_thread thread;
    const struct wf_thread_options options = {.run = look_out, .stack_size = 64 << 10};
    if (lookout.runs && lookout.fork == wf_fork_count)
        return true;
    lookout.fork = wf_fork_count;
    lookout.runs = wf_thread_start(&options, &thread) == 0;
    return lookout.runs;
}

bool wf_lookout_begin(struct wf_lookout *l, struct wf_parker *parker, const struct wf_wait *wait)
{
    l->parker = parker;
    l->wait = wait;
    wf_spin_lock(&lookout.busy);
    add(l);
    bool looks = start();
    wf_spin_unlock(&lookout.busy);
    (void)wf_add(&lookout.changes, 1, WF_RELEASE); // after the watch is in the list
    wf_futex_wake(&lookout.changes);
    return looks;
}

void wf_lookout_end(struct wf_lookout *l)
{
    wf_spin_lock(&lookout.busy);
    if (l->stands)
        take_out(l);
    wf_spin_unlock(&lookout.busy);
}
