// SPDX-License-Identifier: MIT
// server.c - a web server that misbehaves, each page in its own way.
//
//     fault_server [NAME=CERTIFICATE.pem...]
//     curl http://127.0.0.1:PORT/          what there is
//     curl http://127.0.0.1:PORT/drip?ms=50
//     curl http://127.0.0.1:PORT/count?/drip?ms=50
//
// It prints its doors, one a line, each on a free port of 127.0.0.1, then "ready"; it ends when its
// stdin does. `plain` and `other` are two hosts that serve the same pages, each NAME does so over
// TLS with that certificate (and the key in the same file). `mute` takes connections and never says
// a word, `rude` resets them; `refused` is a port where nobody listens, nor can.
//
// What a page does is a row of the table in pages.c. Each connection is a fiber, so a page is
// written from top to bottom: one that says three bytes, waits for a second and resets is these
// three lines, while any number of others go on.
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tally.h"

enum { DOORS_MAX = 16, LINE_CAP = 8192, TLS_GREETING = 0x16 };

struct door {
    char name[32];
    int (*serve)(struct visit *v);
    weft_tls *tls; // NULL: plain
    weft_listener *listener;
    weft_future *porter;
};

struct caller { // somebody at a door
    weft_conn *c;
    const struct door *door;
};

static weft_pool *callers;

// ---- requests ------------------------------------------------------------------

// A browser, or a fetcher, that takes us for a server with TLS.
static bool speaks_tls(weft_conn *c)
{
    unsigned char first = 0;
    if (weft_tls_protocol(c) || weft_wait_readable(c, WEFT_FOREVER) < 0)
        return false;
    return recv(weft_conn_fd(c), &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && first == TLS_GREETING;
}

static int read_first_line(weft_conn *c, struct request *r)
{
    char line[LINE_CAP], method[8];
    ssize_t n = weft_read_line(c, line, sizeof line, WEFT_FOREVER);
    if (n < 0)
        return (int)n;
    if (sscanf(line, "%7s %1023s", method, r->target) != 2)
        return -EPROTO;
    r->head = strcmp(method, "HEAD") == 0;
    return 0;
}

// Read a request, its end included: what is left unread would turn our close into a reset.
static int read_request(weft_conn *c, struct request *r)
{
    char line[LINE_CAP];
    *r = (struct request){0};
    ssize_t n = read_first_line(c, r);
    if (n < 0)
        return (int)n;
    while ((n = weft_read_line(c, line, sizeof line, WEFT_FOREVER)) > 0)
        if (strncasecmp(line, "Cookie: ", 8) == 0)
            (void)snprintf(r->cookie, sizeof r->cookie, "%.*s", (int)sizeof r->cookie - 1,
                           line + 8);
    return (int)n;
}

static const struct row *find_page(const char *target)
{
    size_t length = strcspn(target + 1, "?");
    const struct row *row = rows;
    while (row->name && (strlen(row->name) != length || memcmp(row->name, target + 1, length) != 0))
        row++;
    return row->name ? row : NULL;
}

// Any page may be asked to be well again: "/reset?times=2" resets twice.
static bool is_well(const struct visit *v)
{
    long long times = number(v, "times", 0);
    return times > 0 && v->nth > times;
}

static int show_page(struct visit *v)
{
    v->row = find_page(v->request.target);
    if (!v->row)
        return answer(v, "404 Not Found", "", "no such page\n", 13);
    if (v->row->page == count_page || v->row->page == log_page)
        return v->row->page(v); // not counted
    struct tally *t = tally_begin(v);
    int rc = !t ? -ENOMEM : is_well(v) ? ok(v) : v->row->page(v);
    tally_end(t);
    return rc;
}

// ---- doors ---------------------------------------------------------------------

static int serve_pages(struct visit *v)
{
    if (speaks_tls(v->c))
        return answer(v, "400 Bad Request", "Connection: close\r\n", "not TLS\n", 8) < 0 ? -EPIPE
                                                                                         : 0;
    int rc = KEEP;
    while (rc == KEEP && read_request(v->c, &v->request) == 0) {
        rc = show_page(v);
        v->earlier++;
    }
    return rc;
}

static int say_nothing(struct visit *v)
{
    return wait_for_the_end(v);
}

static int be_rude(struct visit *v)
{
    return reset(v);
}

static int receive(const struct caller *caller, weft_none *none)
{
    (void)none;
    WEFT_SCOPED(weft_conn_close) weft_conn *c = caller->c; // handed over: ours to close
    if (caller->door->tls && weft_tls_start(c, caller->door->tls, NULL, weft_after_ms(20000)) < 0)
        return 0;
    struct visit v = {.c = c};
    (void)caller->door->serve(&v); // an error is a peer that left, or the end of all
    return 0;
}
WEFT_TASK(receive, struct caller, weft_none);

static int porter(struct door *const *door, weft_none *none)
{
    (void)none;
    for (;;) {
        weft_conn *c = weft_accept((*door)->listener, WEFT_FOREVER);
        if (!c)
            return weft_error_code();
        if (weft_spawn(callers, receive, &(struct caller){c, *door}) < 0)
            weft_conn_close(&c);
    }
}
WEFT_TASK(porter, struct door *, weft_none);

static int open_door(struct door *door)
{
    door->listener = weft_listen("127.0.0.1:0");
    if (!door->listener)
        return weft_error_code();
    door->porter = weft_start(WEFT_FIBERS, porter, &door);
    if (!door->porter)
        return weft_error_code();
    return printf("%s %s\n", door->name, weft_listener_address(door->listener)) < 0 ? -EIO : 0;
}

static void close_door(struct door *door)
{
    if (door->porter) {
        weft_cancel(door->porter);
        (void)weft_join(&door->porter, NULL, 0); // -ECANCELED, as asked
    }
    weft_listener_close(&door->listener);
}

// A port that is taken, so that nobody else gets it, but does not listen. The socket, or -errno.
static int open_refused(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, size) < 0 ||
        getsockname(fd, (struct sockaddr *)&here, &size) < 0)
        return -errno;
    (void)printf("refused 127.0.0.1:%d\n", ntohs(here.sin_port));
    return fd;
}

