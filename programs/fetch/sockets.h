// SPDX-License-Identifier: MIT
// sockets.h - a multi handle's sockets and its timer: waits for them, and calls libcurl.
//
// All of it belongs to one thread, but for sockets_ring.
#ifndef WEFT_PROGRAMS_FETCH_SOCKETS_H
#define WEFT_PROGRAMS_FETCH_SOCKETS_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <weft/time.h>

enum { SOCKETS_READY = 64 };

struct socket_state;

struct sockets {
    bool fiber; // who waits is one
    CURLM *multi;
    int epoll, bell;
    int working;   // the socket that libcurl is at, or -1
    weft_time now; // when it last woke up
    struct epoll_event ready[SOCKETS_READY];
    int ready_n;
    weft_time timer;            // when libcurl wants to be called
    struct socket_state *known; // by descriptor
    size_t room;                // in known
    int *changed;               // what the kernel is to be told of before the next wait
    size_t changes, changes_room;
};

// 0, or -ENOMEM, -EMFILE, -ENFILE. Closed also if that failed; the multi handle stays the caller's,
// who cleans it up before.
int sockets_open(struct sockets *s, CURLM *multi, bool fiber);
void sockets_close(struct sockets *s);

// Of a handle: who looks after its sockets, and why the last that it asked for was not to be had,
// as an errno, which libcurl does not say; 0: it was.
struct sockets_user {
    struct sockets *sockets;
    int refused;
};

// Have the sockets of this handle's connections looked after here, and nowhere else. *user stays
// where it is as long as the handle is used.
CURLcode sockets_adopt(struct sockets *s, CURL *easy, struct sockets_user *user);

// Wait until a socket is ready, libcurl's timer or `until` has come, or somebody rang. With
// WEFT_POLL it does not wait.
void sockets_wait(struct sockets *s, weft_time until);
// Let libcurl work on what is ready, and on handles that were just added.
CURLMcode sockets_work(struct sockets *s);
// The port at our end of a connection; 0 if there is none.
int socket_port(int fd);
// Have it look at the connection whose end here has this port, if it is open, though nothing came.
CURLMcode sockets_look(struct sockets *s, int port);
// End a wait, or the next one, from any thread.
void sockets_ring(struct sockets *s);

#endif
