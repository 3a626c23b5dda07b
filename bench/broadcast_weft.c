// SPDX-License-Identifier: MIT
// broadcast_weft.c - two rooms of the chat server in one process, on one loop: its own code for
// clients, handlers and rooms; only the door is ours, because it has but one.
#include <fcntl.h>

#include "chat/server.h"
#include "serving.h"

enum { ROOMS = 2, QUEUE_LIMIT = 16 << 20 };

static struct server rooms[ROOMS];
static weft_listener *listeners[ROOMS];

static int welcome(struct server *const *arg, weft_none *none)
{
    struct server *s = *arg;
    (void)none;
    for (weft_conn *conn; (conn = accept_weft(listeners[s - rooms]));) {
        struct client *client = client_new(&s->crowd, &conn);
        if (!client || handler_start(&(struct visit){.server = s, .client = client}) < 0)
            die(weft_error());
        journal_line(&s->events, "join id=%ld addr=%s n=%zu", client->id, weft_peer(client->conn),
                     client->count);
        weft_event_set(&client->announced);
    }
    return 0;
}
WEFT_TASK(welcome, struct server *, weft_none);

// From a fiber: what it starts runs beside it.
static int open_doors(const weft_none *in, weft_none *out)
{
    (void)in;
    (void)out;
    for (int i = 0; i < ROOMS; i++)
        started(weft_start(WEFT_FIBERS, welcome, &(struct server *){&rooms[i]}));
    return 0;
}
WEFT_TASK(open_doors, weft_none, weft_none);

static const char *port_of(const struct server *s)
{
    return strrchr(weft_listener_address(listeners[s - rooms]), ':') + 1;
}

int main(void)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (int i = 0; i < ROOMS; i++) {
        rooms[i].events = (struct journal){.fd = nowhere, .who = "broadcast"};
        listeners[i] = weft_listen("127.0.0.1:0");
        if (!listeners[i])
            die(weft_error());
        crowd_init(&rooms[i].crowd, QUEUE_LIMIT);
    }
    printf("%s %s\n", port_of(&rooms[0]), port_of(&rooms[1]));
    fflush(stdout);
    started(weft_start(WEFT_FIBERS, open_doors, &(weft_none){0}));
    return sleep_for_ever();
}
