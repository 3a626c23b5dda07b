// SPDX-License-Identifier: MIT
// address.c - see address.h. Only the text is looked at; names are resolved by weft_connect.
#include "chat/address.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/options.h"

static const char *const not_a_host = "is not a host name or address";

// "fe80::1", "fe80::1%eth0"
static bool is_version_6(const char *host, size_t size)
{
    char number[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    const char *zone = memchr(host, '%', size);
    size = zone ? (size_t)(zone - host) : size;
    if (size >= sizeof number)
        return false;
    memcpy(number, host, size);
    number[size] = '\0';
    return inet_pton(AF_INET6, number, &parsed) == 1;
}

static bool may_be_host(const char *host, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)host[i] <= ' ' || strchr("[]/", host[i]))
            return false;
    return size > 0 && (!memchr(host, ':', size) || is_version_6(host, size));
}

static const char *join_parts(char out[CHAT_ADDRESS_MAX], const char *host, size_t size, int port)
{
    bool v6 = memchr(host, ':', size) != NULL;
    if (!may_be_host(host, size))
        return not_a_host;
    int length = snprintf(out, CHAT_ADDRESS_MAX, v6 ? "[%.*s]:%d" : "%.*s:%d", (int)size, host,
                          port);
    return length < CHAT_ADDRESS_MAX ? NULL : "is too long";
}

const char *chat_address(char out[CHAT_ADDRESS_MAX], const char *host, int port)
{
    size_t size = strlen(host);
    if (size > 2 && host[0] == '[' && host[size - 1] == ']' && is_version_6(host + 1, size - 2))
        return join_parts(out, host + 1, size - 2, port);
    return join_parts(out, host, size, port);
}

const char *chat_address_read(char out[CHAT_ADDRESS_MAX], const char *text)
{
    const char *host = text, *end = text + strlen(text), *port_text = NULL;
    const char *colon = strchr(text, ':');
    if (strchr(text, '/')) // a URL, say
        return not_a_host;
    if (text[0] == '[') {
        host = text + 1;
        end = strchr(host, ']');
        if (!end || (end[1] != '\0' && end[1] != ':') || !is_version_6(host, (size_t)(end - host)))
            return not_a_host;
        port_text = end[1] == ':' ? end + 2 : NULL;
    } else if (colon && !strchr(colon + 1, ':')) { // one colon; several are a bare IPv6 address
        end = colon;
        port_text = colon + 1;
    } else if (*text && strspn(text, "0123456789") == strlen(text)) {
        end = text;
        port_text = text;
    }
    int port = CHAT_PORT;
    if (port_text && (option_port(port_text, &port) || port == 0))
        return "has no port that one can connect to (1 to 65535)";
    if (end == host && text[0] != '[') // no host
        return chat_address(out, CHAT_HOST, port);
    return join_parts(out, host, (size_t)(end - host), port);
}

int chat_address_split(const char *address, char host[CHAT_ADDRESS_MAX])
{
    const char *colon = strrchr(address, ':');
    size_t size = colon ? (size_t)(colon - address) : strlen(address);
    if (size >= 2 && address[0] == '[') {
        address++;
        size -= 2;
    }
    (void)snprintf(host, CHAT_ADDRESS_MAX, "%.*s", (int)size, address);
    return colon ? atoi(colon + 1) : 0; // the text was made from a number
}

void address_host(const char *end, char *out, size_t room)
{
    const char *port = strrchr(end, ':');
    size_t size = port ? (size_t)(port - end) : strlen(end);
    if (strncmp(end, "unix:", 5) == 0 || size == 0)
        (void)snprintf(out, room, "localhost");
    else if (*end == '[' && size > 2)
        (void)snprintf(out, room, "%.*s", (int)size - 2, end + 1);
    else
        (void)snprintf(out, room, "%.*s", (int)size, end);
}
