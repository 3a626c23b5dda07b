// SPDX-License-Identifier: MIT
// tls.h - what tls.c, the settings, and session.c, a connection's, share.
#ifndef WF_NET_TLS_H
#define WF_NET_TLS_H

#include <openssl/ssl.h>

#include <weft/tls.h>

struct weft_tls {
    uint32_t refs; // atomic: the owner, and each connection
    SSL_CTX *ctx;
    bool is_server, insecure;
    unsigned alpn_size;
    unsigned char *alpn; // as on the wire: a byte of length, the name; or NULL
};

void wf_tls_unref(weft_tls *tls);

// The oldest error in this thread's queue, in words that stay, or `otherwise`.
const char *wf_tls_reason(const char *otherwise);

#endif
