// SPDX-License-Identifier: MIT
// certificate.c - what the certificate of a server says.
//
// libcurl's sentence names neither the names nor the date, and CURLINFO_CERTINFO is filled in only
// after a handshake that went well. OpenSSL shows every certificate of the chain to a callback, and
// libcurl leaves that one free. What it says is not changed here, only looked at.
//
// The connection may live longer than the request that opened it. A second handshake on it would
// call us with a pointer that is no longer right; so renegotiation, which no web server needs and
// TLS 1.3 does not have, is refused.
#include "fetch/certificate.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <weft/sync.h>

static weft_once once;
static int slot; // of an SSL_CTX, for our `seen`

static int get_slot(void *arg)
{
    (void)arg;
    slot = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    return slot < 0 ? -1 : 0;
}

static int on_certificate(int right, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct certificate **seen = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), slot);
    X509 *now = X509_STORE_CTX_get_current_cert(store);
    // The first that is wrong ends it; if none is, the server's own comes last, at depth 0.
    if (!seen || !now || (right && X509_STORE_CTX_get_error_depth(store) > 0))
        return right;
    certificate_free(seen);
    if (X509_up_ref(now))
        *seen = (struct certificate *)now;
    return right;
}

// A session that goes on shows none to that one: its certificate came with the first connection.
// Its name may be as wrong as then, which libcurl finds when this is over. Nobody looks after that.
static void on_step(const SSL *ssl, int step, int value)
{
    (void)value;
    SSL_CTX *context = SSL_get_SSL_CTX(ssl);
    struct certificate **seen = SSL_CTX_get_ex_data(context, slot);
    if (!(step & SSL_CB_HANDSHAKE_DONE) || !seen)
        return;
    (void)SSL_CTX_set_ex_data(context, slot, NULL); // cannot fail: the slot is there
    if (!SSL_session_reused(ssl))
        return;
    certificate_free(seen);
    *seen = (struct certificate *)SSL_get_peer_certificate(ssl);
}

// Whether the record that came last to this thread begins as an answer of HTTP. The connection may
// outlive the request that opened it, so nothing of that is known here.
static _Thread_local bool was_http;

static void on_record(int is_sent, int version, int type, const void *bytes, size_t size, SSL *ssl,
                      void *arg)
{
    (void)version, (void)ssl, (void)arg;
    if (!is_sent && type == SSL3_RT_HEADER)
        was_http = size >= 5 && memcmp(bytes, "HTTP/", 5) == 0;
}

bool certificate_came_as_http(void)
{
    return was_http;
}

bool certificate_begin(void)
{
    return weft_once_do(&once, get_slot, NULL) == 0;
}

void certificate_watch(void *ssl_context, struct certificate **seen)
{
    SSL_CTX *context = ssl_context;
    if (!SSL_CTX_set_ex_data(context, slot, seen))
        return; // out of memory: then without names and dates
    (void)SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_msg_callback(context, on_record);
    SSL_CTX_set_verify(context, SSL_CTX_get_verify_mode(context), on_certificate);
    SSL_CTX_set_info_callback(context, on_step);
}

void certificate_free(struct certificate **c)
{
    X509_free((X509 *)*c);
    *c = NULL;
}

// ---- names -----------------------------------------------------------------------

// One more name, if it fits whole.
static void put(char *text, size_t size, const char *name, int length)
{
    size_t have = strlen(text);
    const char *before = have ? ", " : "it is for ";
    if (have + strlen(before) + (size_t)length < size)
        (void)snprintf(text + have, size - have, "%s%.*s", before, length, name);
}

static void put_address(char *text, size_t size, const ASN1_OCTET_STRING *address)
{
    const unsigned char *b = ASN1_STRING_get0_data(address);
    char name[32];
    if (ASN1_STRING_length(address) == 4) {
        int length = snprintf(name, sizeof name, "%d.%d.%d.%d", b[0], b[1], b[2], b[3]);
        put(text, size, name, length);
    } else {
        put(text, size, "an IPv6 address", 15);
    }
}

static void put_common_name(X509 *x, char *text, size_t size)
{
    char name[80];
    int length = X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name,
                                           sizeof name);
    if (length > 0)
        put(text, size, name, (int)strlen(name));
}

void certificate_names(const struct certificate *c, char *text, size_t size)
{
    X509 *x = (X509 *)c;
    text[0] = '\0';
    if (!x)
        return;
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) { // of NULL: -1
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            put(text, size, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
                ASN1_STRING_length(name->d.dNSName));
        else if (name->type == GEN_IPADD)
            put_address(text, size, name->d.iPAddress);
    }
    GENERAL_NAMES_free(names);
    if (!text[0])
        put_common_name(x, text, size);
}

// ---- the date --------------------------------------------------------------------

void certificate_time(const struct certificate *c, char *text, size_t size)
{
    X509 *x = (X509 *)c;
    text[0] = '\0';
    if (!x)
        return;
    bool begun = X509_cmp_current_time(X509_get0_notBefore(x)) < 0;
    struct tm tm;
    char date[16];
    if (!ASN1_TIME_to_tm(begun ? X509_get0_notAfter(x) : X509_get0_notBefore(x), &tm) ||
        strftime(date, sizeof date, "%Y-%m-%d", &tm) == 0)
        return;
    (void)snprintf(text, size, "it %s on %s", begun ? "expired" : "begins", date);
}

// ---- what was agreed on ----------------------------------------------------------

bool certificate_agrees_on_http2(const struct curl_tlssessioninfo *session)
{
    const unsigned char *name = NULL;
    unsigned size = 0;
    if (session && session->internals)
        SSL_get0_alpn_selected(session->internals, &name, &size);
    return size == 2 && memcmp(name, "h2", 2) == 0;
}

// ---- whom to trust ---------------------------------------------------------------

// As libcurl will read it.
bool certificate_file_is_right(const char *path)
{
    X509_STORE *store = X509_STORE_new();
    bool right = !store || X509_STORE_load_locations(store, path, NULL) == 1;
    ERR_clear_error(); // what was wrong is no later call's
    X509_STORE_free(store);
    return right;
}
