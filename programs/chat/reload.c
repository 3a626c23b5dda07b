// SPDX-License-Identifier: MIT
// reload.c - see reload.h.
//
// The main thread reads, because files may be slow; the hub's loop takes over, because there all
// that a fiber does between two waits is whole. What was read is good as a whole or is not taken.
#include "chat/reload.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "chat/tls_door.h"
#include "chat/web/web.h"

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
    irc.rehash = rehash;
    return irc;
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
    s->crowd.queue_limit = (size_t)set->queue_mb << 20;
    house->doors[DOOR_IRCS].tls = house->tls;
    house->doors[DOOR_WEB].tls = set->web_tls ? house->tls : NULL;
}

struct change {
    struct house *house;
    struct settings *next; // gets the old ones
    weft_tls **tls;        // likewise
};

static int take_over(const struct change *c, weft_none *none)
{
    weft_tls *before = c->house->tls;
    (void)none;
    settings_adopt(c->house->set, c->next);
    c->house->tls = *c->tls;
    *c->tls = before;
    house_apply(c->house);
    return 0;
}
WEFT_TASK(take_over, struct change, weft_none);

static void tell_what_stays(struct house *house, const struct settings *next)
{
    int row = settings_differ(house->set, next, 0);
    for (; row >= 0; row = settings_differ(house->set, next, row + 1))
        journal_line(&house->server->events, "reload: --%s changes with a restart only",
                     settings_table[row].option);
}

// What was read, if all of it is good.
static bool read_again(struct house *house, struct settings *next, weft_tls **tls)
{
    if (settings_read(next, house->argc, house->argv) != SETTINGS_GOOD)
        return false;
    bool lost = (house->set->web_tls || house->doors[DOOR_IRCS].listener) && !next->tls_cert;
    if (lost)
        journal_line(&house->server->events, "reload: doors with TLS are open: no certificate");
    if (!lost && tls_open(next, tls))
        return true;
    settings_free(next);
    return false;
}

void house_reload(struct house *house)
{
    struct journal *events = &house->server->events;
    struct settings next;
    weft_tls *tls = NULL;
    if (!read_again(house, &next, &tls)) {
        journal_line(events, "reload failed: the settings stay as they were");
        return;
    }
    tell_what_stays(house, &next);
    const struct change change = {house, &next, &tls};
    weft_future *done = weft_start(WEFT_FIBERS, take_over, &change);
    if (done && weft_join(&done, NULL, 0) == 0)
        journal_line(events, "reload");
    else
        journal_line(events, "reload failed: %s", strerror(ENOMEM));
    weft_tls_free(&tls);
    settings_free(&next);
}
