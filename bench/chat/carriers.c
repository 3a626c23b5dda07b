// SPDX-License-Identifier: MIT
// carriers.c - see carriers.h.
#include <fcntl.h>
#include <sys/socket.h>

#include "carriers.h"

void tls_shake_hands(struct member *m)
{
    static SSL_CTX *context;
    if (!context && !(context = SSL_CTX_new(TLS_client_method())))
        die("no TLS");
    m->ssl = SSL_new(context);
    if (!m->ssl || SSL_set_fd(m->ssl, m->fd) != 1 || SSL_connect(m->ssl) != 1)
        die("the server's TLS failed");
    int flags = fcntl(m->fd, F_GETFL);
    fcntl(m->fd, F_SETFL, flags | O_NONBLOCK);
}

// ---- WebSocket (RFC 6455) ----------------------------------------------------------------------

static const unsigned char mask[4] = {0x5a, 0xc3, 0x3c, 0xa5};

void websocket_shake_hands(struct member *m)
{
    static const char ask[] = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                              "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                              "Sec-WebSocket-Protocol: text.ircv3.net\r\n\r\n";
    char answer[1024];
    size_t size = 0;
    send_all(m->fd, ask, sizeof ask - 1);
    while (size < 4 || memcmp(answer + size - 4, "\r\n\r\n", 4) != 0)
        if (size == sizeof answer || recv(m->fd, answer + size++, 1, 0) != 1)
            die("the server does not speak WebSocket");
    if (memcmp(answer, "HTTP/1.1 101 ", 13) != 0)
        die("the server refuses WebSocket");
}

size_t websocket_wrap(char *out, size_t size)
{
    const size_t head = size < 126 ? 6 : 8;
    memmove(out + head, out, size);
    out[0] = (char)0x81; // all of a text
    out[1] = (char)(0x80 | (size < 126 ? size : 126));
    if (size >= 126) {
        out[2] = (char)(size >> 8);
        out[3] = (char)size;
    }
    memcpy(out + head - sizeof mask, mask, sizeof mask);
    for (size_t i = 0; i < size; i++)
        out[head + i] = (char)(out[head + i] ^ mask[i % sizeof mask]);
    return head + size;
}

size_t websocket_unwrap(const char *bytes, size_t size, const char **text, size_t *length)
{
    const unsigned char *head = (const unsigned char *)bytes;
    if (size < 2)
        return 0;
    if (head[0] != 0x81 || head[1] > 126)
        die("a frame that is not a short text");
    size_t head_size = head[1] == 126 ? 4 : 2;
    if (size < head_size)
        return 0;
    *length = head[1] == 126 ? (size_t)head[2] << 8 | head[3] : head[1];
    *text = bytes + head_size;
    return size < head_size + *length ? 0 : head_size + *length;
}
