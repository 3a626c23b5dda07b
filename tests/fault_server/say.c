// SPDX-License-Identifier: MIT
// say.c - how pages speak, and read the parameters of their address.
#include "server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { PATIENCE_MS = 60000, ARRIVAL_MS = 150 };

// ---- parameters ----------------------------------------------------------------

// What stands behind "name=" in the query, up to the next '&'; NULL: it is not there.
static const char *parameter(const struct visit *v, const char *name)
{
    size_t length = strlen(name);
    const char *at = strchr(v->request.target, '?');
    for (; at; at = strchr(at, '&')) {
        at++;
        if (strncmp(at, name, length) == 0 && at[length] == '=')
            return at + length + 1;
    }
    return NULL;
}

long long number(const struct visit *v, const char *name, long long without)
{
    const char *text = parameter(v, name);
    return text ? strtoll(text, NULL, 10) : without;
}

bool words(const struct visit *v, const char *name, char *buf, size_t cap)
{
    const char *text = parameter(v, name);
    size_t length = 0;
    for (const char *p = text; p && *p && *p != '&' && length + 1 < cap; p++) {
        char two[3] = {0};
        if (*p == '%' && p[1] && p[2]) {
            memcpy(two, p + 1, 2);
            buf[length++] = (char)strtol(two, NULL, 16);
            p += 2;
        } else {
            buf[length++] = *p;
        }
    }
    buf[length] = '\0';
    return text != NULL;
}

// ---- speaking ------------------------------------------------------------------

int say(struct visit *v, const void *bytes, size_t size)
{
    return weft_write(v->c, bytes, size, weft_after_ms(PATIENCE_MS));
}

int sayf(struct visit *v, const char *fmt, ...)
{
    char text[2048];
    va_list args;
    va_start(args, fmt);
    int size = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return size < (int)sizeof text ? say(v, text, (size_t)size) : -EMSGSIZE;
}

int say_often(struct visit *v, const char *text, int64_t times)
{
    size_t size = strlen(text);
    int rc = 0;
    for (int64_t i = 0; rc == 0 && i != times; i++)
        rc = say(v, text, size);
    return rc;
}

int answer(struct visit *v, const char *status, const char *headers, const void *body, size_t size)
{
    int rc = sayf(v, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n", status, size, headers);
    if (rc == 0 && !v->request.head)
        rc = say(v, body, size);
    return rc < 0 ? rc : KEEP;
}

int wait_ms(int64_t ms)
{
    return weft_sleep(weft_after_ms(ms));
}

int wait_for_the_end(struct visit *v)
{
    char dropped[4096];
    ssize_t n;
    while ((n = weft_read(v->c, dropped, sizeof dropped, weft_after_ms(PATIENCE_MS))) > 0)
        ;
    return CLOSE;
}

int reset(struct visit *v)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    int rc = wait_ms(ARRIVAL_MS);
    if (rc == 0 && setsockopt(weft_conn_fd(v->c), SOL_SOCKET, SO_LINGER, &none, sizeof none) < 0)
        rc = -errno;
    return rc < 0 ? rc : CLOSE;
}

int cut(struct visit *v)
{
    (void)shutdown(weft_conn_fd(v->c), SHUT_RDWR); // fails if the peer was faster
    return CLOSE;
}
