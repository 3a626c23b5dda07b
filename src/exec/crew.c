// SPDX-License-Identifier: MIT
// crew.c - workers are made and die; tasks go to them, and results come.
#include "exec/crew.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "exec/ends.h"
#include "exec/reasons.h"
#include "os/clock.h"
#include "os/futex.h"

enum { BIRTHS = 10, RETRY_NS = 20 * 1000000, SILENCE_NS = 1000000000 };

// Everything is called with mu held, but for what says otherwise.

// ---- tasks and members ------------------------------------------------------------------------

void wf_crew_enqueue(struct processes *t, weft_future *f)
{
    wf_futures_append(&t->queue, f);
    f->place = WF_QUEUED;
    t->queued++;
}

weft_future *wf_crew_take_queued(struct processes *t, weft_future *f)
{
    wf_futures_remove(&t->queue, f);
    f->place = WF_NOWHERE;
    t->queued--;
    return f;
}

static const struct wf_owner owner;
static int bear(const struct processes *t, struct wf_member *m)
{
    m->channel = m->process->channel;
    wf_store(&m->channel->lacks, t->lacks, WF_SEQ_CST);
    return wf_family_bear(m->process);
}

int wf_crew_hire(struct processes *t)
{
    const struct weft_pool_options *o = &t->base.options;
    struct wf_member *m = calloc(1, sizeof *m);
    if (!m)
        return weft_fail(-ENOMEM, "pool %s: no memory for a worker", t->base.name);
    struct wf_birth birth = {.on_start = o->on_start, .ctx = o->ctx, .spins = t->spins};
    birth.stack_size = o->stack_size;
    char name[2 * WF_NAME_MAX];
    (void)snprintf(name, sizeof name, "%s-%u", t->base.name, t->started + 1);
    wf_copy_name(birth.name, name);
    m->left = o->tasks_per_worker > 0 ? o->tasks_per_worker : LONG_MAX;
    m->owner = t;
    m->process = wf_family_new(&birth, wf_task_new_id(), &owner, m);
    int rc = m->process ? bear(t, m) : weft_error_code();
    if (rc < 0) {
        if (m->process)
            wf_family_discard(m->process);
        free(m);
        return rc;
    }
    t->started++;
    LIST_INSERT_HEAD(&t->members, m, link);
    t->alive++;
    return 0;
}

void wf_crew_give_up(struct processes *t, struct wf_ended *ended, int code, const char *reason)
{
    if (t->broken == 0) {
        t->broken = code;
        (void)snprintf(t->reason, sizeof t->reason, "%.*s", (int)sizeof t->reason - 1, reason);
    }
    while (t->queued > 0)
        wf_crew_fail(ended, wf_crew_take_queued(t, t->queue.first), t->broken, t->reason);
}

// How many workers there are to be now: those that wait do not count, while others are queued for.
static int wanted(const struct processes *t)
{
    const struct weft_pool_options *o = &t->base.options;
    if (t->broken < 0 || (t->closing && t->unfinished == 0))
        return 0;
    int spares = t->queued > 0 ? t->blocked : 0;
    spares = spares < o->max_spares ? spares : o->max_spares;
    return o->workers + spares;
}

static int willing(const struct processes *t)
{
    int n = 0;
    const struct wf_member *m;
    LIST_FOREACH (m, &t->members, link)
        n += m->left > 0;
    return n;
}

// The system may have room for a worker then; until then it is not asked.
static void retry_later(struct processes *t)
{
    t->retry_ns = wf_clock_now() + RETRY_NS;
    wf_crew_be_due(t, t->retry_ns);
}

// At the end, or before the next one that is to be woken. NULL: now.
static void wake_later(struct wf_ended *ended, const uint32_t *sleeper)
{
    if (ended->sleeper)
        wf_futex_wake_shared(ended->sleeper);
    ended->sleeper = sleeper;
}

static void see_to_members(struct processes *t, struct wf_ended *ended)
{
    int lacking = wanted(t) - willing(t);
    if (lacking > 0 && t->retry_ns > 0 && wf_clock_now() < t->retry_ns)
        return;
    t->retry_ns = 0;
    if (lacking > 0)
        wake_later(ended, NULL); // to make a worker takes long
    while (lacking-- > 0) {
        int rc = wf_crew_hire(t);
        if (rc == 0)
            continue;
        if (++t->failures >= BIRTHS && t->alive == 0)
            wf_crew_give_up(t, ended, rc, weft_error());
        else
            retry_later(t);
        return;
    }
}

// ---- tasks go to members ----------------------------------------------------------------

// Who is to get the next one: the least laden that is set up, else the least laden.
static struct wf_member *choose(const struct processes *t)
{
    struct wf_member *best = NULL, *m;
    LIST_FOREACH (m, &t->members, link) {
        if (!wf_member_has_room(m) || (m->counted && m->load > 0))
            continue;
        if (!best || m->load < best->load || (m->load == best->load && m->ready && !best->ready))
            best = m;
    }
    return best;
}

