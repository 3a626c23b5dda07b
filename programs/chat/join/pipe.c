// SPDX-License-Identifier: MIT
// pipe.c - see pipe.h. The two tasks of plain.c, with a session between them; fibers of one loop,
// so it needs no lock. Nothing is said before we are in the room.
#include "chat/join/pipe.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <weft/weft.h>

#include "chat/text.h"
#include "common/output.h"
#include "common/status.h"
#include "common/utf8.h"

static const char me[] = "weft join";
enum { STACK = 512 << 10, LINE = 65536, SHOWN = MESSAGE_MAX + NAME_ROOM + 8 };

struct pipe_client {
    const struct irc_options *options;
    weft_conn *conn;
    struct session session;
    weft_event joined, taken; // taken: no line waits for the server any more
    bool terminal;            // the output: control characters are shown there
    int failed;               // 0, or the error that ends it: told already
    size_t held;
    char input[LINE];
    char text[TEXT_GROWTH * LINE + TEXT_KEPT + 1];
};

static int64_t now_s(void *client)
{
    (void)client;
    return (int64_t)time(NULL);
}

static void fail(struct pipe_client *c, int code, const char *what, const char *why)
{
    if (c->failed == 0)
        complain(me, "%s%s%s", what, *why ? ": " : "", why);
    c->failed = code;
}

// ---- printing ------------------------------------------------------------------------------

static void print(struct pipe_client *c, const char *format, const struct news *n)
{
    char line[SHOWN], shown[TEXT_GROWTH * SHOWN + TEXT_KEPT];
    struct text text = {.terminal = c->terminal};
    int size = snprintf(line, sizeof line - 1, format, n->who, n->text);
    if (size < 0)
        return;
    if (size > (int)sizeof line - 2)
        size = (int)sizeof line - 2; // longer than any line of IRC
    line[size++] = '\n';
    size_t out = text_add(&text, line, (size_t)size, shown);
    int rc = write_all(STDOUT_FILENO, shown, out);
    if (rc < 0)
        fail(c, rc, "standard output", strerror(-rc));
}

static bool is_ours(const struct pipe_client *c, const struct news *n)
{
    return names_equal(c->session.casemap, n->room, c->options->room);
}

static void take_speech(struct pipe_client *c, const struct news *n)
{
    if (n->mine || !*n->room)
        return;
    if (n->kind == NEWS_NOTICE)
        print(c, "-%s- %s", n);
    else if (n->kind == NEWS_ACTION)
        print(c, "* %s %s", n);
    else
        print(c, is_ours(c, n) ? "<%s> %s" : "*%s* %s", n);
}

static void take_news(void *client, const struct news *n)
{
    struct pipe_client *c = client;
    if (n->kind <= NEWS_NOTICE && n->kind >= NEWS_SAID)
        take_speech(c, n);
    else if (n->kind == NEWS_WELCOME)
        session_send(&c->session, *c->options->key ? "JOIN %s %s" : "JOIN %s", c->options->room,
                     c->options->key);
    else if (n->kind == NEWS_JOIN && n->mine && is_ours(c, n))
        weft_event_set(&c->joined);
    else if (n->kind == NEWS_REFUSED)
        fail(c, -EACCES, "the server refused", n->text);
    else if (n->kind == NEWS_KICK && n->mine && is_ours(c, n))
        fail(c, -EPIPE, "put out of the room", n->text);
    else if (n->kind == NEWS_CLOSING)
        fail(c, -EPIPE, "the server closed the connection", n->text);
    else if (n->kind == NEWS_ERROR && is_ours(c, n) && !weft_event_is_set(&c->joined))
        fail(c, -EACCES, "the room cannot be joined", n->text);
    else if (n->kind == NEWS_ERROR && n->numeric > 0 && is_ours(c, n))
        complain(me, "%s", n->text);
}

// ---- sending -------------------------------------------------------------------------------

static void send_line(void *client, const char *line)
{
    struct pipe_client *c = client;
    char bytes[SESSION_LINE + 2];
    int size = snprintf(bytes, sizeof bytes, "%s\r\n", line);
    (void)weft_post(c->conn, bytes, (size_t)size); // the one who reads finds what is wrong
}

