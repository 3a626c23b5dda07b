// SPDX-License-Identifier: MIT
// reload.c - see reload.h.
//
// The main thread reads, because files may be slow; the hub's loop takes over, because there all
// that a fiber does between two waits is whole. What was read is good as a whole or is not taken.
#include "chat/reload.h"

#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "chat/tls_door.h"
#include "chat/web/web.h"
#include "common/output.h"

// REHASH: the same as the signal, which the main thread waits for.
static void rehash(void *owner)
{
    (void)owner;
    (void)kill(getpid(), SIGHUP); // we may signal ourselves
}

struct irc_settings house_irc(const struct house *house)
{
    const struct door *ircs = &house->doors[DOOR_IRCS];
    const char *made = house->server->made_password;
    struct irc_settings irc = house->set->irc;
    char host[CHAT_ADDRESS_MAX];
    if (!irc.password && *made)
        irc.password = made;
    if (house->set->sts_days > 0 && ircs->listener)
        irc.sts_port = chat_address_split(weft_listener_address(ircs->listener), host);
    irc.sts_seconds = house->set->sts_days * 24L * 3600;
    irc.history = house->server->history;
    irc.rehash = rehash;
    if (house->set->no_flood)
        irc.flood_rate = 0;
    return irc;
}

static int fewer(int a, int b)
{
    return a == 0 || (b != 0 && b < a) ? b : a; // 0 is any number
}

// All doors together never take the last descriptors: who comes then is told so, and the acceptors
// need not wait for one.
static void apply_limits(struct house *house)
{
    struct server *s = house->server;
    const struct settings *set = house->set;
    s->gate.rules = set->gate;
    s->gate.rules.most = fewer(set->gate.most, house->room);
    s->gate.rules.exempt = &set->exempt;
    s->unhurried = &set->unhurried;
    s->ask_ms = set->irc.ping_ms;
}

int house_room(long limit, long open)
{
    // a loop has four of its own, the readers of the history have thirty, who is turned away eight
    enum { SPARE = 58, UNKNOWN = 32 };
    long room = limit - (open < 0 ? UNKNOWN : open);
    if (limit < 0)
        return 0;
    room -= room / 2 < SPARE ? room / 2 : SPARE;
    return room < 1 ? 1 : (int)(room < INT_MAX ? room : INT_MAX);
}

void house_apply(struct house *house)
{
    struct server *s = house->server;
    const struct settings *set = house->set;
    const struct irc_settings irc = house_irc(house);
    if (s->irc)
        irc_set(s->irc, &irc);
    house->site->rules.hosts = set->hosts.items;
    house->site->rules.origins = set->origins.items;
    site_let_watch(house->site, set->metrics);
    s->crowd.queue_limit = (size_t)set->queue_mb << 20;
    apply_limits(house);
    house->doors[DOOR_IRCS].tls = house->tls;
    house->doors[DOOR_WEB].tls = set->web_tls ? house->tls : NULL;
}

// What the main thread hands over, and gets the old values back in. Or nothing that is good.
struct change {
    struct settings set;
    weft_tls *tls;
    bool failed;
};

// Who asked by REHASH has no other way to hear of it. What is wrong may be in a file that is the
// machine's, so only its own people read that.
static void tell_failed(struct irc *irc)
{
    if (irc)
        irc_tell_operators(irc,
                           "The settings stay as they were: in the new ones something is wrong."
                           " The server's standard error says what.");
}

static void take_over(struct house *house)
{
    struct change *next = house->change;
    weft_tls *before = house->tls;
    if (next->failed) {
        tell_failed(house->server->irc);
        return;
    }
    settings_adopt(house->set, &next->set);
    house->tls = next->tls;
    next->tls = before;
    house_apply(house);
}

// `change` is the main thread's until it sets `called`, and again after `changed`.
void house_stay(struct house *house)
{
    for (;;) {
        (void)weft_event_wait(&house->called, WEFT_FOREVER); // nobody cancels this task
        weft_event_clear(&house->called);
        if (!house->change)
            return;
        take_over(house);
        weft_event_set(&house->changed);
    }
}

void house_leave(struct house *house)
{
    house->change = NULL;
    weft_event_set(&house->called);
}

static void tell_what_stays(struct house *house, const struct settings *next)
{
    int row = settings_differ(house->set, next, 0);
    for (; row >= 0; row = settings_differ(house->set, next, row + 1))
        journal_event(&house->server->events, "reload-later",
                      log_text("option", settings_table[row].option),
                      log_text("reason", "changes with a restart only"));
}

// What was read, if all of it is good.
static bool read_again(struct house *house, struct settings *next, weft_tls **tls)
{
    if (settings_read(next, house->argc, house->argv) != SETTINGS_GOOD)
        return false;
    bool lost = (house->set->web_tls || house->doors[DOOR_IRCS].listener) && !next->tls_cert;
    if (lost)
        complain("weft serve", "doors with TLS are open: no certificate");
    if (!lost && tls_open(next, tls))
        return true;
    settings_free(next);
    return false;
}

static void hand_over(struct house *house, struct change *change)
{
    house->change = change;
    weft_event_clear(&house->changed);
    weft_event_set(&house->called);
    (void)weft_event_wait(&house->changed, WEFT_FOREVER); // nobody cancels the main thread
}

void house_reload(struct house *house)
{
    struct journal *events = &house->server->events;
    struct change next = {.tls = NULL};
    next.failed = !read_again(house, &next.set, &next.tls);
    if (next.failed) {
        hand_over(house, &next);
        journal_event(events, "reload-failed",
                      log_text("reason", "the settings stay as they were"));
        return;
    }
    tell_what_stays(house, &next.set);
    hand_over(house, &next);
    journal_event(events, "reload");
    weft_tls_free(&next.tls);
    settings_free(&next.set);
}
