// SPDX-License-Identifier: MIT
// lobby.c - see lobby.h.
#include "chat/plain/lobby.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/address.h"
#include "chat/hub/event.h"
#include "chat/text.h"

enum { MESSAGE_MAX = 380, PIECE = 256 }; // bytes of one message; converted at once

struct lobby_guest {
    struct user user; // first
    struct client *client;
    struct text text; // half a character
    char *held;       // a message without its end; only while there is one
    size_t size;
    bool expelled;
    char *why; // as others are told. Owned; NULL: it was not, or there was no memory
};

// ---- to a plain client ---------------------------------------------------------------------

static void deliver(struct user *user, struct event *e);

static void expel(struct user *user, const char *reason)
{
    struct lobby_guest *guest = (struct lobby_guest *)user;
    guest->expelled = true;
    (void)user_set_text(&guest->why, reason); // without memory: the usual one
    weft_cancel(guest->client->task);         // itself it is told nothing: it has no words for it
}

static const struct outlet plain_outlet = {.deliver = deliver, .expel = expel};

static size_t span(const char *text, const char *end, const char *of, size_t most)
{
    size_t size = 0;
    while (text + size < end && size < most && text[size] && strchr(of, text[size]))
        size++;
    return size;
}

// How many bytes here are no text: a control character, which a terminal would obey; a colour of
// IRC's (modern.ircdocs.horse/formatting) with its numbers; the mark of a line that goes on.
static size_t unshown(const char *text, const char *end)
{
    static const char digits[] = "0123456789", hex[] = "0123456789abcdefABCDEF";
    unsigned char c = (unsigned char)*text;
    size_t size = 1;
    if (c == 0xC2 && end - text > 1 && (unsigned char)text[1] < 0xA0)
        return 2; // U+0080 to U+009F
    if ((c >= ' ' && c != 0x7F) || c == '\t')
        return 0;
    if (c == 3 && (size += span(text + 1, end, digits, 2)) > 1 && span(text + size, end, ",", 1)) {
        size_t ground = span(text + size + 1, end, digits, 2);
        size += ground > 0 ? 1 + ground : 0;
    }
    return c == 4 && span(text + 1, end, hex, 6) == 6 ? 7 : size;
}

// One line, of `size` bytes, with who says it in front; nothing of one that has no words.
static size_t word_line(char *out, const struct event *e, const char *text, size_t size)
{
    static const char action[] = "\001ACTION ";
    const char *end = text + size;
    bool acts = strncmp(text, action, sizeof action - 1) == 0; // no line ends within it
    if (acts)
        text += sizeof action - 1;
    const char *ctcp = memchr(text, '\001', (size_t)(end - text));
    if (ctcp)
        end = ctcp;
    if (text == end)
        return 0;
    const char *name = e->from->name;
    char *at = out + sprintf(out, acts ? "* %s " : e->room ? "<%s> " : "*%s* ", name);
    while (text < end) {
        size_t skip = unshown(text, end);
        if (skip == 0)
            *at++ = *text;
        text += skip > 0 ? skip : 1;
    }
    *at++ = '\n';
    return (size_t)(at - out);
}

// "<nick> text" for each line, and "*nick* text" of what was said to this client alone, as weft
// join writes it into a pipe: nobody's words stand there without his name. NULL: no memory.
static char *word_lines(const struct event *e, size_t *size)
{
    static const char ends[] = {LINE_BREAK, '\0'};
    size_t lines = 1, length;
    const char *text = e->text;
    for (const char *c = text; *c; c++)
        lines += *c == LINE_BREAK;
    char *out = malloc(strlen(text) + lines * (NICK_MAX + sizeof "<> \n"));
    *size = 0;
    for (bool more = out; more; text += length + 1) {
        length = strcspn(text, ends);
        *size += word_line(out + *size, e, text, length);
        more = text[length];
    }
    return out;
}

// Worded for the first plain client that hears it. NULL: no memory.
static const struct event_form *form_of(struct event *e)
{
    static const unsigned key = 1u << 31; // beside IRC's, which are sets of capabilities
    const struct event_form *form = event_form_find(e, key);
    size_t size;
    char *lines = form ? NULL : word_lines(e, &size);
    return lines ? event_form_add(e, key, lines, size) : form;
}

// What another plain client said is there already, byte for byte.
static void deliver(struct user *user, struct event *e)
{
    bool text = e->kind == EVENT_MESSAGE || e->kind == EVENT_NOTICE;
    if (!text || !e->from || e->from->outlet == &plain_outlet)
        return;
    const struct event_form *form = form_of(e);
    if (!form)
        return; // without memory this client misses it
    struct client *client = ((struct lobby_guest *)user)->client;
    if (form->size > 0 && weft_post(client->conn, form->bytes, form->size) < 0)
        crowd_drop(client, -ENOBUFS);
    else
        client->crowd->lines.out += (uint64_t)form->size;
}

// ---- from a plain client -------------------------------------------------------------------

