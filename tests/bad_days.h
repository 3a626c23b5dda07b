// SPDX-License-Identifier: MIT
// bad_days.h - for the tests of many at once, and of peers that mean no good: what the process
// holds, and a server on fibers that counts whom it serves.
//
// cmocka's assertions jump, so they belong to the thread that runs the test; tasks use CHECK.
#ifndef WEFT_TESTS_BAD_DAYS_H
#define WEFT_TESTS_BAD_DAYS_H

#include "net_helpers.h"

// ---- what the process holds -------------------------------------------------------------

SHARED long resident_kib(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*s %ld", &pages), 1);
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

SHARED size_t fibers_alive(void)
{
    return weft_list(WEFT_FIBERS, NULL, 0);
}

// ---- a server on fibers -----------------------------------------------------------------

struct server {
    int (*serve)(struct server *, weft_conn *); // of one connection
    weft_pool *pool;
    weft_listener *listener;
    weft_future *acceptor; // NULL: nobody accepts
    weft_tls *tls;
    atomic_long met, left; // accepted; and served and closed
};

struct guest {
    struct server *server;
    weft_conn *conn;
};

SHARED int serve_guest(const struct guest *guest, weft_none *none)
{
    struct server *s = guest->server;
    weft_conn *c = guest->conn;
    (void)none;
    (void)s->serve(s, c); // how it ends is the peer's business
    weft_conn_close(&c);
    atomic_fetch_add(&s->left, 1);
    return 0;
}
WEFT_TASK(serve_guest, struct guest, weft_none);

SHARED int accept_all(struct server *const *arg, weft_none *none)
{
    struct server *s = *arg;
    (void)none;
    for (;;) {
        weft_conn *c = weft_accept(s->listener, WEFT_FOREVER);
        if (!c)
            return weft_error_code();
        atomic_fetch_add(&s->met, 1);
        CHECK(weft_spawn(s->pool, serve_guest, &(struct guest){s, c}) == 0);
    }
}
WEFT_TASK(accept_all, struct server *, weft_none);

SHARED void server_begin(struct server *s)
{
    s->acceptor = weft_submit(s->pool, accept_all, &s);
    assert_non_null(s->acceptor);
}

SHARED void server_pause(struct server *s)
{
    weft_cancel(s->acceptor);
    assert_int_equal(weft_join(&s->acceptor, NULL, 0), -ECANCELED);
}

SHARED void server_open(struct server *s, int (*serve)(struct server *, weft_conn *))
{
    *s = (struct server){.serve = serve,
                         .pool = weft_pool_open(WEFT_FIBERS, .workers = 2),
                         .listener = weft_listen("127.0.0.1:0")};
    assert_true(s->pool && s->listener);
    server_begin(s);
}

// Everybody has left; nobody is cancelled for it.
SHARED void server_close(struct server *s)
{
    server_pause(s);
    weft_pool_close(&s->pool);
    assert_int_equal(s->met, s->left);
    weft_listener_close(&s->listener);
    weft_tls_free(&s->tls);
}

SHARED uint16_t server_port(const struct server *s)
{
    return port_of(weft_listener_address(s->listener));
}

SHARED int echo_lines(struct server *s, weft_conn *c)
{
    char line[4096];
    ssize_t n;
    (void)s;
    while ((n = weft_read_line(c, line, sizeof line - 1, WEFT_FOREVER)) >= 0) {
        line[n] = '\n';
        int rc = weft_write(c, line, (size_t)n + 1, much_later());
        if (rc < 0)
            return rc;
    }
    return (int)n;
}

// A client that means well is served, by who says lines back.
SHARED void assert_serves(const struct server *s)
{
    char answer[8];
    int fd = raw_connect(server_port(s));
    raw_say(fd, "hello\n");
    assert_int_equal(raw_receive(fd, answer, 6), 6);
    assert_memory_equal(answer, "hello\n", 6);
    close(fd);
}

// ---- a certificate, in memory -----------------------------------------------------------

#ifdef WEFT_TESTS_TLS
#include <openssl/pem.h>
#include <openssl/x509.h>

SHARED FILE *memory_file(char path[32])
{
    int fd = memfd_create("pem", MFD_CLOEXEC);
    assert_true(fd >= 0);
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    FILE *f = fdopen(fd, "w");
    assert_non_null(f);
    return f;
}

// For weft.test, signed by itself, for an hour.
SHARED weft_tls *make_server_tls(void)
{
    char path[32];
    FILE *f = memory_file(path);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"weft.test", -1, -1,
                               0);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    bool made = X509_set_version(x, 2) && X509_set_issuer_name(x, name) &&
                X509_set_pubkey(x, key) && X509_sign(x, key, EVP_sha256()) > 0 &&
                PEM_write_X509(f, x) && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    assert_true(made && fflush(f) == 0);
    X509_free(x);
    EVP_PKEY_free(key);
    weft_tls *tls = weft_tls_server(path);
    fclose(f);
    assert_non_null(tls);
    return tls;
}
#endif

#endif
