// SPDX-License-Identifier: MIT
// where_fuzz.c - any text as the server that a user names to weft join (chat/join/where.h).
//
// The first byte is the options. What is understood is one or two addresses with a port, and words
// that fit into a line of IRC; a password never gets into a place without its being asked for.
#include "fuzz.h"

#include <string.h>

#include "chat/join/where.h"

static bool is_word(const char *text, size_t room)
{
    size_t size = strnlen(text, room);
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7F)
            return false;
    return size < room;
}

static void check_place(const struct place *p, const struct asked *asked)
{
    char host[CHAT_ADDRESS_MAX];
    size_t size = strnlen(p->address, sizeof p->address);
    must(size > 2 && size < sizeof p->address);
    int port = chat_address_split(p->address, host);
    must(port > 0 && port <= 65535 && *host);
    must(!p->tls || p->irc);
    must(!asked->plain || !p->irc);
}

static void check_where(const struct where *w, const struct asked *asked)
{
    must(w->count >= 1 && w->count <= WHERE_PLACES);
    for (int i = 0; i < w->count; i++)
        check_place(&w->places[i], asked);
    must(strnlen(w->host, sizeof w->host) < sizeof w->host);
    must(is_word(w->nick, sizeof w->nick) && is_word(w->password, sizeof w->password));
    must(is_word(w->room, sizeof w->room) && !strchr(w->room, ','));
    must(is_word(w->key, sizeof w->key) && !strchr(w->key, ','));
    bool named = *w->nick || *w->password || *w->room || *w->key;
    must(!named || asked->plain || (w->count == 1 && w->places[0].irc));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *text = malloc(size);
    must(text);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    struct asked asked = {.server = text, .plain = data[0] & 1, .irc = data[0] & 2};
    asked.tls = data[0] & 4;
    asked.named = data[0] & 8;
    asked.terminal = data[0] & 16;
    if (asked.plain) // as its options have it: one of them
        asked.irc = asked.tls = false;
    struct where w;
    const char *wrong = where_read(&w, &asked);
    must(!wrong || *wrong);
    if (!wrong)
        check_where(&w, &asked);
    free(text);
    return 0;
}
