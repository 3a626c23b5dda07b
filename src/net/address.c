// SPDX-License-Identifier: MIT
// address.c - a name lookup blocks and cannot be interrupted, so it runs as a daemon task of its
// own: whoever gives up waiting leaves it behind, and the last of the two frees the lookup.
//
// LOOKUPS run at once, and who comes after them stands in the line of a semaphore, where his
// deadline and a request to stop are obeyed. A task that was left behind keeps its slot until the
// resolver lets it go. So ten thousand connects by name are sixteen threads, and dead names can
// delay others only when there are sixteen of them. They share nothing with weft_block. (We
// thought of a pool: at the end of the program it would wait for names that nobody answers.)
#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <weft/error.h>
#include <weft/pool.h>
#include <weft/sync.h>

#include "core/error.h"
#include "exec/future.h"

enum { HOST_MAX = 255, PORT_MAX = 5, LOOKUPS = 16 };

static weft_sem slots = WEFT_SEM(LOOKUPS);

struct parts {
    char host[HOST_MAX + 1]; // "": every address
    char port[PORT_MAX + 1];
    bool is_number; // in brackets: no name to look up
};

// ---- parse ------------------------------------------------------------------------------

static bool copy_part(char *to, size_t cap, const char *from, size_t length)
{
    if (length >= cap)
        return false;
    memcpy(to, from, length);
    to[length] = '\0';
    return true;
}

static bool parse_port(const char *text, struct parts *parts)
{
    size_t length = strlen(text);
    if (length == 0 || strspn(text, "0123456789") != length ||
        !copy_part(parts->port, sizeof parts->port, text, length))
        return false;
    return strtol(text, NULL, 10) <= UINT16_MAX;
}

// "[v6]:port" or "host:port".
static bool parse(const char *text, struct parts *parts)
{
    const char *host = text;
    const char *end = strrchr(text, ':');
    if (!end || !parse_port(end + 1, parts))
        return false;
    if (text[0] == '[') {
        if (end - text < 3 || end[-1] != ']')
            return false;
        host++;
        end--;
        parts->is_number = true;
    } else if (memchr(text, ':', (size_t)(end - text))) {
        return false; // IPv6 without brackets: nobody knows where it ends
    }
    return copy_part(parts->host, sizeof parts->host, host, (size_t)(end - host));
}

static int bad_address(const char *text)
{
    return weft_fail(-EINVAL,
                     WF_ADDRESS_SHOWN ": not an address: host:port, [v6]:port or unix:/path",
                     text[0] != '\0' ? text : "\"\"");
}

// ---- Unix -------------------------------------------------------------------------------

static int find_unix(const char *text, const char *path, struct wf_addresses *found)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address.sun_path)
        return weft_fail(-EINVAL, WF_ADDRESS_SHOWN ": a socket's path has 1 to %zu bytes", text,
                         sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, length + 1);
    struct wf_address *items = calloc(1, sizeof *items);
    if (!items)
        return weft_fail(-ENOMEM, "%s: out of memory", text);
    memcpy(&items->storage, &address, sizeof address);
    items->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    *found = (struct wf_addresses){items, 1};
    return 0;
}

// ---- look up ----------------------------------------------------------------------------

struct lookup {
    uint32_t refs; // atomic: the one who asks, the one who looks up
    struct parts parts;
    struct addrinfo hints;
    struct addrinfo *list; // NULL or the answer
    int error;             // of getaddrinfo
    int system_error;      // errno behind it; or 0, if nobody set it
};

static void lookup_run(struct lookup *l)
{
    const char *host = l->parts.host[0] != '\0' ? l->parts.host : NULL;
    errno = 0;
    l->error = getaddrinfo(host, l->parts.port, &l->hints, &l->list);
    l->system_error = errno;
    if (l->error != 0)
        l->list = NULL;
}

static void lookup_unref(struct lookup *l)
{
    if (wf_sub(&l->refs, 1, WF_ACQ_REL) > 1)
        return;
    if (l->list)
        freeaddrinfo(l->list);
    free(l);
}

static int look_up(struct lookup *const *arg, weft_none *none)
{
    (void)none;
    lookup_run(*arg);
    lookup_unref(*arg);
    weft_release(&slots, 1);
    return 0;
}
WEFT_TASK(look_up, struct lookup *, weft_none);

// Look up on another thread, and wait no longer than the deadline. 0, or as weft_acquire,
// weft_start, weft_wait.
static int look_up_elsewhere(struct lookup *l, weft_time deadline)
{
    if (wf_is_orphan) { // no tasks here: the deadline has to suffer
        lookup_run(l);
        return 0;
    }
    int rc = weft_acquire(&slots, deadline);
    if (rc < 0)
        return rc;
    (void)wf_add(&l->refs, 1, WF_RELAXED);
    weft_future *f = weft_start_as(
        WEFT_WITH(.kind = WEFT_THREADS, .name = "weft lookup", .daemon = true), look_up, &l);
    if (!f) {
        weft_release(&slots, 1);
        lookup_unref(l);
        return weft_error_code();
    }
    rc = weft_wait(f, deadline);
    weft_drop(&f); // what was started runs to its end, and frees its part
    return rc;
}

