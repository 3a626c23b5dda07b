// SPDX-License-Identifier: MIT
// carriers.h - what may lie between a protocol and TCP.
#ifndef WEFT_BENCH_CARRIERS_H
#define WEFT_BENCH_CARRIERS_H

#include "chat.h"

void tls_shake_hands(struct member *m); // whatever the server's certificate says

void websocket_shake_hands(struct member *m); // for text.ircv3.net
// `size` bytes at `out`, of at most 65,535, become a masked frame there. How long it is.
size_t websocket_wrap(char *out, size_t size);
// The text of the frame at `bytes`; how many bytes it is with its header, 0: it is not whole.
size_t websocket_unwrap(const char *bytes, size_t size, const char **text, size_t *length);

#endif
