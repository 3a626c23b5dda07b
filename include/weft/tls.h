// SPDX-License-Identifier: MIT
// weft/tls.h - TLS 1.2 and 1.3 on a connection, with the same calls as plain (net.h).
//
//     weft_tls *tls = weft_tls_client(NULL);
//     weft_conn *c = tls ? weft_connect("example.org:443", weft_after_ms(2000)) : NULL;
//     int rc = c ? weft_tls_start(c, tls, "example.org", weft_after_ms(5000)) : weft_error_code();
//     if (rc == 0)
//         rc = weft_write(c, "hello\n", 6, weft_after_ms(5000));
//     weft_conn_close(&c);
//     weft_tls_free(&tls);
//
// What differs from plain, once it has started:
// - Reading: -ECONNABORTED is a stream that was cut off, without the peer's word that it ends;
//   0 is its word. -EPROTO: the peer broke the protocol, refused us, or asks for new keys without
//   end (64 KiB of it and no byte for us, or of answers that it does not read); weft_error() says
//   which.
// - In a child of a plain fork() every call gives -EPIPE: the keys are its parent's.
// - weft_conn_close says that the stream ends, unless bytes that were queued are lost, or are on
//   their way from another loop: then the peer sees a stream that was cut off.
// - weft_post counts, in the queue, what encryption adds: up to 64 bytes for each 16 KiB begun.
// - weft_wait_readable looks into the records that came: it needs their memory, up to 17 KB.
//
// A handshake uses 12 KiB of stack, and computes for about a millisecond: on its loop, if a fiber
// calls. OpenSSL is told not to clean up at exit, because tasks may still be running then.
#ifndef WEFT_TLS_H
#define WEFT_TLS_H

#include <weft/net.h>

WEFT_C_BEGIN

// Certificates and settings, for any number of connections, which keep it alive.
typedef struct weft_tls weft_tls;

struct weft_tls_server_options {
    const char *certificate; // PEM file: our own first, then those that lead to the root
    const char *key;         // PEM file, not encrypted. NULL: in the same file
    const char *alpn;        // protocols that we speak, best first: "h2,http/1.1". NULL: not asked
    int tickets; // for resuming, sent to a client of TLS 1.3. 0: none, because a client that only
                 // writes and closes would find them unread, and TCP then drops what it wrote
};
struct weft_tls_client_options {
    const char *ca_file; // PEM file of whom we trust. NULL: the system's
    const char *alpn;    // as above; the server chooses
    bool insecure;       // trust anybody: for tests
};

// weft_tls_server("chain.pem", .key = "key.pem"), weft_tls_client(NULL, .alpn = "h2"): both read
// files, and copy what they need. NULL with -ENOENT, -EACCES... (a file), -EINVAL (no PEM in it, an
// encrypted key, a key of another certificate, an ALPN name of 0 or over 255 bytes) or -ENOMEM.
#define weft_tls_server(...) \
    weft_tls_server_(WEFT_OPTIONS_(struct weft_tls_server_options, .certificate = __VA_ARGS__))
#define weft_tls_client(...) \
    weft_tls_client_(WEFT_OPTIONS_(struct weft_tls_client_options, .ca_file = __VA_ARGS__))
void weft_tls_free(weft_tls **tls);

// Shake hands on a connection that was plain so far. What was read ahead of it by weft_read_line is
// taken for the peer's first bytes of TLS, and what is posted meanwhile goes out after it; nobody
// else may read or write meanwhile. server_name of a client is the name or the IP address that the
// certificate must have, sent as SNI if a name; NULL only if insecure. Of a server NULL. 0, or an
// error, after which c can only be closed:
//     -EKEYREJECTED  the peer's certificate: expired, self-signed, of another name...
//     -EPROTO        not TLS at all, no common version or protocol, or the peer's refusal
//     -ECONNABORTED  the peer closed instead
//     -EINVAL        server_name is empty, begins with a dot, or is too long to be one
// -ETIMEDOUT, -ECANCELED, -EPIPE (closed), -ENOMEM, or the socket's errno.
int weft_tls_start(weft_conn *c, weft_tls *tls, const char *server_name, weft_time deadline);

// Of a connection that has started; they live as long as it.
const char *weft_tls_protocol(const weft_conn *c);    // "TLSv1.3". NULL: plain
const char *weft_tls_alpn(const weft_conn *c);        // "h2". NULL: none was agreed
const char *weft_tls_server_name(const weft_conn *c); // that the client named (SNI), or NULL

// ---- behind the macros -------------------------------------------------------
weft_tls *weft_tls_server_(struct weft_tls_server_options) __attribute__((warn_unused_result));
weft_tls *weft_tls_client_(struct weft_tls_client_options) __attribute__((warn_unused_result));

WEFT_C_END
#endif
