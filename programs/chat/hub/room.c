// SPDX-License-Identifier: MIT
// room.c - see hub.h: the rooms.
//
// A member is found by walking the user's rooms, which are few, and not the room's members.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/hub/event.h"
#include "chat/hub/hub.h"

struct room *room_find(struct hub *hub, const char *name)
{
    char folded[ROOM_NAME_MAX + 1];
    struct room *room;
    if (strlen(name) > ROOM_NAME_MAX)
        return NULL;
    name_fold(folded, name);
    HASH_FIND_STR(hub->rooms, folded, room);
    return room;
}

struct room *room_make(struct hub *hub, const char *name)
{
    struct room *room = room_find(hub, name);
    if (room)
        return room;
    room = malloc(sizeof *room);
    if (!room)
        return NULL;
    *room = (struct room){.created = hub->now(hub)};
    (void)snprintf(room->name, sizeof room->name, "%s", name); // a valid one fits
    name_fold(room->folded, room->name);
    TAILQ_INIT(&room->members);
    LIST_INIT(&room->invitations);
    for (int i = 0; i < ROOM_LISTS; i++)
        TAILQ_INIT(&room->lists[i]);
    HASH_ADD_STR(hub->rooms, folded, room);
    if (room->hh.tbl)
        return room;
    free(room);
    return NULL;
}

// ---- lists of masks ------------------------------------------------------------------------

static void entry_free(struct mask_entry *entry)
{
    free(entry->mask);
    free(entry->by);
    free(entry);
}

static struct mask_entry *entry_find(const struct room *room, enum room_list list, const char *mask)
{
    struct mask_entry *entry;
    TAILQ_FOREACH (entry, &room->lists[list], link) {
        if (name_same(entry->mask, mask))
            return entry;
    }
    return NULL;
}

int room_list_add(struct room *room, enum room_list list, const char *mask, const char *by,
                  int64_t now)
{
    if (entry_find(room, list, mask))
        return -EEXIST;
    struct mask_entry *entry = malloc(sizeof *entry);
    if (!entry)
        return -ENOMEM;
    *entry = (struct mask_entry){.mask = strdup(mask), .by = strdup(by), .at = now};
    if (!entry->mask || !entry->by) {
        entry_free(entry);
        return -ENOMEM;
    }
    TAILQ_INSERT_TAIL(&room->lists[list], entry, link);
    room->list_sizes[list]++;
    return 0;
}

bool room_list_remove(struct room *room, enum room_list list, const char *mask,
                      char written[MASK_MAX + 1])
{
    struct mask_entry *entry = entry_find(room, list, mask);
    if (!entry)
        return false;
    (void)snprintf(written, MASK_MAX + 1, "%s", entry->mask);
    TAILQ_REMOVE(&room->lists[list], entry, link);
    room->list_sizes[list]--;
    entry_free(entry);
    return true;
}

bool room_list_has(const struct room *room, enum room_list list, const char *mask)
{
    return entry_find(room, list, mask) != NULL;
}

bool room_list_fits(const struct room *room, enum room_list list, const struct user *user)
{
    const struct mask_entry *entry;
    TAILQ_FOREACH (entry, &room->lists[list], link)
        if (mask_fits(entry->mask, user->source))
            return true;
    return false;
}

bool room_is_banned(const struct room *room, const struct user *user)
{
    return room_list_fits(room, ROOM_BANS, user) && !room_list_fits(room, ROOM_EXCEPTIONS, user);
}

// ---- invitations ---------------------------------------------------------------------------

static struct invitation *invitation_find(const struct room *room, const struct user *user)
{
    struct invitation *invitation;
    LIST_FOREACH (invitation, &room->invitations, link)
        if (invitation->user == user)
            return invitation;
    return NULL;
}

bool room_is_asked(const struct room *room, const struct user *user)
{
    return invitation_find(room, user) != NULL;
}

int room_invite(struct room *room, const struct user *user)
{
    if (invitation_find(room, user))
        return 0;
    struct invitation *invitation = malloc(sizeof *invitation);
    if (!invitation)
        return -ENOMEM;
    invitation->user = user;
    LIST_INSERT_HEAD(&room->invitations, invitation, link);
    return 0;
}

void room_uninvite(struct room *room, const struct user *user)
{
    struct invitation *invitation = invitation_find(room, user);
    if (!invitation)
        return;
    LIST_REMOVE(invitation, link);
    free(invitation);
}

// Who was asked in by name, by one with a rank there, is let in whatever the modes.
char room_bars(const struct room *room, const struct user *user, const char *key)
{
    if (room_is_asked(room, user))
        return '\0';
    if (*room->key && strcmp(room->key, key) != 0)
        return 'k';
    if ((room->modes & ROOM_INVITE_ONLY) && !room_list_fits(room, ROOM_INVITATIONS, user))
        return 'i';
    if (room_is_banned(room, user))
        return 'b';
    return room->limit > 0 && room->count >= room->limit ? 'l' : '\0';
}

