// SPDX-License-Identifier: MIT
// web_door.c - the web door's clients: HTTP that is answered, and WebSockets that speak IRC.
#define _GNU_SOURCE // asprintf
#include <stdio.h>

#include "chat/api.h"
#include "chat/door.h"
#include "chat/metrics.h"
#include "chat/setting_kinds.h"
#include "chat/talk.h"
#include "chat/web/web.h"

static int talk_on_websocket(struct wire *wire, void *visitor)
{
    wire->traffic = &((struct visitor *)visitor)->server->tally.lines;
    talk(visitor, wire);
    return 0;
}

void serve_web(struct visitor *v)
{
    (void)web_serve(v->conn, v->door->site, v); // what broke off has ended: no more to do
}

// ---- what watches the server ---------------------------------------------------------------

static int health(void *ctx, char **text)
{
    (void)ctx; // that it answers says that its loop turns
    return asprintf(text, "ok\n") < 0 ? -1 : 200;
}

static int metrics(void *ctx, char **text)
{
    *text = metrics_text(ctx);
    return *text ? 200 : -1;
}

void site_let_watch(struct web_site *site, int who)
{
    site->metrics = who == METRICS_OFF ? NULL : metrics;
    site->metrics_near = who == METRICS_LOCAL;
}

void site_init(struct web_site *site, struct server *server)
{
    site->health = health;
    site->search = api_search;
    site->ctx = server;
    site->on_websocket = talk_on_websocket;
}
