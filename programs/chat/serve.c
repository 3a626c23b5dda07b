// SPDX-License-Identifier: MIT
// weft serve - a plain chat server: bytes from one client go to all others, unchanged, at once.
//
// The shape is the lecture's: one task accepts, each client has a handler that reads and
// broadcasts until its client is gone. What a client is, and the rules that keep one client's
// trouble from the others, is in room.h; a client's life in handler.c; here is the server's:
//
//     the main thread    waits for SIGINT or SIGTERM, then ends the others in order
//     the acceptor       accepts, registers, starts the handler
//     the handlers       one for each client
//
// The acceptor and the handlers are fibers on one loop: what a fiber starts runs beside it. A
// broadcast is a row of sends, which a second thread would only wait for.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft/weft.h>

#include "chat/address.h"
#include "chat/lecture.h"
#include "chat/server.h"
#include "common/commands.h"
#include "common/limits.h"
#include "common/options.h"
#include "common/output.h"
#include "common/status.h"

static const char me[] = "weft serve";

enum {
    RETRY_MS = 100,  // when none can be accepted: until one looks again
    GRACE_MS = 2000, // at the end: for what is still to be sent
    QUEUE_MB = 16,   // that may wait for a slow client
};

// ---- accepting -----------------------------------------------------------------------------

static void print_list(struct server *s)
{
    size_t size;
    char *list = lecture_list(&s->room, &size);
    if (list)
        journal_text(&s->lists, list, size);
    else
        complain(me, "the list of connections: out of memory");
    free(list);
}

static void refuse(struct server *s, const weft_conn *conn, int rc)
{
    journal_line(&s->events, "refuse addr=%s reason=\"%s\"", weft_peer(conn), strerror(-rc));
}

// Take one client in, or turn it away. 0, or why none can be accepted now.
static int accept_one(struct server *s)
{
    weft_conn *conn = weft_accept(s->listener, WEFT_FOREVER);
    if (!conn)
        return weft_error_code();
    struct client *client = client_new(&s->room, &conn);
    if (!client) {
        refuse(s, conn, -ENOMEM);
        weft_conn_close(&conn);
        return 0;
    }
    int rc = handler_start(&(struct visit){.server = s, .client = client});
    if (rc < 0) {
        refuse(s, client->conn, rc);
        client_free(&client);
        return 0;
    }
    journal_line(&s->events, "join id=%ld addr=%s n=%zu", client->id, weft_peer(client->conn),
                 client->count);
    weft_event_set(&client->announced); // the client is its handler's now
    if (s->lecture)
        print_list(s);
    return 0;
}

// Why no client can be accepted now, or 0: it works again. Only a change is logged.
static void note_trouble(struct server *s, int rc, int before)
{
    if (rc < 0 && rc != before)
        journal_line(&s->events, "wait reason=\"%s\"", strerror(-rc));
    else if (rc == 0 && before < 0)
        journal_line(&s->events, "resume");
}

// Until it is cancelled. Every other error passes: no descriptors, no memory, a firewall's refusal.
static int accept_clients(struct server *const *arg, weft_none *none)
{
    struct server *s = *arg;
    int rc, before = 0;
    (void)none;
    for (; (rc = accept_one(s)) != -ECANCELED; before = rc) {
        note_trouble(s, rc, before);
        if (rc < 0)
            (void)weft_sleep(weft_after_ms(RETRY_MS)); // cancelled, the next accept says so too
    }
    return 0;
}
WEFT_TASK(accept_clients, struct server *, weft_none);

// ---- the server's life ---------------------------------------------------------------------

