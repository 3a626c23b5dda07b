// SPDX-License-Identifier: MIT
// network.c - see network.h.
#include "chat/network.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "common/options.h"

static const uint8_t v4_prefix[NETWORK_V4_BITS / 8] = {[10] = 0xFF, [11] = 0xFF};

static const char wrong[] = "is not ADDRESS or ADDRESS/BITS";

// The text of an address alone.
static bool read_address(const char *text, struct network *out)
{
    *out = (struct network){.bits = 128};
    if (inet_pton(AF_INET6, text, out->address) == 1)
        return true;
    memcpy(out->address, v4_prefix, sizeof v4_prefix);
    return inet_pton(AF_INET, text, out->address + sizeof v4_prefix) == 1;
}

bool network_is_v4(const struct network *n)
{
    return n->bits >= NETWORK_V4_BITS && memcmp(n->address, v4_prefix, sizeof v4_prefix) == 0;
}

void network_cut(struct network *n, int bits)
{
    for (int i = bits < 128 ? bits : 128; i < 128; i++)
        n->address[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
    n->bits = (uint8_t)bits;
}

const char *network_read(const char *text, size_t size, struct network *out)
{
    char copy[NETWORK_TEXT];
    if (size >= sizeof copy)
        return wrong;
    memcpy(copy, text, size);
    copy[size] = '\0';
    char *slash = strchr(copy, '/');
    if (slash)
        *slash++ = '\0';
    if (!read_address(copy, out))
        return wrong;
    int before = network_is_v4(out) ? NETWORK_V4_BITS : 0;
    int bits = 128 - before;
    if (slash && !option_whole(slash, 0, bits, &bits))
        return wrong;
    network_cut(out, before + bits);
    return NULL;
}

bool network_of_host(const char *host, struct network *out)
{
    char plain[NETWORK_TEXT];
    size_t size = strcspn(host, "%"); // the interface of a link-local address
    if (strcmp(host, "localhost") == 0)
        return read_address("127.0.0.1", out);
    if (size >= sizeof plain)
        return false;
    memcpy(plain, host, size);
    plain[size] = '\0';
    return read_address(plain, out);
}

void network_word(const struct network *n, char out[NETWORK_TEXT])
{
    char text[INET6_ADDRSTRLEN];
    bool v4 = network_is_v4(n);
    int before = v4 ? NETWORK_V4_BITS : 0;
    (void)inet_ntop(v4 ? AF_INET : AF_INET6, n->address + before / 8, text, sizeof text); // it fits
    if (n->bits == 128)
        (void)snprintf(out, NETWORK_TEXT, "%s", text);
    else
        (void)snprintf(out, NETWORK_TEXT, "%s/%d", text, n->bits - before);
}

static bool fits(const struct network *all, const struct network *n)
{
    struct network cut = *n;
    if (n->bits < all->bits)
        return false;
    network_cut(&cut, all->bits);
    return memcmp(cut.address, all->address, sizeof cut.address) == 0;
}

bool networks_fit(const struct networks *all, const struct network *n)
{
    for (size_t i = 0; i < all->count; i++)
        if (fits(&all->items[i], n))
            return true;
    return false;
}

bool networks_have(const struct networks *all, const char *host)
{
    struct network n;
    return network_of_host(host, &n) && networks_fit(all, &n);
}
