// SPDX-License-Identifier: MIT
// 19_client.c - the lecture's chat client: one thread sends, the other prints. Lecture: L12 to L16.
//
//     19_client [PORT]      to 127.0.0.1:12345
//
// The lecture's sender waits in input() as a daemon, so that the end of the server ends the client
// in an abort, and the end of the input in a traceback. Here the sender waits in weft and can be
// cancelled; at the end of the input it says so to the server, and the printing goes on until the
// server closes. Lines keep their newline. `weft join` is the same with options.
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "example.h"

static int send_input(weft_conn *const *server, weft_none *none)
{
    (void)none;
    char data[4096];

    for (;;) {
        int rc = weft_wait_fd(STDIN_FILENO, POLLIN, WEFT_FOREVER);
        if (rc < 0)
            return rc;
        ssize_t n = read(STDIN_FILENO, data, sizeof data);
        if (n < 0)
            return weft_fail(-errno, "reading the input: %s", strerror(errno));
        if (n == 0)
            return weft_shutdown(*server, WEFT_FOREVER);
        rc = weft_write(*server, data, (size_t)n, WEFT_FOREVER);
        if (rc < 0)
            return rc;
    }
}
WEFT_TASK(send_input, weft_conn *, weft_none);

static int print_incoming(weft_conn *server)
{
    char data[4096];
    ssize_t n;

    while ((n = weft_read(server, data, sizeof data, WEFT_FOREVER)) > 0)
        if (fwrite(data, 1, (size_t)n, stdout) != (size_t)n || fflush(stdout) != 0)
            return weft_fail(-EIO, "writing the output: %s", strerror(errno));
    return (int)n;
}

int main(int argc, char **argv)
{
    char address[64];
    (void)snprintf(address, sizeof address, "127.0.0.1:%s", argc > 1 ? argv[1] : "12345");
    WEFT_SCOPED(weft_conn_close) weft_conn *server = weft_connect(address, weft_after_ms(5000));
    if (!server)
        return failed("19_client");
    weft_future *sender = weft_start(WEFT_THREADS, send_input, &server);
    if (!sender)
        return failed("start");

    int rc = print_incoming(server);
    int status = rc < 0 ? failed("receive") : 0;
    weft_cancel(sender);
    (void)weft_join(&sender, NULL, 0); // the server has gone: what was not sent has no taker
    return status;
}
