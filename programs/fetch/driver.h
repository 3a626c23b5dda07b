// SPDX-License-Identifier: MIT
// driver.h - runs libcurl's transfers for fibers: a task with a multi handle holds as many
// transfers as there are.
//
//     struct transfer t = {.easy = easy};
//     CURLcode code = driver_run(d, &t); // the fiber waits; its thread runs others
//
// While driver_run lasts the easy handle, and what its callbacks use, belong to the driver's task;
// before and after they are the caller's. It returns only when the driver has let go.
#ifndef WEFT_PROGRAMS_FETCH_DRIVER_H
#define WEFT_PROGRAMS_FETCH_DRIVER_H

#include <curl/curl.h>
#include <weft/weft.h>

#include "fetch/sockets.h"

struct driver;

// One at a time, and again when it has come back. Zeroed but for `easy` and `due`.
struct transfer {
    CURL *easy;
    // When it is given up, with CURLE_OPERATION_TIMEDOUT; WEFT_FOREVER: never. Callbacks of the
    // transfer may move it, by transfer_due.
    weft_time due;
    // Callbacks tell our end of its connection, and that this was closed with the transfer though
    // nobody had said so; then that is so of all that ended with the connection.
    int port;
    bool gone;
    // ---- the driver's
    struct driver *driver;
    struct transfer *next, *previous;
    struct sockets_user user;
    bool unwanted;
    CURLcode code;
    bool shared; // it may be that what ended it ends others of its connection
    weft_event over;
};

// A fiber of the caller's loop, if he is one; else a thread. Its connections are kept open, up to
// at_once. NULL with the reason in weft_error(): no memory, no descriptors, no thread.
struct driver *driver_open(int at_once);
// No driver_run is under way, and handles that it ran are cleaned up. Closes the connections.
void driver_close(struct driver **d);

// Blocks the task. Returns libcurl's code; CURLE_ABORTED_BY_CALLBACK also if the task was asked to
// stop.
CURLcode driver_run(struct driver *d, struct transfer *t);

// For callbacks of a transfer that is under way: the time, as it was when the driver last woke up;
// the socket that libcurl is at, or -1: another's, where its work leads it on to this transfer; and
// a new end.
weft_time transfer_now(const struct transfer *t);
int transfer_socket(const struct transfer *t);
void transfer_due(struct transfer *t, weft_time due);

// After one: the errno of the last socket that it asked for and did not get, or 0.
int transfer_refused(const struct transfer *t);

#endif
