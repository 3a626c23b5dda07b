// SPDX-License-Identifier: MIT
// session_test.c - TLS with a peer that says what TLS allows, and what no peer of ours would: new
// keys again and again, nothing but these, records with nothing in them, garbage in the midst of
// it; and one that comes back.
#define WEFT_TESTS_TLS
#include "bad_days.h"

#include <openssl/hmac.h>
#include <openssl/ssl.h>

enum { KEYS = 1000, TIMES = 5 }; // 27 bytes each: twice as much as is borne, and not at once

// ---- a peer of OpenSSL ------------------------------------------------------------------

// What it says goes into memory, and out when we send it; so it never waits to be read.
struct peer {
    struct link link;
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *said;
    weft_tls *tls; // of our end
};

static int shake_ours(const struct peer *p, weft_none *none)
{
    (void)none;
    return weft_tls_start(p->link.ours, p->tls, NULL, much_later());
}
WEFT_TASK(shake_ours, struct peer, weft_none);

static SSL_CTX *context_of(int version)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(ctx);
    assert_int_equal(SSL_CTX_set_max_proto_version(ctx, version), 1);
    return ctx;
}

// For a session of NULL, or to resume it.
static void peer_shake(struct peer *p, SSL_SESSION *session)
{
    p->ssl = SSL_new(p->ctx);
    assert_non_null(p->ssl);
    assert_int_equal(SSL_set_tlsext_host_name(p->ssl, "weft.test"), 1);
    assert_true(!session || SSL_set_session(p->ssl, session) == 1);
    assert_int_equal(SSL_set_fd(p->ssl, p->link.peer), 1);
    weft_future *f = weft_start(WEFT_FIBERS, shake_ours, p);
    assert_int_equal(SSL_connect(p->ssl), 1);
    assert_int_equal(weft_join_as(&f, shake_ours, NULL), 0);
    p->said = BIO_new(BIO_s_mem());
    SSL_set0_wbio(p->ssl, p->said);
}

static struct peer peer_up(int version)
{
    struct peer p = {.link = link_up(), .ctx = context_of(version), .tls = make_server_tls()};
    peer_shake(&p, NULL);
    return p;
}

static void peer_down(struct peer *p)
{
    SSL_free(p->ssl);
    SSL_CTX_free(p->ctx);
    link_down(&p->link);
    weft_tls_free(&p->tls);
}

static void say_keys(const struct peer *p, int times, int how)
{
    for (int i = 0; i < times; i++) {
        assert_int_equal(SSL_key_update(p->ssl, how), 1);
        assert_int_equal(SSL_do_handshake(p->ssl), 1);
    }
}

static void say_bytes(const struct peer *p, const char *text)
{
    assert_int_equal(SSL_write(p->ssl, text, (int)strlen(text)), (int)strlen(text));
}

static void send_said(const struct peer *p)
{
    char *bytes;
    long size = BIO_get_mem_data(p->said, &bytes);
    raw_send(p->link.peer, bytes, (size_t)size);
    assert_int_equal(BIO_reset(p->said), 1);
}

// ---- our end ----------------------------------------------------------------------------

struct reading {
    weft_conn *conn;
    bool looks; // by weft_wait_readable first
};

// Reads to the end: how much came, or the error.
static int read_all(const struct reading *r, weft_none *none)
{
    char buf[64];
    ssize_t n = 1;
    int got = 0;
    (void)none;
    while (n > 0) {
        n = r->looks ? weft_wait_readable(r->conn, much_later()) : 0;
        n = n < 0 ? n : weft_read(r->conn, buf, sizeof buf, much_later());
        got += n > 0 ? (int)n : 0;
    }
    return n < 0 ? (int)n : got;
}
WEFT_TASK(read_all, struct reading, weft_none);

static weft_future *begin_to_read(const struct peer *p, bool looks)
{
    weft_future *f = weft_start(WEFT_FIBERS, read_all, &(struct reading){p->link.ours, looks});
    assert_non_null(f);
    return f;
}

static void assert_cut_off(const struct peer *p, weft_future **reader)
{
    assert_int_equal(shutdown(p->link.peer, SHUT_WR), 0); // who bears all of it comes to this
    assert_int_equal(weft_join_as(reader, read_all, NULL), -EPROTO);
    assert_non_null(strstr(weft_error(), "new keys without end"));
}

// ---- new keys ---------------------------------------------------------------------------

static void new_keys_between_bytes_harm_nobody(void **state)
{
    (void)state;
    struct peer p = peer_up(TLS1_3_VERSION);
    weft_future *f = begin_to_read(&p, false);
    for (int i = 0; i < TIMES; i++) {
        say_keys(&p, KEYS, SSL_KEY_UPDATE_NOT_REQUESTED);
        say_bytes(&p, "x");
        send_said(&p);
    }
    assert_int_equal(SSL_shutdown(p.ssl), 0);
    send_said(&p);
    assert_int_equal(weft_join_as(&f, read_all, NULL), TIMES);
    peer_down(&p);
}

