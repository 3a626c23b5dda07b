// SPDX-License-Identifier: MIT
// mode_lists.c - MODE's letters for people: ranks, and the lists of masks b, e and I.
#include <errno.h>
#include <string.h>

#include "chat/irc/handlers.h"
#include "chat/irc/mode.h"

// ---- ranks ---------------------------------------------------------------------------------

// What one must be, at least, to give or take a rank: half-operators make voices, operators what is
// up to them, owners what is below them, and only the server's operators make owners.
static unsigned needed_for(unsigned rank)
{
    if (rank == RANK_VOICE)
        return RANK_HALFOP;
    if (rank <= RANK_OP)
        return RANK_OP;
    return rank == RANK_ADMIN ? RANK_OWNER : 1u << RANKS;
}

void mode_set_rank(struct mode_change *c, char letter, unsigned rank, char *nick)
{
    struct session *s = c->s;
    if (!nick)
        return;
    bool steps_down = !c->on && name_same(nick, s->user.name);
    if (!steps_down && !mode_allowed(c, needed_for(rank)))
        return;
    struct member *member = find_other(s, c->room, nick);
    if (!member || !(member->ranks & rank) != c->on)
        return;
    member->ranks ^= rank;
    mode_note(c, letter, member->user->name);
}

// ---- masks ---------------------------------------------------------------------------------

static void show_list(struct session *s, const struct room *room, enum room_list list)
{
    static const struct {
        enum numeric entry, end;
        const char *name;
    } words[ROOM_LISTS] = {
        [ROOM_BANS] = {RPL_BANLIST, RPL_ENDOFBANLIST, "ban"},
        [ROOM_EXCEPTIONS] = {RPL_EXCEPTLIST, RPL_ENDOFEXCEPTLIST, "exception"},
        [ROOM_INVITATIONS] = {RPL_INVEXLIST, RPL_ENDOFINVEXLIST, "invite"},
    };
    const struct mask_entry *entry;
    TAILQ_FOREACH (entry, &room->lists[list], link) {
        reply(s, words[list].entry, "%s %s %s %lld", room->name, entry->mask, entry->by,
              (long long)(entry->at / 1000));
    }
    reply(s, words[list].end, "%s :End of channel %s list", room->name, words[list].name);
}

static void add_mask(struct mode_change *c, enum room_list list, const char *mask)
{
    struct session *s = c->s;
    struct room *room = c->room;
    char letter = ROOM_LIST_LETTERS[list];
    int rc = -ENOSPC;
    if (room->list_sizes[list] < (size_t)s->irc->set.list_size)
        rc = room_list_add(room, list, mask, s->user.source, s->irc->hub->now(s->irc->hub));
    else if (room_list_has(room, list, mask))
        rc = -EEXIST;
    if (rc == 0)
        mode_note(c, letter, mask);
    else if (rc == -ENOSPC)
        reply(s, ERR_BANLISTFULL, "%s %c :Channel list is full", room->name, letter);
    else if (rc == -ENOMEM)
        reply(s, ERR_UNKNOWNERROR, "MODE :Out of memory");
}

void mode_set_list(struct mode_change *c, enum room_list list, const char *written)
{
    char mask[MASK_MAX + 1], known[MASK_MAX + 1];
    char letter = ROOM_LIST_LETTERS[list];
    if (!written) {
        if (!c->shown[list])
            show_list(c->s, c->room, list);
        c->shown[list] = true;
    } else if (mode_allowed(c, RANK_HALFOP)) {
        if (strchr(written, ' ') || !mask_complete(mask, written))
            reply(c->s, ERR_INVALIDMODEPARAM, "%s %c * :Not a mask", c->room->name, letter);
        else if (c->on)
            add_mask(c, list, mask);
        else if (room_list_remove(c->room, list, mask, known))
            mode_note(c, letter, known);
    }
}
