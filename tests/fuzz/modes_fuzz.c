// SPDX-License-Identifier: MIT
// modes_fuzz.c - any letters and words as modes of a room, by members of all ranks (world.h).
//
// One member only listens. What it is told of the modes, and nothing else, must give the room as it
// is: flags, key, limit, masks and ranks; and each letter that it is told of must change something.
//
// Each line of the input is "MODE #r" of one of three others, whom its first byte names. One of
// them is an operator of the server, one has no rank, one has made the room.
#include <string.h>

#include "world.h"

enum { TALKERS = 3, LISTENER = 3, MASKS = 16, STEPS = 200 };

// The room as the listener knows it.
static struct {
    unsigned modes;
    char key[KEY_MAX + 1];
    size_t limit;
    char masks[ROOM_LISTS][MASKS][MASK_MAX + 1]; // "": nothing there
    unsigned ranks[CLIENTS];                     // of n0, n1, ...
} known;

static void learn_mask(int list, bool on, const char *mask)
{
    int place = -1;
    for (int i = 0; i < MASKS; i++) {
        if (name_same(known.masks[list][i], mask)) {
            must(!on);
            known.masks[list][i][0] = '\0';
            return;
        }
        if (!known.masks[list][i][0])
            place = i;
    }
    must(on && place >= 0 && strlen(mask) <= MASK_MAX);
    (void)snprintf(known.masks[list][place], MASK_MAX + 1, "%s", mask);
}

static void learn_rank(unsigned rank, bool on, const char *nick)
{
    must(nick[0] == 'n' && nick[1] >= '0' && nick[1] <= '0' + LISTENER && !nick[2]);
    unsigned *ranks = &known.ranks[nick[1] - '0'];
    must(!(*ranks & rank) == on);
    *ranks ^= rank;
}

static void learn_letter(char letter, bool on, const char *value)
{
    const char *flag = strchr(ROOM_LETTERS, letter), *rank = strchr(RANK_LETTERS, letter);
    const char *list = strchr(ROOM_LIST_LETTERS, letter);
    if (flag) {
        must(!(known.modes & 1u << (flag - ROOM_LETTERS)) == on);
        known.modes ^= 1u << (flag - ROOM_LETTERS);
    } else if (rank) {
        learn_rank(1u << (rank - RANK_LETTERS), on, value);
    } else if (list) {
        learn_mask((int)(list - ROOM_LIST_LETTERS), on, value);
    } else if (letter == 'k') {
        must(on ? strcmp(known.key, value) != 0 : *known.key);
        (void)snprintf(known.key, sizeof known.key, "%s", on ? value : "");
    } else {
        must(letter == 'l');
        size_t limit = on ? strtoul(value, NULL, 10) : 0;
        must(limit != known.limit && (limit > 0) == on);
        known.limit = limit;
    }
}

static void learn(int who, const struct line *line, const char *source)
{
    int next = 2;
    bool on = true;
    (void)source;
    if (who != LISTENER || strcmp(line->command, "MODE") != 0 || line->params[0][0] != '#')
        return;
    must(line->count >= 2 && strcmp(line->params[0], "#r") == 0);
    for (const char *at = line->params[1]; *at; at++) {
        if (*at == '+' || *at == '-') {
            on = *at == '+';
            continue;
        }
        bool valued = strchr(RANK_LETTERS ROOM_LIST_LETTERS "k", *at) || (*at == 'l' && on);
        must(!valued || next < line->count);
        learn_letter(*at, on, valued ? line->params[next++] : "");
    }
    must(next == line->count);
}

// ---- as it is -------------------------------------------------------------------------------

static void check_masks(const struct room *room, int list)
{
    const struct mask_entry *entry;
    size_t count = 0;
    for (int i = 0; i < MASKS; i++)
        count += known.masks[list][i][0] != '\0';
    must(count == room->list_sizes[list]);
    TAILQ_FOREACH (entry, &room->lists[list], link) {
        bool there = false;
        for (int i = 0; i < MASKS; i++)
            there = there || strcmp(known.masks[list][i], entry->mask) == 0;
        must(there);
    }
}

static void check_known(void)
{
    const struct room *room = room_find(&hub, "#r");
    must(room && room->modes == known.modes && room->limit == known.limit);
    must(strcmp(room->key, known.key) == 0);
    for (int list = 0; list < ROOM_LISTS; list++)
        check_masks(room, list);
    for (int i = 0; i <= LISTENER; i++) {
        const struct member *m = member_find(room, &clients[i].session->user);
        must(m && m->ranks == known.ranks[i]);
    }
}

// ---- what is tried --------------------------------------------------------------------------

void world_meanwhile(void)
{
}

static void tell_hub(int who, const char *text)
{
    world_say(who, text, strlen(text), false);
}

static void begin(void)
{
    world_begin();
    for (int i = 0; i <= LISTENER; i++)
        world_enter(i);
    tell_hub(1, "OPER op pw");
    const struct room *room = room_find(&hub, "#r");
    memset(&known, 0, sizeof known);
    must(room && room->count == LISTENER + 1);
    known.modes = room->modes;
    known.ranks[0] = member_find(room, &clients[0].session->user)->ranks;
    world_heard = learn;
}

// A CR ends a line of IRC too: what follows it would be another command, QUIT say.
static const uint8_t *end_of_line(const uint8_t *at, const uint8_t *end)
{
    while (at < end && *at != '\n' && *at != '\r')
        at++;
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *at = data, *end = data + size;
    char text[1024];
    begin();
    for (int i = 0; i < STEPS && at < end; i++) {
        const uint8_t *stop = end_of_line(at, end);
        if (stop > at && (size_t)(stop - at) < sizeof text / 2) {
            int n = snprintf(text, sizeof text, "MODE #r %.*s", (int)(stop - at - 1), at + 1);
            world_say(*at % TALKERS, text, (size_t)n, *at & 4);
            world_settle(0);
            world_check();
            check_known();
        }
        at = stop + 1;
    }
    world_heard = NULL;
    world_end();
    return 0;
}