// ---- all of it -----------------------------------------------------------------

// "right=/tmp/right.pem". Returns the error, or 0.
static int add_tls_door(struct door *door, const char *text)
{
    size_t length = strcspn(text, "=");
    if (text[length] != '=' || length >= sizeof door->name)
        return weft_fail(-EINVAL, "%s: not NAME=CERTIFICATE.pem", text);
    *door = (struct door){.serve = serve_pages, .tls = weft_tls_server(text + length + 1)};
    memcpy(door->name, text, length);
    return door->tls ? 0 : weft_error_code();
}

// Until nobody holds the other end of our stdin.
static void wait_for_stdin(void)
{
    char dropped[256];
    while (read(STDIN_FILENO, dropped, sizeof dropped) > 0)
        ;
}

static int open_all(struct door *doors, int *count, int argc, char **argv)
{
    int rc = 0;
    for (int i = 1; rc == 0 && i < argc && *count < DOORS_MAX; i++)
        rc = add_tls_door(&doors[(*count)++], argv[i]);
    for (int i = 0; rc == 0 && i < *count; i++)
        rc = open_door(&doors[i]);
    return rc;
}

int main(int argc, char **argv)
{
    (void)signal(SIGPIPE, SIG_IGN);
    static struct door doors[DOORS_MAX] = {
        {.name = "plain", .serve = serve_pages},
        {.name = "other", .serve = serve_pages},
        {.name = "mute", .serve = say_nothing},
        {.name = "rude", .serve = be_rude},
    };
    int count = 4;
    callers = weft_pool_open(WEFT_FIBERS, .workers = 1, .name = "caller");
    int rc = callers ? open_all(doors, &count, argc, argv) : weft_error_code();
    int refused = rc == 0 ? open_refused() : rc;
    if (refused >= 0 && printf("ready\n") > 0 && fflush(stdout) == 0)
        wait_for_stdin();
    else
        (void)fprintf(stderr, "fault_server: %s\n",
                      rc < 0 ? weft_error() : "no port, or no stdout");
    for (int i = 0; i < count; i++)
        close_door(&doors[i]);
    if (callers)
        weft_pool_cancel(callers);
    weft_pool_close(&callers);
    for (int i = 0; i < count; i++)
        weft_tls_free(&doors[i].tls); // only now: each caller reads its door's
    if (refused >= 0)
        (void)close(refused);
    return refused >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
