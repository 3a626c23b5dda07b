// SPDX-License-Identifier: MIT
// fanout_c.c - the least that sends to many: one send() for each, of all its messages.
#include "fanout.h"

int main(void)
{
    struct fanout f;
    fanout_begin(&f);
    while (fanout_is_asked(&f))
        for (int i = 0; i < f.receivers; i++) {
            size_t size = fanout_fill(&f, f.buffer);
            if (send(f.fds[i], f.buffer, size, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)size)
                die("send");
        }
    return 0;
}
