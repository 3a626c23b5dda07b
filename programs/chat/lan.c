// SPDX-License-Identifier: MIT
// lan.c - see lan.h.
#include "chat/lan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HOST_ROOM = INET6_ADDRSTRLEN + 2 };

// "[fd00::5]" of one that others can reach; else false.
static bool word_version_6(const struct sockaddr *address, char out[HOST_ROOM])
{
    struct in6_addr ip;
    char text[INET6_ADDRSTRLEN];
    memcpy(&ip, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, sizeof ip);
    if (IN6_IS_ADDR_LINKLOCAL(&ip) || IN6_IS_ADDR_LOOPBACK(&ip) || IN6_IS_ADDR_MULTICAST(&ip))
        return false;
    if (!inet_ntop(AF_INET6, &ip, text, sizeof text))
        return false;
    (void)snprintf(out, HOST_ROOM, "[%s]", text);
    return true;
}

static bool word_version_4(const struct sockaddr *address, char out[HOST_ROOM])
{
    struct in_addr ip;
    memcpy(&ip, &((const struct sockaddr_in *)(const void *)address)->sin_addr, sizeof ip);
    return inet_ntop(AF_INET, &ip, out, HOST_ROOM) != NULL;
}

static const char *add_family(const struct ifaddrs *all, int family, struct setting_list *to)
{
    char host[HOST_ROOM];
    const char *wrong = NULL;
    for (const struct ifaddrs *i = all; i && !wrong; i = i->ifa_next) {
        bool usable = i->ifa_addr && i->ifa_addr->sa_family == family && (i->ifa_flags & IFF_UP) &&
                      !(i->ifa_flags & IFF_LOOPBACK);
        if (usable && (family == AF_INET ? word_version_4 : word_version_6)(i->ifa_addr, host))
            wrong = kind_hosts.read(host, to);
    }
    return wrong;
}

const char *lan_add_addresses(struct setting_list *to)
{
    struct ifaddrs *all;
    if (getifaddrs(&all) < 0)
        return "the addresses of this machine cannot be found out";
    const char *wrong = add_family(all, AF_INET, to);
    if (!wrong)
        wrong = add_family(all, AF_INET6, to);
    freeifaddrs(all);
    return wrong;
}

const char *lan_add_hosts(struct setting_list *to)
{
    char name[65], local[80];
    const char *wrong = lan_add_addresses(to);
    if (wrong || gethostname(name, sizeof name - 1) < 0)
        return wrong;
    name[sizeof name - 1] = '\0';
    (void)snprintf(local, sizeof local, "%s.local", name);
    (void)kind_hosts.read(name, to); // one that is no name of a host cannot be asked for either
    (void)kind_hosts.read(local, to);
    return NULL;
}

void lan_make_password(char out[LAN_PASSWORD])
{
    // 16 consonants and 4 vowels: 6 bits a syllable. None of them looks or sounds like another.
    static const char consonants[] = "bdfghjklmnprstvz", vowels[] = "aiou";
    for (int i = 0; i < 8; i++) {
        *out++ = consonants[randombytes_uniform(16)];
        *out++ = vowels[randombytes_uniform(4)];
        if (i % 2 == 1)
            *out++ = i < 7 ? '-' : '\0';
    }
}
