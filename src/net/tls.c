// SPDX-License-Identifier: MIT
// tls.c - certificates and settings: what many connections share.
//
// Of the ciphers of TLS 1.2 only those with forward secrecy and authenticated encryption are left.
// There is no renegotiation, no compression, and no cache of sessions.
#include "net/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <weft/error.h>

#include "core/misuse.h"
#include "os/atomic.h"

static const char ciphers_12[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

const char *wf_tls_reason(const char *otherwise)
{
    unsigned long error = ERR_peek_error();
    const char *words = error ? ERR_reason_error_string(error) : NULL;
    return words ? words : otherwise;
}

// OpenSSL could not use a file: the system's errno if it says one, else -EINVAL.
static int fail_file(const char *call, const char *file)
{
    unsigned long error = ERR_peek_error();
    if (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE)
        return weft_fail(-EINVAL, "%s: %s: no certificate in it that is PEM", call, file);
    if (ERR_SYSTEM_ERROR(error))
        return weft_fail(-(int)ERR_GET_REASON(error), "%s: %s: %s", call, file,
                         strerror((int)ERR_GET_REASON(error)));
    return weft_fail(-EINVAL, "%s: %s: %s", call, file, wf_tls_reason("cannot be used"));
}

static int fail_other_key(const char *call, const char *file, const char *chain)
{
    return weft_fail(-EINVAL, "%s: %s: the key of another certificate than %s", call, file, chain);
}

// Of a file without a key, and of an encrypted key, OpenSSL says "unsupported", and "interrupted or
// cancelled".
static int fail_key(const char *call, const char *file, const char *chain)
{
    unsigned long error = ERR_peek_error();
    if (ERR_GET_LIB(error) == ERR_LIB_X509) // it compared the key with the certificate
        return fail_other_key(call, file, chain);
    if (ERR_SYSTEM_ERROR(error))
        return fail_file(call, file);
    return weft_fail(-EINVAL, "%s: %s: no private key in it that can be read without a password",
                     call, file);
}

// "h2,http/1.1" as on the wire.
static int set_alpn(weft_tls *tls, const char *list, const char *call)
{
    if (!list)
        return 0;
    size_t size = strlen(list) + 1;
    tls->alpn = malloc(size);
    if (!tls->alpn)
        return weft_fail(-ENOMEM, "%s: out of memory", call);
    tls->alpn_size = (unsigned)size;
    for (unsigned char *at = tls->alpn;; list++) {
        size_t n = strcspn(list, ",");
        if (n == 0 || n > 255)
            return weft_fail(-EINVAL, "%s: a name of %zu bytes in the ALPN list", call, n);
        *at++ = (unsigned char)n;
        memcpy(at, list, n);
        at += n;
        list += n;
        if (*list == '\0')
            return 0;
    }
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *size,
                       const unsigned char *theirs, unsigned theirs_size, void *arg)
{
    const weft_tls *tls = arg;
    unsigned char *chosen;
    (void)ssl;
    int how = SSL_select_next_proto(&chosen, size, tls->alpn, tls->alpn_size, theirs, theirs_size);
    *out = chosen;
    return how == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// OpenSSL keeps a client's name in a session of TLS 1.2 only if somebody said yes to it; and of one
// that is resumed it knows no other.
static int take_name(SSL *ssl, int *alert, void *arg)
{
    (void)ssl, (void)alert, (void)arg;
    return SSL_TLSEXT_ERR_OK;
}

// OpenSSL's own would ask on the terminal.
static int no_password(char *buf, int size, int writing, void *arg)
{
    (void)buf, (void)size, (void)writing, (void)arg;
    return -1;
}

static weft_tls *new_tls(const char *call, bool is_server)
{
    // Its handler would run before ours, which waits for tasks that may be in OpenSSL.
    (void)OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL); // if it fails, so does the next call
    ERR_clear_error();
    weft_tls *tls = calloc(1, sizeof *tls);
    SSL_CTX *ctx = tls ? SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method()) : NULL;
    if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ctx, ciphers_12) != 1) {
        (void)weft_fail(-ENOMEM, "%s: out of memory", call);
        SSL_CTX_free(ctx);
        free(tls);
        return NULL;
    }
    *tls = (weft_tls){.refs = 1, .ctx = ctx, .is_server = is_server};
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                       SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(ctx, 1); // one recv for many records
    SSL_CTX_set_default_passwd_cb(ctx, no_password);
    return tls;
}

