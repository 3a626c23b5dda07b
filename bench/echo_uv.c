// SPDX-License-Identifier: MIT
// echo_uv.c - an echo server with libuv. It writes at once; 64 bytes find room.
#include <uv.h>

#include "server.h"

static void *allocate(size_t size)
{
    void *p = malloc(size);
    return p ? p : die("no memory");
}

static void give_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    static char bytes[PIECE]; // used up before the next is asked for
    (void)handle;
    (void)wanted;
    *buffer = uv_buf_init(bytes, sizeof bytes);
}

static void after_close(uv_handle_t *handle)
{
    free(handle);
}

static void echo(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    uv_buf_t bytes = uv_buf_init(buffer->base, n < 0 ? 0 : (unsigned)n);
    if (n < 0 || (n > 0 && uv_try_write(stream, &bytes, 1) != n))
        uv_close((uv_handle_t *)stream, after_close);
}

static void welcome(uv_stream_t *listener, int status)
{
    uv_tcp_t *guest = allocate(sizeof *guest);
    if (status < 0 || uv_tcp_init(listener->loop, guest) < 0 ||
        uv_accept(listener, (uv_stream_t *)guest) < 0)
        die("accept");
    uv_read_start((uv_stream_t *)guest, give_buffer, echo);
}

int main(void)
{
    uv_tcp_t listener;
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_init(loop, &listener);
    if (uv_tcp_open(&listener, listen_here(SOCK_NONBLOCK)) < 0 ||
        uv_listen((uv_stream_t *)&listener, BACKLOG, welcome) < 0)
        die("listen");
    return uv_run(loop, UV_RUN_DEFAULT);
}
