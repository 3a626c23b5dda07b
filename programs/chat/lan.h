// SPDX-License-Identifier: MIT
// lan.h - the machine as others on its network see it: addresses, and a password to tell them.
#ifndef WEFT_CHAT_LAN_H
#define WEFT_CHAT_LAN_H

#include <stddef.h>

#include "chat/setting_kinds.h"

enum { LAN_PASSWORD = 20 }; // bytes, with the end

// The addresses of this machine that others can reach, as texts for a Host: "192.168.1.5",
// "[fd00::5]"; IPv4 first. Not those of loopback, nor link-local IPv6, which browsers cannot name.
// They are added to a list (of kind_hosts). NULL, or what is wrong: out of memory, no answer.
const char *lan_add_addresses(struct setting_list *to);
// The same, and this machine's name, alone and with ".local".
const char *lan_add_hosts(struct setting_list *to);

// "kavo-tiru-meso-bafi": 48 bits of chance, in syllables that one can say across a room.
void lan_make_password(char out[LAN_PASSWORD]);

#endif
