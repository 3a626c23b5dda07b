// SPDX-License-Identifier: MIT
// weft/net.h - stream sockets that block the task, and obey deadlines and cancellation.
//
//     static int echo(weft_conn *const *arg, weft_none *none)
//     {
//         WEFT_SCOPED(weft_conn_close) weft_conn *c = *arg; // handed over: ours to close
//         char buf[4096];
//         ssize_t n;
//         (void)none;
//         while ((n = weft_read(c, buf, sizeof buf, WEFT_FOREVER)) > 0) {
//             int rc = weft_write(c, buf, (size_t)n, weft_after_ms(5000));
//             if (rc < 0)
//                 return rc;
//         }
//         return (int)n;
//     }
//     WEFT_TASK(echo, weft_conn *, weft_none);
//
// Addresses are "host:port", "[v6]:port" or "unix:/path"; ":port" listens on every address, and
// "[fe80::1%eth0]:port" is one on the link behind eth0 (in what weft says, by its number). Calls
// return -ETIMEDOUT, -ECANCELED, -EPIPE (closed), -EMFILE or -ENFILE (no descriptors), -ENOMEM or
// the socket's errno. One task may read and another write at the same time, a second of either
// aborts; any number may post. Who holds a connection closes it: who is in a call on it then gets
// -EPIPE. Sockets are TCP_NODELAY and SO_KEEPALIVE, raise no SIGPIPE, and are closed on exec.
//
// A child of a plain fork() has its parent's connections and listeners too, and every call works on
// them as if no other task were in one: who waits on them in the parent is neither woken nor asked.
// What was queued stays with the parent, and so does TLS: calls on such a connection give -EPIPE.
// Both processes then read from one stream, and write to one: agree on who does. Closing in the
// child leaves the parent's as they are, and a Unix socket's file; a weft_shutdown is for both. A
// host's name is looked up in place there, without a deadline.
#ifndef WEFT_NET_H
#define WEFT_NET_H

#include <sys/types.h>
#include <sys/uio.h>
#include <weft/task.h>

WEFT_C_BEGIN

typedef struct weft_listener weft_listener;
typedef struct weft_conn weft_conn;

// Every field but the address may be left zero.
struct weft_listen_options {
    const char *address; // also "systemd:" or "systemd:NAME": see below
    int backlog;         // connections that may wait to be accepted; 0: 4096, negative aborts. The
                         // system may allow fewer (net.core.somaxconn)
    bool reuse_port;     // several listeners share the port, in one process or more of one user, if
                         // all say so; the system spreads the connections. Unix socket: -EOPNOTSUPP
    bool v6_only; // not IPv4 beside IPv6: [::] and ":port" take both otherwise. -EAFNOSUPPORT:
                  // there is no IPv6 address to listen on
    mode_t mode;  // of a Unix socket's file, less the umask, as for open(2); writing is what a
                  // client needs. 0: 0777
};

// weft_listen(address, .backlog = 16, ...): NULL: weft_error_code(), weft_error(); likewise below.
// Port 0 takes any free one. The address may be used again at once after its last server ended, or
// was killed (SO_REUSEADDR); a Unix socket's file that nobody listens on is replaced, and ours is
// removed at close, unless another lies in its place by then. -EINVAL: not an address; else bind's
// errno. Numbers never block; looking up a name may: -ENOENT (no such host), -EAGAIN (the name
// server does not answer, or no thread for it), -ECANCELED. At most 16 names are looked up at once,
// the others wait their turn.
//
// "systemd:NAME" is a socket that the service manager passed to this process (sd_listen_fds(3)):
// the first of that FileDescriptorName= that was not taken yet, "systemd:" the first of any. Its
// unit decided what the options say, and its file is not removed. -ENOENT: none of that name is
// left, or what was passed is for another process. -EINVAL: it is no stream socket that listens
// (Accept=yes, ListenDatagram=). -EBADF, -ENOTSOCK: the manager did not keep its word.
#define weft_listen(...) \
    weft_listen_(WEFT_OPTIONS_(struct weft_listen_options, .address = __VA_ARGS__))
