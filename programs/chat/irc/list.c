// SPDX-License-Identifier: MIT
// list.c - LIST: the rooms, by name, by how many are in them, by age (ELIST C, M, N, T, U).
#include <stdlib.h>
#include <string.h>

#include "chat/irc/handlers.h"
#include "chat/irc/lists.h"

// The first parameter names rooms, the second has conditions; clients put conditions into the first
// as well, so each is a list of both. A room must do for both lists: in a list each condition must
// hold, but of names and masks without '!' it is enough that one fits.
struct filter {
    bool named; // there are such names
    bool fits;  // and one did, of the room that is looked at
    const struct room *room;
    int64_t now;
};

// "<5" or ">5" of a figure.
static bool compares(const char *condition, int64_t figure)
{
    long long limit = atoll(condition + 1);
    return *condition == '<' ? figure < limit : figure > limit;
}

// Of so many minutes as nobody means, as many as there can be.
static int64_t minutes_of(const char *number)
{
    enum { MINUTE_MS = 60000 };
    const int64_t most = INT64_MAX / MINUTE_MS;
    int64_t minutes = atoll(number);
    return (minutes > most ? most : minutes < -most ? -most : minutes) * MINUTE_MS;
}

// "C<5": whole minutes do not do, as 5 minutes and a second are more than 5.
static bool is_aged(const struct filter *f, const char *condition, int64_t then)
{
    int64_t limit = minutes_of(condition + 1), age = f->now - then;
    return *condition == '<' ? age < limit : age > limit;
}

// One condition of the list. False: the room is not wanted.
static bool holds(struct filter *f, const char *condition)
{
    const struct room *room = f->room;
    bool age = condition[0] && strchr("<>", condition[1]) && condition[1];
    if (*condition == '<' || *condition == '>')
        return compares(condition, (int64_t)room->count);
    if ((*condition == 'C' || *condition == 'c') && age)
        return is_aged(f, condition + 1, room->created);
    if ((*condition == 'T' || *condition == 't') && age)
        return room->topic_by && is_aged(f, condition + 1, room->topic_at);
    if (*condition == '!')
        return !mask_fits(condition + 1, room->name);
    f->named = true;
    f->fits = f->fits || mask_fits(condition, room->name);
    return true;
}

static bool fits_list(struct filter *f, const char *conditions)
{
    char copy[LINE_BODY_MAX + 1], *rest = copy;
    f->named = f->fits = false;
    (void)strncpy(copy, conditions, sizeof copy - 1);
    copy[sizeof copy - 1] = '\0';
    for (char *condition; (condition = list_next(&rest));)
        if (!holds(f, condition))
            return false;
    return !f->named || f->fits;
}

static bool is_wanted(struct filter *f, const struct room *room, const struct line *line)
{
    f->room = room;
    for (int i = 0; i < line->count && i < 2; i++)
        if (!fits_list(f, line->params[i]))
            return false;
    return true;
}

void on_list(struct session *s, const struct line *line)
{
    const struct hub *hub = s->irc->hub;
    struct filter filter = {.now = hub->now(hub)};
    reply(s, RPL_LISTSTART, "Channel :Users  Name");
    for (struct room *room = hub->rooms; room && !s->ended; room = room->hh.next)
        if (room_is_visible(room, &s->user) && is_wanted(&filter, room, line))
            reply(s, RPL_LIST, "%s %zu :%s", room->name, room->count,
                  room->topic ? room->topic : "");
    reply(s, RPL_LISTEND, ":End of /LIST");
}
