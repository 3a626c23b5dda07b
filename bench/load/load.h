// SPDX-License-Identifier: MIT
// load.h - the other end of every server of the bench: one program, so that all are asked alike.
//
//     load PLAN N... SERVER [ARGUMENT...]
//
// It starts the server on core 0 and stays itself on core 1, learns the port from the server's
// first line, carries out the plan, prints its figures, and kills the server. What the server did
// is read from the kernel, not asked of it.
#ifndef WEFT_BENCH_LOAD_H
#define WEFT_BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "measure.h"

enum { MESSAGE = 64, MOST_PORTS = 2 };

// ---- the server
struct server {
    pid_t pid;
    int ports[MOST_PORTS];
    clockid_t cpu; // of the whole process: all threads, those that have ended too
};

void server_start(struct server *s, char **command);        // status 77 if it is not there
void server_start_silent(struct server *s, char **command); // it says no port, but nothing
bool server_has_ended(const struct server *s);
void server_end(struct server *s);
double server_cpu_ns(const struct server *s);
double server_memory(const struct server *s);   // bytes; page tables too
double server_switches(const struct server *s); // of context, of all its threads, until now
void server_settle(const struct server *s);     // wait until it has nothing to do

// ---- its clients, blocking sockets
struct client {
    int fd;
    uint32_t number, said; // who it is, how often it spoke
    size_t heard;          // bytes of the answer so far
    double since;          // when it spoke
};

int connect_to(int port);
void send_all(int fd, const void *bytes, size_t size);
// How many bytes are there, at most `room`; 0: none yet. The end of the stream ends the program.
size_t receive(int fd, void *bytes, size_t room);

// `n` of them, each of which has spoken and been answered once.
struct client *clients_new(const struct server *s, int n);
void client_speak(struct client *c); // 64 bytes that no other client says, nor this one again
bool client_hear(struct client *c);  // the answer is complete; one that is not what it said ends us
int watch(const struct client *clients, int n); // an epoll of all

// ---- latencies
struct times {
    float *us;
    size_t count, room;
};
void times_new(struct times *t, size_t room);
bool times_add(struct times *t, double us); // false: full
double times_at(struct times *t, double share);

// ---- what is asked
void echo(struct server *s, const int *n);
void arrivals(struct server *s, const int *n);
void memory(struct server *s, const int *n);
void wakeups(struct server *s, const int *n);
void fanout(struct server *s, const int *n);
void broadcast(struct server *s, const int *n);

#endif