static void new_keys_and_nothing_else_are_cut_off(void **state)
{
    (void)state;
    for (int looks = 0; looks <= 1; looks++) {
        struct peer p = peer_up(TLS1_3_VERSION);
        say_keys(&p, KEYS * TIMES, SSL_KEY_UPDATE_NOT_REQUESTED);
        send_said(&p);
        weft_future *f = begin_to_read(&p, looks);
        assert_cut_off(&p, &f);
        peer_down(&p);
    }
}

// Of each request the answer waits for who does not read it.
static void answers_that_nobody_reads_are_not_kept_for_ever(void **state)
{
    (void)state;
    struct peer p = peer_up(TLS1_3_VERSION);
    const int least = 1;
    assert_int_equal(
        setsockopt(weft_conn_fd(p.link.ours), SOL_SOCKET, SO_SNDBUF, &least, sizeof least), 0);
    assert_int_equal(setsockopt(p.link.peer, SOL_SOCKET, SO_RCVBUF, &least, sizeof least), 0);
    for (int i = 0; i < TIMES; i++) {
        say_keys(&p, KEYS, SSL_KEY_UPDATE_REQUESTED);
        say_bytes(&p, "x");
    }
    weft_future *f = begin_to_read(&p, false);
    send_said(&p);
    assert_cut_off(&p, &f);
    peer_down(&p);
}

// ---- empty records ----------------------------------------------------------------------

enum { RECORD_MOST = 16384, TAG = 16, SECRET = 32, HEADER = 5 };

// OpenSSL writes no empty record, so these are sealed by hand: TLS_AES_128_GCM_SHA256, RFC 8446,
// sections 5.2 and 7.3.
struct seal {
    unsigned char secret[SECRET], key[16], iv[12];
    unsigned char count; // of the records
};
static struct seal seal;

static void note_secret(const SSL *ssl, const char *line)
{
    static const char name[] = "CLIENT_TRAFFIC_SECRET_0 ";
    (void)ssl;
    if (strncmp(line, name, sizeof name - 1) != 0)
        return;
    const char *hex = strrchr(line, ' ') + 1;
    for (int i = 0; i < SECRET; i++)
        assert_int_equal(sscanf(hex + (size_t)i * 2, "%2hhx", &seal.secret[i]), 1);
}

// HKDF-Expand-Label of no more than one block.
static void derive(const char *label, unsigned char *out, size_t size)
{
    unsigned char info[32], block[SECRET];
    int n = snprintf((char *)info, sizeof info, "%c%c%ctls13 %s%c%c", 'x', (int)size,
                     (int)strlen(label) + 6, label, 'x', 1);
    info[0] = info[n - 2] = 0; // the size's upper byte; no context
    assert_non_null(HMAC(EVP_sha256(), seal.secret, SECRET, info, (size_t)n, block, NULL));
    memcpy(out, block, size);
}

// Of this type, with so many bytes in it, and filled up to the most that a record may have.
static void say_record(const struct peer *p, char type, const char *bytes, int size)
{
    static unsigned char record[HEADER + RECORD_MOST + 1 + TAG], inner[RECORD_MOST + 1];
    const int length = sizeof record - HEADER;
    unsigned char nonce[sizeof seal.iv];
    int n;
    memset(inner, 0, sizeof inner);
    memcpy(inner, bytes, (size_t)size);
    inner[size] = (unsigned char)type;
    memcpy(record, (unsigned char[]){23, 3, 3, length >> 8, length & 0xFF}, HEADER);
    memcpy(nonce, seal.iv, sizeof nonce);
    nonce[sizeof nonce - 1] ^= seal.count++;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, seal.key, nonce), 1);
    assert_int_equal(EVP_EncryptUpdate(c, NULL, &n, record, HEADER), 1);
    assert_int_equal(EVP_EncryptUpdate(c, record + HEADER, &n, inner, sizeof inner), 1);
    assert_int_equal(EVP_EncryptFinal_ex(c, record + HEADER + n, &n), 1);
    unsigned char *tag = record + sizeof record - TAG;
    assert_int_equal(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG, tag), 1);
    EVP_CIPHER_CTX_free(c);
    raw_send(p->link.peer, (const char *)record, sizeof record);
}

