// SPDX-License-Identifier: MIT
// weft join - the chat client.
//
// Two tasks share the connection, as in the lecture: one sends what is typed, the other prints what
// comes. The lecture's sender is a daemon that sits in a read of the terminal when the program
// ends, and brings it down. Ours waits in weft_wait_fd, which a cancellation ends, and is joined.
#define _GNU_SOURCE // memrchr
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <weft/weft.h>

#include "chat/address.h"
#include "chat/text.h"
#include "common/commands.h"
#include "common/options.h"
#include "common/output.h"
#include "common/status.h"

static const char me[] = "weft join";
enum { CONNECT_MS = 10000, PIECE = 16384, LONGEST_LINE = 65536, SENDER_STACK = 2 * LONGEST_LINE };

// ---- sending -------------------------------------------------------------------------------

// Whole lines go out at once, so that two people's lines do not run into each other. What is held
// back is a line without its end; if it fills the buffer it goes out in pieces.
struct lines {
    size_t held;
    char bytes[LONGEST_LINE];
};

static size_t whole_lines(const struct lines *l)
{
    const char *last = memrchr(l->bytes, '\n', l->held);
    if (last)
        return (size_t)(last + 1 - l->bytes);
    return l->held == sizeof l->bytes ? l->held : 0;
}

static int send_held(weft_conn *conn, struct lines *l, size_t size)
{
    int rc = size > 0 ? weft_write(conn, l->bytes, size, WEFT_FOREVER) : 0;
    l->held -= size;
    memmove(l->bytes, l->bytes + size, l->held);
    return rc;
}

// Some bytes, 0 at the end of the input, or an error.
static ssize_t read_input(struct lines *l)
{
    for (;;) {
        int rc = weft_wait_fd(STDIN_FILENO, POLLIN, WEFT_FOREVER);
        if (rc < 0)
            return weft_fail(rc, "standard input: %s", strerror(-rc));
        ssize_t n = read(STDIN_FILENO, l->bytes + l->held, sizeof l->bytes - l->held);
        if (n >= 0)
            return n;
        if (errno != EINTR && errno != EAGAIN)
            return weft_fail(-errno, "standard input: %s", strerror(errno));
    }
}

// 0 also if the connection does not take it any more: the one who reads from it will say so.
static int send_lines(weft_conn *const *arg, weft_none *none)
{
    weft_conn *conn = *arg;
    struct lines l;
    ssize_t n;
    (void)none;
    l.held = 0;
    while ((n = read_input(&l)) > 0) {
        l.held += (size_t)n;
        if (send_held(conn, &l, whole_lines(&l)) < 0)
            return 0;
    }
    if (l.held > 0) { // the last line gets its newline; there is room: a full buffer was sent
        l.bytes[l.held++] = '\n';
        if (send_held(conn, &l, l.held) < 0)
            return 0;
    }
    if (n < 0 && n != -ECANCELED)
        complain(me, "%s", weft_error());
    (void)weft_shutdown(conn, WEFT_FOREVER); // listening goes on, whatever the input's end was
    return (int)n;
}
WEFT_TASK(send_lines, weft_conn *, weft_none);

// ---- printing ------------------------------------------------------------------------------

static int print(const char *bytes, size_t size, char *last)
{
    if (size > 0)
        *last = bytes[size - 1];
    int rc = write_all(STDOUT_FILENO, bytes, size);
    return rc < 0 ? weft_fail(rc, "standard output: %s", strerror(-rc)) : 0;
}

// Until the server closes: 0. A terminal's last line is ended, for the prompt that follows.
static int print_arrivals(weft_conn *conn)
{
    char bytes[PIECE];
    char shown[TEXT_GROWTH * PIECE + TEXT_KEPT];
    char last = '\n';
    struct text text = {.terminal = isatty(STDOUT_FILENO) == 1};
    ssize_t n;
    while ((n = weft_read(conn, bytes, sizeof bytes, WEFT_FOREVER)) > 0) {
        int rc = print(shown, text_add(&text, bytes, (size_t)n, shown), &last);
        if (rc < 0)
            return rc;
    }
    int rc = n < 0 ? weft_fail((int)n, "the connection broke: %s", strerror((int)-n)) : 0;
    int end = print(shown, text_end(&text, shown), &last);
    if (end == 0 && text.terminal && last != '\n')
        end = print("\n", 1, &last);
    return rc < 0 ? rc : end;
}

// ---- the command ---------------------------------------------------------------------------

// Talk until the server closes.
static int talk(weft_conn *conn)
{
    weft_future *sender = weft_start_as(
        WEFT_WITH(.kind = WEFT_FIBERS, .name = "sender", .stack_size = SENDER_STACK), send_lines,
        &conn);
    if (!sender) {
        complain(me, "%s", weft_error());
        return STATUS_FAILED;
    }
    int rc = print_arrivals(conn);
    if (rc < 0)
        complain(me, "%s", weft_error());
    weft_cancel(sender);
    int sent = weft_join(&sender, NULL, 0);
    return rc < 0 || (sent < 0 && sent != -ECANCELED) ? STATUS_FAILED : STATUS_OK;
}

static int complain_of_connect(void)
{
    bool refused = weft_error_code() == -ECONNREFUSED;
    complain(me, "%s%s", weft_error(), refused ? " (is the server running?)" : "");
    return STATUS_FAILED;
}

int command_join(int argc, char **argv)
{
    static const struct option_row rows[] = {{0}};
    static const struct command_line line = {
        me, "[HOST[:PORT]]",
        "Talk to a chat server, 127.0.0.1:12345 unless told otherwise: each line of the input is\n"
        "sent to everyone else there, and what they say is printed. The end of the input (Ctrl+D)\n"
        "ends the sending; the program ends when the server closes, or by Ctrl+C.",
        rows};
    static const int deadly[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    char address[CHAT_ADDRESS_MAX];
    int first = options_read(&line, argc, argv);
    if (first < 0)
        return options_status(first);
    if (argc - first > 1)
        return usage_error(&line, "one server at a time, not '%s' too", argv[first + 1]);
    const char *server = first < argc ? argv[first] : "";
    const char *wrong = chat_address_read(address, server);
    if (wrong)
        return usage_error(&line, "'%s' %s", server, wrong);

    end_by_signals(deadly, sizeof deadly / sizeof deadly[0], 0);
    WEFT_SCOPED(weft_conn_close) weft_conn *conn = weft_connect(address, weft_after_ms(CONNECT_MS));
    return conn ? talk(conn) : complain_of_connect();
}
