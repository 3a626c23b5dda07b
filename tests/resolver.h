// SPDX-License-Identifier: MIT
// resolver.h - names, as the test wants them: what the resolver answers, or does not. It is the
// test's own: the linker's --wrap (tests/meson.build) leads the library's question here, and a
// machine without network gives the same answers as any.
#ifndef WEFT_TESTS_RESOLVER_H
#define WEFT_TESTS_RESOLVER_H

#include "net_helpers.h"

#include <netdb.h>

static struct {
    int error, system_error; // what it answers
    struct addrinfo *list;
    bool silent; // it waits between the two; to names that begin with "dead" it always does
    atomic_int busy, most; // questions at once: now, and at any time
    atomic_int taken;      // how often it was asked, and has read what it answers
    sem_t asked, answer, answered;
} resolver;

// Named by the linker, which lets __wrap_getaddrinfo take the place of getaddrinfo.
int resolve(const char *host, const char *port, const struct addrinfo *hints,
            struct addrinfo **list) __asm__("__wrap_getaddrinfo");
int real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                     struct addrinfo **list) __asm__("__real_getaddrinfo");

static void count_question(int change)
{
    int now = atomic_fetch_add(&resolver.busy, change) + change;
    int most = atomic_load(&resolver.most);
    while (now > most && !atomic_compare_exchange_weak(&resolver.most, &most, now))
        continue;
}

static void stay_silent(void)
{
    sem_post(&resolver.asked); // from here on the test may prepare other answers
    sem_take(&resolver.answer);
}

int resolve(const char *host, const char *port, const struct addrinfo *hints,
            struct addrinfo **list)
{
    if (hints->ai_flags & AI_NUMERICHOST)
        return real_getaddrinfo(host, port, hints, list);
    bool dead = strncmp(host, "dead", 4) == 0;
    int error = dead ? EAI_NONAME : resolver.error, system_error = resolver.system_error;
    bool silent = dead || resolver.silent;
    *list = dead ? NULL : resolver.list; // freed by who asks
    atomic_fetch_add(&resolver.taken, 1);
    count_question(1);
    if (silent)
        stay_silent();
    count_question(-1);
    if (silent)
        sem_post(&resolver.answered);
    errno = system_error;
    return error;
}

SHARED struct addrinfo *address_of(const char *number, uint16_t port)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char text[8];
    snprintf(text, sizeof text, "%u", port);
    assert_int_equal(real_getaddrinfo(number, text, &hints, &list), 0);
    return list;
}

SHARED uint16_t port_of_nobody(void)
{
    weft_listener *l = weft_listen("127.0.0.1:0");
    uint16_t port = port_of(weft_listener_address(l));
    weft_listener_close(&l);
    return port;
}

// A host with one address more. As real ones are: one after the other, to be freed in one go.
SHARED void resolver_adds(struct addrinfo *one)
{
    struct addrinfo **end = &resolver.list;
    while (*end)
        end = &(*end)->ai_next;
    *end = one;
    resolver.error = 0;
}

// Its addresses are the library's now. Also of one who gave up before the resolver was asked: it
// will be, and must not find the addresses of the next host.
SHARED void host_is_taken(int taken_before)
{
    while (atomic_load(&resolver.taken) == taken_before)
        nap_ms(1);
    resolver.list = NULL;
}

SHARED weft_conn *connect_by_name(weft_time deadline)
{
    int before = atomic_load(&resolver.taken);
    weft_conn *c = weft_connect("some.where:80", deadline);
    host_is_taken(before);
    return c;
}

SHARED void prepare_resolver(void)
{
    sem_init(&resolver.asked, 0, 0);
    sem_init(&resolver.answer, 0, 0);
    sem_init(&resolver.answered, 0, 0);
}

#endif