static enum wf_tell how_to_tell(const struct processes *t, const struct wf_member *m)
{
    if (m->watchers > 0)
        return WF_TELL_NOTHING; // they look, and do what the keeper would
    return t->attention > 0 ? WF_TELL_EACH : WF_TELL_DRY;
}

static bool has_ends(const weft_future *f)
{
    int fds[WEFT_ENDS_MAX];
    return f->what->ends[0] != 0 && wf_ends_collect(f->what, f->arg, fds) > 0;
}

// Of one that is in no queue, or still is. True: it lies in m, or has failed, and is among the
// ended. False: not now.
static bool hand_over(struct processes *t, struct wf_member *m, weft_future *f,
                      struct wf_ended *ended)
{
    if (m->load > 0 && has_ends(f))
        return false; // taken back, they would stay open there until the task before has ended
    wf_member_tell(m, how_to_tell(t, m)); // first: it may be done at once
    int rc = wf_member_push(m, f);
    if (rc == -EPIPE && m->load == 0) // else when it has done what it has
        wf_crew_put_down(m, "it has closed its socket");
    if (rc == -EAGAIN || rc == -EPIPE)
        return false;
    if (f->place == WF_QUEUED)
        (void)wf_crew_take_queued(t, f);
    if (rc < 0) {
        wf_crew_fail(ended, f, rc, weft_error());
        return true;
    }
    if (m->woken)
        wake_later(ended, &m->channel->asleep);
    f->place = WF_RUNNING;
    if (m->left == 0)
        wf_member_dismiss(m); // when it has done what it has
    return true;
}

void wf_crew_dispatch(struct processes *t, struct wf_ended *ended)
{
    if (t->attention > 0 || t->watchers > 0) // a worker that should tell may have lost its mind
        wf_crew_be_due(t, wf_clock_now() + SILENCE_NS);
    while (t->queued > 0) {
        struct wf_member *m = choose(t);
        if (!m)
            break;
        if (hand_over(t, m, t->queue.first, ended))
            continue;
        if (m->load == 0) // refused by the system; and who has nothing to do tells nothing
            wf_crew_be_due(t, wf_clock_now() + RETRY_NS);
        break;
    }
    see_to_members(t, ended);
    wf_crew_tell_room(t);
}

// One that was sent goes back to the head of the queue.
static void put_back(struct processes *t, weft_future *f)
{
    wf_futures_prepend(&t->queue, f);
    f->place = WF_QUEUED;
    t->queued++;
}

void wf_crew_unload(struct processes *t, struct wf_member *m, bool all)
{
    uint32_t keep = all ? 0 : m->load / 2;
    uint32_t before = m->load;
    for (uint32_t at = m->tail; at != m->head && m->load > keep; at--) {
        weft_future *f = m->sent[(at - 1) % WF_SLOTS].f;
        if (f && wf_member_revoke(m, f))
            put_back(t, f);
    }
    if (m->load < before)
        wf_member_call_all(m);
}

// Some have nothing to do, or wait: then no task is to lie behind another that takes long.
static void balance(struct processes *t)
{
    bool idle = false;
    struct wf_member *laden = NULL, *m;
    LIST_FOREACH (m, &t->members, link) {
        idle = idle || (m->load == 0 && m->ready && m->left > 0);
        if (m->load > 1 && m->counted)
            wf_crew_unload(t, m, true);
        if (m->load > 1 && (!laden || m->load > laden->load))
            laden = m;
    }
    if (idle && t->queued == 0 && laden)
        wf_crew_unload(t, laden, false);
}

// ---- results come -----------------------------------------------------------------------

void wf_crew_put_down(struct wf_member *m, const char *why)
{
    if (m->killed)
        return;
    m->killed = why;
    wf_family_signal(m->process, SIGKILL);
}

static void put_down_mad(struct wf_member *m)
{
    wf_crew_put_down(m, "it wrote into its channel what cannot be");
}

void wf_crew_collect(struct processes *t, struct wf_member *m, struct wf_ended *ended)
{
    bool mad = false;
    weft_future *f;
    do {
        while ((f = wf_member_collect(m, &mad)))
            wf_crew_add_ended(ended, f);
        wf_member_tell(m, m->load > 0 ? how_to_tell(t, m) : WF_TELL_NOTHING);
        wf_member_arm(m);
    } while (!mad && wf_member_has_result(m)); // after it was told to ring: see channel.h
    if (mad)
        put_down_mad(m);
}