// What IRC cannot carry becomes U+FFFD, a NUL a space. So does a CR within a line, which would end
// it there: of a counter that a program paints over itself nothing but the first would be said.
static int say(struct pipe_client *c, const char *line, size_t size)
{
    struct text text = {.terminal = false};
    size_t n = text_add(&text, line, size, c->text);
    n += text_end(&text, c->text + n);
    if (n > 0 && c->text[n - 1] == '\r')
        n--;
    for (size_t i = 0; i < n; i++)
        if (c->text[i] == '\0' || c->text[i] == '\r')
            c->text[i] = ' ';
    c->text[n] = '\0';
    session_say(&c->session, c->options->room, c->text, false);
    int rc = weft_flush(c->conn, WEFT_FOREVER);
    while (rc == 0 && pace_holds(&c->session)) {
        weft_event_clear(&c->taken);
        rc = weft_event_wait(&c->taken, WEFT_FOREVER);
    }
    return rc;
}

// Each whole line; of one that fills the buffer a piece, of whole characters.
static int say_held(struct pipe_client *c, bool end)
{
    size_t at = 0;
    int rc = 0;
    char *newline;
    while (rc == 0 && (newline = memchr(c->input + at, '\n', c->held - at)) != NULL) {
        size_t size = (size_t)(newline - c->input) - at;
        rc = say(c, c->input + at, size);
        at += size + 1;
    }
    bool full = at == 0 && c->held == sizeof c->input;
    if (rc == 0 && at < c->held && (end || full)) {
        size_t left = c->held - at, size = end ? left : utf8_cut(c->input, left, left - 4);
        rc = say(c, c->input + at, size);
        at += size;
    }
    memmove(c->input, c->input + at, c->held - at);
    c->held -= at;
    return rc;
}

static ssize_t read_input(struct pipe_client *c)
{
    for (;;) {
        int rc = weft_wait_fd(STDIN_FILENO, POLLIN, WEFT_FOREVER);
        if (rc < 0)
            return rc;
        ssize_t n = read(STDIN_FILENO, c->input + c->held, sizeof c->input - c->held);
        if (n >= 0)
            return n;
        if (errno != EINTR && errno != EAGAIN)
            return -errno;
    }
}

static int send_input(struct pipe_client *const *arg, weft_none *none)
{
    struct pipe_client *c = *arg;
    ssize_t n = weft_event_wait(&c->joined, WEFT_FOREVER);
    (void)none;
    if (n < 0)
        return (int)n;
    while ((n = read_input(c)) > 0) {
        c->held += (size_t)n;
        if (say_held(c, false) < 0)
            return 0; // the one who reads finds out why
    }
    if (n == 0)
        (void)say_held(c, true); // likewise
    else if (n != -ECANCELED)
        complain(me, "standard input: %s", strerror((int)-n));
    return n == -ECANCELED ? 0 : (int)n;
}
WEFT_TASK(send_input, struct pipe_client *, weft_none);

// ---- both ----------------------------------------------------------------------------------

static int run(struct pipe_client *const *arg, weft_none *none)
{
    static const struct session_ops ops = {send_line, take_news, now_s, NULL};
    struct pipe_client *c = *arg;
    (void)none;
    session_begin(&c->session, &c->options->session, &ops, c);
    weft_future *sender = weft_start_as(
        WEFT_WITH(.kind = WEFT_FIBERS, .name = "sender", .stack_size = STACK), send_input, &c);
    if (!sender) {
        complain(me, "%s", weft_error());
        return weft_error_code();
    }
    session_greet(&c->session);
    int rc = 0;
    while (rc == 0 && c->failed == 0) {
        rc = link_hear(c->conn, &c->session);
        if (!pace_holds(&c->session))
            weft_event_set(&c->taken);
    }
    bool closed = rc == -EPIPE && weft_event_is_set(&c->joined);
    if (rc < 0 && !closed && c->failed == 0)
        fail(c, rc, weft_error(), "");
    weft_cancel(sender);
    int sent = weft_join(&sender, NULL, 0);
    session_over(&c->session); // not before: he may still say a line
    return sent < 0 && sent != -ECANCELED ? sent : c->failed;
}
WEFT_TASK(run, struct pipe_client *, weft_none);

static int run_on_a_loop(struct pipe_client *c)
{
    weft_future *first = weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .stack_size = STACK), run,
                                       &c);
    if (first)
        return weft_join(&first, NULL, 0); // what went wrong was told
    complain(me, "%s", weft_error());
    return weft_error_code();
}

int pipe_talk(weft_conn *conn, const struct irc_options *options)
{
    struct pipe_client *c = calloc(1, sizeof *c);
    if (!c) {
        complain(me, "out of memory");
        weft_conn_close(&conn);
        return STATUS_FAILED;
    }
    c->options = options;
    c->conn = conn;
    c->terminal = isatty(STDOUT_FILENO) == 1;
    int rc = run_on_a_loop(c);
    free(c);
    weft_conn_close(&conn);
    return rc < 0 ? STATUS_FAILED : STATUS_OK;
}
