// SPDX-License-Identifier: MIT
// plans.c - what a server is asked to do while it is watched.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum { AT_ONCE = 256, MOST = 4000000 }; // of latencies: more than any window holds
static const double warm_up_ns = 200e6, window_ns = 600e6, patience_ns = 5e9;

// ---- echo -----------------------------------------------------------------------------------

struct window {
    double from, until, took; // on the clock of the wall
    double cpu;               // of the server
    size_t fewest;            // answers, before it may end: as many as there are clients
    bool open;
    struct times times; // one for each answer in it
};

static void open_window(struct window *w, const struct server *s)
{
    w->open = true;
    w->cpu = server_cpu_ns(s);
    w->from = now_ns();
    w->until = w->from + window_ns;
}

static bool is_over(struct window *w, const struct server *s)
{
    double now = now_ns();
    if (!w->open && now >= w->from)
        open_window(w, s);
    if (!w->open || now < w->until)
        return false;
    if (w->times.count < w->fewest && now < w->until + patience_ns)
        return false;
    w->cpu = server_cpu_ns(s) - w->cpu;
    w->took = now - w->from;
    return true;
}

static void answer(struct window *w, struct client *c)
{
    if (!client_hear(c))
        return;
    if (w->open)
        times_add(&w->times, (now_ns() - c->since) / 1e3);
    client_speak(c);
}

// N clients, each of which speaks again as soon as it was answered.
void echo(struct server *s, const int *n)
{
    struct epoll_event events[AT_ONCE];
    struct client *clients = clients_new(s, *n);
    int poller = watch(clients, *n);
    for (int i = 0; i < *n; i++)
        client_speak(&clients[i]);
    struct window w = {.from = now_ns() + warm_up_ns, .fewest = (size_t)*n};
    times_new(&w.times, MOST);
    while (!is_over(&w, s)) {
        int ready = epoll_wait(poller, events, AT_ONCE, 1000);
        for (int i = 0; i < ready; i++)
            answer(&w, &clients[events[i].data.u32]);
    }
    double requests = (double)w.times.count;
    printf("cpu %.3f\nrate %.2f\n", w.cpu / requests / 1e3, requests / w.took * 1e6);
    printf("p50 %.4f\np99 %.4f\n", times_at(&w.times, 0.50) / 1e3, times_at(&w.times, 0.99) / 1e3);
}

// ---- accept ---------------------------------------------------------------------------------

