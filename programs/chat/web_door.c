// SPDX-License-Identifier: MIT
// web_door.c - the web door's clients: HTTP that is answered, and WebSockets that speak IRC.
#define _GNU_SOURCE // asprintf
#include <stdio.h>
#include <stdlib.h>

#include "chat/door.h"
#include "chat/setting_kinds.h"
#include "chat/talk.h"
#include "chat/web/web.h"

static int talk_on_websocket(struct wire *wire, void *visitor)
{
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
    const struct server *s = ctx;
    const uint64_t *refused = s->gate.refused;
    int size = asprintf(
        text,
        "# TYPE weft_users gauge\nweft_users %u\n"
        "# TYPE weft_rooms gauge\nweft_rooms %u\n"
        "# TYPE weft_plain_clients gauge\nweft_plain_clients %zu\n"
        "# TYPE weft_connections gauge\nweft_connections %zu\n"
        "# TYPE weft_refused_total counter\n"
        "weft_refused_total{reason=\"full\"} %llu\n"
        "weft_refused_total{reason=\"network\"} %llu\n"
        "weft_refused_total{reason=\"network-new\"} %llu\n"
        "# TYPE weft_messages_total counter\nweft_messages_total %llu\n",
        HASH_COUNT(s->hub.users), HASH_COUNT(s->hub.rooms), s->crowd.count, s->gate.here,
        (unsigned long long)refused[GATE_FULL], (unsigned long long)refused[GATE_CROWDED],
        (unsigned long long)refused[GATE_HASTY], (unsigned long long)s->hub.messages);
    return size < 0 ? -1 : 200;
}

void site_let_watch(struct web_site *site, int who)
{
    site->metrics = who == METRICS_OFF ? NULL : metrics;
    site->metrics_near = who == METRICS_LOCAL;
}

void site_init(struct web_site *site, struct server *server)
{
    site->health = health;
    site->ctx = server;
    site->on_websocket = talk_on_websocket;
}