bool room_is_open(const struct room *room, const struct user *user)
{
    return !(room->modes & (ROOM_SECRET | ROOM_INVITE_ONLY)) && !*room->key &&
           room_bars(room, user, "") == '\0';
}

// ---- the end of a room ---------------------------------------------------------------------

static void room_free(struct room *room)
{
    for (enum room_list list = 0; list < ROOM_LISTS; list++) {
        while (!TAILQ_EMPTY(&room->lists[list])) {
            struct mask_entry *entry = TAILQ_FIRST(&room->lists[list]);
            TAILQ_REMOVE(&room->lists[list], entry, link);
            entry_free(entry);
        }
    }
    while (!LIST_EMPTY(&room->invitations))
        room_uninvite(room, LIST_FIRST(&room->invitations)->user);
    free(room->topic);
    free(room->topic_by);
    free(room);
}

void room_close_if_empty(struct hub *hub, struct room *room)
{
    if (room->count > 0 || room->kept)
        return;
    if (hub->on_close)
        hub->on_close(hub, room);
    HASH_DEL(hub->rooms, room);
    room_free(room);
}

// ---- members -------------------------------------------------------------------------------

struct member *member_find(const struct room *room, const struct user *user)
{
    struct member *member;
    TAILQ_FOREACH (member, &user->rooms, of_user)
        if (member->room == room)
            return member;
    return NULL;
}

struct member *room_enter(struct room *room, struct user *user, unsigned ranks)
{
    struct member *member = malloc(sizeof *member);
    if (!member)
        return NULL;
    *member = (struct member){.user = user, .room = room, .ranks = ranks};
    TAILQ_INSERT_TAIL(&room->members, member, in_room);
    TAILQ_INSERT_TAIL(&user->rooms, member, of_user);
    room->count++;
    room_uninvite(room, user);
    return member;
}

void member_leave(struct hub *hub, struct member *member)
{
    struct room *room = member->room;
    TAILQ_REMOVE(&room->members, member, in_room);
    TAILQ_REMOVE(&member->user->rooms, member, of_user);
    room->count--;
    free(member);
    room_close_if_empty(hub, room);
}

bool room_is_visible(const struct room *room, const struct user *viewer)
{
    return !(room->modes & ROOM_SECRET) || member_find(room, viewer);
}

int room_set_topic(struct room *room, const char *topic, const char *by, int64_t now)
{
    char *author = strdup(by);
    if (!author)
        return -ENOMEM;
    int rc = user_set_text(&room->topic, topic);
    if (rc < 0) {
        free(author);
        return rc;
    }
    free(room->topic_by);
    room->topic_by = author;
    room->topic_at = now;
    return 0;
}

unsigned member_rank(const struct member *member)
{
    for (unsigned rank = 1u << (RANKS - 1); member && rank > 0; rank >>= 1)
        if (member->ranks & rank)
            return rank;
    return 0;
}

char room_mutes(const struct room *room, const struct user *user)
{
    const struct member *member = member_find(room, user);
    if (!member && (room->modes & ROOM_NO_EXTERNAL))
        return 'n';
    if (member_rank(member) >= RANK_VOICE)
        return '\0';
    if (room->modes & ROOM_MODERATED)
        return 'm';
    return room_is_banned(room, user) ? 'b' : '\0';
}

const char *rank_prefixes(unsigned ranks, bool all, char out[RANKS + 1])
{
    int n = 0;
    for (int i = RANKS - 1; i >= 0 && (all || n == 0); i--)
        if (ranks & (1u << i))
            out[n++] = RANK_PREFIXES[i];
    out[n] = '\0';
    return out;
}

// What a delivery touches lies in ten places that each name the next, and a room of a thousand has
// more of them than a processor holds. So they are asked for while those before are served.
static void look_ahead(const struct member *member)
{
    const struct member *m = TAILQ_NEXT(member, in_room);
    for (int after = 1; m && after <= OUTLET_AHEAD; after++, m = TAILQ_NEXT(m, in_room))
        if (m->user->outlet->expect)
            m->user->outlet->expect(m->user, after);
    if (!m)
        return;
    __builtin_prefetch(m->user);
    __builtin_prefetch(TAILQ_NEXT(m, in_room));
}

void room_tell(const struct room *room, struct event *event, const struct user *except,
               unsigned ranks)
{
    struct member *member;
    struct hub *hub = event->from->hub;
    if (hub->record && ranks == 0)
        hub->record(hub, room, event);
    TAILQ_FOREACH (member, &room->members, in_room) {
        look_ahead(member);
        if (member->user != except && (ranks == 0 || (member->ranks & ranks)))
            member->user->outlet->deliver(member->user, event);
    }
}
