// SPDX-License-Identifier: MIT
// origin.c - see origin.h.
//
// The address that the connection came to is a host that we know: a browser that names a number has
// not asked a name server, so nothing was rebound. A request without Host (HTTP/1.0) or without
// Origin comes from no page: browsers send both, and whoever is no browser can send what he likes.
#include "chat/web/origin.h"

#include <string.h>

static const char *const own_names[] = {"localhost", "127.0.0.1", "[::1]", NULL};

static bool is_any(const char *rule)
{
    return strcmp(rule, "*") == 0;
}

// A rule is "name" or "name:port".
static bool host_fits(struct host host, const char *rule)
{
    struct host allowed;
    if (!host_parse(text_of(rule), &allowed) || !text_same(host.name, allowed.name))
        return false;
    return allowed.port < 0 || allowed.port == host.port;
}

static bool host_in(struct host host, const char *const *rules)
{
    for (; rules && *rules; rules++)
        if (is_any(*rules) || host_fits(host, *rules))
            return true;
    return false;
}

static bool is_local(struct host host, const char *local)
{
    struct host own;
    return host_parse(text_of(local), &own) && text_same(host.name, own.name);
}

static bool host_is_ours(const struct origin_rules *rules, struct host host, const char *local)
{
    return host_in(host, own_names) || host_in(host, rules->hosts) || is_local(host, local);
}

// "scheme://host[:port]", with the scheme's own port if none is named.
static bool origin_parse(struct http_text text, struct host *host, int *default_port)
{
    static const struct {
        const char *scheme;
        int port;
    } schemes[] = {{"http://", 80}, {"https://", 443}};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t n = strlen(schemes[i].scheme);
        if (text.size <= n || !text_is((struct http_text){text.at, n}, schemes[i].scheme))
            continue;
        *default_port = schemes[i].port;
        return host_parse((struct http_text){text.at + n, text.size - n}, host);
    }
    return false;
}

static int port_or(int port, int otherwise)
{
    return port < 0 ? otherwise : port;
}

// The page came from where the request goes. A proxy that ends TLS passes on a Host without a port:
// then the port is the one of the page's scheme.
static bool same_place(struct host page, struct host host, int default_port)
{
    return text_same(page.name, host.name) &&
           port_or(page.port, default_port) == port_or(host.port, default_port);
}

static bool origin_in(struct http_text origin, const char *const *rules)
{
    for (; rules && *rules; rules++)
        if (is_any(*rules) || text_is(origin, *rules))
            return true;
    return false;
}

static bool origin_is_fine(const struct origin_rules *rules, struct http_text origin,
                           struct http_text host_text)
{
    struct host page, host;
    int default_port;
    if (!origin_parse(origin, &page, &default_port))
        return false; // null too: a sandboxed frame, a file, a data: URL. It could be anybody's
    if (origin_in(origin, rules->origins))
        return true;
    return host_parse(host_text, &host) && same_place(page, host, default_port);
}

static bool is_loopback(struct http_text name)
{
    for (size_t i = 0; own_names[i]; i++)
        if (text_is(name, own_names[i]))
            return true;
    return false;
}

bool origin_is_near(const struct http_request *r, const char *peer)
{
    static const char *const passed_on[] = {"Forwarded", "X-Forwarded-For", "X-Real-IP", "Via",
                                            NULL};
    struct host there, host;
    bool is_unix = strncmp(peer, "unix:", 5) == 0;
    for (size_t i = 0; passed_on[i]; i++)
        if (http_count(r, passed_on[i]) > 0)
            return false;
    if (!is_unix && !(host_parse(text_of(peer), &there) && is_loopback(there.name)))
        return false;
    return host_parse(r->host, &host) && is_loopback(host.name);
}

const char *origin_refusal(const struct origin_rules *rules, const struct http_request *r,
                           const char *local)
{
    struct host host;
    if (r->host.size > 0 && host_parse(r->host, &host) && !host_is_ours(rules, host, local))
        return "this server is not known by the name in Host: see the setting web.hosts";
    if (http_count(r, "Origin") == 0)
        return NULL;
    if (!origin_is_fine(rules, http_field(r, "Origin"), r->host))
        return "pages of this Origin may not speak to this server: see the setting web.origins";
    return NULL;
}
