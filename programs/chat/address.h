// SPDX-License-Identifier: MIT
// address.h - where the chat is: the parts of "host:port", and the defaults of both programs.
#ifndef WEFT_CHAT_ADDRESS_H
#define WEFT_CHAT_ADDRESS_H

#include <stddef.h>

#define CHAT_HOST "127.0.0.1"
enum { CHAT_PORT = 12345, CHAT_ADDRESS_MAX = 300 };

// "127.0.0.1", 12345: "127.0.0.1:12345". "::1", with or without brackets: "[::1]:12345". Returns
// NULL, or what is wrong with the host.
const char *chat_address(char out[CHAT_ADDRESS_MAX], const char *host, int port);

// What a user calls a server: "", "host", "host:port", ":port", "port", "::1", "[::1]:port".
// Returns NULL, or what is wrong with it.
const char *chat_address_read(char out[CHAT_ADDRESS_MAX], const char *text);

// The port of "host:port", and its host without brackets in `host`.
int chat_address_split(const char *address, char host[CHAT_ADDRESS_MAX]);

// The host of a connection's end, "192.0.2.7:40112" or "[2001:db8::7]:40112", without port and
// brackets; of a Unix socket "localhost". Cut to fit.
void address_host(const char *end, char *out, size_t room);

#endif