const char *weft_listener_address(const weft_listener *l); // with the port that it got
// The next connection. Passes over one that died in the queue, if the system does (Linux hands over
// one that was reset: what it had sent can be read, then -ECONNRESET). -EMFILE, -ENFILE: it stays
// in the queue; wait before you try again. -ENOMEM: it is closed (-EMFILE too, where no number was
// free but a standard stream's).
weft_conn *weft_accept(weft_listener *l, weft_time deadline) __attribute__((warn_unused_result));
void weft_listener_close(weft_listener **l); // a waiting accept gets -EPIPE
// The first of the host's addresses that answers (RFC 8305): families take turns, each address has
// a head start of 250 ms before the next is tried beside it, and the next one's turn comes at once
// when one fails. -EINVAL, -ENOENT, -EAGAIN as above. If all fail: -EMFILE, -ENFILE, -ENOMEM or
// -ENOBUFS if it was for want of these, else the first one's errno that is more than "no way from
// here" (-ENETUNREACH, -EADDRNOTAVAIL, -EAFNOSUPPORT), or if there is no such, the first one's.
weft_conn *weft_connect(const char *address, weft_time deadline)
    __attribute__((warn_unused_result));

// Some bytes (at least 1), 0 at the end of the stream, or an error. A cap of 0 aborts, here and for
// a line.
ssize_t weft_read(weft_conn *c, void *buf, size_t cap, weft_time deadline);
// Wait until weft_read would not wait: there are bytes, the end of the stream, or an error. 0 or an
// error. So a task that waits needs no buffer; it takes one and reads with WEFT_POLL, where
// -ETIMEDOUT tells that there was nothing after all: wait again.
int weft_wait_readable(weft_conn *c, weft_time deadline);
// One line without its "\n" or "\r\n", NUL-terminated, into buf; its length. -EMSGSIZE if it does
// not fit (it stays), -EPIPE at the end of the stream; a last line without newline is a line.
ssize_t weft_read_line(weft_conn *c, char *buf, size_t cap, weft_time deadline);
// All of it, after what was posted: there are no short writes. After any error some may have gone
// out: then every later read and write gives -EPIPE and the connection can only be closed. But who
// was asked to stop before the call has sent nothing, and may still say goodbye (weft_shield). Size
// 0 only looks at the request to stop.
int weft_write(weft_conn *c, const void *buf, size_t size, weft_time deadline);
// The same for parts that lie apart, as if they were in a row: no post comes between them. Small
// ones are gathered before they are sent, so a head and its body need no buffer of yours.
int weft_writev(weft_conn *c, const struct iovec *parts, int count, weft_time deadline);
// Send it, or what the socket does not take at once copy to the connection's output queue, and
// return, from any task: never waits. -ENOBUFS: the peer reads too slowly, the queue is full, and
// nothing was queued. From a fiber it is queued first, and is sent when its loop's turn ends: once
// this fiber waits, yields or calls exit, and at most 256 others have run. So all that was posted
// to c in a turn is one system call. What the socket did not take goes out while a task waits in
// weft_read, weft_read_line, weft_wait_readable, weft_write, weft_writev, weft_flush or
// weft_shutdown on c.
int weft_post(weft_conn *c, const void *buf, size_t size);
void weft_post_limit(weft_conn *c, size_t bytes); // of the queue; at first 1 MiB, at most 1 GiB
// A hint, for a loop that posts to many connections: c's turn comes after so many others. Call it
// twice for each connection, with 2 and later with 1. It asks the processor for the memory that a
// post to c touches (at 2 the connection's own, at 1 the end of its queue), and does not wait for
// it; with a thousand connections that waiting is most of a post. It changes nothing, and nothing
// else depends on it. Only where weft_post could be called.
void weft_post_expect(weft_conn *c, int after);
// How much is in the queue, what a loop is just sending too. Never waits: -EAGAIN, another thread
// is at work on it.
ssize_t weft_post_queued(weft_conn *c);
int weft_flush(weft_conn *c, weft_time deadline); // wait until the output queue is empty
// Flush and say "no more"; reading goes on. What others post meanwhile is sent before, or -EPIPE.
int weft_shutdown(weft_conn *c, weft_time deadline);

const char *weft_peer(const weft_conn *c);       // "127.0.0.1:40112"; lives as long as c
const char *weft_conn_local(const weft_conn *c); // our end of it, likewise
int weft_conn_fd(const weft_conn *c);            // borrowed
// Ask the peer's system whether it lives after idle_s seconds of silence (at first the system's
// 7200), then each third of it, and give up at the third time without an answer: -ETIMEDOUT of
// whoever reads. 0: never ask. On a Unix socket it means nothing. Never waits. 0 or -EINVAL (not 0
// to 32767).
int weft_conn_keepalive(weft_conn *c, int idle_s);
void weft_conn_close(weft_conn **c); // never waits: flush first, what is still queued is lost

// ---- behind the macros -------------------------------------------------------
weft_listener *weft_listen_(struct weft_listen_options o) __attribute__((warn_unused_result));

WEFT_C_END
#endif
