// SPDX-License-Identifier: MIT
// lecture.c - see lecture.h.
//
// The text is that of Python's socket objects. One number in it cannot be the truth: there fd=4 is
// the first client, because Python's process holds nothing else, while each of our threads has a
// descriptor of its own besides its connection. So a client gets a seat, given out as the system
// gives out descriptors: the lowest that is free, beginning after the listening socket's 3.
#define _GNU_SOURCE
#include "chat/plain/lecture.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { FIRST_SEAT = 4 };

union endpoint {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

// One end of a socket, as a Python tuple: name=('127.0.0.1', 12345). Nothing where there is no
// such end any more, as there.
static void print_end(FILE *out, const char *name, int fd,
                      int (*ask)(int, struct sockaddr *, socklen_t *))
{
    union endpoint end;
    socklen_t size = sizeof end;
    char text[INET6_ADDRSTRLEN];
    if (ask(fd, &end.any, &size) < 0)
        return;
    // inet_ntop fails only for other families or a short buffer
    if (end.any.sa_family == AF_INET && inet_ntop(AF_INET, &end.v4.sin_addr, text, sizeof text))
        (void)fprintf(out, ", %s=('%s', %d)", name, text, ntohs(end.v4.sin_port));
    if (end.any.sa_family == AF_INET6 && inet_ntop(AF_INET6, &end.v6.sin6_addr, text, sizeof text))
        (void)fprintf(out, ", %s=('%s', %d, %u, %u)", name, text, ntohs(end.v6.sin6_port),
                      ntohl(end.v6.sin6_flowinfo), end.v6.sin6_scope_id);
}

static void print_client(FILE *out, const struct client *client)
{
    int fd = weft_conn_fd(client->conn);
    int family = AF_UNSPEC;
    socklen_t size = sizeof family;
    (void)getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size); // an open socket has one
    (void)fprintf(out, "<socket.socket fd=%d, family=%d, type=%d, proto=0", client->seat, family,
                  SOCK_STREAM);
    print_end(out, "laddr", fd, getsockname);
    print_end(out, "raddr", fd, getpeername);
    (void)fputs(">", out);
}

static bool seat_is_taken(const struct crowd *crowd, int seat)
{
    for (const struct client *c = TAILQ_FIRST(&crowd->clients); c; c = TAILQ_NEXT(c, link))
        if (c->seat == seat)
            return true;
    return false;
}

static int free_seat(const struct crowd *crowd)
{
    int seat = FIRST_SEAT;
    while (seat_is_taken(crowd, seat))
        seat++;
    return seat;
}

char *lecture_list(struct crowd *crowd, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (!out)
        return NULL;
    weft_lock(&crowd->mu);
    (void)fputs("[", out);
    for (struct client *c = TAILQ_FIRST(&crowd->clients); c; c = TAILQ_NEXT(c, link)) {
        if (c->seat == 0)
            c->seat = free_seat(crowd);
        if (c != TAILQ_FIRST(&crowd->clients))
            (void)fputs(", ", out);
        print_client(out, c);
    }
    weft_unlock(&crowd->mu);
    (void)fputs("]\n", out);
    bool whole = !ferror(out); // out of memory on the way
    if (fclose(out) == 0 && whole)
        return text;
    free(text);
    return NULL;
}