static void look_at_phase(struct processes *t, struct wf_member *m, struct wf_ended *ended)
{
    const struct wf_channel *c = m->channel;
    uint32_t phase = wf_load(&c->phase, WF_SEQ_CST);
    // Whatever it says: one that has gone by a slot is set up.
    if (!m->ready && (m->head > 0 || (phase != WF_STARTING && phase != WF_START_FAILED))) {
        m->ready = true;
        t->failures = 0;
    }
    if (phase != WF_START_FAILED || t->broken < 0)
        return;
    if (m->ready || !t->base.options.on_start) {
        put_down_mad(m);
        return;
    }
    char text[WEFT_ERROR_MAX], reason[2 * WEFT_ERROR_MAX];
    memcpy(text, c->start_text, sizeof text);
    text[sizeof text - 1] = '\0';
    int code = c->start_code < 0 ? c->start_code : -EINVAL;
    (void)snprintf(reason, sizeof reason, "on_start of pool %s: %s", t->base.name,
                   wf_strerror(code));
    wf_crew_give_up(t, ended, code, text[0] != '\0' ? text : reason);
}

static void look_at_blocked(struct processes *t, struct wf_member *m)
{
    bool waits = m->load > 0 && wf_load(&m->channel->blocked, WF_SEQ_CST) == 1;
    t->blocked += waits - m->counted;
    m->counted = waits;
}

static void look_at(struct processes *t, struct wf_member *m, struct wf_ended *ended)
{
    wf_crew_collect(t, m, ended);
    look_at_phase(t, m, ended);
    look_at_blocked(t, m);
    wf_member_let_go_ends(m);
}

static void say_lacks(struct processes *t)
{
    bool lacks = t->queued > 0;
    struct wf_member *m;
    if (lacks == t->lacks)
        return;
    LIST_FOREACH (m, &t->members, link)
        wf_store(&m->channel->lacks, lacks, WF_SEQ_CST);
    t->lacks = lacks;
}

// Of what was seen.
static void act(struct processes *t, struct wf_ended *ended)
{
    balance(t);
    wf_crew_dispatch(t, ended);
    say_lacks(t);
}

void wf_crew_look(struct processes *t, struct wf_ended *ended)
{
    struct wf_member *m;
    LIST_FOREACH (m, &t->members, link)
        look_at(t, m, ended);
    act(t, ended);
}

void wf_crew_look_and_end(struct processes *t)
{
    struct wf_ended ended = {.first = NULL};
    wf_crew_look(t, &ended);
    wf_crew_unlock_and_end(t, &ended);
    wf_lock(&t->mu);
}

// One was handed to m, or is in the queue. Is nothing left to do for that? No other waits, nobody
// who would have to be told when m falls silent, and m may be given more: so no worker is missing
// that was not missing before.
static bool is_all(const struct processes *t, const struct wf_member *m)
{
    return t->queued == 0 && t->attention == 0 && t->watchers == 0 && m->left > 0;
}

// A result is taken when that lets somebody work, or when there are many: each costs the worker a
// cache line that it writes to. So does the look whether it is dry, which matters where there are
// others to choose from: a lone worker that keeps up would wait for that line after each task.
void wf_crew_feed(struct processes *t, weft_future *f, struct wf_ended *ended)
{
    struct wf_member *m;
    LIST_FOREACH (m, &t->members, link) {
        bool lets_work = t->alive > 1 && wf_member_is_dry(m);
        if (m->load > 0 && (lets_work || wf_member_has_many(m)))
            wf_crew_collect(t, m, ended);
        look_at_blocked(t, m);
    }
    m = t->queued == 0 ? choose(t) : NULL;
    if (!m || !hand_over(t, m, f, ended))
        wf_crew_enqueue(t, f);
    if (!m || !is_all(t, m))
        wf_crew_dispatch(t, ended);
    say_lacks(t);
    LIST_FOREACH (m, &t->members, link)
        look_at_blocked(t, m); // it may have begun to wait before it could see what came
    if (t->blocked > 0)
        act(t, ended);
}

// ---- who waits --------------------------------------------------------------------------

static void stop_watching(struct processes *t, struct wf_attention *a)
{
    t->attention -= a->counted;
    if (a->seat) {
        t->watchers--;
        wf_member_unwatch(a->seat, a->asleep);
    }
    a->seat = NULL;
    a->counted = a->asleep = false;
    a->shared.word = a->state = NULL;
}

static void start_watching(struct processes *t, struct wf_attention *a, struct wf_member *m,
                           const weft_future *f)
{
    a->asleep = a->sleeps || !t->spins;
    t->watchers++;
    wf_member_watch(m, a->asleep);
    a->seat = m;
    a->shared = (struct wf_futex_one){
        .word = a->asleep ? &m->channel->waited : NULL, .expected = m->rounds, .shared = true};
    a->state = a->asleep ? NULL : wf_member_state(m, f);
    a->done = WF_SLOT_DONE;
}