// Without a sleep: to wake us would cost the server several times what it does for a connection.
// With a reset, so that no port stays taken for a while.
static void hear_the_end(int fd)
{
    const struct linger at_once = {.l_onoff = 1};
    char byte;
    ssize_t n;
    while ((n = recv(fd, &byte, 1, MSG_DONTWAIT)) < 0 && errno == EAGAIN)
        continue;
    if (n != 0)
        die("the server did not close a connection");
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

static double come_and_go(const struct server *s, int *fds, int n, double until)
{
    double count = 0;
    for (; now_ns() < until; count += n) {
        for (int i = 0; i < n; i++)
            fds[i] = connect_to(s->ports[0]);
        for (int i = 0; i < n; i++)
            hear_the_end(fds[i]);
    }
    return count;
}

// N connect, and wait until the server has closed; again and again.
void arrivals(struct server *s, const int *n)
{
    int *fds = calloc((size_t)*n, sizeof *fds);
    (void)come_and_go(s, fds, *n, now_ns() + warm_up_ns);
    double cpu = server_cpu_ns(s), from = now_ns();
    double count = come_and_go(s, fds, *n, from + window_ns);
    double took = now_ns() - from;
    printf("cpu %.3f\nrate %.2f\n", (server_cpu_ns(s) - cpu) / count / 1e3, count / took * 1e6);
    free(fds);
}

// ---- idle -----------------------------------------------------------------------------------

void memory(struct server *s, const int *n)
{
    server_settle(s);
    double before = server_memory(s);
    clients_new(s, *n);
    server_settle(s);
    printf("%.1f\n", (server_memory(s) - before) / *n);
}

void wakeups(struct server *s, const int *n)
{
    clients_new(s, *n);
    server_settle(s);
    double before = server_switches(s);
    sleep(3);
    printf("%.1f\n", server_switches(s) - before);
}

// ---- fan-out --------------------------------------------------------------------------------

struct fanout {
    struct client *receivers;
    int poller, conductor;
    size_t each, all; // bytes: that a receiver gets in a round, that all do
};

// The server sends when it is told to, and is told again when all of it was received: so no message
// of a round meets one of the next in a buffer.
static void play_round(struct fanout *f)
{
    static char bytes[1 << 16];
    struct epoll_event events[AT_ONCE];
    size_t got = 0;
    send_all(f->conductor, "g", 1);
    while (got < f->all) {
        int ready = epoll_wait(f->poller, events, AT_ONCE, 10000);
        if (ready <= 0)
            die("a message was lost");
        for (int i = 0; i < ready; i++) {
            struct client *c = &f->receivers[events[i].data.u32];
            size_t n = receive(c->fd, bytes, sizeof bytes);
            c->heard += n;
            got += n;
            if (c->heard > f->each * c->said)
                die("a message came twice");
        }
    }
}

static void begin_round(struct fanout *f, int n)
{
    for (int i = 0; i < n; i++)
        f->receivers[i].said++; // how many rounds it may have heard
    play_round(f);
}

// n[0] receivers, n[1] messages for each in a round. First comes the conductor, who says both.
void fanout(struct server *s, const int *n)
{
    struct fanout f = {.each = (size_t)n[1] * MESSAGE,
                       .all = (size_t)n[0] * (size_t)n[1] * MESSAGE};
    f.conductor = connect_to(s->ports[0]);
    send_all(f.conductor, n, 2 * sizeof *n);
    f.receivers = calloc((size_t)n[0], sizeof *f.receivers);
    for (int i = 0; i < n[0]; i++)
        f.receivers[i].fd = connect_to(s->ports[0]);
    f.poller = watch(f.receivers, n[0]);
    double rounds = 0;
    for (double until = now_ns() + warm_up_ns; now_ns() < until;)
        begin_round(&f, n[0]);
    double cpu = server_cpu_ns(s), from = now_ns();
    for (double until = from + window_ns * 2 / 3; now_ns() < until; rounds++)
        begin_round(&f, n[0]);
    double messages = rounds * n[0] * n[1];
    printf("rate %.3f\n", messages / (now_ns() - from) * 1e3);
    printf("cpu %.1f\n", (server_cpu_ns(s) - cpu) / messages);
}

// ---- broadcast ------------------------------------------------------------------------------

enum { BROADCASTS = 300, PAUSE_US = 3000 };

static void crowd(int port, int n)
{
    for (int i = 0; i < n; i++) {
        connect_to(port);
        if (i % AT_ONCE == 0)
            usleep(20000); // that the line of those who wait to be accepted stays short
    }
}

// One member speaks, the others hear it.
static void speak(struct client *members, int n, int speaker, int poller, struct times *t)
{
    struct epoll_event events[AT_ONCE];
    client_speak(&members[speaker]);
    for (int heard = 0; heard < n - 1;) {
        int ready = epoll_wait(poller, events, AT_ONCE, 10000);
        if (ready <= 0)
            die("a message was lost");
        for (int i = 0; i < ready; i++) {
            struct client echoed = members[speaker];
            echoed.fd = members[events[i].data.u32].fd;
            if (!client_hear(&echoed))
                die("a message came in pieces");
            times_add(t, (now_ns() - echoed.since) / 1e3);
            heard++;
        }
    }
}

// n[0] that say nothing in one room; n[1] in another, of whom one after the other speaks.
void broadcast(struct server *s, const int *n)
{
    struct times t;
    times_new(&t, MOST);
    struct client *members = calloc((size_t)n[1], sizeof *members);
    crowd(s->ports[0], n[0]);
    for (int i = 0; i < n[1]; i++)
        members[i] = (struct client){.fd = connect_to(s->ports[1]), .number = (uint32_t)i};
    server_settle(s);
    int poller = watch(members, n[1]);
    for (int i = 0; i < BROADCASTS; i++) {
        speak(members, n[1], i % n[1], poller, &t);
        usleep(PAUSE_US);
    }
    printf("p50 %.4f\np99 %.4f\n", times_at(&t, 0.50) / 1e3, times_at(&t, 0.99) / 1e3);
    printf("memory %.2f\n", server_memory(s) / 1e6);
}
