// SPDX-License-Identifier: MIT
// mode.c - MODE of a room: what may be said there, who may come in, who may do what.
//
// A command is a row of letters, each done by itself: one that is not known or not allowed is told,
// and the others are done. What has really changed is put together and told to the room at the end,
// in one line, or in as many as it takes: masks grow when they are completed, and who is told less
// than what has changed takes the room for another than it is.
#include "chat/irc/mode.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/irc/era.h"
#include "chat/irc/handlers.h"
#include "chat/irc/limits.h"

// ---- what has changed ----------------------------------------------------------------------

static void tell_change(struct mode_change *c)
{
    struct session *s = c->s;
    struct room *room = c->room;
    char text[sizeof c->letters + sizeof c->values];
    if (!*c->letters)
        return;
    (void)snprintf(text, sizeof text, "%s%s", c->letters, c->values);
    if (strpbrk(c->letters, "ik"))
        era_follow(s->irc, room); // of which this is already
    struct event e = event_in(room, EVENT_MODE, &s->user);
    e.text = text;
    room_tell(room, &e, NULL, 0);
    if (!member_find(room, &s->user)) // an operator of the server, from outside
        session_deliver(&s->user, &e);
    event_end(&e);
    c->sign = c->letters[0] = c->values[0] = '\0';
}

// Whether one more fits behind ":source MODE #room ". The first does: nothing is as long as that.
static bool has_room(const struct mode_change *c, const char *value)
{
    size_t before = strlen(c->s->user.source) + strlen(c->room->name) + sizeof ": MODE  " - 1;
    size_t more = sizeof "+b" - 1 + (value ? 1 + strlen(value) : 0);
    return before + strlen(c->letters) + strlen(c->values) + more <= LINE_BODY_MAX;
}

void mode_note(struct mode_change *c, char letter, const char *value)
{
    char sign = c->on ? '+' : '-';
    if (!has_room(c, value))
        tell_change(c);
    size_t size = strlen(c->letters);
    if (c->sign != sign)
        c->letters[size++] = c->sign = sign;
    c->letters[size++] = letter;
    c->letters[size] = '\0';
    if (value) {
        size = strlen(c->values);
        (void)snprintf(c->values + size, sizeof c->values - size, " %s", value);
    }
}

// ---- rights --------------------------------------------------------------------------------

// Of who asks. An operator of the server stands above all ranks.
static unsigned rank_of(const struct mode_change *c)
{
    bool above = c->s->user.modes & USER_OPERATOR;
    return above ? 1u << RANKS : member_rank(c->member);
}

bool mode_allowed(struct mode_change *c, unsigned rank)
{
    if (rank_of(c) >= rank)
        return true;
    if (!c->refused)
        reply(c->s, ERR_CHANOPRIVSNEEDED, "%s :You're not channel operator", c->room->name);
    c->refused = true;
    return false;
}

// ---- letters without value, and with one ---------------------------------------------------

static void set_flag(struct mode_change *c, char letter, unsigned flag)
{
    if (!mode_allowed(c, RANK_OP) || !(c->room->modes & flag) != c->on)
        return;
    c->room->modes ^= flag;
    mode_note(c, letter, NULL);
}

static bool key_is_valid(const char *key)
{
    size_t size = strlen(key);
    return size > 0 && size <= LIMIT_KEY && *key != ':' && !strpbrk(key, " ,");
}

static void set_key(struct mode_change *c, const char *value)
{
    struct room *room = c->room;
    if ((c->on && !value) || !mode_allowed(c, RANK_OP))
        return;
    if (c->on && !key_is_valid(value)) {
        reply(c->s, ERR_INVALIDMODEPARAM, "%s k * :Not a key", room->name);
        return;
    }
    if (c->on ? strcmp(room->key, value) == 0 : !*room->key)
        return;
    (void)snprintf(room->key, sizeof room->key, "%s", c->on ? value : "");
    mode_note(c, 'k', c->on ? value : "*");
}

static void set_limit(struct mode_change *c, char *value)
{
    struct room *room = c->room;
    char *end, text[24];
    if ((c->on && !value) || !mode_allowed(c, RANK_OP))
        return;
    errno = 0;
    long limit = c->on ? strtol(value, &end, 10) : 0;
    if (c->on && (limit <= 0 || errno != 0 || *end)) {
        reply(c->s, ERR_INVALIDMODEPARAM, "%s l %s :Not a limit", room->name, shown(value));
        return;
    }
    if (room->limit == (size_t)limit)
        return;
    room->limit = (size_t)limit;
    (void)snprintf(text, sizeof text, "%ld", limit);
    mode_note(c, 'l', c->on ? text : NULL);
}

// ---- the letters ---------------------------------------------------------------------------

// The bit of a letter in a row of letters, or 0.
static unsigned bit_of(const char *letters, char letter)
{
    const char *at = strchr(letters, letter);
    return at ? 1u << (at - letters) : 0;
}

static bool takes_value(char letter, bool on)
{
    return strchr(RANK_LETTERS ROOM_LIST_LETTERS "k", letter) || (letter == 'l' && on);
}

