// SPDX-License-Identifier: MIT
// gate.c - see gate.h.
//
// New ones are counted in windows that begin with a network's first connection. That lets in twice
// as many around the end of a window, which harms nobody; a list of the times of each would be
// longer than what it is to prevent.
#include "chat/gate.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1 // then hh.tbl of what could not be added is NULL
#include <uthash.h>

enum { QUIET_MS = 60000 }; // between two lines of the log that say that the server is full

struct neighbours {
    UT_hash_handle hh;
    struct network network; // the key
    size_t here;
    int came;      // within the window
    int64_t since; // the window's begin
    bool told;     // that some were refused, within it
    struct gate_account account;
    TAILQ_ENTRY(neighbours) in_gone; // only while none is here
};

void gate_init(struct gate *gate)
{
    *gate = (struct gate){.rules = {.bits_v4 = 32, .bits_v6 = 64}, .told_full = -QUIET_MS};
    TAILQ_INIT(&gate->gone);
}

static void forget(struct gate *gate, struct neighbours *n)
{
    TAILQ_REMOVE(&gate->gone, n, in_gone);
    gate->remembered--;
    if (gate->all) // n is in there, which only we can know
        HASH_DEL(gate->all, n);
    free(n);
}

void gate_free(struct gate *gate)
{
    struct neighbours *n;
    while ((n = TAILQ_FIRST(&gate->gone)))
        forget(gate, n);
}

static bool is_past(const struct gate *gate, const struct neighbours *n, int64_t now)
{
    return now - n->since >= gate->rules.window_ms;
}

static bool is_due(const struct gate *gate, const struct neighbours *n, int64_t now)
{
    const struct gate_account *a = &n->account;
    return is_past(gate, n, now) && now >= a->keep_until && now >= a->party.until / 1000000 &&
           now >= a->talks.until / 1000000;
}

// Those that left first are the oldest, though not to the millisecond.
static void forget_old(struct gate *gate, int64_t now)
{
    struct neighbours *n;
    while ((n = TAILQ_FIRST(&gate->gone)) &&
           (gate->remembered > GATE_MEMORY || is_due(gate, n, now)))
        forget(gate, n);
}

static void cut(const struct gate *gate, struct network *n)
{
    int v4 = NETWORK_V4_BITS + gate->rules.bits_v4;
    network_cut(n, network_is_v4(n) ? v4 : gate->rules.bits_v6);
}

// Found or new; NULL: out of memory.
static struct neighbours *find(struct gate *gate, const struct network *network, int64_t now)
{
    struct neighbours *n;
    HASH_FIND(hh, gate->all, network, sizeof *network, n);
    if (n && is_past(gate, n, now)) {
        n->since = now;
        n->came = 0;
        n->told = false;
    }
    if (n || !(n = malloc(sizeof *n)))
        return n;
    *n = (struct neighbours){.network = *network, .since = now};
    HASH_ADD(hh, gate->all, network, sizeof n->network, n);
    if (!n->hh.tbl) {
        free(n);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&gate->gone, n, in_gone);
    gate->remembered++;
    return n;
}

static enum gate_answer refuse(struct gate *gate, enum gate_answer answer, bool *told, bool *first)
{
    gate->refused[answer]++;
    *first = !*told;
    *told = true;
    return answer;
}

static enum gate_answer refuse_as_full(struct gate *gate, int64_t now, bool *first)
{
    bool told = now - gate->told_full < QUIET_MS;
    if (!told)
        gate->told_full = now;
    return refuse(gate, GATE_FULL, &told, first);
}

static bool is_full(size_t count, int most)
{
    return most > 0 && count >= (size_t)most;
}

static void count_in(struct gate *gate, struct neighbours *n)
{
    if (n->here++ == 0) {
        TAILQ_REMOVE(&gate->gone, n, in_gone);
        gate->remembered--;
    }
    n->came++;
}

enum gate_answer gate_enter(struct gate *gate, const char *host, int64_t now,
                            struct neighbours **of, bool *first)
{
    const struct gate_rules *rules = &gate->rules;
    struct network network;
    *of = NULL;
    *first = false;
    forget_old(gate, now);
    if (is_full(gate->here, rules->most))
        return refuse_as_full(gate, now, first);
    bool known = network_of_host(host, &network);
    bool exempt = known && rules->exempt && networks_fit(rules->exempt, &network);
    if (known)
        cut(gate, &network);
    struct neighbours *n = known ? find(gate, &network, now) : NULL;
    if (n && !exempt && is_full(n->here, rules->most_each))
        return refuse(gate, GATE_CROWDED, &n->told, first);
    if (n && !exempt && is_full((size_t)n->came, rules->new_each))
        return refuse(gate, GATE_HASTY, &n->told, first);
    if (n)
        count_in(gate, n);
    gate->here++;
    *of = n;
    return GATE_OPEN;
}

void gate_leave(struct gate *gate, struct neighbours **of)
{
    struct neighbours *n = *of;
    *of = NULL;
    gate->here--;
    if (!n || --n->here > 0)
        return;
    TAILQ_INSERT_TAIL(&gate->gone, n, in_gone);
    gate->remembered++;
}

struct gate_account *gate_account(struct gate *gate, struct neighbours *of)
{
    return of ? &of->account : &gate->others;
}

const char *gate_reason(enum gate_answer answer)
{
    static const char *const reasons[GATE_ANSWERS] = {
        [GATE_FULL] = "the server is full",
        [GATE_CROWDED] = "too many connections from your network",
        [GATE_HASTY] = "too many new connections from your network; try again later",
    };
    return reasons[answer];
}
