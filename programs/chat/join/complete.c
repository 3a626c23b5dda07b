// SPDX-License-Identifier: MIT
// complete.c - see complete.h.
#include "chat/join/complete.h"

#include <stdio.h>
#include <string.h>

enum { FITTING = 256 };

struct fits {
    const char *names[FITTING];
    uint64_t spoke[FITTING];
    int count;
};

// In its place: who spoke last comes first, then by name.
static void add(struct fits *f, const char *name, uint64_t spoke)
{
    int at = f->count;
    if (f->count == FITTING)
        return;
    for (; at > 0; at--) {
        bool behind = f->spoke[at - 1] > spoke ||
                      (f->spoke[at - 1] == spoke && strcmp(f->names[at - 1], name) <= 0);
        if (behind)
            break;
        f->names[at] = f->names[at - 1];
        f->spoke[at] = f->spoke[at - 1];
    }
    f->names[at] = name;
    f->spoke[at] = spoke;
    f->count++;
}

static void find(struct fits *f, const char *stem, const struct model *m,
                 const char *const *commands, bool begins_line)
{
    size_t size = strlen(stem);
    const struct room *r = model_active(m);
    if (*stem == '/' && begins_line) {
        for (; *commands; commands++)
            if (name_begins(CASEMAP_ASCII, *commands, stem, size))
                add(f, *commands, 0);
        return;
    }
    for (int i = 1; i < m->count && *stem == '#'; i++)
        if (name_begins(m->casemap, m->rooms[i]->name, stem, size))
            add(f, m->rooms[i]->name, 0);
    for (size_t i = 0; i < r->member_count && size > 0; i++)
        if (name_begins(m->casemap, r->members[i].nick, stem, size) &&
            !names_equal(m->casemap, r->members[i].nick, m->nick))
            add(f, r->members[i].nick, r->members[i].spoke);
    if (m->active > 0 && !r->channel && size > 0 && name_begins(m->casemap, r->name, stem, size))
        add(f, r->name, 0);
}

static bool begin(struct completion *c, const struct editor *e)
{
    size_t start = e->cursor;
    while (start > 0 && e->text[start - 1] != ' ')
        start--;
    size_t size = e->cursor - start;
    if (size == 0 || size >= sizeof c->stem)
        return false;
    *c = (struct completion){.active = true, .start = start, .end = e->cursor};
    memcpy(c->stem, e->text + start, size);
    c->stem[size] = '\0';
    return true;
}

bool complete(struct completion *c, struct editor *e, const struct model *m,
              const char *const *commands)
{
    struct fits f = {.count = 0};
    char word[EDITOR_MAX];
    if (!c->active && !begin(c, e))
        return false;
    find(&f, c->stem, m, commands, c->start == 0);
    if (f.count == 0) {
        c->active = false;
        return false;
    }
    const char *name = f.names[c->turn++ % f.count];
    bool address = c->start == 0 && *name != '/' && *name != '#';
    (void)snprintf(word, sizeof word, "%s%s", name, address ? ": " : " "); // names are short
    editor_replace(e, c->start, c->end, word);
    c->end = e->cursor;
    return true;
}
