// SPDX-License-Identifier: MIT
// web.c - see web.h.
//
// A visit is what a request needs, 20 KB of it: it exists from the first byte of a request until
// nothing of one is left, and is not on the stack, where a WebSocket would keep it for hours. The
// frames below web_serve are therefore kept out of it (`apart`): inlined, their room would be its
// own.
//
//     serve_visit       a request and those that were sent behind it
//       receive         until the head is complete
//       answer          checks, then a row of the table
//     linger            the last answer must not be overtaken by a reset
#include "chat/web/web.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/error.h>
#include <weft/sync.h>

#include "chat/web/answer.h"
#include "chat/web/handshake.h"
#include "chat/web/page.h"
#include "chat/web/websocket.h"

enum {
    HEAD_MS = 10000,
    IDLE_MS = 15000,
    PIECE = 4096,        // read at once; so early frames behind a handshake are no more than this
    LINGER_MS = 500,     // for the client to read our last answer
    LINGER_MAX = 262144, // bytes that we throw away meanwhile
};

// What became of a request, when it is no error.
enum outcome { NEXT, LAST, UPGRADED };

struct visit {
    weft_conn *conn;
    const struct web_site *site;
    void *visitor;
    struct websocket *ws; // to be opened on an upgrade
    weft_time deadline;   // of this request and its answer
    size_t size;          // of what was read
    struct http_request request;
    struct answer answer;
    struct handshake handshake;
    char bytes[HTTP_HEAD_MAX];
};

#define apart __attribute__((noinline)) static

// ---- what there is --------------------------------------------------------------------------

static char the_policy[PAGE_POLICY_MAX];

static int make_policy(void *none)
{
    (void)none;
    return page_policy(web_page, web_page_size, the_policy, sizeof the_policy);
}

static int finish(struct visit *v, int rc)
{
    if (rc < 0)
        return rc;
    return v->answer.close ? LAST : NEXT;
}

static int refuse(struct visit *v, int status, const char *why)
{
    v->answer.status = status;
    return finish(v, answer_error(v->conn, &v->answer, why, v->deadline));
}

static int give_page(struct visit *v)
{
    static weft_once once;
    int rc = weft_once_do(&once, make_policy, NULL);
    if (rc < 0)
        return refuse(v, 500, "the page cannot be served");
    v->answer.body = web_page;
    v->answer.size = web_page_size;
    v->answer.policy = the_policy;
    return finish(v, answer_send(v->conn, &v->answer, v->deadline));
}

static int give_text(struct visit *v, int (*make)(void *, char **))
{
    char *text = NULL;
    if (!make)
        return refuse(v, 404, "there is nothing here");
    int status = make(v->site->ctx, &text);
    if (status < 0 || !text) {
        free(text);
        return refuse(v, 500, "the answer could not be made");
    }
    v->answer.status = status;
    v->answer.body = text;
    v->answer.size = strlen(text);
    int rc = answer_send(v->conn, &v->answer, v->deadline);
    free(text);
    return finish(v, rc);
}

static int give_health(struct visit *v)
{
    return give_text(v, v->site->health);
}

static int give_metrics(struct visit *v)
{
    const struct web_site *site = v->site;
    if (site->metrics && site->metrics_near && !origin_is_near(&v->request, weft_peer(v->conn)))
        return refuse(v, 403, "for programs on this machine: see the setting web.metrics");
    return give_text(v, v->site->metrics);
}

static int or_default(int ms, int otherwise)
{
    return ms > 0 ? ms : otherwise;
}

static int give_found(struct visit *v, const struct web_found *found)
{
    char fields[96];
    if (v->answer.status == 401)
        v->answer.fields = "WWW-Authenticate: Basic realm=\"weft\", charset=\"UTF-8\"\r\n";
    if (found->retry_s > 0) {
        (void)snprintf(fields, sizeof fields, "Retry-After: %d\r\n", found->retry_s);
        v->answer.fields = fields;
    }
    v->deadline = weft_after_ms(or_default(v->site->head_ms, HEAD_MS));
    if (!found->json)
        return refuse(v, v->answer.status, found->why);
    v->answer.body = found->json;
    v->answer.size = strlen(found->json);
    return finish(v, answer_send(v->conn, &v->answer, v->deadline));
}

static int give_search(struct visit *v)
{
    struct web_found found = {.why = "the answer could not be made"};
    if (!v->site->search)
        return refuse(v, 404, "there is nothing here");
    v->answer.status = v->site->search(&v->request, v->visitor, &found);
    int rc = give_found(v, &found);
    free(found.json);
    return rc;
}

static int want_websocket(struct visit *v)
{
    v->answer.fields = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
    return refuse(v, 426, "WebSocket is spoken here");
}

static const struct row {
    const char *path;
    const char *type;
    bool websocket; // an upgrade is welcome here
    int (*give)(struct visit *);
} rows[] = {
    {"/", "text/html; charset=utf-8", true, give_page},
    {"/ws", NULL, true, want_websocket},
    {"/healthz", "text/plain; charset=utf-8", false, give_health},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", false, give_metrics},
    {"/api/search", "application/json", false, give_search},
};

static const struct row *row_of(const char *path)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].path, path) == 0)
            return &rows[i];
    return NULL;
}

// ---- one request ----------------------------------------------------------------------------

static int upgrade(struct visit *v, size_t head)
{
    struct handshake *h = &v->handshake;
    int rc = handshake_answer(&v->request, h);
    v->answer.close = rc < 0; // it may go on in WebSocket without having seen our answer
    if (rc == -426)
        v->answer.fields = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    if (rc < 0)
        return refuse(v, rc == -ENOMEM ? 500 : -rc, h->why);
    rc = weft_write(v->conn, h->answer, h->size, v->deadline);
    if (rc == 0)
        rc = websocket_open(v->ws, v->conn, h->binary, v->bytes + head, v->size - head);
    return rc < 0 ? rc : UPGRADED;
}

