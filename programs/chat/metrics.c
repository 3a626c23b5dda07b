// SPDX-License-Identifier: MIT
// metrics.c - see metrics.h. One row for each figure; what has a label has a function of its own.
#include "chat/metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "chat/door.h"
#include "chat/store/store.h"

// What is put together before it is written.
struct look {
    struct server *server;
    const struct store_status *history; // NULL: none is kept
    FILE *out;
};

static void head(FILE *out, const char *name, const char *type, const char *help)
{
    (void)fprintf(out, "# HELP weft_%s %s\n# TYPE weft_%s %s\n", name, help, name, type);
}

// ---- with labels -----------------------------------------------------------------------------

static void tell_doors(const struct look *l)
{
    const struct server *s = l->server;
    head(l->out, "connections", "gauge", "Connections that are open, by door.");
    for (int i = 0; i < s->door_count; i++)
        (void)fprintf(l->out, "weft_connections{door=\"%s\"} %zu\n", s->doors[i].name,
                      s->doors[i].serve ? s->doors[i].here : s->crowd.count);
    head(l->out, "connections_total", "counter", "Connections that were accepted, by door.");
    for (int i = 0; i < s->door_count; i++)
        (void)fprintf(l->out, "weft_connections_total{door=\"%s\"} %llu\n", s->doors[i].name,
                      (unsigned long long)(s->doors[i].serve ? s->doors[i].came
                                                             : (uint64_t)s->crowd.last_id));
}

static void tell_drops(const struct look *l)
{
    static const char *const reasons[DROPS] = {
        [DROP_SLOW] = "slow",     [DROP_LOST] = "lost",       [DROP_SILENT] = "silent",
        [DROP_TLS] = "tls",       [DROP_REFUSED] = "refused", [DROP_FLOOD] = "flood",
        [DROP_KILLED] = "killed", [DROP_MEMORY] = "memory",
    };
    head(l->out, "drops_total", "counter", "Clients that did not go of their own, by reason.");
    for (int i = DROP_NONE + 1; i < DROPS; i++)
        (void)fprintf(l->out, "weft_drops_total{reason=\"%s\"} %llu\n", reasons[i],
                      (unsigned long long)l->server->tally.drops[i]);
}

// Who was not let in is none of these.
static void tell_refused(const struct look *l)
{
    static const char *const reasons[GATE_ANSWERS] = {
        [GATE_FULL] = "full", [GATE_CROWDED] = "network", [GATE_HASTY] = "network-new"};
    head(l->out, "refused_total", "counter", "Connections that were not let in, by reason.");
    for (int i = GATE_OPEN + 1; i < GATE_ANSWERS; i++)
        (void)fprintf(l->out, "weft_refused_total{reason=\"%s\"} %llu\n", reasons[i],
                      (unsigned long long)l->server->gate.refused[i]);
}

static void tell_histogram(FILE *out, const char *name, const char *help, const struct histogram *h)
{
    unsigned long long all = 0;
    head(out, name, "histogram", help);
    for (int i = 0; i < HISTOGRAM_BOUNDS; i++) {
        all += h->counts[i];
        (void)fprintf(out, "weft_%s_bucket{le=\"%g\"} %llu\n", name,
                      (double)histogram_bounds_ns[i] / 1e9, all);
    }
    all += h->counts[HISTOGRAM_BOUNDS];
    (void)fprintf(out, "weft_%s_bucket{le=\"+Inf\"} %llu\n", name, all);
    (void)fprintf(out, "weft_%s_sum %.9f\nweft_%s_count %llu\n", name, (double)h->sum_ns / 1e9,
                  name, all);
}

// ---- numbers ---------------------------------------------------------------------------------

struct depth {
    size_t all, most;
};

static void add_queue(struct depth *d, weft_conn *conn)
{
    ssize_t size = conn ? weft_post_queued(conn) : 0;
    if (size <= 0) // -EAGAIN: just now somebody is at it
        return;
    d->all += (size_t)size;
    d->most = d->most > (size_t)size ? d->most : (size_t)size;
}

// No call in here waits, so that the lists stay as they are.
static struct depth look_at_queues(struct server *s)
{
    struct depth d = {0, 0};
    struct visitor *v;
    struct client *c;
    LIST_FOREACH (v, &s->all_visitors, link)
        add_queue(&d, v->conn);
    TAILQ_FOREACH (c, &s->crowd.clients, link)
        add_queue(&d, c->conn);
    return d;
}

static void number(const struct look *l, const char *name, const char *type, const char *help,
                   double value)
{
    head(l->out, name, type, help);
    (void)fprintf(l->out, "weft_%s %.15g\n", name, value);
}

static void tell_chat(const struct look *l)
{
    struct server *s = l->server;
    const struct depth depth = look_at_queues(s);
    number(l, "users", "gauge", "Users, those of the plain door too.", HASH_COUNT(s->hub.users));
    number(l, "rooms", "gauge", "Rooms.", HASH_COUNT(s->hub.rooms));
    number(l, "messages_total", "counter", "Messages that were told to rooms and people.",
           (double)s->hub.messages);
    number(l, "received_bytes_total", "counter",
           "Bytes of lines that clients sent, inside TLS and with WebSocket's frames.",
           (double)(s->tally.lines.in + s->crowd.lines.in));
    number(l, "sent_bytes_total", "counter",
           "Bytes of lines that were queued for clients, likewise.",
           (double)(s->tally.lines.out + s->crowd.lines.out));
    number(l, "queued_bytes", "gauge", "Bytes that wait for clients to take them.",
           (double)depth.all);
    number(l, "queued_bytes_max", "gauge", "Of the client for whom most wait.", (double)depth.most);
}

// Since the oldest message came that is not on disk. Clocks can be set back: not less than nothing.
static double seconds_behind(const struct look *l)
{
    int64_t now = l->server->hub.now(&l->server->hub), oldest = l->history->oldest_ms;
    return oldest > 0 && now > oldest ? (double)(now - oldest) / 1000 : 0;
}

static void tell_history(const struct look *l)
{
    const struct store_status *h = l->history;
    if (!h)
        return;
    number(l, "history_messages_total", "counter", "Messages that are on disk, since the start.",
           (double)h->committed);
    number(l, "history_lost_total", "counter", "Messages that could not be kept.",
           (double)(h->failed + h->refused));
    number(l, "history_queued_messages", "gauge", "Messages that wait for the disk.",
           (double)h->queued);
    number(l, "history_lag_seconds", "gauge", "How long the oldest of these has waited.",
           seconds_behind(l));
    number(l, "history_stopped", "gauge", "1: history cannot be written.", h->code < 0);
    number(l, "history_bytes", "gauge", "Size of the history and its index on disk.",
           (double)h->file_bytes);
    number(l, "index_lag_messages", "gauge", "Messages on disk that a search does not find yet.",
           (double)h->unindexed);
}

char *metrics_text(struct server *server)
{
    char *text = NULL;
    size_t size;
    struct store_status history;
    if (server->history)
        store_status(server->history, &history);
    struct look l = {server, server->history ? &history : NULL, open_memstream(&text, &size)};
    if (!l.out)
        return NULL;
    tell_doors(&l);
    tell_chat(&l);
    tell_drops(&l);
    tell_refused(&l);
    tell_histogram(l.out, "delivery_seconds",
                   "From a message's line to the hand-over of its copies to the kernel; samples.",
                   &server->tally.delivery);
    tell_histogram(l.out, "loop_lag_seconds", "How late a fiber runs that slept a known time.",
                   &server->tally.lag);
    tell_history(&l);
    if (fclose(l.out) == 0)
        return text;
    free(text);
    return NULL;
}
