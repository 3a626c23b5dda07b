// SPDX-License-Identifier: MIT
// whowas.c - see whowas.h. The last WHOWAS_KEPT departures of all names together, newest first.
#include "chat/irc/whowas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chat/irc/limits.h"
#include "chat/irc/lists.h"

enum { WHOWAS_KEPT = 1000 };

struct departure {
    char name[NICK_MAX + 1], login[LOGIN_MAX + 1], host[HOST_MAX + 1];
    char *real; // owned, or NULL
    int64_t at;
    TAILQ_ENTRY(departure) link;
};

struct whowas {
    TAILQ_HEAD(departures, departure) departures;
    int count;
};

static void forget_last(struct whowas *w)
{
    struct departure *last = TAILQ_LAST(&w->departures, departures);
    TAILQ_REMOVE(&w->departures, last, link);
    w->count--;
    free(last->real);
    free(last);
}

// Without memory a departure is not remembered, and nothing else is wrong.
void whowas_add(struct irc *irc, const struct user *user)
{
    struct departure *d = malloc(sizeof *d);
    if (!irc->whowas && (irc->whowas = calloc(1, sizeof *irc->whowas)))
        TAILQ_INIT(&irc->whowas->departures);
    struct whowas *w = irc->whowas;
    if (!d || !w) {
        free(d);
        return;
    }
    *d = (struct departure){.at = irc->hub->now(irc->hub)};
    memcpy(d->name, user->name, sizeof d->name);
    memcpy(d->login, user->login, sizeof d->login);
    memcpy(d->host, user->host, sizeof d->host);
    d->real = user->real ? strdup(user->real) : NULL;
    TAILQ_INSERT_HEAD(&w->departures, d, link);
    if (++w->count > WHOWAS_KEPT)
        forget_last(w);
}

int64_t whowas_last(const struct irc *irc, const char *name)
{
    const struct departure *d;
    if (irc->whowas)
        TAILQ_FOREACH (d, &irc->whowas->departures, link)
            if (name_same(d->name, name))
                return d->at;
    return 0;
}

void whowas_free(struct irc *irc)
{
    struct whowas *w = irc->whowas;
    while (w && w->count > 0)
        forget_last(w);
    free(w);
    irc->whowas = NULL;
}

static void send_departure(struct session *s, const struct departure *d)
{
    char at[64];
    time_t seconds = (time_t)(d->at / 1000);
    struct tm t;
    (void)gmtime_r(&seconds, &t);
    (void)strftime(at, sizeof at, "%a %b %d %H:%M:%S %Y UTC", &t);
    reply(s, RPL_WHOWASUSER, "%s %s %s * :%s", d->name, d->login, d->host,
          d->real ? d->real : d->name);
    reply(s, RPL_WHOISSERVER, "%s %s :%s", d->name, s->irc->set.name, at);
}

// The names that are asked for, and of each how many departures were told.
struct asked {
    char *names[LIMIT_TARGETS];
    int told[LIMIT_TARGETS], count;
};

// At most `most` departures of each name, the latest of all first.
static void send_departures(struct session *s, struct asked *a, int most)
{
    const struct departure *d;
    TAILQ_FOREACH (d, &s->irc->whowas->departures, link)
        for (int i = 0; i < a->count; i++)
            if (a->told[i] != most && name_same(d->name, a->names[i])) {
                send_departure(s, d);
                a->told[i]++;
                break;
            }
}

// What is beyond TARGMAX is passed over.
void on_whowas(struct session *s, const struct line *line)
{
    char *names = line->count > 0 ? line->params[0] : NULL, all[LINE_BODY_MAX + 1];
    int most = line->count > 1 ? atoi(line->params[1]) : 0;
    struct asked asked = {.count = 0};
    (void)snprintf(all, sizeof all, "%s", names ? names : "");
    for (char *name; asked.count < LIMIT_TARGETS && (name = list_next(&names));)
        asked.names[asked.count++] = name;
    if (asked.count == 0) {
        reply(s, ERR_NONICKNAMEGIVEN, ":No nickname given");
        return;
    }
    if (s->irc->whowas)
        send_departures(s, &asked, most > 0 ? most : -1);
    for (int i = 0; i < asked.count; i++)
        if (asked.told[i] == 0)
            reply(s, ERR_WASNOSUCHNICK, "%s :There was no such nickname", shown(asked.names[i]));
    reply(s, RPL_ENDOFWHOWAS, "%s :End of WHOWAS",
          shown_up_to(all, (LIMIT_NICK + 1UL) * LIMIT_TARGETS));
}
