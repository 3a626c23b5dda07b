// SPDX-License-Identifier: MIT
// turn_away.c - see turn_away.h.
//
// Who comes in may be speaking already: a fiber reads what comes for a moment (linger.h). There are
// few of them at once, because many come when clients are turned away; the others are sent one
// line, and closed.
#include "chat/turn_away.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "chat/address.h"
#include "chat/linger.h"
#include "chat/web/answer.h"

enum {
    MOST = 8,          // who are listened to at once
    PATIENCE_MS = 500, // with each of them
    LINE_SIZE = 256,
};

struct farewell {
    struct door *door;
    weft_conn *conn;
    enum gate_answer why;
    weft_future *task;
};

// Of a door whose clients speak lines; its size.
static size_t word(const struct door *door, const weft_conn *conn, enum gate_answer why,
                   char line[LINE_SIZE])
{
    char host[CHAT_ADDRESS_MAX];
    address_host(weft_peer(conn), host, sizeof host);
    int size = door->serve ? snprintf(line, LINE_SIZE, "ERROR :Closing link: %.64s (%s)\r\n", host,
                                      gate_reason(why))
                           : snprintf(line, LINE_SIZE, "%s\n", gate_reason(why));
    return (size_t)size;
}

static int say(const struct farewell *f, weft_time patience)
{
    char line[LINE_SIZE];
    if (f->door->site) {
        const struct answer answer = {.status = f->why == GATE_FULL ? 503 : 429,
                                      .fields = "Retry-After: 60\r\n",
                                      .close = true};
        return answer_error(f->conn, &answer, gate_reason(f->why), patience);
    }
    size_t size = word(f->door, f->conn, f->why, line);
    return weft_write(f->conn, line, size, patience);
}

static int part(struct farewell *const *arg, weft_none *none)
{
    struct farewell *f = *arg;
    struct server *s = f->door->server;
    weft_time patience = weft_after_ms(PATIENCE_MS);
    (void)none;
    if (say(f, patience) == 0 && weft_shutdown(f->conn, patience) == 0)
        linger(f->conn, patience);
    weft_conn_close(&f->conn);
    weft_drop(&f->task); // our own: nobody will join it
    free(f);
    s->farewells--;
    weft_waitgroup_done(&s->visitors);
    return 0;
}
WEFT_TASK(part, struct farewell *, weft_none);

static bool part_apart(struct door *door, weft_conn **conn, enum gate_answer why)
{
    struct server *s = door->server;
    struct farewell *f = s->farewells < MOST ? malloc(sizeof *f) : NULL;
    if (!f)
        return false;
    *f = (struct farewell){.door = door, .conn = *conn, .why = why};
    s->farewells++;
    weft_waitgroup_add(&s->visitors, 1);
    // it runs once this fiber waits, and so sees its own future
    f->task = weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .name = "farewell"), part, &f);
    if (f->task) {
        *conn = NULL;
        return true;
    }
    s->farewells--;
    weft_waitgroup_done(&s->visitors);
    free(f);
    return false;
}

void turn_away(struct door *door, weft_conn **conn, enum gate_answer why)
{
    char line[LINE_SIZE];
    if (!door->tls && !part_apart(door, conn, why) && !door->site) {
        size_t size = word(door, *conn, why, line);
        // failing, it is closed without a word
        (void)send(weft_conn_fd(*conn), line, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    weft_conn_close(conn);
}
