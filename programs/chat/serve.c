// SPDX-License-Identifier: MIT
// weft serve - a chat server. Its clients come in through doors: plain, where bytes from one go to
// all others as in the lecture, and IRC.
//
// The shape is the lecture's: one task accepts, each client has a handler that reads and acts
// until its client is gone. A door and its clients are in door.h, a plain client in plain/crowd.h,
// who is where in hub/hub.h; here is the server's life:
//
//     the main thread    waits for SIGHUP, to read the settings again (reload.h), and for SIGINT or
//                        SIGTERM, then ends the others in order
//     the acceptors      one for each door
//     the clients        a task for each
//
// Acceptors and clients are fibers on one loop, the hub's. A broadcast is a row of sends, which a
// second thread would only wait for.
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <weft/weft.h>

#include "chat/address.h"
#include "chat/api.h"
#include "chat/door.h"
#include "chat/keep.h"
#include "chat/lan.h"
#include "chat/plain/lobby.h"
#include "chat/reload.h"
#include "chat/sandbox.h"
#include "chat/store/store.h"
#include "chat/tls_door.h"
#include "chat/web/web.h"
#include "chat/welcome.h"
#include "common/commands.h"
#include "common/limits.h"
#include "common/memory.h"
#include "common/output.h"
#include "common/status.h"

static const char me[] = "weft serve";

enum {
    GRACE_MS = 2000,    // at the end: for what is still to be sent
    FAREWELL_MS = 1300, // and before those are interrupted who have not gone
};

// ---- the server's life ---------------------------------------------------------------------

// Which of the standard descriptors are a terminal, as bits.
static unsigned find_terminals(void)
{
    unsigned found = 0;
    for (int fd = 0; fd < 3; fd++)
        if (isatty(fd) == 1)
            found |= 1u << fd;
    return found;
}

// A window that is closed sends the same signal as an administrator; but then its terminal is gone.
static bool is_gone(unsigned terminals)
{
    for (int fd = 0; fd < 3; fd++) {
        struct pollfd p = {.fd = fd};
        if ((terminals & (1u << fd)) && poll(&p, 1, 0) == 1 && (p.revents & POLLHUP))
            return true;
    }
    return false;
}

static const char *name_of(int sig)
{
    if (sig == SIGHUP)
        return "SIGHUP";
    return sig == SIGINT ? "SIGINT" : "SIGTERM";
}

// Wait for the order to stop, and read the settings again whenever we are told to; from the order
// on a second one ends the program at once. There is nothing to read them for then; and of a window
// that is closed both the kernel and the shell tell.
static int wait_for_stop(struct house *house, const sigset_t *orders)
{
    static const int again[] = {SIGINT, SIGTERM};
    struct server *s = house->server;
    unsigned terminals = find_terminals();
    int sig;
    while ((sig = weft_wait_signal(orders, WEFT_FOREVER)) == SIGHUP && !is_gone(terminals))
        house_reload(house);
    end_by_second_signals(again, sizeof again / sizeof again[0]);
    (void)signal(SIGHUP, SIG_IGN);
    (void)pthread_sigmask(SIG_UNBLOCK, orders, NULL); // fails only for a wrong first argument
    if (sig < 0) {
        complain(me, "waiting for signals: %s", strerror(-sig));
        return STATUS_FAILED;
    }
    journal_end(&s->events);
    journal_end(&s->lists);
    journal_event(&s->events, "stop", log_text("signal", name_of(sig)));
    return STATUS_OK;
}

// On the hub's loop, whose ring is there; before anybody is let in.
static void shut_in(const struct house *house)
{
    struct journal *events = &house->server->events;
    int rc = house->set->no_sandbox ? 0 : sandbox_enter(events);
    if (rc < 0)
        journal_event(events, "no-sandbox", log_text("reason", strerror(-rc)));
}

static int start(struct house *house)
{
    shut_in(house);
    if (tally_start(&house->server->tally) < 0 || tidy_start(&house->server->tidy) < 0)
        return weft_error_code();
    if (house->server->history && keep_start(house->server) < 0)
        return weft_error_code();
    for (int i = 0; i < DOORS; i++)
        if (house->doors[i].listener && door_open(&house->doors[i]) < 0)
            return weft_error_code();
    return 0;
}

static void interrupt_visitors(struct server *s)
{
    struct visitor *v;
    LIST_FOREACH (v, &s->all_visitors, link) {
        if (v->conn) {
            weft_cancel(v->task);
            (void)shutdown(weft_conn_fd(v->conn), SHUT_RDWR); // for who is in a handshake
        }
    }
}

