// SPDX-License-Identifier: MIT
// clients.c - connections that speak, and check what they hear.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "load.h"

enum { AT_ONCE = 500 }; // that no server's line of those who wait to be accepted overflows

int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        die(strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

void send_all(int fd, const void *bytes, size_t size)
{
    if (send(fd, bytes, size, MSG_NOSIGNAL) != (ssize_t)size)
        die("send");
}

size_t receive(int fd, void *bytes, size_t room)
{
    ssize_t n = recv(fd, bytes, room, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n <= 0)
        die("the server closed a connection");
    return (size_t)n;
}

static void write_message(const struct client *c, char *message)
{
    memset(message, 'a' + (int)(c->said % 26), MESSAGE);
    memcpy(message, &c->number, sizeof c->number);
    memcpy(message + sizeof c->number, &c->said, sizeof c->said);
}

void client_speak(struct client *c)
{
    char message[MESSAGE];
    c->said++;
    c->heard = 0;
    write_message(c, message);
    c->since = now_ns();
    send_all(c->fd, message, sizeof message);
}

bool client_hear(struct client *c)
{
    char answer[MESSAGE + 1], message[MESSAGE]; // one byte more than is due would show
    size_t n = receive(c->fd, answer, sizeof answer - c->heard);
    write_message(c, message);
    if (c->heard + n > MESSAGE || memcmp(answer, message + c->heard, n) != 0)
        die("the answer is not what was said");
    c->heard += n;
    return c->heard == MESSAGE;
}

static void wait_for_answer(struct client *c)
{
    char byte;
    while (!client_hear(c))
        if (recv(c->fd, &byte, 1, MSG_PEEK) < 0)
            die("recv");
}

struct client *clients_new(const struct server *s, int n)
{
    struct client *all = calloc((size_t)n, sizeof *all);
    if (!all)
        die("no memory");
    for (int i = 0, heard = 0; i < n; i++) {
        all[i] = (struct client){.fd = connect_to(s->ports[0]), .number = (uint32_t)i};
        client_speak(&all[i]);
        if ((i + 1) % AT_ONCE == 0 || i + 1 == n)
            while (heard <= i)
                wait_for_answer(&all[heard++]);
    }
    return all;
}

int watch(const struct client *clients, int n)
{
    int poller = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < n; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, clients[i].fd, &event) < 0)
            die("epoll_ctl");
    }
    return poller;
}

// ---- latencies ------------------------------------------------------------------------------

void times_new(struct times *t, size_t room)
{
    *t = (struct times){.us = malloc(room * sizeof *t->us), .room = room};
    if (!t->us)
        die("no memory");
}

bool times_add(struct times *t, double us)
{
    if (t->count == t->room)
        return false;
    t->us[t->count++] = (float)us;
    return true;
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

double times_at(struct times *t, double share)
{
    if (t->count == 0)
        die("nothing was answered");
    qsort(t->us, t->count, sizeof *t->us, compare);
    return (double)t->us[(size_t)(share * (double)(t->count - 1))];
}
