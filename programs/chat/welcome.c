// SPDX-License-Identifier: MIT
// welcome.c - see welcome.h.
#include "chat/welcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chat/lan.h"
#include "chat/qr.h"

static const char *reachable(const char *host)
{
    if (strcmp(host, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(host, "::") == 0 ? "::1" : host;
}

// The path of a Unix socket, or NULL.
static const char *unix_path(const struct door *door)
{
    const char *address = weft_listener_address(door->listener);
    return strncmp(address, "unix:", 5) == 0 ? address + 5 : NULL;
}

const char *web_address(const struct door *door, char *out, size_t room)
{
    char host[CHAT_ADDRESS_MAX], address[CHAT_ADDRESS_MAX];
    if (unix_path(door))
        return NULL;
    int port = chat_address_split(weft_listener_address(door->listener), host);
    if (chat_address(address, reachable(host), port))
        return NULL; // what we listen on is an address
    (void)snprintf(out, room, "%s://%s/", door->tls ? "https" : "http", address);
    return out;
}

// ---- each door -----------------------------------------------------------------------------

static void say_plain(struct journal *events, const struct door *door)
{
    char host[CHAT_ADDRESS_MAX], address[CHAT_ADDRESS_MAX];
    journal_line(events, "listening on %s", weft_listener_address(door->listener));
    if (unix_path(door)) {
        journal_line(events, "connect with: nc -U %s", unix_path(door));
        return;
    }
    int port = chat_address_split(weft_listener_address(door->listener), host);
    const char *to = reachable(host);
    bool usual = strcmp(to, CHAT_HOST) == 0 && port == CHAT_PORT;
    if (chat_address(address, to, port)) // what we listen on is an address
        return;
    journal_line(events, "connect with: weft join%s%s, or: nc %s %d", usual ? "" : " ",
                 usual ? "" : address, to, port);
}

static void say_irc(struct journal *events, const struct door *door)
{
    char host[CHAT_ADDRESS_MAX];
    journal_line(events, "listening on %s for IRC%s", weft_listener_address(door->listener),
                 door->tls ? " with TLS" : "");
    if (unix_path(door))
        return;
    int port = chat_address_split(weft_listener_address(door->listener), host);
    journal_line(events, "connect with any IRC client%s: %s %d", door->tls ? " over TLS" : "",
                 reachable(host), port);
}

static void say_web(struct journal *events, const struct door *door, const char *address)
{
    if (address)
        journal_line(events, "open in a browser: %s", address);
    else
        journal_line(events, "listening on %s for HTTP", weft_listener_address(door->listener));
}

// ---- for the whole network -----------------------------------------------------------------

// A code is for eyes: a log has no use for it.
static void show_code(struct journal *events, const char *url)
{
    char *code = isatty(events->fd) == 1 ? qr_text(url) : NULL;
    if (code)
        journal_text(events, code, strlen(code));
    free(code);
}

// Whether this address of ours, "192.168.1.5" or "[fd00::5]", leads to the door.
static bool leads_to(const char *host, const struct door *door)
{
    char own[CHAT_ADDRESS_MAX], at[CHAT_ADDRESS_MAX];
    if (!door->listener || unix_path(door))
        return false;
    (void)chat_address_split(weft_listener_address(door->listener), own);
    bool v6 = *host == '[';
    if (strcmp(own, "0.0.0.0") == 0)
        return !v6;
    (void)snprintf(at, sizeof at, strchr(own, ':') ? "[%s]" : "%s", own);
    return strcmp(own, "::") == 0 || strcmp(at, host) == 0;
}

static void say_urls(const struct house *house, const struct setting_list *hosts)
{
    const struct server *s = house->server;
    struct journal *events = &house->server->events;
    const struct door *web = &house->doors[DOOR_WEB];
    const char *made = house->set->irc.password ? "" : s->made_password;
    char host[CHAT_ADDRESS_MAX], url[CHAT_ADDRESS_MAX];
    int port = chat_address_split(weft_listener_address(web->listener), host);
    size_t said = 0;
    for (size_t i = 0; i < hosts->count; i++) {
        if (!leads_to(hosts->items[i], web))
            continue;
        (void)snprintf(url, sizeof url, "%s://%s:%d/%s%s", web->tls ? "https" : "http",
                       hosts->items[i], port, *made ? "#password=" : "", made);
        journal_line(events, "on this network: %s", url);
        if (said++ == 0)
            show_code(events, url);
    }
    if (hosts->count == 0)
        journal_line(events, "this machine has no address that others could reach");
    else if (said == 0)
        journal_line(events, "nobody on this network can reach the page: it is on %s only", host);
}

static void say_irc_on_lan(const struct house *house, const struct setting_list *hosts)
{
    char host[CHAT_ADDRESS_MAX];
    for (int i = DOOR_IRC; i <= DOOR_IRCS; i++) {
        const struct door *door = &house->doors[i];
        size_t first = 0;
        while (first < hosts->count && !leads_to(hosts->items[first], door))
            first++;
        if (first == hosts->count)
            continue;
        int port = chat_address_split(weft_listener_address(door->listener), host);
        journal_line(&house->server->events, "on this network, by IRC%s: %s %d",
                     door->tls ? " over TLS" : "", hosts->items[first], port);
    }
}

// Whether others than this machine can reach it.
static bool is_on_lan(const struct door *door)
{
    char host[CHAT_ADDRESS_MAX];
    if (!door->listener || unix_path(door))
        return false;
    (void)chat_address_split(weft_listener_address(door->listener), host);
    return strncmp(host, "127.", 4) != 0 && strcmp(host, "::1") != 0;
}

static bool is_any_on_lan(const struct house *house, bool tls_too)
{
    for (int i = 0; i < DOORS; i++)
        if (is_on_lan(&house->doors[i]) && (tls_too || !house->doors[i].tls))
            return true;
    return false;
}

static void warn_of_lan(const struct house *house)
{
    struct journal *events = &house->server->events;
    bool guarded = house->set->irc.password || *house->server->made_password;
    if (!guarded && is_any_on_lan(house, true))
        journal_line(events, "warning: no password: whoever is on this network can come in");
    if (is_any_on_lan(house, false))
        journal_line(events, "warning: no TLS%s: whoever is on this network can read along",
                     house->tls ? " on every door" : "");
}

static void say_lan(const struct house *house)
{
    struct journal *events = &house->server->events;
    struct setting_list hosts = {0};
    const char *wrong = lan_add_addresses(&hosts);
    if (wrong)
        journal_line(events, "%s", wrong);
    else if (house->doors[DOOR_WEB].listener && !unix_path(&house->doors[DOOR_WEB]))
        say_urls(house, &hosts);
    else if (!is_any_on_lan(house, true))
        journal_line(events, "nobody on this network can come in: no door is open to others");
    say_irc_on_lan(house, &hosts);
    kind_hosts.release(&hosts);
    if (!house->set->irc.password && *house->server->made_password)
        journal_line(events, "password: %s", house->server->made_password);
    warn_of_lan(house);
}

// The same for programs. There is no made password then: settings.c.
static void tell_programs(const struct house *house)
{
    struct journal *events = &house->server->events;
    for (int i = 0; i < DOORS; i++) {
        const struct door *door = &house->doors[i];
        if (door->listener)
            journal_event(events, "listening", log_text("door", door->name),
                          log_text("addr", weft_listener_address(door->listener)),
                          log_text("tls", door->tls ? "yes" : "no"));
    }
    if (house->set->lan)
        warn_of_lan(house);
    if (house->server->gate.rules.most > 0)
        journal_event(events, "clients", log_number("limit", house->server->gate.rules.most));
    if (house->descriptors > 0)
        journal_event(events, "descriptors", log_number("limit", house->descriptors));
}

void print_welcome(const struct house *house)
{
    struct journal *events = &house->server->events;
    const struct door *doors = house->doors;
    if (events->format == LOG_JSON) {
        tell_programs(house);
        return;
    }
    if (doors[DOOR_PLAIN].listener)
        say_plain(events, &doors[DOOR_PLAIN]);
    if (doors[DOOR_IRC].listener)
        say_irc(events, &doors[DOOR_IRC]);
    if (doors[DOOR_IRCS].listener)
        say_irc(events, &doors[DOOR_IRCS]);
    if (doors[DOOR_WEB].listener)
        say_web(events, &doors[DOOR_WEB], house->server->web);
    if (house->set->lan)
        say_lan(house);
    if (house->server->gate.rules.most > 0)
        journal_line(events, "clients limit=%d", house->server->gate.rules.most);
    if (house->descriptors > 0)
        journal_line(events, "descriptors limit=%ld", house->descriptors);
}
