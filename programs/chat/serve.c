// SPDX-License-Identifier: MIT
// weft serve - a chat server. Its clients come in through doors: plain, where bytes from one go to
// all others as in the lecture, and IRC.
//
// The shape is the lecture's: one task accepts, each client has a handler that reads and acts
// until its client is gone. A door and its clients are in door.h, a plain client in plain/crowd.h,
// who is where in hub/hub.h; here is the server's life:
//
//     the main thread    waits for SIGINT or SIGTERM, then ends the others in order
//     the acceptors      one for each door
//     the clients        a task for each
//
// Acceptors and clients are fibers on one loop, the hub's. A broadcast is a row of sends, which a
// second thread would only wait for.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <weft/weft.h>

#include "chat/address.h"
#include "chat/door.h"
#include "chat/keep.h"
#include "chat/plain/lobby.h"
#include "chat/settings.h"
#include "chat/web/web.h"
#include "common/commands.h"
#include "common/limits.h"
#include "common/output.h"
#include "common/status.h"

static const char me[] = "weft serve";

enum { GRACE_MS = 2000 }; // at the end: for what is still to be sent

// ---- the server's life ---------------------------------------------------------------------

static const char *reachable(const char *host)
{
    if (strcmp(host, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(host, "::") == 0 ? "::1" : host;
}

// "http://127.0.0.1:8080/".
static const char *web_address(const struct door *door, char *out, size_t room)
{
    char host[CHAT_ADDRESS_MAX], address[CHAT_ADDRESS_MAX];
    int port = chat_address_split(weft_listener_address(door->listener), host);
    if (chat_address(address, reachable(host), port))
        return NULL; // what we listen on is an address
    (void)snprintf(out, room, "http://%s/", address);
    return out;
}

static void say_plain(struct server *s, const struct door *door)
{
    char host[CHAT_ADDRESS_MAX], address[CHAT_ADDRESS_MAX];
    int port = chat_address_split(weft_listener_address(door->listener), host);
    const char *to = reachable(host);
    bool usual = strcmp(to, CHAT_HOST) == 0 && port == CHAT_PORT;
    if (chat_address(address, to, port)) // what we listen on is an address
        return;
    journal_line(&s->events, "listening on %s", weft_listener_address(door->listener));
    journal_line(&s->events, "connect with: weft join%s%s, or: nc %s %d", usual ? "" : " ",
                 usual ? "" : address, to, port);
}

static void say_irc(struct server *s, const struct door *door)
{
    char host[CHAT_ADDRESS_MAX];
    int port = chat_address_split(weft_listener_address(door->listener), host);
    journal_line(&s->events, "listening on %s for IRC", weft_listener_address(door->listener));
    journal_line(&s->events, "connect with any IRC client: %s %d", reachable(host), port);
}

static void print_welcome(struct server *s, const struct door doors[DOORS])
{
    if (doors[DOOR_PLAIN].listener)
        say_plain(s, &doors[DOOR_PLAIN]);
    if (doors[DOOR_IRC].listener)
        say_irc(s, &doors[DOOR_IRC]);
    if (doors[DOOR_WEB].listener)
        journal_line(&s->events, "open in a browser: %s", s->web);
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

// The server while it runs, on the hub's loop. Everything else of it is started from here: what a
// fiber starts is beside it, while a thread's fibers are spread over all loops.
struct run {
    struct server *server;
    struct door *doors;
    weft_event started; // or could not: rc
    weft_event stopped; // it is to end
    int rc;
    char why[256];
};

static int start(struct run *r)
{
    if (r->server->history && keep_start(r->server) < 0)
        return weft_error_code();
    for (int i = 0; i < DOORS; i++)
        if (r->doors[i].listener && door_open(&r->doors[i]) < 0)
            return weft_error_code();
    return 0;
}

static void end(struct run *r)
{
    struct server *s = r->server;
    for (int i = 0; i < DOORS; i++)
        door_close(&r->doors[i]);
    if (s->irc)
        irc_shut(s->irc, "Server shutting down");
    crowd_close(&s->crowd, weft_after_ms(GRACE_MS));
    if (weft_waitgroup_wait(&s->visitors, weft_after_ms(GRACE_MS)) == 0)
        stage_end(&s->stage); // else they go with what there is
    keep_close(s);
}

static int run_server(struct run *const *arg, weft_none *none)
{
    struct run *r = *arg;
    (void)none;
    r->rc = start(r);
    if (r->rc < 0)
        (void)snprintf(r->why, sizeof r->why, "%s", weft_error());
    weft_event_set(&r->started);
    if (r->rc == 0)
        (void)weft_event_wait(&r->stopped, WEFT_FOREVER); // nobody cancels it
    end(r);
    return 0;
}
WEFT_TASK(run_server, struct run *, weft_none);

static int serve(struct server *s, struct door doors[DOORS], const sigset_t *stop)
{
    struct run run = {.server = s, .doors = doors}, *r = &run;
    int status = STATUS_FAILED;
    weft_future *root = weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .name = "server"), run_server,
                                      &r);
    if (!root) {
        complain(me, "%s", weft_error());
        return status;
    }
    (void)weft_event_wait(&run.started, WEFT_FOREVER); // nobody cancels the main thread
    if (run.rc < 0)
        complain(me, "%s", run.why);
    else
        status = wait_for_stop(s, stop);
    weft_event_set(&run.stopped);
    (void)weft_join(&root, NULL, 0); // it returns nothing but 0
    return journal_failed(&s->events) || journal_failed(&s->lists) ? STATUS_FAILED : status;
}

// ---- opening the doors ---------------------------------------------------------------------

// A door that was asked for must open; one that is there by default may be left shut.
static int listen_at(struct server *s, struct door *door, const struct door_setting *at)
{
    if (!at->address)
        return STATUS_OK;
    door->listener = weft_listen(at->address);
    if (door->listener)
        return STATUS_OK;
    bool taken = weft_error_code() == -EADDRINUSE;
    if (taken && !at->asked) {
        journal_line(&s->events, "the %s door stays shut: %s (--%s PORT opens it elsewhere)",
                     door->name, weft_error(), at->option);
        return STATUS_OK;
    }
    complain(me, taken ? "%s (another server? try --%s 0)" : "%s", weft_error(), at->option);
    return STATUS_FAILED;
}

static int64_t now_ms(const struct hub *hub)
{
    struct timespec now;
    (void)hub;
    (void)clock_gettime(CLOCK_REALTIME, &now); // cannot fail
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int open_history(struct server *s, const struct settings *set)
{
    char usual[KEEP_FOLDER];
    const char *folder = set->data;
    if (set->no_history)
        return STATUS_OK;
    if (!folder && !keep_folder(usual)) {
        complain(me, "there is no home for the history: --data FOLDER or --no-history");
        return STATUS_FAILED;
    }
    folder = folder ? folder : usual;
    int rc = keep_open(s, folder, set->full_sync);
    if (rc < 0) {
        complain(me, "%s%s", weft_error(),
                 rc == -EBUSY ? " (another server? --data FOLDER or --no-history)" : "");
        return STATUS_FAILED;
    }
    journal_line(&s->events, "history in %s", folder);
    return STATUS_OK;
}

static int open_hub(struct server *s, const struct settings *set, bool has_plain)
{
    struct irc_settings irc = set->irc;
    if (open_history(s, set) != STATUS_OK)
        return STATUS_FAILED;
    irc.history = s->history;
    hub_init(&s->hub, now_ms, NULL);
    s->irc = irc_new(&s->hub, &irc);
    if (s->irc && (!has_plain || lobby_open(&s->hub)))
        return STATUS_OK;
    complain(me, "out of memory");
    return STATUS_FAILED;
}

static int open_and_serve(const struct settings *set)
{
    struct server s = {
        .lecture = set->lecture,
        // the lecture's output is its lists and nothing else
        .events = {.fd = set->lecture ? STDERR_FILENO : STDOUT_FILENO, .who = me},
        .lists = {.fd = STDOUT_FILENO, .who = me},
    };
    struct web_site site = {.rules = {.hosts = set->hosts, .origins = set->origins}};
    char web[CHAT_ADDRESS_MAX + 16];
    struct door doors[DOORS] = {
        [DOOR_PLAIN] = {.name = "plain", .server = &s},
        [DOOR_IRC] = {.name = "irc", .server = &s, .serve = serve_irc},
        [DOOR_WEB] = {.name = "web", .server = &s, .serve = serve_web, .site = &site},
    };
    sigset_t stop;
    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, SIGINT);
    (void)sigaddset(&stop, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &stop, NULL); // before any thread; see wait_for_stop
    (void)signal(SIGPIPE, SIG_IGN);                // a log that nobody reads is no end
    raise_descriptor_limit();
    stage_init(&s.stage);
    crowd_init(&s.crowd, (size_t)set->queue_mb << 20);
    int status = STATUS_OK;
    for (int i = 0; i < DOORS && status == STATUS_OK; i++)
        status = listen_at(&s, &doors[i], &set->doors[i]);
    if (status == STATUS_OK && (doors[DOOR_IRC].listener || doors[DOOR_WEB].listener))
        status = open_hub(&s, set, doors[DOOR_PLAIN].listener != NULL);
    site_init(&site, &s);
    if (doors[DOOR_WEB].listener)
        s.web = web_address(&doors[DOOR_WEB], web, sizeof web);
    if (status == STATUS_OK) {
        print_welcome(&s, doors);
        status = serve(&s, doors, &stop);
    }
    for (int i = 0; i < DOORS; i++)
        door_close(&doors[i]);
    keep_close(&s);
    irc_free(&s.irc);
    hub_free(&s.hub);
    return status;
}

int command_serve(int argc, char **argv)
{
    struct settings set;
    int first = settings_read(&set, argc, argv);
    return first == STATUS_OK ? open_and_serve(&set) : settings_status(first);
}
