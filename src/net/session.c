// SPDX-License-Identifier: MIT
// session.c - TLS on one connection: a layer (layer.h) on OpenSSL.
//
// OpenSSL's view of the socket is a BIO of our own: reading takes what the socket has, or says "try
// again"; writing appends to the connection's queue. So no call of OpenSSL waits, none spans a park
// (the queue of errors is the thread's, and fibers share that), and what OpenSSL wants to say by
// itself - alerts, tickets, new keys - goes out like everything else. Its socket BIO, the usual
// way, would have made each write a thing that can stop in the middle.
//
// A failure is remembered: after it OpenSSL only says that something is wrong.
//
// A peer may ask for new keys, or for a handshake that it does not get, as often as it likes.
// OpenSSL goes on for as long as such things come, within one call of ours, and answers each; no
// socket stops it. So there are two bounds, of TALK_MOST each. Else one peer would keep a loop to
// itself, and one that reads nothing fill the memory with our answers.
//
// Empty records that are filled up to 16 KiB are lawful: so a peer hides when it speaks. OpenSSL
// bears 32 of them in a row, and so do we: of a record no more than RECORD_COUNTS is counted.
#define _GNU_SOURCE // strerrordesc_np
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <weft/sync.h>

#include "core/error.h"
#include "core/misuse.h"
#include "net/layer.h"
#include "net/tls.h"
#include "os/atomic.h"

// What no honest peer says in a row, or leaves unread: some 2,400 wishes for new keys.
enum { TALK_MOST = 64 << 10, RECORD_COUNTS = 1 << 10 };

// OpenSSL takes memory for the largest record that it may write, and gives it back each time. For
// a short one that is a block which malloc has at hand, and not one of 16 KiB that it has to find.
enum { SHORT_RECORD = 768 };

struct session {
    struct wf_layer layer; // first
    weft_tls *tls;         // a reference
    SSL *ssl;
    int error;       // of the socket, 0: none
    bool at_end;     // of the socket
    bool ready;      // the handshake is done
    bool reads;      // OpenSSL is in a call that reads
    bool is_short;   // it writes short records
    size_t talked;   // what counts of the records, once ready, since there were plain bytes in one
    size_t answered; // what OpenSSL said to that, since the queue was empty
    int failed;      // 0, or what every call returns from now on
    const char *why; // in words that stay; with failed
    char *alpn;      // a copy with a NUL, or NULL
};

static struct session *of(struct wf_layer *layer)
{
    return (struct session *)(void *)layer;
}

// ---- the BIO ----------------------------------------------------------------------------