// As much as fits behind the first `size` bytes; how many there are then.
static size_t put(char out[LINE_BODY_MAX + 1], size_t size, const char *text, size_t length)
{
    size_t room = LINE_BODY_MAX - size;
    length = length < room ? length : room;
    memcpy(out + size, text, length);
    out[size + length] = '\0';
    return size + length;
}

void mode_hide_key(const char *text, char out[LINE_BODY_MAX + 1])
{
    size_t letters = strcspn(text, " "), size = put(out, 0, text, letters);
    const char *value = text + letters;
    bool on = true;
    for (size_t i = 0; i < letters; i++) {
        if (text[i] == '+' || text[i] == '-')
            on = text[i] == '+';
        if (!*value || !takes_value(text[i], on))
            continue;
        size_t length = 1 + strcspn(value + 1, " ");
        size = text[i] == 'k' ? put(out, size, " *", 2) : put(out, size, value, length);
        value += length;
    }
}

// As a letter may stand in an answer.
static char letter_shown(char letter)
{
    bool plain = letter > ' ' && letter < 0x7F && letter != ':';
    return (char)(plain ? letter : '?');
}

static void change(struct mode_change *c, char letter, char *value)
{
    unsigned flag = bit_of(ROOM_LETTERS, letter), rank = bit_of(RANK_LETTERS, letter);
    const char *list = strchr(ROOM_LIST_LETTERS, letter);
    if (flag)
        set_flag(c, letter, flag);
    else if (rank)
        mode_set_rank(c, letter, rank, value);
    else if (list)
        mode_set_list(c, (enum room_list)(list - ROOM_LIST_LETTERS), value);
    else if (letter == 'k')
        set_key(c, value);
    else if (letter == 'l')
        set_limit(c, value);
    else
        reply(c->s, ERR_UNKNOWNMODE, "%c :is unknown mode char to me", letter_shown(letter));
}

static bool is_known(char letter)
{
    return strchr(ROOM_LETTERS RANK_LETTERS ROOM_LIST_LETTERS "kl", letter) != NULL;
}

// Whether this letter, or one that is shown as it is, stands before `end` as well.
static bool was_before(const char *letters, const char *end, char letter)
{
    while (letters < end && letter_shown(*letters) != letter_shown(letter))
        letters++;
    return letters < end;
}

static void change_all(struct mode_change *c, const struct line *line)
{
    int next = 2, values = 0;
    for (const char *at = line->params[1]; *at; at++) {
        if (*at == '+' || *at == '-') {
            c->on = *at == '+';
            continue;
        }
        if (!is_known(*at) && was_before(line->params[1], at, *at))
            continue; // to be told once is enough: a line of letters would be five hundred answers
        char *value = NULL;
        if (takes_value(*at, c->on) && next < line->count)
            value = line->params[next++];
        if (!value || ++values <= LIMIT_MODES)
            change(c, *at, value);
    }
}

// ---- what they are -------------------------------------------------------------------------

static void show(struct session *s, const struct room *room, const struct member *member)
{
    char letters[32] = "+", values[LIMIT_KEY + 32] = "";
    size_t size = 1;
    for (const char *at = "CTiklmnst"; *at; at++)
        if ((room->modes & bit_of(ROOM_LETTERS, *at)) || (*at == 'k' && *room->key) ||
            (*at == 'l' && room->limit > 0))
            letters[size++] = *at;
    letters[size] = '\0';
    if (*room->key)
        (void)snprintf(values, sizeof values, " %s", member ? room->key : "*");
    size = strlen(values);
    if (room->limit > 0)
        (void)snprintf(values + size, sizeof values - size, " %zu", room->limit);
    reply(s, RPL_CHANNELMODEIS, "%s %s%s", room->name, letters, values);
    reply(s, RPL_CREATIONTIME, "%s %lld", room->name, (long long)(room->created / 1000));
}

static bool only_lists(const struct line *line)
{
    const char *letters = line->params[1];
    return line->count == 2 && letters[strspn(letters, "+" ROOM_LIST_LETTERS)] == '\0';
}

static void of_room(struct session *s, const struct line *line)
{
    struct room *room = room_find(s->irc->hub, line->params[0]);
    if (!room) {
        reply(s, ERR_NOSUCHCHANNEL, "%s :No such channel", shown(line->params[0]));
        return;
    }
    struct mode_change c = {.s = s, .room = room, .on = true};
    c.member = member_find(room, &s->user);
    bool asks = line->count == 1 || only_lists(line);
    bool outside = !c.member && !(s->user.modes & USER_OPERATOR);
    if (outside && !(asks && room_is_visible(room, &s->user))) {
        reply(s, ERR_NOTONCHANNEL, "%s :You're not on that channel", room->name);
    } else if (line->count == 1) {
        show(s, room, c.member);
    } else {
        change_all(&c, line);
        tell_change(&c);
    }
}

void on_mode(struct session *s, const struct line *line)
{
    if (*line->params[0] == '#')
        of_room(s, line);
    else
        mode_of_user(s, line);
}
