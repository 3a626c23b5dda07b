// SPDX-License-Identifier: MIT
// who.c - WHO: a line for each of those in a room, or whom a mask fits; and WHOX, which chooses the
// fields.
#include <stdio.h>
#include <string.h>

#include "chat/irc/handlers.h"

enum { MASK_SHOWN = 300 }; // of a mask, by which the client knows the end: it fits into the line

static const char all_fields[] = "tcuihsnfdlaor"; // of WHOX, in the order of its answer

struct who {
    struct session *s;
    const char *mask;
    const char *fields; // behind '%'; NULL: the usual line
    const char *token;  // of WHOX; "0": none
    bool operators;     // only those
};

// ---- lines ---------------------------------------------------------------------------------

static const char *flags_of(const struct who *w, const struct user *user, const struct member *m,
                            char out[16])
{
    char ranks[RANKS + 1] = "";
    if (m)
        (void)rank_prefixes(m->ranks, w->s->caps & CAP_MULTI_PREFIX, ranks);
    (void)snprintf(out, 16, "%c%s%s%s", user->away ? 'G' : 'H',
                   user->modes & USER_OPERATOR ? "*" : "", user->modes & USER_BOT ? "B" : "",
                   ranks);
    return out;
}

// Its address is for itself and for operators.
static const char *address_of(const struct who *w, const struct user *user)
{
    bool may = user == &w->s->user || (w->s->user.modes & USER_OPERATOR);
    return may ? user->host : "255.255.255.255";
}

// One field of WHOX; `out` has room for what has to be put together.
static const char *field_text(const struct who *w, char field, const struct user *user,
                              const struct member *m, char out[LINE_BODY_MAX])
{
    const struct irc *irc = w->s->irc;
    switch (field) {
    case 't':
        return w->token;
    case 'c':
        return m ? m->room->name : "*";
    case 'u':
        return user->login;
    case 'i':
        return address_of(w, user);
    case 'h':
        return user->host;
    case 's':
        return irc->set.name;
    case 'n':
        return user->name;
    case 'f':
        return flags_of(w, user, m, out);
    case 'd':
        return "0"; // how far away: on this server
    case 'l':
        (void)snprintf(out, LINE_BODY_MAX, "%lld",
                       (long long)(irc->hub->now(irc->hub) - user->spoke) / 1000);
        return out;
    case 'a':
        return "0"; // no account
    case 'o':
        return "n/a";
    default: // 'r', the last of them
        (void)snprintf(out, LINE_BODY_MAX, ":%s", user->real ? user->real : user->name);
        return out;
    }
}

static void send_fields(const struct who *w, const struct user *user, const struct member *m)
{
    char text[LINE_BODY_MAX] = "", room[LINE_BODY_MAX];
    size_t size = 0;
    for (const char *field = all_fields; *field; field++) {
        if (!strchr(w->fields, *field))
            continue;
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", size > 0 ? " " : "",
                                 field_text(w, *field, user, m, room));
        if (size >= sizeof text)
            break; // cannot be: the limits of the fields are less
    }
    reply(w->s, RPL_WHOSPCRPL, "%s", text);
}

static void send_who(const struct who *w, const struct user *user, const struct member *m)
{
    char flags[16];
    if (w->operators && !(user->modes & USER_OPERATOR))
        return;
    if (w->fields)
        send_fields(w, user, m);
    else
        reply(w->s, RPL_WHOREPLY, "%s %s %s %s %s %s :0 %s", m ? m->room->name : "*", user->login,
              user->host, w->s->irc->set.name, user->name, flags_of(w, user, m, flags),
              user->real ? user->real : user->name);
}

// ---- whom ----------------------------------------------------------------------------------

static bool share_a_room(const struct user *a, const struct user *b)
{
    struct member *m;
    TAILQ_FOREACH (m, &a->rooms, of_user) {
        if (member_find(m->room, b))
            return true;
    }
    return false;
}

static bool is_listed(const struct user *user, const struct user *viewer)
{
    return !(user->modes & USER_INVISIBLE) || user == viewer || share_a_room(user, viewer);
}

static bool mask_means(const struct who *w, const struct user *user)
{
    return mask_fits(w->mask, user->name) || mask_fits(w->mask, user->login) ||
           mask_fits(w->mask, user->host) || mask_fits(w->mask, w->s->irc->set.name) ||
           (user->real && mask_fits(w->mask, user->real));
}

static void who_in_room(const struct who *w, const struct room *room)
{
    const struct user *viewer = &w->s->user;
    const struct member *m, *own = member_find(room, viewer);
    if (!room_is_visible(room, viewer))
        return;
    TAILQ_FOREACH (m, &room->members, in_room) {
        if (own || !(m->user->modes & USER_INVISIBLE))
            send_who(w, m->user, m);
    }
}

static void who_by_mask(const struct who *w)
{
    for (struct user *user = w->s->irc->hub->users; user; user = user->hh.next)
        if (is_listed(user, &w->s->user) && mask_means(w, user))
            send_who(w, user, NULL);
}

// Up to three digits. A client knows its answer by them, and they stand in front of all else.
static bool is_token(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= 3 && text[digits] == '\0';
}

// "o", "%fields" or "o%fields,token". Of fields that are none the usual line remains.
static void read_options(struct who *w, char *options)
{
    char *fields = strchr(options, '%');
    w->operators = memchr(options, 'o', fields ? (size_t)(fields - options) : strlen(options));
    if (!fields)
        return;
    char *comma = strchr(fields, ',');
    if (comma)
        *comma = '\0';
    if (strpbrk(fields, all_fields))
        w->fields = fields + 1;
    if (comma && is_token(comma + 1))
        w->token = comma + 1;
}

void on_who(struct session *s, const struct line *line)
{
    const char *mask = line->params[0];
    struct who w = {.s = s, .mask = strcmp(mask, "0") == 0 ? "*" : mask, .token = "0"};
    if (line->count > 1)
        read_options(&w, line->params[1]);
    struct user *user = user_find(s->irc->hub, mask);
    struct room *room = *mask == '#' ? room_find(s->irc->hub, mask) : NULL;
    if (room)
        who_in_room(&w, room);
    else if (user)
        send_who(&w, user, NULL);
    else if (*mask != '#')
        who_by_mask(&w);
    reply(s, RPL_ENDOFWHO, "%s :End of WHO list", shown_up_to(line->params[0], MASK_SHOWN));
}
