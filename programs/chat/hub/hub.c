// SPDX-License-Identifier: MIT
// hub.c - see hub.h: the users.
#define _GNU_SOURCE // asprintf
#include "chat/hub/hub.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/hub/event.h"

void hub_init(struct hub *hub, int64_t (*now)(const struct hub *), void *owner)
{
    *hub = (struct hub){.now = now, .owner = owner};
}

void hub_free(struct hub *hub)
{
    struct room *room, *next;
    HASH_ITER (hh, hub->rooms, room, next) {
        room->kept = false;
        room_close_if_empty(hub, room);
    }
}

struct user *user_find(struct hub *hub, const char *name)
{
    char folded[NICK_MAX + 1];
    struct user *user;
    if (strlen(name) > NICK_MAX)
        return NULL;
    name_fold(folded, name);
    HASH_FIND_STR(hub->users, folded, user);
    return user;
}

static char *source_of(const struct user *user, const char *name)
{
    char *source;
    return asprintf(&source, "%s!%s@%s", name, user->login, user->host) < 0 ? NULL : source;
}

static void set_name(struct user *user, const char *name, char *source)
{
    user->source = source;
    (void)snprintf(user->name, sizeof user->name, "%s", name); // a valid one fits
    name_fold(user->folded, user->name);
}

// Into the table. False: out of memory.
static bool put(struct hub *hub, struct user *user)
{
    HASH_ADD_STR(hub->users, folded, user);
    return user->hh.tbl != NULL;
}

static void count_modes(const struct user *user, size_t one)
{
    user->hub->invisible += user->modes & USER_INVISIBLE ? one : 0;
    user->hub->operators += user->modes & USER_OPERATOR ? one : 0;
}

int user_enter(struct hub *hub, struct user *user, const char *name)
{
    if (user_find(hub, name))
        return -EEXIST;
    char *source = source_of(user, name);
    if (!source)
        return -ENOMEM;
    free(user->source);
    set_name(user, name, source);
    if (!put(hub, user))
        return -ENOMEM;
    user->hub = hub;
    user->since = user->spoke = hub->now(hub);
    event_make_id(hub, user->since, user->identity);
    user->present = true;
    TAILQ_INIT(&user->rooms);
    count_modes(user, 1);
    if (HASH_COUNT(hub->users) > hub->most_users)
        hub->most_users = HASH_COUNT(hub->users);
    if (hub->on_presence)
        hub->on_presence(hub, user, true);
    return 0;
}

// 0, or -ENOMEM, and then all is as before; but who cannot even go back is expelled.
static int move(struct user *user, const char *name, char *source)
{
    struct hub *hub = user->hub;
    char old_name[NICK_MAX + 1], *old_source = user->source;
    memcpy(old_name, user->name, sizeof old_name);
    HASH_DEL(hub->users, user);
    set_name(user, name, source);
    if (put(hub, user)) {
        free(old_source);
        return 0;
    }
    set_name(user, old_name, old_source);
    free(source);
    if (!put(hub, user))
        user->outlet->expel(user, "Out of memory");
    return -ENOMEM;
}

int user_rename(struct user *user, const char *name)
{
    struct hub *hub = user->hub;
    struct user *other = user_find(hub, name);
    if (other && other != user)
        return -EEXIST;
    char *source = source_of(user, name);
    if (!source)
        return -ENOMEM;
    bool moves = other != user; // only the case of letters changes, otherwise
    if (moves && hub->on_presence)
        hub->on_presence(hub, user, false);
    int rc = move(user, name, source);
    if (moves && hub->on_presence)
        hub->on_presence(hub, user, true);
    return rc;
}

int user_set_text(char **field, const char *text)
{
    char *copy = text && *text ? strdup(text) : NULL;
    if (text && *text && !copy)
        return -ENOMEM;
    free(*field);
    *field = copy;
    return 0;
}

void user_set_mode(struct user *user, enum user_mode mode, bool on)
{
    if (user->present)
        count_modes(user, (size_t)-1);
    user->modes = on ? user->modes | mode : user->modes & ~(unsigned)mode;
    if (user->present)
        count_modes(user, 1);
}

// An address that begins with ':' would end the parameters of a line of IRC.
void user_set_host(struct user *user, const char *host)
{
    (void)snprintf(user->host, sizeof user->host, "%s%s", *host == ':' ? "0" : "", host);
}

// An invitation names a user by address; where that user is not any more it must not stay.
static void forget_invitations(struct hub *hub, const struct user *user)
{
    for (struct room *room = hub->rooms; room; room = room->hh.next)
        if (!LIST_EMPTY(&room->invitations))
            room_uninvite(room, user);
}

void user_leave(struct user *user)
{
    if (!user->present)
        return;
    struct hub *hub = user->hub;
    while (!TAILQ_EMPTY(&user->rooms))
        member_leave(hub, TAILQ_FIRST(&user->rooms));
    forget_invitations(hub, user);
    if (user->hh.tbl) // else it was expelled: see move
        HASH_DEL(hub->users, user);
    count_modes(user, (size_t)-1);
    user->present = false;
    if (hub->on_presence)
        hub->on_presence(hub, user, false);
}

void user_release(struct user *user)
{
    free(user->real);
    free(user->away);
    free(user->source);
    user->real = user->away = user->source = NULL;
}

// What happens to a user happens in each of its rooms.
static void record(struct user *user, struct event *event)
{
    struct member *own;
    if (!user->hub->record)
        return;
    TAILQ_FOREACH (own, &user->rooms, of_user) {
        user->hub->record(user->hub, own->room, event);
    }
}

void peers_tell(struct user *user, struct event *event)
{
    record(user, event);
    uint64_t visit = ++user->hub->visit;
    user->visit = visit;
    for (struct member *own = TAILQ_FIRST(&user->rooms); own; own = TAILQ_NEXT(own, of_user)) {
        struct member *m;
        TAILQ_FOREACH (m, &own->room->members, in_room) {
            if (m->user->visit == visit)
                continue;
            m->user->visit = visit;
            m->user->outlet->deliver(m->user, event);
        }
    }
}
