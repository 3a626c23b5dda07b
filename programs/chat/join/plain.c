// SPDX-License-Identifier: MIT
// plain.c - see plain.h.
//
// Two tasks share the connection, as in the lecture: one sends what is typed, the other prints what
// comes. The lecture's sender is a daemon that sits in a read of the terminal when the program
// ends, and brings it down. Ours waits in weft_wait_fd, which a cancellation ends, and is joined.
#define _GNU_SOURCE // memrchr
#include "chat/join/plain.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include <weft/weft.h>

#include "chat/text.h"
#include "common/output.h"
#include "common/status.h"

static const char me[] = "weft join";
enum { PIECE = 16384, LONGEST_LINE = 65536, SENDER_STACK = 2 * LONGEST_LINE };

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

// A server of IRC answers what is no command of its own by a line that begins so; people do not.
static bool seems_irc(const char *bytes, size_t size)
{
    const char *space = memchr(bytes, ' ', size);
    size_t left = space ? size - (size_t)(space - bytes) : 0;
    bool numeric = left > 5 && isdigit((unsigned char)space[1]) &&
                   isdigit((unsigned char)space[2]) && isdigit((unsigned char)space[3]) &&
                   space[4] == ' ';
    bool source = left > 0 && bytes[0] == ':' && isalnum((unsigned char)bytes[1]);
    return source && (numeric || (left > 8 && memcmp(space, " NOTICE ", 8) == 0));
}

static void hint_at_irc(const weft_conn *conn, const struct text *text, const char *bytes, size_t n)
{
    if (text->terminal && seems_irc(bytes, n))
        complain(me, "this server seems to speak IRC: weft join --irc %s", weft_peer(conn));
}

// Until the server closes: 0. A terminal's last line is ended, for the prompt that follows.
static int print_arrivals(weft_conn *conn)
{
    char bytes[PIECE];
    char shown[TEXT_GROWTH * PIECE + TEXT_KEPT];
    char last = '\n';
    bool heard = false;
    struct text text = {.terminal = isatty(STDOUT_FILENO) == 1};
    ssize_t n;
    while ((n = weft_read(conn, bytes, sizeof bytes, WEFT_FOREVER)) > 0) {
        if (!heard)
            hint_at_irc(conn, &text, bytes, (size_t)n);
        heard = true;
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

// ---- both ----------------------------------------------------------------------------------

int plain_talk(weft_conn *conn)
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