// The system refused something, and that is why. glibc has no word for a hosts file that it could
// not open, or a socket that it lacked, and says that there is no such name.
static bool is_by_system(const struct lookup *l)
{
    bool lacks = l->system_error == EMFILE || l->system_error == ENFILE;
    return lacks || (l->error == EAI_SYSTEM && l->system_error > 0);
}

static int lookup_failed(const char *text, const struct lookup *l)
{
    bool by_system = is_by_system(l);
    bool later = l->error == EAI_AGAIN || l->error == EAI_SYSTEM; // some leave errno at 0
    int code = by_system                ? -l->system_error
               : later                  ? -EAGAIN
               : l->error == EAI_MEMORY ? -ENOMEM
                                        : -ENOENT;
    const char *why = code == -ENOENT ? "name not known" : gai_strerror(l->error);
    return weft_fail(code, WF_ADDRESS_SHOWN ": %s", text, by_system ? strerror(-code) : why);
}

static int copy_list(const char *text, const struct addrinfo *list, struct wf_addresses *found)
{
    size_t count = 0;
    for (const struct addrinfo *a = list; a; a = a->ai_next)
        count++;
    struct wf_address *items = calloc(count, sizeof *items);
    if (!items)
        return weft_fail(-ENOMEM, "%s: out of memory", text);
    *found = (struct wf_addresses){items, count};
    for (const struct addrinfo *a = list; a; a = a->ai_next, items++) {
        memcpy(&items->storage, a->ai_addr, a->ai_addrlen);
        items->size = a->ai_addrlen;
    }
    return 0;
}

static int find(const char *text, struct lookup *l, weft_time deadline, struct wf_addresses *found)
{
    int flags = l->hints.ai_flags;
    l->hints.ai_flags = flags | AI_NUMERICHOST; // answers at once
    lookup_run(l);
    if (l->error == EAI_NONAME && l->parts.is_number)
        return bad_address(text);
    if (l->error == EAI_NONAME) {
        l->hints.ai_flags = flags;
        int rc = look_up_elsewhere(l, deadline);
        if (rc < 0)
            return weft_fail(rc, WF_ADDRESS_SHOWN ": looking up the name: %s", text, wf_why(rc));
    }
    return l->error != 0 ? lookup_failed(text, l) : copy_list(text, l->list, found);
}

int wf_addresses_find(const char *text, bool to_listen, weft_time deadline,
                      struct wf_addresses *found)
{
    if (strncmp(text, "unix:", 5) == 0)
        return find_unix(text, text + 5, found);
    struct lookup *l = calloc(1, sizeof *l);
    if (!l)
        return weft_fail(-ENOMEM, "%s: out of memory", text);
    l->refs = 1;
    l->hints = (struct addrinfo){.ai_socktype = SOCK_STREAM,
                                 .ai_flags = AI_NUMERICSERV | (to_listen ? AI_PASSIVE : 0)};
    int rc = parse(text, &l->parts) && (to_listen || l->parts.host[0] != '\0')
                 ? find(text, l, deadline, found)
                 : bad_address(text);
    lookup_unref(l);
    return rc;
}

// ---- as text ----------------------------------------------------------------------------

// An address that is one link's alone is none without that link. By its number: for its name one
// has to ask the system, and may get none.
static void version_6_text(const struct sockaddr_in6 *v6, char *text)
{
    char host[INET6_ADDRSTRLEN] = "?", link[16] = "";
    (void)inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
    if (v6->sin6_scope_id != 0)
        (void)snprintf(link, sizeof link, "%%%u", v6->sin6_scope_id);
    (void)snprintf(text, WF_ADDRESS_TEXT, "[%s%s]:%u", host, link, ntohs(v6->sin6_port));
}

static void version_4_text(const void *ip, in_port_t port, char *text)
{
    char host[INET_ADDRSTRLEN] = "?";
    (void)inet_ntop(AF_INET, ip, host, sizeof host);
    (void)snprintf(text, WF_ADDRESS_TEXT, "%s:%u", host, ntohs(port));
}

void wf_address_text(const struct wf_address *address, char *text)
{
    const void *at = &address->storage;
    if (address->any.sa_family == AF_INET) {
        const struct sockaddr_in *v4 = at;
        version_4_text(&v4->sin_addr, v4->sin_port, text);
    } else if (address->any.sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = at;
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
            version_4_text(v6->sin6_addr.s6_addr + 12, v6->sin6_port, text);
        else
            version_6_text(v6, text);
    } else {
        const struct sockaddr_un *un = at;
        size_t head = offsetof(struct sockaddr_un, sun_path);
        size_t length = address->size > head ? address->size - head : 0;
        (void)snprintf(text, WF_ADDRESS_TEXT, "unix:%.*s", (int)strnlen(un->sun_path, length),
                       un->sun_path);
    }
}
