// SPDX-License-Identifier: MIT
// crowd.c - see crowd.h.
#include "chat/plain/crowd.h"

#include <stdlib.h>

void crowd_init(struct crowd *crowd, size_t queue_limit)
{
    *crowd = (struct crowd){.queue_limit = queue_limit};
    TAILQ_INIT(&crowd->clients);
}

struct client *client_new(struct crowd *crowd, weft_conn **conn)
{
    struct client *client = malloc(sizeof *client);
    if (!client)
        return NULL;
    *client = (struct client){.crowd = crowd, .conn = *conn};
    *conn = NULL;
    weft_post_limit(client->conn, crowd->queue_limit);
    return client;
}

void client_free(struct client **client)
{
    if (!*client)
        return;
    weft_conn_close(&(*client)->conn);
    free(*client);
    *client = NULL;
}

void crowd_add(struct crowd *crowd, struct client *client)
{
    client->id = ++crowd->last_id;
    client->count = ++crowd->count;
    client->reads = true;
    client->present = true;
    TAILQ_INSERT_TAIL(&crowd->clients, client, link);
    weft_waitgroup_add(&crowd->readers, 1);
    weft_waitgroup_add(&crowd->handlers, 1);
}

void crowd_remove(struct crowd *crowd, struct client *client)
{
    if (!client->present)
        return;
    TAILQ_REMOVE(&crowd->clients, client, link);
    client->present = false;
    crowd->count--;
}

// With crowd->mu held. The client stays alive: its handler frees it, after it has taken the lock.
static void drop(struct crowd *crowd, struct client *client, int why)
{
    crowd_remove(crowd, client);
    client->dropped = why;
    weft_cancel(client->task);
}

void crowd_broadcast(struct crowd *crowd, const struct client *from, const void *bytes, size_t size)
{
    weft_guard(&crowd->mu);
    struct client *peer, *next;
    crowd->lines.in += size;
    for (peer = TAILQ_FIRST(&crowd->clients); peer; peer = next) {
        next = TAILQ_NEXT(peer, link);
        int rc = peer == from ? 0 : weft_post(peer->conn, bytes, size);
        if (rc < 0)
            drop(crowd, peer, rc);
        else if (peer != from)
            crowd->lines.out += size;
    }
}

void crowd_drop(struct client *client, int why)
{
    weft_guard(&client->crowd->mu);
    if (client->present)
        drop(client->crowd, client, why);
}

void crowd_reader_done(struct client *client)
{
    if (client->reads)
        weft_waitgroup_done(&client->crowd->readers);
    client->reads = false;
}

int crowd_leave(struct client *client, size_t *left)
{
    struct crowd *crowd = client->crowd;
    crowd_reader_done(client);
    weft_guard(&crowd->mu);
    crowd_remove(crowd, client);
    *left = crowd->count;
    return client->dropped;
}

void crowd_close(struct crowd *crowd, weft_time grace)
{
    weft_lock(&crowd->mu);
    crowd->closing = true;
    crowd->grace = grace;
    for (struct client *c = TAILQ_FIRST(&crowd->clients); c; c = TAILQ_NEXT(c, link))
        weft_cancel(c->task);
    weft_unlock(&crowd->mu);
    bool before = weft_shield(true);
    (void)weft_waitgroup_wait(&crowd->handlers, WEFT_FOREVER); // shielded, for ever: cannot fail
    (void)weft_shield(before);
}

bool crowd_is_closing(const struct client *client, weft_time *grace)
{
    struct crowd *crowd = client->crowd;
    weft_guard(&crowd->mu);
    *grace = crowd->grace;
    return crowd->closing && client->present;
}
