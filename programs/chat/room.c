// SPDX-License-Identifier: MIT
// room.c - see room.h.
#include "chat/room.h"

#include <stdlib.h>

void room_init(struct room *room, size_t queue_limit)
{
    *room = (struct room){.queue_limit = queue_limit};
    TAILQ_INIT(&room->clients);
}

struct client *client_new(struct room *room, weft_conn **conn)
{
    struct client *client = malloc(sizeof *client);
    if (!client)
        return NULL;
    *client = (struct client){.room = room, .conn = *conn};
    *conn = NULL;
    weft_post_limit(client->conn, room->queue_limit);
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

void room_add(struct room *room, struct client *client)
{
    client->id = ++room->last_id;
    client->count = ++room->count;
    client->reads = true;
    client->present = true;
    TAILQ_INSERT_TAIL(&room->clients, client, link);
    weft_waitgroup_add(&room->readers, 1);
    weft_waitgroup_add(&room->handlers, 1);
}

void room_remove(struct room *room, struct client *client)
{
    if (!client->present)
        return;
    TAILQ_REMOVE(&room->clients, client, link);
    client->present = false;
    room->count--;
}

// With room->mu held. The client stays alive: its handler frees it, after it has taken the lock.
static void drop(struct room *room, struct client *client, int why)
{
    room_remove(room, client);
    client->dropped = why;
    weft_cancel(client->task);
}

void room_broadcast(struct room *room, const struct client *from, const void *bytes, size_t size)
{
    weft_guard(&room->mu);
    struct client *peer, *next;
    for (peer = TAILQ_FIRST(&room->clients); peer; peer = next) {
        next = TAILQ_NEXT(peer, link);
        int rc = peer == from ? 0 : weft_post(peer->conn, bytes, size);
        if (rc < 0)
            drop(room, peer, rc);
    }
}

void room_reader_done(struct client *client)
{
    if (client->reads)
        weft_waitgroup_done(&client->room->readers);
    client->reads = false;
}

int room_leave(struct client *client, size_t *left)
{
    struct room *room = client->room;
    room_reader_done(client);
    weft_guard(&room->mu);
    room_remove(room, client);
    *left = room->count;
    return client->dropped;
}

void room_close(struct room *room, weft_time grace)
{
    weft_lock(&room->mu);
    room->closing = true;
    room->grace = grace;
    for (struct client *c = TAILQ_FIRST(&room->clients); c; c = TAILQ_NEXT(c, link))
        weft_cancel(c->task);
    weft_unlock(&room->mu);
    bool before = weft_shield(true);
    (void)weft_waitgroup_wait(&room->handlers, WEFT_FOREVER); // shielded, for ever: cannot fail
    (void)weft_shield(before);
}

bool room_is_closing(const struct client *client, weft_time *grace)
{
    struct room *room = client->room;
    weft_guard(&room->mu);
    *grace = room->grace;
    return room->closing && client->present;
}
