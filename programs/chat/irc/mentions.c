// SPDX-License-Identifier: MIT
// mentions.c - MENTIONS: what others have said with one's nick, in the rooms that one is in.
//
//     MENTIONS                                       since the nick was last here
//     MENTIONS timestamp=2026-01-01T00:00:00.000Z 50 since then, at most 50, the latest
//
// The answer is a batch "weft/mentions". A nick that nobody remembers leaving has no last time: it
// is told the latest ones, whenever they were.
#include <string.h>

#include "chat/irc/history.h"
#include "chat/irc/handlers.h"
#include "chat/irc/whowas.h"

static bool read_since(const struct session *s, const char *word, int64_t *ms)
{
    *ms = whowas_last(s->irc, s->user.name);
    return strcmp(word, "*") == 0 ||
           (strncmp(word, "timestamp=", 10) == 0 && history_read_time(word + 10, ms));
}

void on_mentions(struct session *s, const struct line *line)
{
    const char *since = line->count > 0 ? line->params[0] : "*";
    int most = s->irc->set.history_max;
    char nick[NICK_MAX + 1];
    struct store_search ask = {.words = memcpy(nick, s->user.name, sizeof nick),
                               .limit = (size_t)most};
    if (!s->irc->set.history) {
        fail(s, "MENTIONS", "INTERNAL_ERROR", "", "No history is kept here");
    } else if (!read_since(s, since, &ask.since_ms) ||
               (line->count > 1 && !history_read_limit(line->params[1], most, &ask.limit))) {
        fail(s, "MENTIONS", "INVALID_PARAMS", "", "Invalid parameters");
    } else {
        struct store_conversation *rooms = history_rooms(s, &ask.in_count);
        ask.in = rooms;
        if (rooms)
            history_find(s, "MENTIONS", "weft/mentions", store_mentions, &ask);
        else
            fail(s, "MENTIONS", "INTERNAL_ERROR", "", "Out of memory");
        history_rooms_free(rooms, ask.in_count);
    }
}
