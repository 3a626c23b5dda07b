// SPDX-License-Identifier: MIT
// network.h - addresses by their first bits: "192.0.2.0/24", "2001:db8::/32".
//
// IPv4 is the part ::ffff:0:0/96 of IPv6, so that there is one kind of address here. Clients of
// Unix sockets are on this machine, and so at 127.0.0.1.
#ifndef WEFT_CHAT_NETWORK_H
#define WEFT_CHAT_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NETWORK_V4_BITS = 96, NETWORK_TEXT = 64 }; // before an IPv4 address; room for a text

struct network {
    uint8_t address[16]; // zero behind the bits
    uint8_t bits;
};

struct networks {
    struct network *items;
    size_t count;
};

// What "ADDRESS/BITS" or an address alone is, of `size` bytes. NULL, or what is wrong with it.
const char *network_read(const char *text, size_t size, struct network *out);
// That of a host, as address_host words it; "localhost" is one. False: it is no address.
bool network_of_host(const char *host, struct network *out);
void network_cut(struct network *n, int bits); // only its first bits remain
bool network_is_v4(const struct network *n);
void network_word(const struct network *n, char out[NETWORK_TEXT]); // for tests: what was read

bool networks_fit(const struct networks *all, const struct network *n); // it is in one of them
bool networks_have(const struct networks *all, const char *host);

#endif
