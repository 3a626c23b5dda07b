// SPDX-License-Identifier: MIT
// record_index.c - see record_index.h.
//
// An index in the file would be written all over, for URLs come in no order: measured, it took as
// long as all else together. Here a URL is a fingerprint and its number. Sizes stand by number, in
// arrays that are there only if they are needed.
#include "fetch/record_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fetch/seen.h"

struct sizes {
    int64_t *by_id; // one more than the size, so that 0 is none
    size_t room;
};

struct record_index {
    struct seen *seen;
    struct sizes sizes[RECORD_SIZES];
};

enum { FIRST_ROOM = 64 };

struct record_index *record_index_new(void)
{
    struct record_index *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    x->seen = seen_new();
    if (!x->seen)
        record_index_free(&x);
    return x;
}

void record_index_free(struct record_index **x)
{
    if (!*x)
        return;
    for (int i = 0; i < RECORD_SIZES; i++)
        free((*x)->sizes[i].by_id);
    seen_free(&(*x)->seen);
    free(*x);
    *x = NULL;
}

uint32_t record_index_find(const struct record_index *x, const char *url)
{
    return seen_find(x->seen, url);
}

int record_index_add(struct record_index *x, const char *url, uint32_t id)
{
    int rc = seen_add(x->seen, url, id);
    return rc < 0 ? rc : 0;
}

int64_t record_index_size(const struct record_index *x, uint32_t id, enum record_size which)
{
    const struct sizes *s = &x->sizes[which];
    return id < s->room ? s->by_id[id] - 1 : -1;
}

int record_index_set(struct record_index *x, uint32_t id, enum record_size which, int64_t size)
{
    struct sizes *s = &x->sizes[which];
    if (id >= s->room) {
        size_t room = s->room ? s->room : FIRST_ROOM;
        while (room <= id)
            room *= 2;
        int64_t *by_id = realloc(s->by_id, room * sizeof *by_id);
        if (!by_id)
            return -ENOMEM;
        memset(by_id + s->room, 0, (room - s->room) * sizeof *by_id);
        s->by_id = by_id;
        s->room = room;
    }
    s->by_id[id] = size + 1;
    return 0;
}
