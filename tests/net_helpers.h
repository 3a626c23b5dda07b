// SPDX-License-Identifier: MIT
// net_helpers.h - both ends of a connection, for the tests of sockets. One end is weft's; the
// other a plain descriptor, which can do what weft would not: send single bytes, stop reading, or
// reset the connection. Load stays on the loopback, ports are free ones.
#ifndef WEFT_TESTS_NET_HELPERS_H
#define WEFT_TESTS_NET_HELPERS_H

#include "exec_helpers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

SHARED uint16_t port_of(const char *address)
{
    const char *colon = strrchr(address, ':');
    assert_non_null(colon);
    return (uint16_t)strtoul(colon + 1, NULL, 10);
}

SHARED struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

SHARED int raw_connect(uint16_t port)
{
    struct sockaddr_in sin = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof sin), 0);
    return fd;
}

SHARED bool have_v6(void)
{
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool have = fd >= 0 && bind(fd, (struct sockaddr *)&sin6, sizeof sin6) == 0;
    if (fd >= 0)
        close(fd);
    return have;
}

// A connection: ours is weft's, peer is the plain other end.
struct link {
    weft_conn *ours;
    int peer;
};

SHARED struct link link_up(void)
{
    weft_listener *l = weft_listen("127.0.0.1:0");
    assert_non_null(l);
    struct link link = {.peer = raw_connect(port_of(weft_listener_address(l)))};
    link.ours = weft_accept(l, much_later());
    assert_non_null(link.ours);
    weft_listener_close(&l);
    return link;
}

SHARED void link_down(struct link *link)
{
    weft_conn_close(&link->ours);
    assert_null(link->ours);
    if (link->peer >= 0)
        close(link->peer);
}

// Both ends are weft's.
SHARED void pair_up(weft_conn **a, weft_conn **b)
{
    weft_listener *l = weft_listen("127.0.0.1:0");
    assert_non_null(l);
    *a = weft_connect(weft_listener_address(l), much_later());
    *b = weft_accept(l, much_later());
    assert_true(*a && *b);
    weft_listener_close(&l);
}

SHARED void raw_send(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, text, size, MSG_NOSIGNAL);
        assert_true(n > 0);
        text += n;
        size -= (size_t)n;
    }
}

SHARED void raw_say(int fd, const char *text)
{
    raw_send(fd, text, strlen(text));
}

// Reads exactly that much, or to the end of the stream; returns how much.
SHARED size_t raw_receive(int fd, char *buf, size_t size)
{
    size_t got = 0;
    while (got < size) {
        ssize_t n = recv(fd, buf + got, size - got, 0);
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    return got;
}

// n bytes have arrived: one read takes them all, unless the transfer is cut short on purpose
// (faults/). How many, or the error.
SHARED ssize_t read_arrived(size_t n, weft_conn *c, char *buf, size_t cap, weft_time deadline)
{
    ssize_t got = weft_read(c, buf, cap, deadline);
#ifdef WEFT_TESTS_FAULTS_H
    while (got > 0 && (size_t)got < n) {
        ssize_t more = weft_read(c, buf + got, cap - (size_t)got, deadline);
        got = more > 0 ? got + more : more;
    }
#else
    (void)n; // the caller compares
#endif
    return got;
}

// Close so that the other end gets a reset.
SHARED void raw_reset(int fd)
{
    struct linger now = {1, 0};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(fd);
}

// Post records until the queue is full; returns the number of the one that was refused. Each record
// of `size` bytes begins with its number, so that what arrives can be counted and checked. A full
// socket may take more later, once the kernel packs what nobody reads: who minds that posts on.
SHARED uint32_t post_on(weft_conn *c, size_t size, uint32_t first)
{
    static char record[1 << 16];
    assert_true(size <= sizeof record);
    for (uint32_t n = first;; n++) {
        memset(record, (int)(n % 251), size);
        memcpy(record, &n, sizeof n);
        int rc = weft_post(c, record, size);
        if (rc < 0) {
            assert_int_equal(rc, -ENOBUFS);
            return n;
        }
    }
}

// How many were taken.
SHARED uint32_t post_until_full(weft_conn *c, size_t size)
{
    return post_on(c, size, 0);
}

SHARED void raw_receive_records(int fd, uint32_t count, size_t size)
{
    static char record[1 << 16];
    for (uint32_t n = 0, got; n < count; n++) {
        assert_int_equal(raw_receive(fd, record, size), size);
        memcpy(&got, record, sizeof got);
        assert_int_equal(got, n);
        assert_int_equal((unsigned char)record[size - 1], n % 251);
    }
}

SHARED bool nothing_to_receive(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

// ---- a task that is in a call on a connection ------------------------------------------

struct call {
    int (*run)(struct call *);
    weft_conn *conn;
    weft_listener *listener;
    char address[64];
    weft_time deadline;
    struct spot spot;
};

SHARED int in_call(struct call *const *arg, weft_none *none)
{
    (void)none;
    arrive(&(*arg)->spot);
    return (*arg)->run(*arg);
}
WEFT_TASK(in_call, struct call *, weft_none);

static char flood[8 << 20]; // more than the buffers of two sockets take

SHARED int call_read(struct call *c)
{
    char buf[16];
    return (int)weft_read(c->conn, buf, sizeof buf, c->deadline);
}

SHARED int call_wait_readable(struct call *c)
{
    return weft_wait_readable(c->conn, c->deadline);
}

SHARED int call_read_line(struct call *c)
{
    char buf[16];
    return (int)weft_read_line(c->conn, buf, sizeof buf, c->deadline);
}

SHARED int call_write(struct call *c)
{
    return weft_write(c->conn, flood, sizeof flood, c->deadline);
}

SHARED int call_flush(struct call *c)
{
    return weft_flush(c->conn, c->deadline);
}

SHARED int call_shutdown(struct call *c)
{
    return weft_shutdown(c->conn, c->deadline);
}

SHARED int call_accept(struct call *c)
{
    weft_conn *conn = weft_accept(c->listener, c->deadline);
    if (!conn)
        return weft_error_code();
    weft_conn_close(&conn);
    return 0;
}

SHARED int call_connect(struct call *c)
{
    weft_conn *conn = weft_connect(c->address, c->deadline);
    if (!conn)
        return weft_error_code();
    weft_conn_close(&conn);
    return 0;
}

#endif
