// SPDX-License-Identifier: MIT
// plans.c - what a server is asked to do while it is watched.
//
// At a rate, a text counts from the time at which it was to be said, not from when we got round to
// it: a server that holds us up is not asked less for that.
#include <unistd.h>

#include "chat.h"

enum {
    MOST = 8000000,
    FEW_KEPT = 64,
    MANY_KEPT = 8192,
    ARRIVALS = 5,
    AT_ONCE = 100,
    A_MOMENT_S = 2
};
static const double warm_up_ns = 200e6, window_ns = 600e6, patience_ns = 10e9;

static int min(int a, int b)
{
    return a < b ? a : b;
}

// ---- deliveries -----------------------------------------------------------------------------

struct window {
    double from, until, cpu; // CPU of the server
};

static void open_window(struct load *l, struct window *w)
{
    l->open = true;
    w->cpu = server_cpu_ns(l->server);
    w->from = now_ns();
    w->until = w->from + window_ns;
}

static void close_window(struct load *l, struct window *w)
{
    double took = now_ns() - w->from, cpu = server_cpu_ns(l->server) - w->cpu;
    double deliveries = (double)l->times.count;
    l->open = false;
    printf("rate %.3f\ncpu %.4f\n", deliveries / took * 1e6, cpu / deliveries / 1e3);
    printf("p50 %.4f\n", times_at(&l->times, 0.50) / 1e3);
    printf("p99 %.4f\n", times_at(&l->times, 0.99) / 1e3);
    printf("worst %.4f\n", times_at(&l->times, 1) / 1e3);
}

// Whether the window is still to open, or open.
static bool goes_on(struct load *l, struct window *w)
{
    double now = now_ns();
    if (!l->open && now >= w->from)
        open_window(l, w);
    return !l->open || now < w->until;
}

static void let_all_arrive(struct load *l)
{
    for (int i = 0; i < l->room_count; i++)
        while (l->rooms[i].complete < l->rooms[i].said)
            if (!load_hear(l, patience_ns))
                die("a text was lost: not all heard it");
}

static void begin(struct load *l, int rooms, int members, int kept)
{
    load_open(l, rooms, members, kept);
    times_new(&l->times, MOST);
    load_enter(l);
}

// n[0] rooms of n[1] members, and in each n[2] texts under way.
void in_flight(struct load *l, const int *n)
{
    begin(l, n[0], n[1], n[0] == 1 ? MANY_KEPT : FEW_KEPT);
    struct window w = {.from = now_ns() + warm_up_ns};
    while (goes_on(l, &w)) {
        double now = now_ns();
        for (int i = 0; i < l->room_count; i++) {
            struct room *room = &l->rooms[i];
            int under_way = (int)(room->said - room->complete);
            if (under_way < n[2])
                room_say(l, room, n[2] - under_way, now);
        }
        if (!load_hear(l, patience_ns))
            die("a text was lost: not all heard it");
    }
    close_window(l, &w);
    let_all_arrive(l);
}

// A room of n[0] members, in which n[1] texts are said in a second.
void at_a_rate(struct load *l, const int *n)
{
    begin(l, 1, n[0], MANY_KEPT);
    double due = now_ns(), apart = 1e9 / n[1];
    struct window w = {.from = due + warm_up_ns};
    while (goes_on(l, &w)) {
        for (; due <= now_ns(); due += apart)
            room_say(l, l->rooms, 1, due);
        double left = due - now_ns();
        if (left > 0)
            (void)load_hear(l, left);
    }
    let_all_arrive(l); // those that were slow count as well
    close_window(l, &w);
}

// ---- members --------------------------------------------------------------------------------

// One after the other; the pauses differ, so that no ticking of the server meets all in its turn.
void registration(struct load *l, const int *n)
{
    double took[ARRIVALS];
    (void)n;
    load_open(l, 1, ARRIVALS, FEW_KEPT);
    for (int i = 0; i < ARRIVALS; i++) {
        usleep(30000 + 70000 * (unsigned)i);
        double from = now_ns();
        load_register(l, i, i + 1);
        took[i] = now_ns() - from;
    }
    printf("register %.3f\n", median(took, ARRIVALS) / 1e6);
}

static void wait_until_all_are_seen(struct load *l)
{
    uint64_t n = (uint64_t)l->count;
    while (l->protocol->tells_who_came && l->came < n * (n + 1) / 2)
        if (!load_hear(l, patience_ns))
            die("not all were told who came");
    if (l->came > n * (n + 1) / 2)
        die("somebody was told twice who came");
}

// n[0] that have registered join a room at once; until each of them has seen all who came later.
void joining(struct load *l, const int *n)
{
    load_open(l, 1, n[0], FEW_KEPT);
    load_register(l, 0, l->count);
    double from = now_ns();
    load_join(l, 0, l->count);
    wait_until_all_are_seen(l);
    printf("join %.4f\n", (now_ns() - from) / 1e9);
}

// n[0] are in a room, and say nothing.
void idle(struct load *l, const int *n)
{
    load_open(l, 1, n[0], FEW_KEPT);
    server_settle(l->server);
    double before = server_memory(l->server);
    for (int i = 0; i < l->count; i += AT_ONCE) {
        load_register(l, i, min(i + AT_ONCE, l->count));
        load_join(l, i, min(i + AT_ONCE, l->count));
    }
    wait_until_all_are_seen(l);
    sleep(A_MOMENT_S);
    server_settle(l->server);
    printf("memory %.4f\n", (server_memory(l->server) - before) / l->count / 1024);
}
