// SPDX-License-Identifier: MIT
// where.c - see where.h.
#include "chat/join/where.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { IRC_PORT = 6667, IRC_TLS_PORT = 6697 };
static const char page_password[] = "password=", room_key[] = "key=";
static const char no_url[] = "is not a URL of a chat server";

enum scheme { NO_SCHEME, IRC, IRCS, HTTP, HTTPS };

static const struct {
    const char *prefix;
    enum scheme scheme;
} schemes[] = {{"irc://", IRC}, {"ircs://", IRCS}, {"http://", HTTP}, {"https://", HTTPS}};

static enum scheme take_scheme(const char **text)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t size = strlen(schemes[i].prefix);
        if (strncasecmp(*text, schemes[i].prefix, size) == 0) {
            *text += size;
            return schemes[i].scheme;
        }
    }
    return NO_SCHEME;
}

static int digit(char c)
{
    const char *digits = "0123456789abcdef", *at;
    if (c >= 'A' && c <= 'F')
        c = (char)(c + ('a' - 'A'));
    at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

// A part of a URL with its %XX made bytes. False: too long, or not fit for a line of IRC.
static bool take_word(char out[WHERE_WORD], const char *from, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < size && n < WHERE_WORD - 1; i++) {
        int c = (unsigned char)from[i];
        if (c == '%' && i + 2 < size && digit(from[i + 1]) >= 0 && digit(from[i + 2]) >= 0) {
            c = digit(from[i + 1]) * 16 + digit(from[i + 2]);
            i += 2;
        }
        if (c <= ' ' || c == 0x7F)
            return false;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return n < WHERE_WORD - 1;
}

// "nick:password@" in front of the host.
static bool take_user(struct where *w, const char **text, const char *end)
{
    const char *at = memchr(*text, '@', (size_t)(end - *text));
    if (!at)
        return true;
    const char *colon = memchr(*text, ':', (size_t)(at - *text));
    const char *nick_end = colon ? colon : at;
    bool fits = take_word(w->nick, *text, (size_t)(nick_end - *text));
    if (fits && colon)
        fits = take_word(w->password, colon + 1, (size_t)(at - colon - 1));
    *text = at + 1;
    return fits;
}

// `bare`: without the '#' that it begins with.
static bool put_room(struct where *w, const char *from, size_t size, bool bare)
{
    char word[WHERE_WORD];
    size_t most = strcspn(from, ",?");
    if (!take_word(word, from, size < most ? size : most) || strchr(word, ','))
        return false;
    if (strcmp(word, bare ? "" : "#") == 0)
        return true;
    return snprintf(w->room, sizeof w->room, "%s%s", bare ? "#" : "", word) < (int)sizeof w->room;
}

// Behind the '#' of a page: "room", "password=WORD", which is in the links that `weft serve --lan`
// prints, or both with a '&' between them. A room's name may have a '&' too.
static bool take_fragment(struct where *w, const char *text)
{
    size_t length = strlen(page_password);
    const char *word = text, *room = text, *mark;
    while (strncmp(word, page_password, length) != 0) {
        if (!(mark = strchr(word, '&')))
            return put_room(w, room, strlen(room), strncmp(room, "%23", 3) != 0);
        word = mark + 1;
    }
    size_t before = word > text ? (size_t)(word - text) - 1 : 0;
    size_t size = strcspn(word + length, "&");
    const char *behind = word + length + size;
    if (before == 0)
        room = behind + (*behind == '&');
    return take_word(w->password, word + length, size) &&
           put_room(w, room, before > 0 ? before : strlen(room), strncmp(room, "%23", 3) != 0);
}

// Behind the '?': "key=WORD". Whoever wrote anything else there wants what would not be done.
static const char *take_query(struct where *w, const char *text)
{
    size_t size, name = strlen(room_key);
    for (; *text; text += size + (text[size] == '&')) {
        size = strcspn(text, "&");
        if (size > 0 && strncmp(text, room_key, name) != 0)
            return "asks for more than a room's key (?key=WORD)";
        if (size > 0 && !take_word(w->key, text + name, size - name))
            return no_url;
    }
    // A comma would make two keys of it, and a colon in front would not be part of it.
    return *w->key == ':' || strchr(w->key, ',') ? "has a key that no room can have" : NULL;
}

// Behind the room's name: ",isnick" says that it is none. ",needkey" asks for nothing.
static bool is_person(const char *text, size_t size)
{
    static const char *const words[] = {",isnick", ",isuser"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (const char *at = text; (at = strstr(at, words[i])) && at < text + size; at++)
            if (strcspn(at + 1, ",?") == strlen(words[i]) - 1)
                return true;
    return false;
}

// "/room", "/#room", and "?key=WORD" behind it.
static const char *take_place(struct where *w, const char *text)
{
    size_t size = strcspn(text, "?");
    const char *hash = memchr(text, '#', size), *from = hash ? hash : text + (*text == '/');
    bool bare = *from != '#' && *from != '&' && strncmp(from, "%23", 3) != 0;
    if (is_person(text, size))
        return "names a person, and not a room";
    if (!put_room(w, from, size - (size_t)(from - text), bare))
        return no_url;
    return text[size] ? take_query(w, text + size + 1) : NULL;
}

// Takes a URL apart, but for the "host:port", which is copied to `place`. NULL, or what is wrong.
static const char *take_url(struct where *w, const char *text, enum scheme scheme,
                            char place[CHAT_ADDRESS_MAX])
{
    const char *end = text + strcspn(text, "/?#"), *hash = strchr(end, '#');
    if (!take_user(w, &text, end) || text >= end ||
        snprintf(place, CHAT_ADDRESS_MAX, "%.*s", (int)(end - text), text) >= CHAT_ADDRESS_MAX)
        return no_url;
    if (scheme == IRC || scheme == IRCS)
        return take_place(w, end);
    return !hash || take_fragment(w, hash + 1) ? NULL : no_url;
}

// Whether chat_address_read takes a port from it, and not its default.
static bool has_port(const char *text)
{
    const char *bracket = strrchr(text, ']'), *colon = strchr(text, ':');
    if (*text == '[')
        return bracket && bracket[1] == ':';
    if (colon)
        return !strchr(colon + 1, ':');
    return *text && strspn(text, "0123456789") == strlen(text);
}

static void add_place(struct where *w, bool irc, bool tls, int port)
{
    int usual = !irc ? CHAT_PORT : tls ? IRC_TLS_PORT : IRC_PORT;
    struct place *p = &w->places[w->count++];
    *p = (struct place){.irc = irc, .tls = tls};
    (void)chat_address(p->address, w->host, port > 0 ? port : usual); // it was read before
}

static void choose(struct where *w, const struct asked *asked, enum scheme scheme, int port)
{
    bool secret = scheme == IRCS || scheme == HTTPS;
    bool named = asked->named || *w->nick || *w->password || *w->room || *w->key;
    bool tls = asked->tls || secret || port == IRC_TLS_PORT;
    w->names = *w->nick || *w->password || *w->room || *w->key || secret;
    bool page = scheme == HTTP || scheme == HTTPS;
    bool irc = asked->irc || tls || scheme == IRC || named || port == IRC_PORT;
    if (page)
        port = 0; // it is the page's
    if (asked->plain || irc || port > 0) {
        bool speaks_irc = irc && !asked->plain;
        add_place(w, speaks_irc, speaks_irc && tls, port);
        return;
    }
    bool irc_first = page || asked->terminal;
    add_place(w, irc_first, false, 0);
    add_place(w, !irc_first, false, 0);
}

const char *where_read(struct where *w, const struct asked *asked)
{
    char place[CHAT_ADDRESS_MAX], address[CHAT_ADDRESS_MAX];
    const char *text = asked->server;
    *w = (struct where){.count = 0};
    enum scheme scheme = take_scheme(&text);
    if (scheme != NO_SCHEME) {
        const char *wrong = take_url(w, text, scheme, place);
        if (wrong)
            return wrong;
        text = place;
    }
    if (scheme == NO_SCHEME && strstr(text, "://"))
        return "is not a URL of a chat server: irc://, ircs://, http:// or https://";
    const char *wrong = chat_address_read(address, text);
    if (wrong)
        return wrong;
    int port = chat_address_split(address, w->host);
    choose(w, asked, scheme, has_port(text) ? port : 0);
    return NULL;
}
