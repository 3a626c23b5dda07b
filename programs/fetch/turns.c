// SPDX-License-Identifier: MIT
// turns.c - two lines to stand in: one at each host, then one for the places of all.
//
// One lock guards everything, and whoever makes room hands it on: a turn that ends, is given up or
// put off looks who may go instead. Nobody ever searches for work, so a step costs the same with
// one host or a hundred thousand. (A semaphore for each host and one for all, which we had in mind
// first, know neither the delay nor that a host can be held after somebody got past it.)
//
// Only time passes by itself. So the first in a host's line, and nobody else, sleeps no longer than
// until its host opens, and is woken to look again when that changes or when he becomes the first.
//
// A host is freed as soon as nobody is there, unless a delay or a pause still runs. Then it is
// idle, and whoever adds a host looks at two idle ones: so there are never many more of them than
// still matter.
#include "fetch/turns.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <weft/weft.h>

#include "fetch/any_case.h"
#include <uthash.h>

// ---- what there is ----------------------------------------------------------------------

enum step { QUEUED, PASSED, STARTED };

TAILQ_HEAD(line, turn);

struct host {
    UT_hash_handle hh;      // by name
    int here;               // turns that got past it or started: at most turns.per_host
    weft_time next_start;   // not before, because of the delay
    weft_time held_until;   // nor before this, because it asked for a pause
    struct line queue;      // turns that are QUEUED
    struct line passed;     // and those that are PASSED
    bool idle;              // nobody is here: it is in turns.idle
    TAILQ_ENTRY(host) next; // there
    char name[];            // the key
};

struct turns {
    weft_mutex mu; // guards everything here, in the hosts and in the turns
    struct host *hosts;
    TAILQ_HEAD(, host) idle;
    struct line waiting; // for a place: all turns that are PASSED, of whatever host
    int free;            // places; 0 while somebody waits for one
    int per_host;
    int64_t delay_ns;
};

struct turn {
    struct turns *t;
    struct host *host;
    enum step step;
    weft_cond moved;              // it started, or became the first of its host and must look
    TAILQ_ENTRY(turn) at_host;    // in queue or passed
    TAILQ_ENTRY(turn) for_places; // while PASSED
};

// ---- hosts ------------------------------------------------------------------------------

static weft_time opens_at(const struct host *host)
{
    return host->next_start.ns > host->held_until.ns ? host->next_start : host->held_until;
}

static bool is_open(const struct host *host)
{
    weft_time at = opens_at(host);
    return at.ns == 0 || at.ns <= weft_now().ns;
}

static void host_free(struct turns *t, struct host *host)
{
    HASH_DEL(t->hosts, host);
    free(host);
}

// Look at two of those where nobody is. With one each time a host is added they would never get
// fewer than were added while we went round once.
static void forget_some(struct turns *t)
{
    for (int i = 0; i < 2; i++) {
        struct host *host = TAILQ_FIRST(&t->idle);
        if (!host)
            return;
        TAILQ_REMOVE(&t->idle, host, next);
        if (is_open(host))
            host_free(t, host);
        else
            TAILQ_INSERT_TAIL(&t->idle, host, next);
    }
}

static struct host *host_add(struct turns *t, const char *name, size_t length, unsigned hash)
{
    forget_some(t);
    struct host *host = malloc(sizeof *host + length + 1);
    if (!host)
        return NULL;
    *host = (struct host){.here = 0};
    TAILQ_INIT(&host->queue);
    TAILQ_INIT(&host->passed);
    memcpy(host->name, name, length + 1);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, t->hosts, host->name, length, hash, host);
    if (host->hh.tbl)
        return host;
    free(host);
    return NULL;
}

// Found or new; NULL: out of memory.
static struct host *host_find(struct turns *t, const char *name, size_t length, unsigned hash)
{
    struct host *host;
    HASH_FIND_BYHASHVALUE(hh, t->hosts, name, length, hash, host);
    if (!host)
        return host_add(t, name, length, hash);
    if (host->idle) {
        TAILQ_REMOVE(&t->idle, host, next);
        host->idle = false;
    }
    return host;
}

static void forget_if_unused(struct turns *t, struct host *host)
{
    if (host->here > 0 || !TAILQ_EMPTY(&host->queue))
        return;
    if (is_open(host)) {
        host_free(t, host);
        return;
    }
    host->idle = true;
    TAILQ_INSERT_TAIL(&t->idle, host, next);
}

// ---- steps ------------------------------------------------------------------------------

static void start(struct turns *t, struct turn *turn)
{
    turn->step = STARTED;
    if (t->delay_ns > 0)
        turn->host->next_start = weft_after_ns(t->delay_ns);
    weft_cond_signal(&turn->moved);
}

static void leave_places(struct turns *t, struct turn *turn)
{
    TAILQ_REMOVE(&t->waiting, turn, for_places);
    TAILQ_REMOVE(&turn->host->passed, turn, at_host);
}

// The delay counts from a start: so nobody passes while another is still about to start.
static bool has_room(const struct turns *t, const struct host *host)
{
    return host->here < t->per_host && (t->delay_ns == 0 || TAILQ_EMPTY(&host->passed));
}

static void pass(struct turns *t, struct turn *turn)
{
    struct host *host = turn->host;
    TAILQ_REMOVE(&host->queue, turn, at_host);
    host->here++;
    if (t->free > 0) {
        t->free--;
        start(t, turn);
        return;
    }
    turn->step = PASSED;
    TAILQ_INSERT_TAIL(&host->passed, turn, at_host);
    TAILQ_INSERT_TAIL(&t->waiting, turn, for_places);
}