static void end(struct house *house)
{
    struct server *s = house->server;
    for (int i = 0; i < DOORS; i++)
        door_close(&house->doors[i]);
    if (s->irc)
        irc_shut(s->irc, "Server shutting down");
    crowd_close(&s->crowd, weft_after_ms(GRACE_MS));
    if (weft_waitgroup_wait(&s->visitors, weft_after_ms(FAREWELL_MS)) < 0) {
        interrupt_visitors(s); // who is no session waits for its client: a browser between requests
        if (s->history)
            store_end_questions(s->history);
    }
    (void)weft_waitgroup_wait(&s->visitors, WEFT_FOREVER); // nobody cancels us
    tidy_end(&s->tidy);
    tally_end(&s->tally);
    stage_end(&s->stage);
    keep_close(s);
}

// The server while it runs, on the hub's loop. Everything else of it is started from here: what a
// fiber starts is beside it, while a thread's fibers are spread over all loops.
static int run_server(struct house *const *arg, weft_none *none)
{
    struct house *house = *arg;
    (void)none;
    house->rc = start(house);
    if (house->rc < 0)
        (void)snprintf(house->why, sizeof house->why, "%s", weft_error());
    weft_event_set(&house->started);
    if (house->rc == 0)
        house_stay(house);
    end(house);
    return 0;
}
WEFT_TASK(run_server, struct house *, weft_none);

static int serve(struct house *house, const sigset_t *orders)
{
    struct server *s = house->server;
    int status = STATUS_FAILED;
    weft_future *root = weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .name = "server"), run_server,
                                      &house);
    if (!root) {
        complain(me, "%s", weft_error());
        return status;
    }
    (void)weft_event_wait(&house->started, WEFT_FOREVER); // nobody cancels the main thread
    if (house->rc < 0)
        complain(me, "%s", house->why);
    else
        status = wait_for_stop(house, orders);
    house_leave(house);
    (void)weft_join(&root, NULL, 0); // it returns nothing but 0
    return journal_failed(&s->events) || journal_failed(&s->lists) ? STATUS_FAILED : status;
}

// ---- opening the doors ---------------------------------------------------------------------

static void say_shut(struct journal *events, const char *door, const char *why, const char *option)
{
    if (events->format == LOG_JSON)
        journal_event(events, "shut", log_text("door", door), log_text("reason", why));
    else
        journal_line(events, "the %s door stays shut: %s (--%s PORT opens it elsewhere)", door, why,
                     option);
}

// What lies at the path of a Unix socket is something else, so no server has the address.
static bool is_other_file(const char *address)
{
    struct stat found;
    return strncmp(address, "unix:", 5) == 0 && stat(address + 5, &found) == 0 &&
           !S_ISSOCK(found.st_mode);
}

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
        say_shut(&s->events, door->name, weft_error(), at->option);
        return STATUS_OK;
    }
    if (taken && is_other_file(at->address)) {
        complain(me, "%s: a file is there that is no socket", at->address);
        return STATUS_FAILED;
    }
    complain(me, taken ? "%s (another server? try --%s 0)" : "%s", weft_error(), at->option);
    return STATUS_FAILED;
}

// A unit of systemd may have several addresses under one name, and a door takes one: who came by
// another would wait for ever.
static void tell_unused(struct server *s, const struct door_setting *at)
{
    weft_listener *more;
    if (!at->address || strncmp(at->address, "systemd:", strlen("systemd:")) != 0)
        return;
    while ((more = weft_listen(at->address))) {
        journal_line(&s->events, "nobody answers on %s: one more socket named %s than doors",
                     weft_listener_address(more), at->address + strlen("systemd:"));
        weft_listener_close(&more);
    }
}

