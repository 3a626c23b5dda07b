// SPDX-License-Identifier: MIT
// check.c - what must hold of users, rooms and clients whenever nobody is in the middle of a step.
#include <string.h>

#include "common/utf8.h"
#include "world.h"

// ---- users ----------------------------------------------------------------------------------

static bool is_client(const struct user *user)
{
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i].session && &clients[i].session->user == user)
            return true;
    return false;
}

static bool is_here(const struct user *user)
{
    return user->present && user_find(user->hub, user->name) == user;
}

static void check_user(const struct user *user)
{
    const struct member *m;
    char folded[NICK_MAX + 1], source[NICK_MAX + LOGIN_MAX + HOST_MAX + 4];
    must(is_client(user) && is_here(user) && nick_is_valid(user->name));
    name_fold(folded, user->name);
    must(strcmp(folded, user->folded) == 0);
    (void)snprintf(source, sizeof source, "%s!%s@%s", user->name, user->login, user->host);
    must(strcmp(source, user->source) == 0);
    must(user->real && *user->real && (!user->away || *user->away));
    int rooms = 0;
    TAILQ_FOREACH (m, &user->rooms, of_user) {
        must(m->user == user && room_find(user->hub, m->room->name) == m->room);
        rooms++;
    }
    must(rooms <= ROOMS_SEEN);
}

static void check_users(void)
{
    size_t users = 0, invisible = 0, operators = 0, unknown = 0;
    for (const struct user *user = hub.users; user; user = user->hh.next) {
        check_user(user);
        users++;
        invisible += (user->modes & USER_INVISIBLE) != 0;
        operators += (user->modes & USER_OPERATOR) != 0;
    }
    must(invisible == hub.invisible && operators == hub.operators && users <= hub.most_users);
    for (int i = 0; i < CLIENTS; i++) {
        const struct session *s = clients[i].session;
        must(!s || s->registered == s->user.present);
        users -= s && s->registered;
        unknown += s && !s->registered;
    }
    must(users == 0 && unknown == irc->unknown);
}

// ---- rooms ----------------------------------------------------------------------------------

static void check_lists(const struct room *room)
{
    const struct mask_entry *entry;
    const struct invitation *invitation;
    for (int list = 0; list < ROOM_LISTS; list++) {
        size_t size = 0;
        TAILQ_FOREACH (entry, &room->lists[list], link) {
            must(*entry->mask && strlen(entry->mask) <= MASK_MAX && !strchr(entry->mask, ' '));
            must(entry->by);
            size++;
        }
        must(size == room->list_sizes[list] && size <= 10);
    }
    LIST_FOREACH (invitation, &room->invitations, link) {
        must(is_client(invitation->user) && is_here(invitation->user));
        must(!member_find(room, invitation->user));
    }
}

static void check_room(const struct room *room)
{
    const struct member *m;
    size_t count = 0;
    must(room_name_is_valid(room->name) && room_find(&hub, room->name) == room);
    TAILQ_FOREACH (m, &room->members, in_room) {
        must(m->room == room && is_here(m->user) && member_find(room, m->user) == m);
        must(m->ranks < 1u << RANKS);
        count++;
    }
    must(count == room->count && (count > 0 || room->kept));
    must(room->modes < 1u << (sizeof ROOM_LETTERS - 1));
    must(strlen(room->key) <= KEY_MAX && !strpbrk(room->key, " ,"));
    must((room->era > 0) == (*room->key || (room->modes & ROOM_INVITE_ONLY)));
    for (const struct room *other = room->hh.next; room->era && other; other = other->hh.next)
        must(other->era != room->era);
    must(!room->topic || (*room->topic && strlen(room->topic) <= TOPIC_MAX));
    must(!room->topic || utf8_is_valid(room->topic, strlen(room->topic)));
    check_lists(room);
}

// ---- clients: what they were told is so ---------------------------------------------------------

static void check_labels(const struct client *c)
{
    for (int i = 0; i < c->label_count; i++)
        must(!c->labels[i].exactly);
}

static void check_view(const struct client *c)
{
    const struct view *v = &c->view;
    const struct member *m;
    int rooms = 0;
    must(v->batch_count == 0);
    if (!c->session->registered || v->unsure)
        return;
    must(strcmp(v->nick, c->session->user.name) == 0);
    TAILQ_FOREACH (m, &c->session->user.rooms, of_user) {
        bool known = false;
        for (int i = 0; i < v->room_count; i++)
            known = known || strcmp(v->rooms[i], m->room->folded) == 0;
        must(known);
        rooms++;
    }
    must(rooms == v->room_count);
}

void world_check(void)
{
    check_users();
    for (const struct room *room = hub.rooms; room; room = room->hh.next)
        check_room(room);
    for (int i = 0; i < CLIENTS; i++) {
        const struct session *s = clients[i].session;
        if (!s || clients[i].busy || s->hold)
            continue; // what it was told is not all that there is to tell
        check_labels(&clients[i]);
        check_view(&clients[i]);
    }
}
