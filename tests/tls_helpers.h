// SPDX-License-Identifier: MIT
// tls_helpers.h - certificates of our own, and a connection of weft's with TLS at both ends.
#ifndef WEFT_TESTS_TLS_HELPERS_H
#define WEFT_TESTS_TLS_HELPERS_H

#include "net_helpers.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

// ---- certificates: made once, in a folder of our own -----------------------------------

static char folder[] = "/tmp/weft-tls-XXXXXX";

SHARED const char *in_folder(const char *name)
{
    static char paths[8][64];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

SHARED int shell(const char *command)
{
    char line[700];
    snprintf(line, sizeof line, "cd %s && (%s) >log 2>&1", folder, command);
    return system(line);
}

#define MAKE(file, days, name) \
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout " file \
    ".key -out " file ".pem -days " days " -subj /CN=" name " -addext subjectAltName=DNS:" name \
    ",IP:127.0.0.1"

// The program makes none whose time is over.
SHARED bool make_expired(void)
{
    FILE *in = fopen(in_folder("good.pem"), "re"), *key = fopen(in_folder("good.key"), "re"),
         *out = fopen(in_folder("old.pem"), "we");
    X509 *x = in ? PEM_read_X509(in, NULL, NULL, NULL) : NULL;
    EVP_PKEY *pkey = key ? PEM_read_PrivateKey(key, NULL, NULL, NULL) : NULL;
    bool made = out && x && pkey && X509_gmtime_adj(X509_getm_notBefore(x), -7200) &&
                X509_gmtime_adj(X509_getm_notAfter(x), -3600) &&
                X509_sign(x, pkey, EVP_sha256()) > 0 && PEM_write_X509(out, x) == 1;
    X509_free(x);
    EVP_PKEY_free(pkey);
    FILE *files[] = {in, key, out};
    for (size_t i = 0; i < COUNT(files); i++)
        if (files[i])
            fclose(files[i]);
    return made;
}

SHARED int make_certificates(void **state)
{
    (void)state;
    return mkdtemp(folder) && shell(MAKE("good", "9", "weft.test")) == 0 &&
                   shell(MAKE("other", "9", "other.test")) == 0 &&
                   shell("openssl genrsa -out rsa.key 2048") == 0 && make_expired()
               ? 0
               : -1;
}

SHARED int remove_certificates(void **state)
{
    (void)state;
    char line[80];
    snprintf(line, sizeof line, "rm -r %s", folder);
    return system(line);
}

// ---- two ends --------------------------------------------------------------------------

struct side {
    weft_conn *conn;
    weft_tls *tls;
    const char *name;
};

SHARED int start_side(const struct side *s, weft_none *none)
{
    (void)none;
    return weft_tls_start(s->conn, s->tls, s->name, much_later());
}
WEFT_TASK(start_side, struct side, weft_none);

struct ends {
    weft_conn *client, *server;
    weft_tls *mine, *theirs; // of client, of server
    int server_rc;
};

// The code of the client's start; the server's stays in ends.
SHARED int shake(struct ends *e, const char *name)
{
    pair_up(&e->client, &e->server);
    assert_true(e->mine && e->theirs);
    weft_future *f = weft_start(WEFT_THREADS, start_side,
                                &(struct side){e->server, e->theirs, NULL});
    int rc = weft_tls_start(e->client, e->mine, name, much_later());
    char why[WEFT_ERROR_MAX];
    snprintf(why, sizeof why, "%s", weft_error());
    if (rc < 0)
        weft_conn_close(&e->client);
    e->server_rc = weft_join(&f, NULL, 0);
    if (rc < 0)
        (void)weft_fail(rc, "%s", why);
    return rc;
}

SHARED struct ends up(void)
{
    struct ends e = {.mine = weft_tls_client(in_folder("good.pem"), .alpn = "h2,http/1.1"),
                     .theirs = weft_tls_server(in_folder("good.pem"), .key = in_folder("good.key"),
                                               .alpn = "http/1.1")};
    int rc = shake(&e, "weft.test");
    if (rc < 0 || e.server_rc < 0)
        fail_msg("%d, %d: %s", rc, e.server_rc, weft_error());
    return e;
}

SHARED void down(struct ends *e)
{
    weft_conn_close(&e->client);
    weft_conn_close(&e->server);
    weft_tls_free(&e->mine);
    weft_tls_free(&e->theirs);
}

#endif
