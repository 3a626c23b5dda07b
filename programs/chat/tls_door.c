// SPDX-License-Identifier: MIT
// tls_door.c - see tls_door.h. Whatever comes to such a door costs one line of the log, whose words
// are ours: what a stranger sent does not get into it.
#include "chat/tls_door.h"

#include <errno.h>
#include <string.h>

#include "chat/door.h"

enum { HANDSHAKE_MS = 10000 };

// As the other mistakes of settings: with where it stands, and not with what we called. What is
// wrong with a file begins with its name.
static void tell_why_not(const struct settings *set)
{
    const char *call = strstr(weft_error(), ": "), *why = call ? call + strlen(": ") : weft_error();
    size_t size = set->tls_key ? strlen(set->tls_key) : 0;
    bool of_key = size > 0 && strncmp(why, set->tls_key, size) == 0 && why[size] == ':';
    settings_complain(set, of_key ? &set->tls_key : &set->tls_cert, why);
}

bool tls_open(const struct settings *set, weft_tls **tls)
{
    *tls = NULL;
    if (!set->tls_cert)
        return true;
    *tls = weft_tls_server(set->tls_cert, .key = set->tls_key);
    if (!*tls)
        tell_why_not(set);
    return *tls != NULL;
}

static const char *why(int rc)
{
    switch (rc) {
    case -ETIMEDOUT:
        return "no TLS handshake in time";
    case -EPROTO:
        return "no TLS, or none that we have in common";
    case -ECONNABORTED:
    case -EPIPE:
    case -ECONNRESET:
        return "went away during the TLS handshake";
    default:
        return strerror(-rc);
    }
}

bool tls_shake_hands(struct visitor *v)
{
    int rc = weft_tls_start(v->conn, v->door->tls, NULL, weft_after_ms(HANDSHAKE_MS));
    if (rc < 0) {
        v->why = why(rc);
        v->drop = DROP_TLS;
    }
    return rc == 0;
}
