// SPDX-License-Identifier: MIT
// flood.c - see flood.h.
//
// The budget is one number: until when the client's lines are paid. A line moves that on by what it
// costs, at so many costs a second; the budget is used up when it lies a whole burst ahead of now.
// A count of what is left would be two numbers, the count and when it was true. Nothing is to be
// done while time passes, so a client that says nothing costs eight bytes and no work.
//
// Microseconds: at a hundred lines a second a part of a cost is less than a millisecond.
//
// The hub's clock may be set back, and then that number lies further ahead than any client can
// have brought it: FLOOD_DEBT is what one can owe. So it is known, and all beyond the burst is
// forgotten.
#include "chat/irc/flood.h"

enum {
    SECOND_US = 1000000,
    FLOOD_DEBT = 16,    // costs above the budget; the dearest command is half of it
    FLOOD_OPERATOR = 8, // times as much for operators of the server
};

static bool is_free(const struct session *s)
{
    return s->exempt || s->irc->set.flood_rate == 0;
}

// What a cost of 1 takes.
static int64_t cost_us(const struct session *s)
{
    int64_t us = SECOND_US / s->irc->set.flood_rate;
    return s->user.modes & USER_OPERATOR ? us / FLOOD_OPERATOR : us;
}

// How far it is paid beyond the whole budget, where a cost of 1 takes `cost`.
static int64_t debt_of(const struct irc *irc, int64_t *paid, int64_t cost)
{
    int64_t now = irc->hub->now(irc->hub) * 1000;
    int64_t burst = (int64_t)irc->set.flood_burst * SECOND_US / irc->set.flood_rate;
    if (*paid < now)
        *paid = now;
    if (*paid - now - burst > cost * 2 * FLOOD_DEBT)
        *paid = now + burst; // the clock was set back, or costs were dearer before
    return *paid - now - burst;
}

static int64_t debt_us(struct session *s)
{
    return debt_of(s->irc, &s->paid, cost_us(s));
}

void flood_charge(struct session *s, int parts)
{
    if (is_free(s))
        return;
    (void)debt_us(s); // what it was before is true
    s->paid += cost_us(s) * parts / FLOOD_COST;
    if (debt_us(s) > FLOOD_DEBT * cost_us(s)) // by many commands in one line of the wire: \r
        session_drop(s, DROP_FLOOD, "Excess Flood");
}

void flood_forgive(struct session *s)
{
    s->paid = 0;
}

// ---- irc.h ---------------------------------------------------------------------------------

void session_exempt(struct session *s)
{
    s->exempt = true;
}

// There must be room for a cost of 1: else a line would come in a moment after one that was late.
int64_t session_delay(struct session *s)
{
    if (is_free(s))
        return 0;
    int64_t us = debt_us(s) + cost_us(s);
    return us > 0 ? (us + 999) / 1000 : 0;
}

void session_backlog(struct session *s, size_t waiting)
{
    size_t most = (size_t)s->irc->set.flood_backlog_kb * 1024;
    if (!is_free(s) && most > 0 && waiting > most)
        session_drop(s, DROP_FLOOD, "Excess Flood");
}

int64_t irc_charge(const struct irc *irc, int64_t *paid, int cost)
{
    if (irc->set.flood_rate == 0)
        return 0;
    int64_t one = SECOND_US / irc->set.flood_rate;
    int64_t us = debt_of(irc, paid, one) + one; // as session_delay has it
    if (us > 0)
        return (us + 999) / 1000;
    *paid += one * cost;
    return 0;
}

void session_noise(struct session *s)
{
    flood_charge(s, FLOOD_COST);
}