static const char *reachable(const char *host)
{
    if (strcmp(host, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(host, "::") == 0 ? "::1" : host;
}

static void print_welcome(struct server *s)
{
    char host[CHAT_ADDRESS_MAX], address[CHAT_ADDRESS_MAX];
    int port = chat_address_split(weft_listener_address(s->listener), host);
    const char *to = reachable(host);
    bool usual = strcmp(to, CHAT_HOST) == 0 && port == CHAT_PORT;
    if (chat_address(address, to, port)) // what we listen on is an address
        return;
    journal_line(&s->events, "listening on %s", weft_listener_address(s->listener));
    journal_line(&s->events, "connect with: weft join%s%s, or: nc %s %d", usual ? "" : " ",
                 usual ? "" : address, to, port);
}

// Wait for the order to stop; from then on a second one ends the program at once.
static int wait_for_stop(struct server *s, const sigset_t *stop)
{
    static const int again[] = {SIGINT, SIGTERM};
    int sig = weft_wait_signal(stop, WEFT_FOREVER);
    end_by_signals(again, sizeof again / sizeof again[0], true);
    (void)pthread_sigmask(SIG_UNBLOCK, stop, NULL); // fails only for a wrong first argument
    if (sig < 0) {
        complain(me, "waiting for signals: %s", strerror(-sig));
        return STATUS_FAILED;
    }
    journal_line(&s->events, "stop signal=%s", sig == SIGINT ? "SIGINT" : "SIGTERM");
    return STATUS_OK;
}

static int serve(struct server *s, const sigset_t *stop)
{
    weft_future *acceptor = weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .name = "acceptor"),
                                          accept_clients, &s);
    if (!acceptor) {
        complain(me, "%s", weft_error());
        return STATUS_FAILED;
    }
    int status = wait_for_stop(s, stop);
    weft_cancel(acceptor);
    (void)weft_join(&acceptor, NULL, 0); // it returns nothing but 0
    weft_listener_close(&s->listener);
    room_close(&s->room, weft_after_ms(GRACE_MS));
    return journal_failed(&s->events) || journal_failed(&s->lists) ? STATUS_FAILED : status;
}

static int complain_of_listen(void)
{
    bool taken = weft_error_code() == -EADDRINUSE;
    complain(me, "%s%s", weft_error(), taken ? " (another server? try --port 0)" : "");
    return STATUS_FAILED;
}

static const char *option_megabytes(const char *value, void *target)
{
    int megabytes;
    if (option_count(value, &megabytes) || megabytes > 1024)
        return "is not a number of megabytes (1 to 1024)";
    *(int *)target = megabytes;
    return NULL;
}

struct settings {
    const char *host;
    int port, queue_mb;
    bool lecture;
};

static int open_and_serve(const struct settings *set, const char *address)
{
    struct server s = {
        .lecture = set->lecture,
        // the lecture's output is its lists and nothing else
        .events = {.fd = set->lecture ? STDERR_FILENO : STDOUT_FILENO, .who = me},
        .lists = {.fd = STDOUT_FILENO, .who = me},
    };
    sigset_t stop;
    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, SIGINT);
    (void)sigaddset(&stop, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &stop, NULL); // before any thread; see wait_for_stop
    (void)signal(SIGPIPE, SIG_IGN);                // a log that nobody reads is no end
    raise_descriptor_limit();
    room_init(&s.room, (size_t)set->queue_mb << 20);
    s.listener = weft_listen(address);
    if (!s.listener)
        return complain_of_listen();
    print_welcome(&s);
    int status = serve(&s, &stop);
    weft_listener_close(&s.listener);
    return status;
}

int command_serve(int argc, char **argv)
{
    struct settings set = {.host = CHAT_HOST, .port = CHAT_PORT, .queue_mb = QUEUE_MB};
    const struct option_row rows[] = {
        {"host", 0, "ADDR", "listen on this address [127.0.0.1]", option_text, &set.host},
        {"port", 'p', "N", "listen on this port; 0: any free one [12345]", option_port, &set.port},
        {"queue", 0, "MB", "drop a client when more than so much waits for it [16]",
         option_megabytes, &set.queue_mb},
        {"lecture", 0, NULL, "print the list of connections, as the lecture does", option_flag,
         &set.lecture},
        {0},
    };
    const struct command_line line = {
        me, "[OPTION...]",
        "A chat server: what one client sends goes to all others, unchanged, at once.\n"
        "Ctrl+C ends it.",
        rows};
    char address[CHAT_ADDRESS_MAX];
    int first = options_read(&line, argc, argv);
    if (first < 0)
        return options_status(first);
    if (first < argc)
        return usage_error(&line, "takes options only, not '%s'", argv[first]);
    const char *wrong = chat_address(address, set.host, set.port);
    if (wrong)
        return usage_error(&line, "--host '%s' %s", set.host, wrong);
    return open_and_serve(&set, address);
}