// Who hides when it speaks sends such in between: RFC 8446, section 5.4. OpenSSL bears 32 in a row.
static void empty_records_that_are_filled_up_harm_nobody(void **state)
{
    enum { EMPTY = 30, ALERT = 21, BYTES = 23 };
    (void)state;
    for (int looks = 0; looks <= 1; looks++) {
        struct peer p = {
            .link = link_up(), .ctx = context_of(TLS1_3_VERSION), .tls = make_server_tls()};
        seal.count = 0;
        SSL_CTX_set_keylog_callback(p.ctx, note_secret);
        assert_int_equal(SSL_CTX_set_ciphersuites(p.ctx, "TLS_AES_128_GCM_SHA256"), 1);
        peer_shake(&p, NULL);
        derive("key", seal.key, sizeof seal.key);
        derive("iv", seal.iv, sizeof seal.iv);
        weft_future *f = begin_to_read(&p, looks);
        for (int i = 0; i < TIMES; i++) {
            for (int k = 0; k < EMPTY; k++)
                say_record(&p, BYTES, "", 0);
            say_record(&p, BYTES, "x", 1);
        }
        say_record(&p, ALERT, "\1\0", 2); // no more comes
        assert_int_equal(weft_join_as(&f, read_all, NULL), TIMES);
        peer_down(&p);
    }
}

// ---- the end ----------------------------------------------------------------------------

// As many bytes as were said to be sent.
static int post_until_refused(weft_conn *const *c, int *sent)
{
    int rc = 0;
    while (rc == 0 || rc == -ENOBUFS) {
        weft_yield();
        rc = weft_post(*c, "x\n", 2);
        *sent += rc == 0 ? 2 : 0;
    }
    return rc == -EPIPE ? 0 : rc;
}
WEFT_TASK(post_until_refused, weft_conn *, int);

static void who_posts_beside_a_shutdown_does_not_spoil_it_and_is_heard_or_refused(void **state)
{
    enum { ROUNDS = 100 };
    (void)state;
    weft_tls *mine = weft_tls_client(NULL, .insecure = true), *theirs = make_server_tls();
    for (int i = 0; i < ROUNDS; i++) {
        struct peer p = {.tls = theirs};
        weft_conn *c;
        pair_up(&c, &p.link.ours);
        weft_future *shaking = weft_start(WEFT_FIBERS, shake_ours, &p);
        assert_int_equal(weft_tls_start(c, mine, NULL, much_later()), 0);
        assert_int_equal(weft_join_as(&shaking, shake_ours, NULL), 0);
        weft_future *reader = begin_to_read(&p, false);
        weft_future *poster = weft_start(WEFT_FIBERS, post_until_refused, &c);
        assert_int_equal(weft_sleep(weft_after_ns(300000)), 0);
        assert_int_equal(weft_shutdown(c, much_later()), 0);
        int sent = 0;
        assert_int_equal(weft_join_as(&poster, post_until_refused, &sent), 0);
        assert_int_equal(weft_join_as(&reader, read_all, NULL), sent);
        weft_conn_close(&c);
        weft_conn_close(&p.link.ours);
    }
    weft_tls_free(&mine);
    weft_tls_free(&theirs);
}

// ---- garbage ----------------------------------------------------------------------------

static void garbage_after_the_handshake_is_not_taken_for_another_protocol(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    (void)state;
    for (size_t i = 0; i < COUNT(versions); i++) {
        struct peer p = peer_up(versions[i]);
        char byte;
        raw_say(p.link.peer, "GET / HTTP/1.1\r\n\r\n");
        assert_int_equal(weft_read(p.link.ours, &byte, 1, much_later()), -EPROTO);
        assert_null(strstr(weft_error(), "does not speak TLS"));
        peer_down(&p);
    }
}

// ---- resumed ----------------------------------------------------------------------------

static void who_resumes_a_session_is_known_by_the_name_that_he_said(void **state)
{
    (void)state;
    struct peer first = peer_up(TLS1_2_VERSION); // there the ticket comes with the handshake
    assert_string_equal(weft_tls_server_name(first.link.ours), "weft.test");
    SSL_SESSION *session = SSL_get1_session(first.ssl);
    struct peer second = {.link = link_up(), .ctx = first.ctx, .tls = first.tls};
    peer_shake(&second, session);
    assert_int_equal(SSL_session_reused(second.ssl), 1);
    const char *name = weft_tls_server_name(second.link.ours);
    assert_string_equal(name ? name : "none", "weft.test");
    SSL_SESSION_free(session);
    SSL_free(second.ssl);
    link_down(&second.link);
    peer_down(&first);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(new_keys_between_bytes_harm_nobody),
    cmocka_unit_test(new_keys_and_nothing_else_are_cut_off),
    cmocka_unit_test(answers_that_nobody_reads_are_not_kept_for_ever),
    cmocka_unit_test(empty_records_that_are_filled_up_harm_nobody),
    cmocka_unit_test(who_posts_beside_a_shutdown_does_not_spoil_it_and_is_heard_or_refused),
    cmocka_unit_test(garbage_after_the_handshake_is_not_taken_for_another_protocol),
    cmocka_unit_test(who_resumes_a_session_is_known_by_the_name_that_he_said),
};

TEST_MAIN(tests)
