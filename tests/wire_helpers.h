// SPDX-License-Identifier: MIT
// wire_helpers.h - an echo on a wire (chat/wire.h), and all that comes back from it.
#ifndef WEFT_TESTS_WIRE_HELPERS_H
#define WEFT_TESTS_WIRE_HELPERS_H

#include "frame_helpers.h"

#include "chat/wire.h"

// ---- an echo --------------------------------------------------------------------------------

enum { LINE_CAP = 600 }; // an IRC door has more; lines between this and the limit are -EMSGSIZE

// What is said to a wire comes back; "close" is answered with a goodbye.
// What is too long is told. Ends as its last read.
SHARED int echo_lines(struct wire *w)
{
    char line[LINE_CAP + 2];
    for (;;) {
        int rc = w->ops->wait(w, WEFT_FOREVER);
        if (rc < 0)
            return rc;
        ssize_t n = w->ops->read(w, line, LINE_CAP, WEFT_FOREVER);
        if (n == -EMSGSIZE)
            n = snprintf(line, LINE_CAP, "too long");
        if (n < 0)
            return (int)n;
        if (line[n] != '\0')
            return weft_fail(-EBADMSG, "a line without NUL");
        if (strcmp(line, "close") == 0)
            w->ops->close(w, "as you like");
        memcpy(line + n, "\r\n", 2);
        rc = w->ops->post(w, line, (size_t)n + 2);
        if (rc < 0 && rc != -EPIPE)
            return rc;
    }
}

// ---- what comes back ------------------------------------------------------------------------

static char received[1 << 20];

// Everything up to the end of the stream, NUL-terminated; its size.
SHARED size_t receive_all(int fd)
{
    size_t n = raw_receive(fd, received, sizeof received - 1);
    received[n] = '\0';
    return n;
}

#endif
