// SPDX-License-Identifier: MIT
// crowd.h - who is connected, and how what one says reaches the others.
//
// The lecture's server keeps a plain list: appended to after the client's thread has started, never
// pruned, walked by all threads at once, and one dead peer in it silences the living. Here the
// list has a lock, and these rules:
//
//     A client is in the list before its handler reads the first byte.
//     A client belongs to its handler, which alone frees it, after it has left the list. Who finds
//     in a broadcast that a peer is dead or too slow takes it off the list and cancels its handler.
//     Nobody waits for a peer: weft_post takes the bytes or says that the peer is too slow.
//
// The lock is held for a whole broadcast, one send for each peer. So all clients see all messages
// in the same order, not only those of one sender. A read-write lock would let broadcasts
// overlap, and two people could see a question after its answer.
#ifndef WEFT_CHAT_CROWD_H
#define WEFT_CHAT_CROWD_H

#include <stdbool.h>
#include <sys/queue.h>
#include <weft/net.h>
#include <weft/pool.h>
#include <weft/sync.h>

#include "chat/wire.h"

struct client {
    struct crowd *crowd;
    weft_conn *conn;      // the handler closes it, after the client has left the list
    weft_future *task;    // the handler; guarded by crowd->mu, set before anyone can see the client
    long id;              // 1, 2, ...: never used twice
    size_t count;         // in the list when it came, itself too
    weft_event announced; // that it came is in the log: its handler begins
    int seat;             // its number in the lecture's list, or 0; guarded by crowd->mu
    int dropped;          // why it was taken off the list, or 0; guarded by crowd->mu
    bool present;         // in the list; guarded by crowd->mu
    bool reads;           // counted in crowd->readers; the handler's own
    bool spoke;           // its first bytes have come; the handler's own
    bool lost;            // it spoke HTTP, and was shown the way; the handler's own
    struct neighbours *neighbours; // that it is counted among: chat/gate.h; the handler's own
    struct lobby_guest *guest; // as others than plain clients see it, or NULL; the handler's own
    TAILQ_ENTRY(client) link;
};

struct crowd {
    weft_mutex mu; // guards everything below but the wait groups
    TAILQ_HEAD(, client) clients;
    size_t count;
    long last_id;
    size_t queue_limit;      // bytes that may wait for a slow client
    struct traffic lines;    // what its clients said, and what was queued for them
    bool closing;            // never reset
    weft_time grace;         // when closing: after that, what was not sent is lost
    weft_waitgroup readers;  // handlers that may still broadcast
    weft_waitgroup handlers; // handlers that have not ended
};

void crowd_init(struct crowd *crowd, size_t queue_limit);

// A client for a connection, which it takes over; not yet in the list. NULL: out of memory.
struct client *client_new(struct crowd *crowd, weft_conn **conn);
// Close and free; not in the list any more, nor used by a handler. Sets *client to NULL.
void client_free(struct client **client);

// Both with crowd->mu held. Adding counts the client's handler as a reader and as a handler.
void crowd_add(struct crowd *crowd, struct client *client);
void crowd_remove(struct crowd *crowd, struct client *client); // twice is harmless

// Bytes of `from` to everyone else. Peers that fail are dropped; nobody waits for any of them.
void crowd_broadcast(struct crowd *crowd, const struct client *from, const void *bytes,
                     size_t size);

// The client does not take what it is sent: off the list, and its handler is cancelled. Twice is
// harmless.
void crowd_drop(struct client *client, int why);

// The handler will broadcast no more. Again is harmless.
void crowd_reader_done(struct client *client);

// Take the client off the list; called by its handler. Returns why it was dropped, or 0; how many
// are left in *left.
int crowd_leave(struct client *client, size_t *left);

// Ask every handler to end by `grace`, and wait until all have. No client may come any more.
void crowd_close(struct crowd *crowd, weft_time grace);
// The crowd is sent home and the client is still in it: it may say goodbye until *grace.
bool crowd_is_closing(const struct client *client, weft_time *grace);

#endif