static int64_t now_ms(const struct hub *hub)
{
    struct timespec now;
    (void)hub;
    (void)clock_gettime(CLOCK_REALTIME, &now); // cannot fail
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char *advice_for(int rc)
{
    if (rc == -ENOMEM)
        return "";
    bool full = rc == -ENOSPC || rc == -EDQUOT;
    return full ? " (make room there, or --no-history)" : " (--data FOLDER or --no-history)";
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
    int rc = keep_open(s, folder, set->sync == SYNC_FULL, &set->irc);
    if (rc < 0) {
        complain(me, "%s%s", weft_error(), advice_for(rc));
        return STATUS_FAILED;
    }
    if (s->events.format == LOG_JSON)
        journal_event(&s->events, "history", log_text("folder", folder));
    else
        journal_line(&s->events, "history in %s", folder);
    return STATUS_OK;
}

static int open_hub(const struct house *house)
{
    struct server *s = house->server;
    if (open_history(s, house->set) != STATUS_OK)
        return STATUS_FAILED;
    const struct irc_settings irc = house_irc(house);
    hub_init(&s->hub, now_ms, NULL);
    s->irc = irc_new(&s->hub, &irc);
    bool has_plain = house->doors[DOOR_PLAIN].listener != NULL;
    if (s->irc && (!has_plain || lobby_open(&s->hub)))
        return STATUS_OK;
    complain(me, "out of memory");
    return STATUS_FAILED;
}

// Those that were asked for first: one that is there by default leaves them its port.
static int listen_at_all(struct house *house)
{
    const struct door_setting *at = house->set->doors;
    int status = STATUS_OK;
    for (int asked = 1; asked >= 0; asked--)
        for (int i = 0; i < DOORS && status == STATUS_OK; i++)
            if (at[i].asked == (asked == 1))
                status = listen_at(house->server, &house->doors[i], &at[i]);
    for (int i = 0; i < DOORS && status == STATUS_OK; i++)
        tell_unused(house->server, &at[i]);
    return status;
}

static int open_doors(struct house *house, char *web, size_t room)
{
    struct server *s = house->server;
    struct door *doors = house->doors;
    bool others = false;
    int status = listen_at_all(house);
    for (int i = 0; i < DOORS; i++)
        others = others || (doors[i].listener && i != DOOR_PLAIN);
    if (status == STATUS_OK && !others && !doors[DOOR_PLAIN].listener) {
        complain(me, "no door is open (another server?)"); // as each was told
        return STATUS_FAILED;
    }
    if (status == STATUS_OK && others)
        status = open_hub(house);
    house->room = house_room(house->descriptors, count_descriptors());
    house_apply(house);
    if (doors[DOOR_WEB].listener)
        s->web = web_address(&doors[DOOR_WEB], web, room);
    return status;
}

// Before any thread; see wait_for_stop.
static void hold_signals(sigset_t *orders)
{
    (void)sigemptyset(orders);
    (void)sigaddset(orders, SIGINT);
    (void)sigaddset(orders, SIGTERM);
    (void)sigaddset(orders, SIGHUP);
    (void)signal(SIGHUP, SIG_DFL); // under nohup it is ignored, and would not be heard
    (void)pthread_sigmask(SIG_BLOCK, orders, NULL);
    (void)signal(SIGPIPE, SIG_IGN); // a log that nobody reads is no end
    (void)signal(SIGXFSZ, SIG_IGN); // a limit of a file's size is a full disk
}

static void make_password(struct house *house)
{
    if (!house->set->lan || house->set->open)
        return;
    lan_make_password(house->server->made_password);
}

// Whatever of it is open.
static void close_house(struct house *house)
{
    struct server *s = house->server;
    for (int i = 0; i < DOORS; i++)
        door_close(&house->doors[i]);
    keep_close(s);
    irc_free(&s->irc);
    gate_free(&s->gate);
    hub_free(&s->hub);
    weft_tls_free(&house->tls);
}

static int open_and_serve(struct settings *set, int argc, char **argv)
{
    struct server s = {
        .lecture = set->lecture,
        // the lecture's output is its lists and nothing else
        .events = {.fd = set->lecture ? STDERR_FILENO : STDOUT_FILENO,
                   .who = me,
                   .format = (enum log_format)set->log_format},
        .lists = {.fd = STDOUT_FILENO, .who = me},
    };
    struct web_site site = {0};
    struct door doors[DOORS] = {
        [DOOR_PLAIN] = {.name = "plain", .server = &s},
        [DOOR_IRC] = {.name = "irc", .server = &s, .serve = serve_irc},
        [DOOR_IRCS] = {.name = "ircs", .server = &s, .serve = serve_irc},
        [DOOR_WEB] = {.name = "web", .server = &s, .serve = serve_web, .site = &site},
    };
    s.doors = doors;
    s.door_count = DOORS;
    struct house house = {argc, argv, set, &s, doors, &site, .tls = NULL};
    char web[CHAT_ADDRESS_MAX + 16];
    sigset_t orders;
    keep_freed_memory();
    hold_signals(&orders);
    house.descriptors = raise_descriptor_limit();
    stage_init(&s.stage);
    crowd_init(&s.crowd, (size_t)set->queue_mb << 20);
    gate_init(&s.gate);
    seats_init(&s.searches, API_AT_ONCE);
    make_password(&house);
    site_init(&site, &s);
    int status = tls_open(set, &house.tls) ? STATUS_OK : STATUS_FAILED;
    if (status == STATUS_OK)
        status = open_doors(&house, web, sizeof web);
    if (status == STATUS_OK) {
        print_welcome(&house);
        status = serve(&house, &orders);
    }
    close_house(&house);
    return status;
}

// settings_read has looked at the file; what else it names is read here.
static int check(const struct settings *set)
{
    weft_tls *tls;
    if (!tls_open(set, &tls))
        return STATUS_USAGE;
    weft_tls_free(&tls);
    (void)printf("%s is good\n", set->check);
    return STATUS_OK;
}

int command_serve(int argc, char **argv)
{
    struct settings set;
    int result = settings_read(&set, argc, argv);
    if (result != SETTINGS_GOOD)
        return settings_status(result);
    int status = set.check ? check(&set) : open_and_serve(&set, argc, argv);
    settings_free(&set);
    return status;
}