// To be called whenever something at this host has changed. Without room nobody need be woken:
// whoever makes room calls again.
static void advance(struct turns *t, struct host *host)
{
    struct turn *first;
    while ((first = TAILQ_FIRST(&host->queue)) && has_room(t, host)) {
        if (!is_open(host)) {
            weft_cond_signal(&first->moved);
            return;
        }
        pass(t, first);
    }
}

static void give_place(struct turns *t)
{
    struct turn *next = TAILQ_FIRST(&t->waiting);
    if (!next) {
        t->free++;
        return;
    }
    leave_places(t, next);
    start(t, next);
    advance(t, next->host);
}

static void put_off(struct turns *t, struct turn *turn)
{
    leave_places(t, turn);
    turn->host->here--;
    turn->step = QUEUED;
    TAILQ_INSERT_HEAD(&turn->host->queue, turn, at_host);
}

static void give_up(struct turns *t, struct turn *turn)
{
    struct host *host = turn->host;
    if (turn->step == PASSED) {
        leave_places(t, turn);
        host->here--;
    } else {
        TAILQ_REMOVE(&host->queue, turn, at_host);
    }
    advance(t, host);
    forget_if_unused(t, host);
}

// ---- waiting ----------------------------------------------------------------------------

// When time alone lets this turn go on. It may have come already: the clock is asked in advance()
// only, or a host that opens between two looks would be found neither closed nor open.
static weft_time look_again_at(const struct turns *t, const struct turn *turn)
{
    bool first = turn->step == QUEUED && TAILQ_FIRST(&turn->host->queue) == turn;
    return first && has_room(t, turn->host) ? opens_at(turn->host) : WEFT_FOREVER;
}

static int wait_for_start(struct turns *t, struct turn *turn, weft_time deadline)
{
    while (turn->step != STARTED) {
        weft_time until = look_again_at(t, turn);
        int rc = weft_cond_wait(&turn->moved, &t->mu, weft_sooner(until, deadline));
        if (rc == 0 || turn->step == STARTED)
            continue;
        if (rc != -ETIMEDOUT || until.ns >= deadline.ns || weft_check() < 0)
            return rc; // it was not the host's time, or the task's own is up too
        advance(t, turn->host);
    }
    return 0;
}

static int queue_up(struct turns *t, struct turn *turn, const char *name, weft_time deadline)
{
    size_t length = strlen(name);
    unsigned hash = any_case_hash(name, length);
    weft_guard(&t->mu);
    struct host *host = host_find(t, name, length, hash);
    if (!host)
        return weft_fail(-ENOMEM, "out of memory");
    turn->host = host;
    TAILQ_INSERT_TAIL(&host->queue, turn, at_host);
    advance(t, host);
    int rc = wait_for_start(t, turn, deadline);
    if (rc < 0)
        give_up(t, turn);
    return rc;
}

int turn_begin(struct turns *t, const char *host, weft_time deadline, struct turn **turn)
{
    *turn = NULL;
    int rc = weft_check();
    if (rc < 0)
        return rc;
    struct turn *mine = malloc(sizeof *mine);
    if (!mine)
        return weft_fail(-ENOMEM, "out of memory");
    *mine = (struct turn){.t = t, .step = QUEUED};
    rc = queue_up(t, mine, host, deadline);
    if (rc < 0)
        free(mine);
    else
        *turn = mine;
    return rc;
}

void turn_end(struct turn **turn)
{
    struct turn *mine = *turn;
    *turn = NULL;
    if (!mine)
        return;
    struct turns *t = mine->t;
    weft_lock(&t->mu);
    mine->host->here--;
    give_place(t);
    advance(t, mine->host);
    forget_if_unused(t, mine->host);
    weft_unlock(&t->mu);
    free(mine);
}

// ---- pauses -----------------------------------------------------------------------------

void turn_hold(struct turn *turn, int64_t ns)
{
    struct turns *t = turn->t;
    struct host *host = turn->host;
    weft_time until = weft_after_ns(ns);
    weft_guard(&t->mu);
    if (ns <= 0 || until.ns <= host->held_until.ns)
        return;
    host->held_until = until;
    struct turn *last; // who got past it has not started yet: back, each before those behind it
    while ((last = TAILQ_LAST(&host->passed, line)))
        put_off(t, last);
    advance(t, host);
}

weft_time turn_held_until(const struct turn *turn)
{
    weft_guard(&turn->t->mu);
    weft_time until = turn->host->held_until;
    return until.ns > weft_now().ns ? until : (weft_time){0};
}

// ---- all of it --------------------------------------------------------------------------

struct turns *turns_open(const struct turns_set *set)
{
    struct turns *t = malloc(sizeof *t);
    if (!t)
        return NULL;
    bool limited = set->per_host > 0 && set->per_host < set->at_once;
    *t = (struct turns){
        .free = set->at_once,
        .per_host = limited ? set->per_host : set->at_once,
        .delay_ns = set->delay_ns,
    };
    TAILQ_INIT(&t->idle);
    TAILQ_INIT(&t->waiting);
    return t;
}

void turns_close(struct turns **t)
{
    if (!*t)
        return;
    struct host *host, *next;
    HASH_ITER (hh, (*t)->hosts, host, next)
        host_free(*t, host);
    free(*t);
    *t = NULL;
}

size_t turns_hosts(struct turns *t)
{
    weft_guard(&t->mu);
    return HASH_COUNT(t->hosts);
}
