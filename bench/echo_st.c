// SPDX-License-Identifier: MIT
// echo_st.c - an echo server with State Threads: a thread of its own for each connection.
//
// On poll. Its "alternative" is epoll only where it was built so; Debian's is not, and takes select
// instead without a word, with a limit of 1,024 descriptors for the process.
#include <st.h>

#include "server.h"

enum { STACK = 65536 };

static void *echo(void *arg)
{
    st_netfd_t guest = arg;
    char bytes[PIECE];
    ssize_t n;
    while ((n = st_read(guest, bytes, sizeof bytes, ST_UTIME_NO_TIMEOUT)) > 0)
        if (st_write(guest, bytes, (size_t)n, ST_UTIME_NO_TIMEOUT) != n)
            break;
    st_netfd_close(guest);
    return NULL;
}

int main(void)
{
    if (st_set_eventsys(ST_EVENTSYS_POLL) < 0 || st_init() < 0)
        die("st_init");
    st_netfd_t listener = st_netfd_open_socket(listen_here(0));
    for (;;) {
        st_netfd_t guest = st_accept(listener, NULL, NULL, ST_UTIME_NO_TIMEOUT);
        if (!guest || !st_thread_create(echo, guest, 0, STACK))
            die("st_accept");
    }
}
