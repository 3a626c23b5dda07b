// SPDX-License-Identifier: MIT
// texts.c - what is said in a room, and whether everybody heard just that.
//
// A text is made of its room and its number, so none is like another. A member must hear them by
// number, one after the other: one that comes too early shows that another was lost or overtaken.
#include "chat.h"

struct said {
    char text[TEXT + 1];
    double since;
    int missing; // who have not heard it yet
};

static struct said *said(const struct load *l, const struct room *room, uint64_t number)
{
    return &room->kept[number % (unsigned)l->room_kept];
}

static void write_text(const struct load *l, const struct room *room, uint64_t number, char *text)
{
    int size = snprintf(text, TEXT + 1, "%06d %012llu ", (int)(room - l->rooms),
                        (unsigned long long)number);
    for (int i = size; i < TEXT; i++)
        text[i] = (char)('a' + (number + (unsigned)i) % 26);
    text[TEXT] = '\0';
}

static int listeners(const struct load *l, const struct room *room)
{
    int n = 0;
    for (int i = 1; i < room->count && l->protocol->silent; i++)
        n += room->members[i].inside;
    return l->protocol->silent ? n : room->count - 1;
}

void room_say(struct load *l, struct room *room, int texts, double since)
{
    static char out[64 * LONGEST];
    size_t size = 0;
    int missing = listeners(l, room);
    for (int i = 0; i < texts; i++) {
        if (room->said - room->complete >= (unsigned)l->room_kept)
            die("the server is behind by more texts than are remembered");
        if (size + LONGEST > sizeof out)
            die("more texts at once than there is room for");
        struct said *s = said(l, room, room->said);
        write_text(l, room, room->said, s->text);
        s->since = since;
        s->missing = missing;
        room->said++;
        size += l->protocol->say(&room->members[0], s->text, out + size);
    }
    member_send(&room->members[0], out, size);
}

static void *explain(const struct load *l, const struct member *m, const char *text, size_t size)
{
    static char why[256];
    uint64_t number = 0;
    char copy[TEXT + 1], real[TEXT + 1] = "";
    snprintf(copy, sizeof copy, "%.*s", (int)size, text);
    if (size == TEXT && strlen(copy) == TEXT) {
        number = strtoull(copy + 7, NULL, 10);
        write_text(l, m->room, number, real);
    }
    const char *what = strcmp(copy, real) != 0   ? "was altered"
                       : number < m->next        ? "came twice, or too late"
                       : number >= m->room->said ? "was never said"
                                                 : "came too early: one was lost or overtaken";
    snprintf(why, sizeof why, "a text %s: member %d, waiting for %llu: %s", what, m->number,
             (unsigned long long)m->next, copy);
    return die(why);
}

// Who was not known to be inside begins with whatever comes.
static void begin(struct load *l, struct member *m, const char *text)
{
    m->inside = true;
    l->inside++;
    m->next = strtoull(text + 7, NULL, 10) + 1;
}

void room_heard(struct load *l, struct member *m, const char *text, size_t size)
{
    struct room *room = m->room;
    struct said *s = said(l, room, m->next);
    if (!m->inside && l->protocol->silent && size == TEXT) {
        begin(l, m, text);
        return;
    }
    if (m->next >= room->said || size != TEXT || memcmp(text, s->text, TEXT) != 0)
        explain(l, m, text, size);
    m->next++;
    if (l->open && !times_add(&l->times, (now_ns() - s->since) / 1e3))
        die("more deliveries than there is room for");
    if (--s->missing == 0)
        room->complete = m->next;
}