static int bio_read(BIO *bio, char *buf, int cap)
{
    struct session *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (s->talked > TALK_MOST) {
        s->error = -EPROTO;
        return -1;
    }
    if (s->layer.early.length > 0)
        return (int)wf_buffer_take(&s->layer.early, buf, (size_t)cap);
    ssize_t n;
    do
        n = recv(s->layer.fd, buf, (size_t)cap, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    s->at_end = n == 0;
    if (n < 0 && errno == EAGAIN)
        BIO_set_retry_read(bio);
    else if (n < 0)
        s->error = -errno;
    return (int)n;
}

static int bio_write(BIO *bio, const char *bytes, int size)
{
    struct session *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (s->reads)
        s->answered = (s->layer.out->length > 0 ? s->answered : 0) + (size_t)size;
    s->error = s->answered > TALK_MOST ? -EPROTO : wf_buffer_add(s->layer.out, bytes, (size_t)size);
    return s->error < 0 ? -1 : size;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    const struct session *s = BIO_get_data(bio);
    (void)number, (void)pointer;
    return command == BIO_CTRL_EOF ? s->at_end : command == BIO_CTRL_FLUSH;
}

// Of each record that came its header is shown: its type, its version, its length.
static void on_message(int is_ours, int version, int type, const void *bytes, size_t size, SSL *ssl,
                       void *session)
{
    struct session *s = session;
    const unsigned char *header = bytes;
    (void)version, (void)ssl;
    if (is_ours || type != SSL3_RT_HEADER || size < SSL3_RT_HEADER_LENGTH || !s->ready)
        return;
    size_t counts = size + ((size_t)header[3] << 8 | header[4]);
    s->talked += counts < RECORD_COUNTS ? counts : RECORD_COUNTS;
}

static weft_once method_once;
static BIO_METHOD *method; // for the program's life

static int make_method(void *arg)
{
    (void)arg;
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weft connection");
    if (!method)
        return -ENOMEM;
    (void)BIO_meth_set_read(method, bio_read); // none of the three can fail
    (void)BIO_meth_set_write(method, bio_write);
    (void)BIO_meth_set_ctrl(method, bio_control);
    return 0;
}

// ---- failures ---------------------------------------------------------------------------

// Before each call of OpenSSL. To clear a queue that is empty takes 800 instructions.
static void forget_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

static int fail(const struct session *s)
{
    return wf_explain(s->failed, "TLS with %s: %s", weft_peer(s->layer.conn), s->why);
}

static int fail_with(struct session *s, int code, const char *why)
{
    s->failed = code;
    s->why = why;
    return fail(s);
}

// After a call of OpenSSL that gave `rc`, not a success: 0 at the end of the stream, -EAGAIN, or
// the failure.
static int outcome(struct session *s, int rc)
{
    int kind = SSL_get_error(s->ssl, rc);
    if (kind == SSL_ERROR_ZERO_RETURN)
        return 0;
    if (kind == SSL_ERROR_WANT_READ)
        return -EAGAIN;
    unsigned long error = ERR_peek_error();
    if (s->error == -EPROTO) // of ours: no socket says so
        return fail_with(s, -EPROTO, "the peer asks for new keys without end");
    if (s->error < 0)
        return fail_with(s, s->error, strerrordesc_np(-s->error));
    if (s->at_end)
        return fail_with(s, -ECONNABORTED, "the peer cut the stream off");
    if (ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return fail_with(s, -EKEYREJECTED,
                         X509_verify_cert_error_string(SSL_get_verify_result(s->ssl)));
    // For a first answer that is no record of TLS; not for a version that we do not have in common.
    if (ERR_GET_REASON(error) == SSL_R_WRONG_VERSION_NUMBER && !s->ready)
        return fail_with(s, -EPROTO, "the peer does not speak TLS there");
    return fail_with(s, ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE ? -ENOMEM : -EPROTO,
                     wf_tls_reason("the protocol was broken"));
}

// ---- the layer --------------------------------------------------------------------------

static int keep_alpn(struct session *s)
{
    const unsigned char *name;
    unsigned size;
    SSL_get0_alpn_selected(s->ssl, &name, &size);
    if (size == 0)
        return 0;
    s->alpn = malloc(size + 1);
    if (!s->alpn)
        return fail_with(s, -ENOMEM, "out of memory");
    memcpy(s->alpn, name, size);
    s->alpn[size] = '\0';
    return 0;
}

static int handshake(struct wf_layer *layer)
{
    struct session *s = of(layer);
    if (s->failed < 0)
        return fail(s);
    forget_errors();
    int rc = SSL_do_handshake(s->ssl);
    if (rc != 1) {
        rc = outcome(s, rc);
        return rc != 0 ? rc : fail_with(s, -ECONNABORTED, "the peer ended the handshake");
    }
    rc = keep_alpn(s);
    s->ready = rc == 0;
    return rc;
}

// SSL_read_ex or SSL_peek_ex.
static int get(struct session *s, int (*how)(SSL *, void *, size_t, size_t *), void *buf,
               size_t cap, size_t *n)
{
    forget_errors();
    s->reads = true;
    int rc = how(s->ssl, buf, cap, n);
    s->reads = false;
    if (rc == 1)
        s->talked = 0;
    return rc;
}

static ssize_t read_some(struct wf_layer *layer, void *buf, size_t cap)
{
    struct session *s = of(layer);
    size_t n;
    if (s->failed < 0)
        return fail(s);
    int rc = get(s, SSL_read_ex, buf, cap, &n);
    return rc == 1 ? (ssize_t)n : outcome(s, rc);
}

// A peek makes plain bytes of the records that are there, and passes over those that have none.
static bool is_readable(struct wf_layer *layer)
{
    struct session *s = of(layer);
    char byte;
    size_t n;
    if (s->failed < 0)
        return true;
    int rc = get(s, SSL_peek_ex, &byte, 1, &n);
    return rc == 1 || outcome(s, rc) != -EAGAIN;
}

static void choose_record(struct session *s, size_t size)
{
    bool is_short = size <= SHORT_RECORD;
    if (s->is_short == is_short)
        return;
    long most = is_short ? SHORT_RECORD : SSL3_RT_MAX_PLAIN_LENGTH;
    (void)SSL_set_max_send_fragment(s->ssl, most); // neither can fail from 512 on
    (void)SSL_set_split_send_fragment(s->ssl, most);
    s->is_short = is_short;
}

static int write_all(struct wf_layer *layer, const void *bytes, size_t size)
{
    struct session *s = of(layer);
    size_t n;
    if (s->failed < 0)
        return fail(s);
    if (SSL_get_shutdown(s->ssl) & SSL_SENT_SHUTDOWN)
        return -EPIPE; // we said "no more"
    choose_record(s, size);
    forget_errors();
    int rc = SSL_write_ex(s->ssl, bytes, size, &n);
    if (rc == 1)
        return 0; // all of it: the BIO takes everything
    rc = outcome(s, rc);
    return rc < 0 && rc != -EAGAIN ? rc : fail_with(s, -EPROTO, "writing stopped half-way");
}

static int end(struct wf_layer *layer)
{
    struct session *s = of(layer);
    if (s->failed < 0)
        return fail(s);
    if (!s->ready || SSL_get_shutdown(s->ssl) & SSL_SENT_SHUTDOWN)
        return 0; // a second call would read
    forget_errors();
    int rc = SSL_shutdown(s->ssl);
    return rc >= 0 ? 0 : outcome(s, rc);
}

static void free_session(struct wf_layer *layer)
{
    struct session *s = of(layer);
    SSL_free(s->ssl);
    if (s->tls)
        wf_tls_unref(s->tls);
    wf_buffer_free(&s->layer.early);
    wf_buffer_free(&s->layer.held);
    free(s->alpn);
    free(s);
}

static const struct wf_layer_ops session_ops = {
    .handshake = handshake,
    .read = read_some,
    .readable = is_readable,
    .write = write_all,
    .end = end,
    .free = free_session,
};

// ---- begin ------------------------------------------------------------------------------

static struct session *session_new(weft_tls *tls)
{
    int rc = weft_once_do(&method_once, make_method, NULL);
    struct session *s = rc == 0 ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return NULL;
    *s = (struct session){.layer.ops = &session_ops, .tls = tls};
    (void)wf_add(&tls->refs, 1, WF_RELAXED); // the caller has one
    forget_errors();
    s->ssl = SSL_new(tls->ctx);
    BIO *bio = s->ssl ? BIO_new(method) : NULL;
    if (!bio) {
        free_session(&s->layer);
        return NULL;
    }
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(s->ssl, bio, bio); // takes it over
    SSL_set_msg_callback(s->ssl, on_message);
    SSL_set_msg_callback_arg(s->ssl, s);
    if (tls->is_server)
        SSL_set_accept_state(s->ssl);
    else
        SSL_set_connect_state(s->ssl);
    return s;
}

// Of an address the certificate's address is compared, and nothing is sent as SNI. What begins with
// a dot is no host, but OpenSSL would take each below it.
static bool expect(SSL *ssl, const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    char bare[256]; // without the dot that ends an absolute name: RFC 6066, section 3
    size_t size = strlen(name);
    size -= size > 1 && name[size - 1] == '.';
    if (name[0] == '.' || size >= sizeof bare)
        return false;
    memcpy(bare, name, size);
    bare[size] = '\0';
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, bare) == 1 && SSL_set_tlsext_host_name(ssl, bare) == 1;
}

int weft_tls_start(weft_conn *c, weft_tls *tls, const char *server_name, weft_time deadline)
{
    static const char call[] = "weft_tls_start";
    wf_require(c, "%s(NULL): closed, or never opened", call);
    wf_require(tls, "%s: no settings: they could not be made, or are freed", call);
    wf_require(!tls->is_server || !server_name, "%s: a server has no name to expect", call);
    wf_require(tls->is_server || tls->insecure || server_name,
               "%s: whom does the client want to talk to?", call);
    struct session *s = session_new(tls);
    if (!s) {
        wf_conn_refuse_layer(c);
        return weft_fail(-ENOMEM, "%s: out of memory", call);
    }
    if (server_name && !expect(s->ssl, server_name)) {
        free_session(&s->layer);
        wf_conn_refuse_layer(c);
        return weft_fail(-EINVAL, "%s: %.80s: not a host's name", call, server_name);
    }
    return wf_conn_put_layer(c, &s->layer, call, deadline);
}

// ---- what was agreed --------------------------------------------------------------------

static const struct session *session_of(const weft_conn *c, const char *call)
{
    wf_require(c, "%s(NULL)", call);
    struct wf_layer *layer = wf_conn_layer(c);
    return layer && of(layer)->ready ? of(layer) : NULL;
}

const char *weft_tls_protocol(const weft_conn *c)
{
    const struct session *s = session_of(c, "weft_tls_protocol");
    return s ? SSL_get_version(s->ssl) : NULL;
}

const char *weft_tls_alpn(const weft_conn *c)
{
    const struct session *s = session_of(c, "weft_tls_alpn");
    return s ? s->alpn : NULL;
}

const char *weft_tls_server_name(const weft_conn *c)
{
    const struct session *s = session_of(c, "weft_tls_server_name");
    return s ? SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name) : NULL;
}
