// SPDX-License-Identifier: MIT
// members.c - see chat.h: connections that enter, listen and speak.
//
// All bytes are read into one large buffer; a member keeps only half a unit, so that ten thousand
// of them cost little. A socket's queue takes what a speaker says: a server that does not read it
// ends the program.
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "chat.h"

enum { AT_ONCE = 256, BURST = 50, ROOM_TO_SEND = 1 << 20 };
static const double patience_ns = 20e9, moment_ns = 1e6;
static char buffer[1 << 18];

static void load_name_rooms(struct load *l, int members)
{
    for (int i = 0; i < l->room_count; i++) {
        struct room *room = &l->rooms[i];
        room->members = &l->members[i * members];
        room->count = members;
        room->kept = calloc((size_t)l->room_kept, TEXT + 64);
        snprintf(room->name, sizeof room->name, "#r%d", i);
        room->head_size = (size_t)snprintf(room->head, sizeof room->head,
                                           " PRIVMSG %s :", room->name);
        for (int k = 0; k < members; k++)
            room->members[k] = (struct member){.fd = -1, .number = i * members + k, .room = room};
    }
}

void load_open(struct load *l, int rooms, int members, int kept)
{
    l->room_count = rooms;
    l->count = rooms * members;
    l->room_kept = kept;
    l->rooms = calloc((size_t)rooms, sizeof *l->rooms);
    l->members = calloc((size_t)l->count, sizeof *l->members);
    l->poller = epoll_create1(EPOLL_CLOEXEC);
    if (!l->rooms || !l->members || l->poller < 0)
        die("no memory");
    load_name_rooms(l, members);
}

// ---- bytes ----------------------------------------------------------------------------------

void member_send(struct member *m, const char *bytes, size_t size)
{
    ssize_t n = m->ssl ? SSL_write(m->ssl, bytes, (int)size)
                       : send(m->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size > 0 && n != (ssize_t)size)
        die("the server does not read");
}

// 0: none yet.
static size_t receive_some(struct member *m, char *bytes, size_t room)
{
    if (!m->ssl)
        return receive(m->fd, bytes, room);
    int n = SSL_read(m->ssl, bytes, (int)room);
    if (n <= 0 && SSL_get_error(m->ssl, n) != SSL_ERROR_WANT_READ)
        die("the server closed a connection");
    return n > 0 ? (size_t)n : 0;
}

static void keep(struct member *m, const char *bytes, size_t size)
{
    if (size > 0 && !m->held && !(m->held = malloc(sizeof buffer / 4)))
        die("no memory");
    if (size > sizeof buffer / 4)
        die("the server's line has no end");
    if (size > 0)
        memcpy(m->held, bytes, size);
    else {
        free(m->held);
        m->held = NULL;
    }
    m->held_size = size;
}

static void happen(struct load *l, struct member *m, const struct unit *u)
{
    switch (u->what) {
    case WELCOME:
        l->welcome++;
        break;
    case INSIDE:
        l->inside += !m->inside;
        m->inside = true;
        break;
    case CAME:
        l->came++;
        break;
    case SPOKEN:
        room_heard(l, m, u->text, u->size);
        break;
    case NOTHING:
        break;
    }
}

// One reading. How many bytes came.
static size_t hear_member(struct load *l, struct member *m)
{
    size_t begin = 0, end = m->held_size;
    if (end > 0)
        memcpy(buffer, m->held, end);
    size_t more = receive_some(m, buffer + end, sizeof buffer - end), taken;
    end += more;
    do {
        struct unit u = {0};
        taken = begin < end ? l->protocol->take(m, buffer + begin, end - begin, &u) : 0;
        begin += taken;
        if (taken > 0)
            happen(l, m, &u);
    } while (taken > 0);
    keep(m, buffer + begin, end - begin);
    return more;
}

bool load_hear(struct load *l, double patience)
{
    struct epoll_event events[AT_ONCE];
    const struct timespec limit = {.tv_sec = (time_t)(patience / 1e9),
                                   .tv_nsec = (long)patience % 1000000000};
    int ready = epoll_pwait2(l->poller, events, AT_ONCE, &limit, NULL);
    for (int i = 0; i < ready; i++) {
        struct member *m = &l->members[events[i].data.u32];
        while (hear_member(l, m) > 0 && m->ssl) // which holds bytes that epoll does not see
            continue;
    }
    return ready > 0;
}

// ---- entering -------------------------------------------------------------------------------

static void watch_member(struct load *l, struct member *m)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)m->number};
    if (epoll_ctl(l->poller, EPOLL_CTL_ADD, m->fd, &event) < 0)
        die("epoll_ctl");
}

void member_connect(struct load *l, struct member *m)
{
    char out[LONGEST];
    const int room = ROOM_TO_SEND;
    m->fd = connect_to(l->port);
    if (m == m->room->members)
        setsockopt(m->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    if (l->protocol->shake_hands)
        l->protocol->shake_hands(m);
    watch_member(l, m);
    if (l->protocol->hello)
        member_send(m, out, l->protocol->hello(m, out));
}

void member_join(struct load *l, struct member *m)
{
    char out[LONGEST];
    if (l->protocol->join)
        member_send(m, out, l->protocol->join(m, out));
}

static void wait_until(struct load *l, const int *number, int least, const char *why)
{
    double until = now_ns() + patience_ns;
    while (*number < least)
        if (!load_hear(l, patience_ns) || now_ns() > until)
            die(why);
}

// A server's line of those who wait to be accepted is short.
static void let_it_breathe(struct load *l, int i)
{
    if (i % BURST == 0)
        while (load_hear(l, moment_ns))
            continue;
}

void load_register(struct load *l, int first, int end)
{
    for (int i = first; i < end; i++) {
        member_connect(l, &l->members[i]);
        let_it_breathe(l, i + 1);
    }
    wait_until(l, &l->welcome, end, "not all were welcome in time");
}

void load_join(struct load *l, int first, int end)
{
    for (int i = first; i < end; i++)
        member_join(l, &l->members[i]);
    wait_until(l, &l->inside, end, "not all are inside in time");
}

static void wait_until_all_heard(struct load *l, struct room *room)
{
    while (room->complete < room->said)
        if (!load_hear(l, patience_ns))
            die("a text was lost: not all heard it");
}

// Nobody is told that he is in; so somebody speaks until all hear him.
static void enter_silently(struct load *l)
{
    struct room *room = l->rooms;
    for (int i = 0; i < room->count; i++) {
        member_connect(l, &room->members[i]);
        for (double until = now_ns() + patience_ns; i > 0 && !room->members[i].inside;) {
            room_say(l, room, 1, now_ns());
            (void)load_hear(l, 10 * moment_ns);
            if (now_ns() > until)
                die("somebody hears nothing");
        }
    }
    while (load_hear(l, 50 * moment_ns))
        continue;
    room->complete = room->said; // the first of them were said to nobody
    for (int i = 1; i < room->count; i++)
        if (room->members[i].next != room->said)
            die("a text was lost: not all heard it");
}

void load_enter(struct load *l)
{
    if (l->protocol->silent) {
        enter_silently(l);
    } else {
        load_register(l, 0, l->count);
        for (int i = 0; i < l->count; i += BURST)
            load_join(l, i, i + BURST < l->count ? i + BURST : l->count);
    }
    for (int i = 0; i < l->room_count; i++)
        room_say(l, &l->rooms[i], 1, now_ns());
    for (int i = 0; i < l->room_count; i++)
        wait_until_all_heard(l, &l->rooms[i]);
}
