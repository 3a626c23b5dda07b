// SPDX-License-Identifier: MIT
// irc.c - see irc.h: the server that all its sessions share.
#include <sodium.h>
#include <stdlib.h>

#include "chat/irc/era.h"
#include "chat/irc/handlers.h"
#include "chat/irc/history.h"
#include "chat/irc/limits.h"
#include "chat/irc/monitor.h"
#include "chat/irc/session.h"
#include "chat/irc/whowas.h"

// What was left out.
static void fill_in(struct irc_settings *set)
{
    set->rooms_each = set->rooms_each ? set->rooms_each : LIMIT_ROOMS;
    set->list_size = set->list_size ? set->list_size : LIMIT_LIST;
    set->history_max = set->history_max ? set->history_max : 100;
    set->watches = set->watches ? set->watches : LIMIT_MONITOR;
    set->register_ms = set->register_ms ? set->register_ms : 30000;
    set->ping_ms = set->ping_ms ? set->ping_ms : 120000;
    set->answer_ms = set->answer_ms ? set->answer_ms : 60000;
}

struct irc *irc_new(struct hub *hub, const struct irc_settings *set)
{
    struct irc *irc = malloc(sizeof *irc);
    if (!irc || sodium_init() < 0) {
        free(irc);
        return NULL;
    }
    *irc = (struct irc){.hub = hub, .set = *set, .started = hub->now(hub)};
    fill_in(&irc->set);
    LIST_INIT(&irc->sessions);
    hub->owner = irc;
    hub->on_presence = watch_presence;
    hub->on_close = era_close;
    hub->record = set->history ? history_record : NULL;
    TAILQ_INIT(&irc->holding);
    seats_init(&irc->searches, SEARCHES_AT_ONCE);
    return irc;
}

void irc_set(struct irc *irc, const struct irc_settings *set)
{
    const struct irc_settings before = irc->set;
    irc->set = *set;
    fill_in(&irc->set);
    tell_isupport_changes(irc, &before);
}

void irc_shut(struct irc *irc, const char *why)
{
    struct session *s;
    LIST_FOREACH (s, &irc->sessions, link) {
        session_end(s, "%s", why);
    }
}

void irc_free(struct irc **irc)
{
    if (!*irc)
        return;
    (*irc)->hub->on_close = NULL; // the history is closed
    whowas_free(*irc);
    free(*irc);
    *irc = NULL;
}