static bool takes(const struct room *room, const struct lobby_guest *guest)
{
    bool refused = (room->modes & ROOM_NO_CTCP) && event_has_ctcp(guest->held);
    return !refused && !room_mutes(room, &guest->user);
}

static void say(struct lobby_guest *guest)
{
    struct room *room = room_find(guest->user.hub, LOBBY_ROOM);
    guest->held[guest->size] = '\0';
    if (room && !takes(room, guest))
        guest->size = 0; // a plain client has no words for why
    if (guest->size == 0 || !room)
        return;
    guest->user.spoke = guest->user.hub->now(guest->user.hub);
    struct event e = event_in(room, EVENT_MESSAGE, &guest->user);
    e.text = guest->held;
    guest->size = 0;
    room_tell(room, &e, &guest->user, 0);
    event_end(&e);
    guest->user.hub->messages++;
}

static void give_back(struct lobby_guest *guest)
{
    if (guest->size > 0)
        return;
    free(guest->held);
    guest->held = NULL;
}

// One byte of a message that is UTF-8; controls that a line of IRC cannot have become spaces.
static void add(struct lobby_guest *guest, char c)
{
    if (c == '\n') {
        say(guest);
        return;
    }
    if (c == '\r')
        return;
    if (guest->size >= MESSAGE_MAX && ((unsigned char)c & 0xC0) != 0x80)
        say(guest); // it is full, and the next character begins
    if (c == '\0')
        c = ' ';
    guest->held[guest->size++] = c;
}

void lobby_hear(struct lobby_guest *guest, const void *bytes, size_t size)
{
    char text[TEXT_GROWTH * PIECE + TEXT_KEPT];
    const char *from = bytes;
    if (!guest)
        return;
    if (!guest->held && !(guest->held = malloc(MESSAGE_MAX + 5)))
        return; // without memory the others miss it
    while (size > 0) {
        size_t piece = size < PIECE ? size : PIECE;
        size_t length = text_add(&guest->text, from, piece, text);
        for (size_t i = 0; i < length; i++)
            add(guest, text[i]);
        from += piece;
        size -= piece;
    }
    give_back(guest);
}

bool lobby_holds(const struct lobby_guest *guest)
{
    return guest && guest->held;
}

bool lobby_has_expelled(const struct lobby_guest *guest)
{
    return guest && guest->expelled;
}

void lobby_pause(struct lobby_guest *guest)
{
    if (!lobby_holds(guest))
        return;
    say(guest);
    give_back(guest);
}

// ---- in and out ----------------------------------------------------------------------------

bool lobby_open(struct hub *hub)
{
    struct room *room = room_make(hub, LOBBY_ROOM);
    if (!room)
        return false;
    room->kept = true;
    room->modes = ROOM_NO_EXTERNAL | ROOM_TOPIC_LOCK;
    return true;
}

static void tell(struct lobby_guest *guest, enum event_kind kind, const char *text)
{
    struct room *room = room_find(guest->user.hub, LOBBY_ROOM);
    if (!room || !member_find(room, &guest->user))
        return; // it was put out before: the room has heard of its end
    struct event e = event_in(room, kind, &guest->user);
    e.text = text;
    room_tell(room, &e, &guest->user, 0);
    event_end(&e);
}

// Under the first name of plain-1, plain-2, ... that nobody else has taken.
static bool take_name(struct hub *hub, struct lobby_guest *guest)
{
    char name[NICK_MAX + 1];
    int rc = -EEXIST;
    for (long n = guest->client->id; rc == -EEXIST; n += 1000000) {
        (void)snprintf(name, sizeof name, "plain-%ld", n);
        rc = user_enter(hub, &guest->user, name);
    }
    return rc == 0;
}

struct lobby_guest *lobby_enter(struct hub *hub, struct client *client)
{
    struct lobby_guest *guest = malloc(sizeof *guest);
    struct room *room = room_find(hub, LOBBY_ROOM);
    if (!guest)
        return NULL;
    *guest = (struct lobby_guest){.client = client};
    guest->user.outlet = &plain_outlet;
    (void)snprintf(guest->user.login, sizeof guest->user.login, "~plain");
    char host[HOST_MAX + 1];
    address_host(weft_peer(client->conn), host, sizeof host);
    user_set_host(&guest->user, host);
    if (!take_name(hub, guest)) {
        free(guest);
        return NULL;
    }
    if (!room || !room_enter(room, &guest->user, 0)) {
        user_leave(&guest->user);
        user_release(&guest->user);
        free(guest);
        return NULL;
    }
    tell(guest, EVENT_JOIN, guest->user.name);
    return guest;
}

void lobby_leave(struct lobby_guest **lobby_guest)
{
    struct lobby_guest *guest = *lobby_guest;
    if (!guest)
        return;
    lobby_pause(guest);
    tell(guest, EVENT_QUIT, guest->why ? guest->why : "Connection closed");
    user_leave(&guest->user);
    user_release(&guest->user);
    free(guest->why);
    free(guest);
    *lobby_guest = NULL;
}