void wf_tls_unref(weft_tls *tls)
{
    if (wf_sub(&tls->refs, 1, WF_ACQ_REL) > 1)
        return;
    SSL_CTX_free(tls->ctx);
    free(tls->alpn);
    free(tls);
}

void weft_tls_free(weft_tls **tls)
{
    wf_require(tls, "weft_tls_free(NULL): pass the address");
    if (*tls)
        wf_tls_unref(*tls);
    *tls = NULL;
}

static int load_certificate(weft_tls *tls, const char *chain, const char *key)
{
    static const char call[] = "weft_tls_server";
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(tls->ctx, chain) != 1)
        return fail_file(call, chain);
    key = key ? key : chain;
    if (SSL_CTX_use_PrivateKey_file(tls->ctx, key, SSL_FILETYPE_PEM) != 1)
        return fail_key(call, key, chain);
    // OpenSSL compares the key with a certificate of the same kind only: one of EC finds its place
    // beside a certificate of RSA, and no handshake succeeds then.
    if (SSL_CTX_check_private_key(tls->ctx) != 1)
        return fail_other_key(call, key, chain);
    return 0;
}

weft_tls *weft_tls_server_(struct weft_tls_server_options o)
{
    wf_require(o.certificate, "weft_tls_server(NULL): a server needs a certificate");
    wf_require(o.tickets >= 0, "weft_tls_server: %d tickets", o.tickets);
    weft_tls *tls = new_tls("weft_tls_server", true);
    if (!tls)
        return NULL;
    int rc = load_certificate(tls, o.certificate, o.key);
    rc = rc < 0 ? rc : set_alpn(tls, o.alpn, "weft_tls_server");
    if (tls->alpn)
        SSL_CTX_set_alpn_select_cb(tls->ctx, choose_alpn, tls);
    (void)SSL_CTX_set_tlsext_servername_callback(tls->ctx, take_name); // cannot fail
    (void)SSL_CTX_set_num_tickets(tls->ctx, (size_t)o.tickets);        // cannot fail
    if (rc < 0)
        weft_tls_free(&tls);
    return tls;
}

static int load_trust(weft_tls *tls, const char *file)
{
    ERR_clear_error();
    if (file)
        return SSL_CTX_load_verify_file(tls->ctx, file) == 1 ? 0
                                                             : fail_file("weft_tls_client", file);
    if (SSL_CTX_set_default_verify_paths(tls->ctx) != 1)
        return weft_fail(-ENOMEM, "weft_tls_client: the system's certificates: %s",
                         wf_tls_reason("out of memory"));
    return 0;
}

weft_tls *weft_tls_client_(struct weft_tls_client_options o)
{
    weft_tls *tls = new_tls("weft_tls_client", false);
    if (!tls)
        return NULL;
    tls->insecure = o.insecure;
    SSL_CTX_set_verify(tls->ctx, o.insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    int rc = load_trust(tls, o.ca_file);
    rc = rc < 0 ? rc : set_alpn(tls, o.alpn, "weft_tls_client");
    if (rc == 0 && tls->alpn && SSL_CTX_set_alpn_protos(tls->ctx, tls->alpn, tls->alpn_size) != 0)
        rc = weft_fail(-ENOMEM, "weft_tls_client: out of memory");
    if (rc < 0)
        weft_tls_free(&tls);
    return tls;
}
