// SPDX-License-Identifier: MIT
// link.c - see link.h.
#include "chat/join/link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <weft/error.h>
#include <weft/tls.h>

enum { CONNECT_MS = 10000, SILENCE_MS = 60000 };

// Without the name of the call, which says nothing to who runs the program.
static int fail_trust(const char *ca_file)
{
    const char *call = strstr(weft_error(), ": "), *why = call ? call + strlen(": ") : weft_error();
    return weft_fail(weft_error_code(), "%s%s", ca_file ? "--ca " : "", why);
}

// Nobody else vouches for it, as it is with a small server: its file can be trusted by name. It is
// the whole reason: "self-signed certificate in certificate chain" is of an authority.
static bool is_self_signed(const char *error)
{
    const char *reason = strrchr(error, ':');
    return reason && strcmp(reason, ": self-signed certificate") == 0;
}

static int encrypt(weft_conn *conn, const char *host, const char *ca_file, weft_time deadline)
{
    weft_tls *tls = weft_tls_client(ca_file);
    if (!tls)
        return fail_trust(ca_file);
    int rc = weft_tls_start(conn, tls, host, deadline);
    weft_tls_free(&tls);
    if (rc == -ETIMEDOUT) // a server of plain IRC waits for a line, and we for it
        return weft_fail(rc, "TLS with %s: no answer (is that a port with TLS?)", weft_peer(conn));
    if (rc == -EKEYREJECTED && !ca_file && is_self_signed(weft_error()))
        return weft_fail(rc, "%s (--ca FILE trusts it, if it is in that file)", weft_error());
    return rc;
}

static weft_conn *open_one(const struct place *p, const char *host, const char *ca_file)
{
    weft_time deadline = weft_after_ms(CONNECT_MS);
    weft_conn *conn = weft_connect(p->address, deadline);
    if (conn && p->tls && encrypt(conn, host, ca_file, deadline) < 0)
        weft_conn_close(&conn);
    return conn;
}

weft_conn *link_open(const struct place *places, int count, const char *host, const char *ca_file,
                     const struct place **place)
{
    char said[WEFT_ERROR_MAX] = "";
    int code = -EINVAL;
    for (int i = 0; i < count; i++) {
        weft_conn *conn = open_one(&places[i], host, ca_file);
        *place = &places[i];
        if (conn)
            return conn;
        if (i == 0) {
            code = weft_error_code();
            (void)snprintf(said, sizeof said, "%s", weft_error());
        }
    }
    (void)weft_fail(code, "%s", said); // the place that was meant first
    return NULL;
}

static int broken(int rc)
{
    if (rc == -EPIPE)
        return weft_fail(rc, "the server closed the connection");
    if (rc == -EMSGSIZE)
        return weft_fail(rc, "the server sent a line that is too long for IRC");
    return weft_fail(rc, "the connection broke: %s", strerror(-rc));
}

int link_hear(weft_conn *conn, struct session *session)
{
    char line[MESSAGE_MAX + 3];
    ssize_t n = weft_read_line(conn, line, sizeof line, weft_after_ms(SILENCE_MS));
    if (n == -ETIMEDOUT) {
        session_send(session, "PING :weft");
        n = weft_read_line(conn, line, sizeof line, weft_after_ms(SILENCE_MS));
    }
    if (n < 0)
        return broken((int)n);
    session_hear(session, line);
    return 0;
}
