// SPDX-License-Identifier: MIT
// address.h - "host:port", "[v6]:port", "unix:/path" and what the system makes of them.
#ifndef WF_NET_ADDRESS_H
#define WF_NET_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>
#include <weft/time.h>

enum { WF_ADDRESS_TEXT = 128 }; // the longest text of an address that the system knows

// How a message shows one that was given: of a long one the begin, for the reason comes after it,
// and has to fit.
#define WF_ADDRESS_SHOWN "%.120s"

struct wf_address {
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
    };
    socklen_t size;
};

struct wf_addresses {
    struct wf_address *items;
    size_t count;
};

// All addresses that the text stands for, at least one, in the system's order of preference. Free
// items. 0, or with its message: -EINVAL (no address), -ENOENT (no such host), -EAGAIN (the name
// server does not answer), -ETIMEDOUT, -ECANCELED, -ENOMEM. A name is looked up on a thread of its
// own, so that the deadline holds.
int wf_addresses_find(const char *text, bool to_listen, weft_time deadline,
                      struct wf_addresses *found);

// As text, at most WF_ADDRESS_TEXT bytes: "127.0.0.1:80", "[::1]:80", "[fe80::1%2]:80",
// "unix:/path", "unix:".
void wf_address_text(const struct wf_address *address, char *text);

#endif