static struct wf_member *living_seat(const struct wf_attention *a)
{
    struct wf_member *m = a->seat;
    return m && m->process ? m : NULL;
}

void wf_crew_leave(struct processes *t, struct wf_attention *a, struct wf_ended *ended)
{
    struct wf_member *was = living_seat(a);
    stop_watching(t, a);
    if (!was)
        return;
    look_at(t, was, ended); // the keeper is told of its results now, unless others watch
    act(t, ended);
}

// What is done here may move f to another member. Then those who watch the old one are called, and
// look again before they sleep; a queued one is handed over with the word that somebody waits.
void wf_crew_attend(struct processes *t, const weft_future *f, struct wf_attention *a,
                    struct wf_ended *ended)
{
    struct wf_member *was = living_seat(a), *m = f->place == WF_RUNNING ? f->seat : NULL;
    stop_watching(t, a);
    bool comes = m && wf_load(wf_member_state(m, f), WF_SEQ_CST) != WF_SLOT_DONE;
    if (comes && wf_sleeps_on_words())
        start_watching(t, a, m, f);
    else
        a->counted = comes || f->place == WF_QUEUED;
    t->attention += a->counted;
    if (was && was != m)
        look_at(t, was, ended);
    if (m)
        look_at(t, m, ended);
    act(t, ended);
    if (f->place == WF_NOWHERE)
        wf_crew_leave(t, a, ended);
    if (f->place == WF_NOWHERE || a->seat || a->counted)
        return;
    a->counted = true; // DONE, out of its turn: what a mad worker wrote
    t->attention++;
}

// ---- what the keeper tells --------------------------------------------------------------
// Without mu.

static void look(struct wf_process *process)
{
    struct wf_member *m = process->of;
    struct processes *t = m->owner;
    struct wf_ended ended = {.first = NULL};
    wf_lock(&t->mu);
    look_at(t, m, &ended);
    act(t, &ended);
    wf_crew_unlock_and_end(t, &ended);
}

// With mu held.
static void fail_begun(struct wf_ended *ended, const struct wf_member *m, weft_future *f, int died)
{
    char how[WEFT_ERROR_MAX], text[2 * WEFT_ERROR_MAX], name[WF_NAME_MAX];
    wf_reasons_of_death(died, how, sizeof how);
    const char *why = died == SIGKILL ? m->killed : NULL;
    (void)snprintf(text, sizeof text, "%s: its process %s %s%s%s", wf_task_name(&f->task, name),
                   m->process->birth.name, how, why ? ", by the pool: " : "", why ? why : "");
    wf_crew_fail(ended, f, -EOWNERDEAD, text);
}

// With mu held: what lies in it fails if it had begun, and else begins elsewhere, in its old order.
static void inherit(struct processes *t, struct wf_member *m, int died, struct wf_ended *ended)
{
    struct wf_futures waiting = {NULL, NULL};
    weft_future *f;
    bool begun;
    wf_crew_collect(t, m, ended);
    while ((f = wf_member_inherit(m, &begun))) {
        if (begun)
            fail_begun(ended, m, f, died);
        else
            wf_futures_append(&waiting, f);
    }
    while ((f = waiting.last)) {
        wf_futures_remove(&waiting, f);
        put_back(t, f);
    }
}

// With mu held.
static void note_failed_birth(struct processes *t, int died, struct wf_ended *ended)
{
    char how[WEFT_ERROR_MAX], text[2 * WEFT_ERROR_MAX];
    if (++t->failures < BIRTHS)
        return;
    wf_reasons_of_death(died, how, sizeof how);
    (void)snprintf(text, sizeof text, "pool %s: %d workers in a row came to nothing; the last %s",
                   t->base.name, BIRTHS, how);
    text[WEFT_ERROR_MAX - 1] = '\0';
    if (t->alive == 0 || died >= 0)
        wf_crew_give_up(t, ended, died < 0 ? died : -EOWNERDEAD, text);
}

static void died(struct wf_process *process, int died)
{
    struct wf_member *m = process->of;
    struct processes *t = m->owner;
    struct wf_ended ended = {.first = NULL};
    wf_lock(&t->mu);
    look_at_phase(t, m, &ended);
    inherit(t, m, died, &ended);
    struct wf_channel *channel = wf_family_release(process);
    LIST_REMOVE(m, link);
    t->alive--;
    t->blocked -= m->counted;
    if (!m->ready && t->broken == 0)
        note_failed_birth(t, died, &ended);
    if (died < 0 && t->broken == 0)
        retry_later(t);
    else
        wf_crew_look(t, &ended);
    if (t->broken < 0)
        wf_crew_give_up(t, &ended, t->broken, t->reason);
    wf_member_end(m, channel);
    weft_cond_broadcast(&t->change);
    wf_crew_unlock_and_end(t, &ended);
}

static const struct wf_owner owner = {look, died};
