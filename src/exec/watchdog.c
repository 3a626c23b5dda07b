// SPDX-License-Identifier: MIT
// watchdog.c - one thread that looks at all loops, four times in the time that is too long.
//
// It counts looks, not time: a program that was stopped, or a machine that slept, is no reason to
// speak. A loop gets on if it has beaten since, or is on its own stack.
//
// Whose stack it is on is an address, and the fiber may end while we look. So it is only compared:
// with the living parkers, in a visit, in which no task ends (wf_parkers_visit). If the loop has
// not beaten when the visit is over, what was found there ran all the time.
//
// Lock order: mu, then busy, then what a visit takes. The watchdog itself takes no lock that waits,
// and so needs no parker, and may be waited for with mu held.
#include "exec/watchdog.h"

#include "core/misuse.h"
#include "core/mutex.h"
#include "core/text.h"
#include "exec/loop.h"
#include "exec/overflow.h"
#include "os/atomic.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/thread.h"

enum { LOOKS = 4 };

uint32_t wf_watchdog_ms = 1000;

static weft_mutex mu; // guards the next two
static wf_thread thread;
static bool runs;

static uint32_t busy; // a spin bit: guards the list, and what was seen of each
static LIST_HEAD(, wf_watched) loops;
static uint32_t stop; // atomic

// ---- a look -----------------------------------------------------------------------------

static void look_at(struct wf_watched *watched)
{
    uint32_t beats = wf_load(&watched->pulse->beats, WF_RELAXED);
    bool stands = beats == watched->beats && wf_load(&watched->pulse->here, WF_RELAXED);
    watched->beats = beats;
    watched->looks = !stands ? 0 : watched->looks <= LOOKS ? watched->looks + 1 : watched->looks;
}

struct search {
    const struct wf_pulse *pulse;
    const void *here;
    struct wf_text name; // empty: not found
    uint32_t others;
};

// What computes between two tasks is the user's as well: a call that the pool was given.
static bool find(const struct wf_parker *parker, void *ctx)
{
    struct search *search = ctx;
    if (wf_loop_pulse(parker) != search->pulse)
        return true;
    bool has_task = wf_load(&parker->task, WF_ACQUIRE)->id != 0;
    if (parker != search->here) {
        search->others += has_task;
        return true;
    }
    wf_name_fiber(&search->name, parker);
    if (!has_task)
        wf_text_add(&search->name, " (no task: on_start or on_error)");
    return true;
}

static void describe(struct wf_text *line, const struct search *search)
{
    wf_text_add(line, "weft: fiber ");
    wf_text_add_some(line, search->name.bytes, search->name.used);
    wf_text_add(line, " has computed for ");
    wf_text_add_number(line, wf_watchdog_ms / 1000);
    wf_text_add(line, ".");
    wf_text_add_number(line, wf_watchdog_ms / 100 % 10);
    wf_text_add(line, " s without waiting: its loop and ");
    wf_text_add_number(line, search->others);
    wf_text_add(line, search->others == 1 ? " other fiber" : " other fibers");
    wf_text_add(line, " wait; hand it to a thread or call weft_yield");
}

// True: there is something to say of it.
static bool is_told(const struct wf_watched *watched, struct wf_text *line)
{
    struct search search = {.pulse = watched->pulse,
                            .here = wf_load(&watched->pulse->here, WF_RELAXED)};
    wf_parkers_visit(find, &search);
    if (search.name.used == 0 || wf_load(&watched->pulse->beats, WF_RELAXED) != watched->beats)
        return false; // between two tasks; or it went on just now
    describe(line, &search);
    return true;
}

// What is to be said of one loop, once; false: of none.
static bool next_line(struct wf_text *line)
{
    bool found = false;
    struct wf_watched *watched;
    *line = (struct wf_text){.used = 0};
    wf_spin_lock(&busy);
    LIST_FOREACH (watched, &loops, link) {
        if (watched->looks != LOOKS)
            continue;
        watched->looks++;
        found = is_told(watched, line);
        if (found)
            break;
    }
    wf_spin_unlock(&busy);
    return found;
}

static void look_at_all(void)
{
    struct wf_watched *watched;
    wf_spin_lock(&busy);
    LIST_FOREACH (watched, &loops, link)
        look_at(watched);
    wf_spin_unlock(&busy);
}

// ---- the thread -------------------------------------------------------------------------

static bool is_to_stop(void)
{
    return wf_load(&stop, WF_ACQUIRE) != 0; // pairs with end_thread
}

static void rest(void)
{
    uint32_t ms = wf_watchdog_ms > LOOKS ? wf_watchdog_ms / LOOKS : 1;
    int64_t deadline = wf_clock_now() + ms * INT64_C(1000000);
    while (!is_to_stop() && wf_clock_now() < deadline)
        (void)wf_futex_wait(&stop, 0, deadline); // whatever ended it, we look again
}

static void *watch(void *arg)
{
    (void)arg;
    wf_thread_set_name("weft-watchdog");
    struct wf_text line;
    for (; !is_to_stop(); rest()) {
        look_at_all();
        while (next_line(&line))
            wf_text_say(&line);
    }
    return NULL;
}

static void start_thread(void)
{
    const struct wf_thread_options options = {.run = watch, .stack_size = 64 << 10};
    wf_store(&stop, 0, WF_RELAXED);                 // the start of the thread publishes it
    runs = wf_thread_start(&options, &thread) == 0; // without one nobody watches: it is an aid
}

static void end_thread(void)
{
    wf_store(&stop, 1, WF_RELEASE);
    wf_futex_wake(&stop);
    wf_thread_join(thread);
    runs = false;
}

void wf_watchdog_add(struct wf_watched *watched, const struct wf_pulse *pulse)
{
    if (!wf_checking)
        return;
    *watched = (struct wf_watched){.pulse = pulse};
    wf_guard(&mu);
    wf_spin_lock(&busy);
    LIST_INSERT_HEAD(&loops, watched, link);
    wf_spin_unlock(&busy);
    if (!runs)
        start_thread();
}

static bool take_out(struct wf_watched *watched)
{
    wf_spin_lock(&busy);
    LIST_REMOVE(watched, link);
    bool was_last = LIST_EMPTY(&loops);
    wf_spin_unlock(&busy);
    return was_last;
}

void wf_watchdog_remove(struct wf_watched *watched)
{
    if (!watched->pulse)
        return;
    wf_guard(&mu);
    if (take_out(watched) && runs)
        end_thread();
}

void wf_watchdog_end(void)
{
    wf_guard(&mu);
    if (runs)
        end_thread();
}
