// SPDX-License-Identifier: MIT
// search.c - SEARCH (soju.im/search): what was said, by its words, where, by whom and when.
//
//     SEARCH in=#room;from=nick;after=2026-01-01T00:00:00.000Z;text=words;limit=50
//
// One finds what one may read: in the rooms that one is in, and between oneself and another. Any of
// the attributes is enough, but the limit alone. The two times are in what they bound.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chat/irc/handlers.h"
#include "chat/irc/history.h"
#include "chat/irc/playback.h"

enum { VALUE_MAX = LINE_BODY_MAX };

struct search {
    char words[VALUE_MAX + 1], in[VALUE_MAX + 1], from[VALUE_MAX + 1];
    struct place place; // the conversation, if it is one
    struct store_search ask;
};

// The value of an attribute, which is written as that of a tag.
static void unescape(const char *from, size_t size, char out[VALUE_MAX + 1])
{
    static const char letters[] = ":srn", meant[] = ";   "; // a line's end is a space here
    size_t n = 0;
    for (size_t i = 0; i < size && n < VALUE_MAX; i++) {
        bool escaped = from[i] == '\\' && i + 1 < size;
        i += escaped;
        const char *letter = escaped ? strchr(letters, from[i]) : NULL;
        out[n] = from[i];
        if (letter)
            out[n] = meant[letter - letters];
        n++;
    }
    out[n] = '\0';
}

static void read_attribute(const char *attributes, const char *name, char out[VALUE_MAX + 1])
{
    size_t size;
    const char *value = tag_find(attributes, name, &size);
    unescape(value ? value : "", value ? size : 0, out);
}

// The time is moved by `wider`: the store's bounds are exclusive. 0: there is none.
static bool read_bound(const char *attributes, const char *name, int wider, int64_t *ms)
{
    char text[VALUE_MAX + 1];
    read_attribute(attributes, name, text);
    if (!*text)
        return true;
    if (!history_read_time(text, ms))
        return false;
    *ms = *ms < 2 ? 1 : *ms + wider; // 0 is none; and nothing was said then
    return true;
}

static bool asks_something(const struct search *f)
{
    return *f->words || *f->in || *f->from || f->ask.since_ms || f->ask.until_ms;
}

// False: one of them is none.
static bool read_search(struct search *f, const char *attributes, int most)
{
    char limit[VALUE_MAX + 1];
    read_attribute(attributes, "text", f->words);
    read_attribute(attributes, "in", f->in);
    read_attribute(attributes, "from", f->from);
    read_attribute(attributes, "limit", limit);
    f->ask.limit = (size_t)most;
    f->ask.words = f->words;
    f->ask.author = *f->from ? f->from : NULL;
    return (!*limit || history_read_limit(limit, most, &f->ask.limit)) &&
           read_bound(attributes, "after", -1, &f->ask.since_ms) &&
           read_bound(attributes, "before", 1, &f->ask.until_ms) && asks_something(f);
}

// The one conversation that is named; false: there is none that the client may read.
static bool in_one_place(const struct session *s, struct search *f)
{
    f->ask.in = &f->place.where;
    f->ask.in_count = 1;
    return place_find(s, f->in, &f->place);
}

// The time that it takes is held against who asks. -EBUSY: there was no place.
static int ask(struct session *s, history_asks *asks, const struct store_search *search,
               struct store_rows **rows)
{
    struct seats_turn turn;
    struct store_search bounded = *search;
    if (seats_take(&s->irc->searches, s->party, &turn, weft_after_ms(SEARCH_WAIT_MS)) < 0)
        return -EBUSY;
    bounded.deadline = weft_after_ms(SEARCH_FIND_MS);
    int rc = s->ended ? -ECANCELED : asks(s->irc->set.history, &bounded, rows);
    seats_leave(&s->irc->searches, &turn);
    return rc;
}

void history_find(struct session *s, const char *command, const char *type, history_asks *asks,
                  const struct store_search *search)
{
    struct store *store = s->irc->set.history;
    struct store_rows *rows = NULL;
    if (search->in_count == 0) {
        play_found(s, type, NULL);
        return;
    }
    history_catch_up(s->irc);
    if (*search->words)
        // Late: what is indexed is found.
        (void)store_wait_indexed(store, weft_after_ms(SEARCH_INDEX_MS));
    int rc = ask(s, asks, search, &rows);
    if (s->ended)
        (void)rc; // meanwhile
    else if (rc == -EINVAL)
        fail(s, command, "INVALID_PARAMS", "text", "There is no word to look for");
    else if (rc == -EBUSY)
        fail(s, command, "INTERNAL_ERROR", "", "Others search as well; try again later");
    else if (rc == -ETIMEDOUT)
        fail(s, command, "INTERNAL_ERROR", "", "It takes too long: name a room or a time");
    else if (rc < 0)
        fail(s, command, "INTERNAL_ERROR", "", "The history could not be searched");
    else
        play_found(s, type, rows);
    store_rows_free(&rows);
}

static void find(struct session *s, const struct search *f)
{
    history_find(s, "SEARCH", "soju.im/search", store_find, &f->ask);
}

void on_search(struct session *s, const struct line *line)
{
    struct search *f = calloc(1, sizeof *f); // not on the stack: it is large
    struct store_conversation *rooms = NULL;
    size_t count = 0;
    if (!f || !s->irc->set.history) {
        fail(s, "SEARCH", "INTERNAL_ERROR", "", "No history is kept here");
    } else if (line->count > 1) { // by hand: what is behind the space would be passed over
        fail(s, "SEARCH", "INVALID_PARAMS", "", "A space is written \\s, or a colon before all");
    } else if (!read_search(f, line->params[0], s->irc->set.history_max)) {
        fail(s, "SEARCH", "INVALID_PARAMS", "", "Invalid parameters");
    } else if (*f->in && !in_one_place(s, f)) {
        fail(s, "SEARCH", "INVALID_PARAMS", "in", "No such conversation");
    } else if (*f->in) {
        find(s, f);
    } else if ((rooms = history_rooms(s, &count))) {
        f->ask.in = rooms;
        f->ask.in_count = count;
        find(s, f);
    }
    history_rooms_free(rooms, count);
    free(f);
}