// Who asks below /api/ is a program. Of what could not be read as well, as far as it came.
static bool comes_for_json(const struct visit *v)
{
    static const char below[] = "/api/";
    const size_t size = sizeof below - 1;
    const char *end = v->bytes + v->size, *space = memchr(v->bytes, ' ', v->size);
    return strncmp(v->request.path, below, size) == 0 ||
           (space && (size_t)(end - space) > size && memcmp(space + 1, below, size) == 0);
}

// status: of http_parse, the size of the head or an error; after an error r->keep_alive is false.
apart int answer(struct visit *v, int status)
{
    const struct http_request *r = &v->request;
    v->answer = (struct answer){.status = 200, .is_head = r->is_head, .close = !r->keep_alive};
    v->answer.json = comes_for_json(v);
    if (status == -405)
        v->answer.fields = "Allow: GET, HEAD\r\n";
    if (status < 0)
        return refuse(v, -status, r->why);
    const char *why = origin_refusal(&v->site->rules, r, weft_conn_local(v->conn));
    if (why)
        return refuse(v, 403, why);
    const struct row *row = row_of(r->path);
    if (!row)
        return refuse(v, 404, "there is nothing here");
    if (row->websocket && handshake_is_wanted(r))
        return upgrade(v, (size_t)status);
    v->answer.type = row->type;
    return row->give(v);
}

static int answer_late(struct visit *v)
{
    v->answer = (struct answer){.status = 408, .close = true, .json = comes_for_json(v)};
    v->deadline = weft_after_ms(LINGER_MS);
    return refuse(v, 408, "the request did not come in time");
}

// Some more bytes: their number, 0 at the end of the stream, or an error. http_parse ends before
// there is no room.
static ssize_t read_more(struct visit *v, weft_time deadline)
{
    size_t room = sizeof v->bytes - v->size;
    ssize_t n = weft_read(v->conn, v->bytes + v->size, room < PIECE ? room : PIECE, deadline);
    v->size += n > 0 ? (size_t)n : 0;
    return n;
}

static int receive_and_answer(struct visit *v)
{
    v->request = (struct http_request){0};
    v->deadline = weft_after_ms(or_default(v->site->head_ms, HEAD_MS));
    int head;
    while ((head = http_parse(&v->request, v->bytes, v->size)) == 0) {
        ssize_t n = read_more(v, v->deadline);
        if (n == -ETIMEDOUT)
            return answer_late(v);
        if (n <= 0)
            return n < 0 ? (int)n : LAST; // it went in the middle: there is nobody to tell
    }
    v->deadline = weft_after_ms(or_default(v->site->head_ms, HEAD_MS));
    int rc = answer(v, head);
    if (rc == NEXT) {
        v->size -= (size_t)head;
        memmove(v->bytes, v->bytes + head, v->size);
    }
    return rc;
}

// The requests whose first byte has come.
apart int serve_visit(weft_conn *c, const struct web_site *site, void *visitor,
                      struct websocket *ws)
{
    struct visit *v = malloc(sizeof *v);
    if (!v)
        return weft_fail(-ENOMEM, "web: no memory for a request");
    v->conn = c;
    v->site = site;
    v->visitor = visitor;
    v->ws = ws;
    v->size = 0;
    int rc = NEXT;
    ssize_t n = read_more(v, WEFT_POLL);
    if (n < 0 && n != -ETIMEDOUT)
        rc = (int)n;
    if (n == 0)
        rc = LAST;
    while (rc == NEXT && v->size > 0)
        rc = receive_and_answer(v);
    free(v);
    return rc;
}

// ---- a connection ---------------------------------------------------------------------------

// Closing while unread bytes are there resets the connection, and the reset may overtake our last
// words. So we say that there will be no more, and read on for a moment.
apart void linger(weft_conn *c, const struct web_site *site)
{
    char waste[512];
    weft_time patience = weft_after_ms(or_default(site->linger_ms, LINGER_MS));
    if (weft_shutdown(c, patience) < 0)
        return;
    for (size_t left = LINGER_MAX; left > 0;) {
        ssize_t n = weft_read(c, waste, sizeof waste, patience);
        if (n <= 0)
            return;
        left -= (size_t)n < left ? (size_t)n : left;
    }
}

// NEXT: a request may be there.
static int await_request(weft_conn *c, int ms)
{
    int rc = weft_wait_readable(c, weft_after_ms(ms));
    if (rc == -ETIMEDOUT)
        return LAST;
    return rc < 0 ? rc : NEXT;
}

static int talk(struct websocket *ws, const struct web_site *site, void *visitor)
{
    int rc = site->on_websocket(&ws->wire, visitor);
    if (atomic_load_explicit(&ws->closed, memory_order_relaxed)) // as in websocket.c
        linger(ws->wire.conn, site);
    websocket_release(ws);
    return rc;
}

int web_serve(weft_conn *c, const struct web_site *site, void *visitor)
{
    struct websocket ws;
    int rc = await_request(c, or_default(site->head_ms, HEAD_MS));
    while (rc == NEXT) {
        rc = serve_visit(c, site, visitor, &ws);
        if (rc == NEXT)
            rc = await_request(c, or_default(site->idle_ms, IDLE_MS));
    }
    if (rc == UPGRADED)
        return talk(&ws, site, visitor);
    if (rc == LAST)
        linger(c, site);
    return rc < 0 ? rc : 0;
}
