// SPDX-License-Identifier: MIT
// seats.c - see seats.h.
//
// What a party used is one number, as the budgets of flood control are: until when it is held
// against it. Nothing is to be done while time passes. A share for each party, by taking turns,
// would give as much to one that asks all the time as to one that comes once a day.
#include "chat/seats.h"

void seats_init(struct seats *seats, int places)
{
    seats->places = seats->free = places;
    TAILQ_INIT(&seats->waiting);
}

static bool may_sit(const struct seats *seats, const struct seats_party *party)
{
    return party->here < (seats->places > 1 ? seats->places - 1 : 1);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

// Who used least; of several the first that came. All that waits is looked at, a few dozen at most.
static struct seats_turn *choose(const struct seats *seats, int64_t now)
{
    struct seats_turn *turn, *best = NULL;
    TAILQ_FOREACH (turn, &seats->waiting, in_waiting) {
        bool less = !best || later(turn->party->until, now) < later(best->party->until, now);
        if (less && may_sit(seats, turn->party))
            best = turn;
    }
    return best;
}

static void seat(struct seats *seats)
{
    weft_time now = weft_now();
    struct seats_turn *turn;
    while (seats->free > 0 && (turn = choose(seats, now.ns))) {
        TAILQ_REMOVE(&seats->waiting, turn, in_waiting);
        seats->free--;
        turn->party->here++;
        turn->seated = true;
        turn->begun = now;
        weft_event_set(&turn->called);
    }
}

int seats_take(struct seats *seats, struct seats_party *party, struct seats_turn *turn,
               weft_time deadline)
{
    *turn = (struct seats_turn){.party = party};
    TAILQ_INSERT_TAIL(&seats->waiting, turn, in_waiting);
    seat(seats);
    int rc = turn->seated ? 0 : weft_event_wait(&turn->called, deadline);
    if (turn->seated) // also when it was called as its patience ended
        return 0;
    TAILQ_REMOVE(&seats->waiting, turn, in_waiting);
    return rc;
}

void seats_leave(struct seats *seats, struct seats_turn *turn)
{
    struct seats_party *party = turn->party;
    int64_t now = weft_now().ns, most = now + SEATS_MEMORY_MS * INT64_C(1000000);
    party->until = later(party->until, now) + (now - turn->begun.ns) * SEATS_WEIGHT;
    if (party->until > most)
        party->until = most;
    party->here--;
    seats->free++;
    seat(seats);
}
