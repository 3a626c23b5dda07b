// SPDX-License-Identifier: MIT
// http.c - see http.h. Only a line that is all there counts: what one says must pass on at once,
// and a browser sends its first line in one piece.
#define _GNU_SOURCE // memmem
#include "chat/plain/http.h"

#include <stdio.h>
#include <string.h>

static bool is_request(const char *bytes, size_t size)
{
    static const char version[] = " HTTP/1.";
    const char *newline = memchr(bytes, '\n', size);
    size_t method = 0;
    while (method < size && bytes[method] >= 'A' && bytes[method] <= 'Z')
        method++;
    return newline && method > 0 && method < size && bytes[method] == ' ' &&
           memmem(bytes, (size_t)(newline - bytes), version, sizeof version - 1);
}

bool answer_http(weft_conn *conn, const char *bytes, size_t size, const char *web)
{
    char body[600], head[200];
    if (!is_request(bytes, size))
        return false;
    int length = snprintf(
        body, sizeof body,
        "<!doctype html><meta charset=utf-8><title>weft</title>"
        "<p>This port speaks plain text: weft join, nc or telnet.%s%.200s%s%.200s%s\n",
        web ? " For browsers: <a href=\"" : "", web ? web : "", web ? "\">" : "", web ? web : "",
        web ? "</a>." : "");
    int head_length = snprintf(head, sizeof head,
                               "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n"
                               "Content-Length: %d\r\nConnection: close\r\n\r\n",
                               length);
    (void)weft_post(conn, head, (size_t)head_length); // failing, the reader finds out
    (void)weft_post(conn, body, (size_t)length);
    return true;
}
