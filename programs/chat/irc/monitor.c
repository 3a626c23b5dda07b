// SPDX-License-Identifier: MIT
// monitor.c - see monitor.h (IRCv3 monitor, extended-monitor).
//
// A name that somebody watches has an entry in a table, with its watchers; each watcher has the
// names in the order in which it gave them. So who comes or goes is one look-up, whoever watches.
#include "chat/irc/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/hub/event.h"
#include "chat/irc/lists.h"

struct watch {
    UT_hash_handle hh;
    char folded[NICK_MAX + 1];
    LIST_HEAD(, watching) watchers;
};

struct watching {
    struct session *s;
    struct watch *watch;
    char name[NICK_MAX + 1]; // as the watcher wrote it
    LIST_ENTRY(watching) of_watch;
    TAILQ_ENTRY(watching) of_session;
};

static struct watch *find(struct irc *irc, const char *name)
{
    char folded[NICK_MAX + 1];
    struct watch *watch;
    name_fold(folded, name);
    HASH_FIND_STR(irc->watches, folded, watch);
    return watch;
}

static void stop(struct watching *w)
{
    struct irc *irc = w->s->irc;
    struct watch *watch = w->watch;
    LIST_REMOVE(w, of_watch);
    TAILQ_REMOVE(&w->s->watching, w, of_session);
    w->s->watching_count--;
    free(w);
    if (!LIST_EMPTY(&watch->watchers))
        return;
    HASH_DEL(irc->watches, watch);
    free(watch);
}

static struct watching *find_watching(struct session *s, const char *name)
{
    struct watching *w;
    TAILQ_FOREACH (w, &s->watching, of_session) {
        if (name_same(w->name, name))
            return w;
    }
    return NULL;
}

// NULL: out of memory.
static struct watch *watch_new(struct irc *irc, const char *name)
{
    struct watch *watch = malloc(sizeof *watch);
    if (!watch)
        return NULL;
    *watch = (struct watch){0};
    name_fold(watch->folded, name);
    HASH_ADD_STR(irc->watches, folded, watch);
    if (watch->hh.tbl)
        return watch;
    free(watch);
    return NULL;
}

// False: out of memory.
static bool start(struct session *s, const char *name)
{
    struct watch *watch = find(s->irc, name);
    struct watching *w = malloc(sizeof *w);
    if (w && !watch)
        watch = watch_new(s->irc, name);
    if (!w || !watch) {
        free(w);
        return false;
    }
    *w = (struct watching){.s = s, .watch = watch};
    (void)snprintf(w->name, sizeof w->name, "%s", name);
    LIST_INSERT_HEAD(&watch->watchers, w, of_watch);
    TAILQ_INSERT_TAIL(&s->watching, w, of_session);
    s->watching_count++;
    return true;
}

void watch_clear(struct session *s)
{
    while (!TAILQ_EMPTY(&s->watching))
        stop(TAILQ_FIRST(&s->watching));
}

void watch_presence(struct hub *hub, struct user *user, bool here)
{
    struct watch *watch = find(hub->owner, user->name);
    struct watching *w;
    if (!watch)
        return;
    LIST_FOREACH (w, &watch->watchers, of_watch) {
        struct labelled *answer = answer_aside(w->s);
        if (here)
            reply(w->s, RPL_MONONLINE, ":%s", user->source);
        else
            reply(w->s, RPL_MONOFFLINE, ":%s", user->name);
        w->s->answer = answer;
    }
}

void watch_tell(struct user *user, struct event *event)
{
    struct watch *watch = find(user->hub->owner, user->name);
    struct watching *w;
    if (!watch)
        return;
    LIST_FOREACH (w, &watch->watchers, of_watch) {
        bool told = w->s->user.visit == user->hub->visit;
        if ((w->s->caps & CAP_EXTENDED_MONITOR) && !told)
            session_deliver(&w->s->user, event);
    }
}

// ---- the command ---------------------------------------------------------------------------

static void send_status(struct session *s, const char *name)
{
    const struct user *user = user_find(s->irc->hub, name);
    if (user)
        reply(s, RPL_MONONLINE, ":%s", user->source);
    else
        reply(s, RPL_MONOFFLINE, ":%s", name);
}

// Those that the list has no room for are told at the end, in as many lines as they take.
static void add(struct session *s, char *names)
{
    static const char full[] = "%d %s :Monitor list is full";
    const char *first = names;
    char left[360];
    size_t size = 0;
    int most = s->irc->set.watches;
    for (char *name; (name = list_next(&names));) {
        bool known = find_watching(s, name) != NULL;
        if (!nick_is_valid(name) || list_repeats(first, name))
            continue;
        if (known || s->watching_count < (size_t)most) {
            if (known || start(s, name))
                send_status(s, name);
            continue;
        }
        if (size + 1 + strlen(name) >= sizeof left) {
            reply(s, ERR_MONLISTFULL, full, most, left);
            size = 0;
        }
        size += (size_t)snprintf(left + size, sizeof left - size, "%s%s", size > 0 ? "," : "",
                                 name);
    }
    if (size > 0)
        reply(s, ERR_MONLISTFULL, full, most, left);
}

static void drop(struct session *s, char *names)
{
    for (char *name; (name = list_next(&names));) {
        struct watching *w = find_watching(s, name);
        if (w)
            stop(w);
    }
}

static void list(struct session *s)
{
    char text[400];
    size_t size = 0;
    struct watching *w;
    TAILQ_FOREACH (w, &s->watching, of_session) {
        if (size + 1 + strlen(w->name) >= sizeof text) {
            reply(s, RPL_MONLIST, ":%s", text);
            size = 0;
        }
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", size > 0 ? "," : "",
                                 w->name);
    }
    if (size > 0)
        reply(s, RPL_MONLIST, ":%s", text);
    reply(s, RPL_ENDOFMONLIST, ":End of MONITOR list");
}

static void status(struct session *s)
{
    struct watching *w;
    for (int here = 1; here >= 0; here--) // those who are here first
        TAILQ_FOREACH (w, &s->watching, of_session) {
            if ((user_find(s->irc->hub, w->name) != NULL) == here)
                send_status(s, w->name);
        }
}

void on_monitor(struct session *s, const struct line *line)
{
    char what = *line->params[0];
    bool named = line->count > 1 && !list_is_empty(line->params[1]);
    if ((what == '+' || what == '-') && !named)
        reply(s, ERR_NEEDMOREPARAMS, "MONITOR :Not enough parameters");
    else if (what == '+')
        add(s, line->params[1]);
    else if (what == '-')
        drop(s, line->params[1]);
    else if (what == 'C' || what == 'c')
        watch_clear(s);
    else if (what == 'L' || what == 'l')
        list(s);
    else if (what == 'S' || what == 's')
        status(s);
    else
        reply(s, ERR_UNKNOWNERROR, "MONITOR :Unknown subcommand");
}
