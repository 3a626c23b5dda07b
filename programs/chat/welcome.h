// SPDX-License-Identifier: MIT
// welcome.h - the first screen: where the server listens, and how one gets there.
#ifndef WEFT_CHAT_WELCOME_H
#define WEFT_CHAT_WELCOME_H

#include "chat/reload.h"

// "http://127.0.0.1:8080/", of an open web door; NULL: it is no address that a browser knows.
const char *web_address(const struct door *door, char *out, size_t room);
void print_welcome(const struct house *house);

#endif
