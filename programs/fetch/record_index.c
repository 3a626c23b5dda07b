// SPDX-License-Identifier: MIT
// record_index.c - see record_index.h.
//
// An index in the file would be written all over, for URLs come in no order: measured, it took as
// long as all else together. Here a URL is 16 bytes, a fingerprint of 96 bits and its number, in a
// table at most four fifths full; of a thousand million URLs two have the same once in 10^11. The
// key is new each time, so that who writes a list of URLs cannot choose it so. Sizes stand by
// number, in arrays that are there only if they are needed.
#include "fetch/record_index.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct place {
    uint64_t low;
    uint32_t high;
    uint32_t id; // 0: free
};

struct sizes {
    int64_t *by_id; // one more than the size, so that 0 is none
    size_t room;
};

struct record_index {
    unsigned char key[crypto_shorthash_siphashx24_KEYBYTES];
    struct place *places;
    size_t room, used; // room: a power of two
    struct sizes sizes[RECORD_SIZES];
};

enum { FIRST_ROOM = 64 };

struct record_index *record_index_new(void)
{
    struct record_index *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    x->places = calloc(FIRST_ROOM, sizeof *x->places);
    x->room = FIRST_ROOM;
    if (!x->places || sodium_init() < 0)
        record_index_free(&x);
    else
        randombytes_buf(x->key, sizeof x->key);
    return x;
}

void record_index_free(struct record_index **x)
{
    if (!*x)
        return;
    for (int i = 0; i < RECORD_SIZES; i++)
        free((*x)->sizes[i].by_id);
    free((*x)->places);
    free(*x);
    *x = NULL;
}

// ---- numbers --------------------------------------------------------------------------

static struct place fingerprint_of(const struct record_index *x, const char *url)
{
    uint64_t hash[2];
    _Static_assert(sizeof hash == crypto_shorthash_siphashx24_BYTES, "one fills the other");
    (void)crypto_shorthash_siphashx24((unsigned char *)hash, (const unsigned char *)url,
                                      strlen(url), x->key); // always 0
    return (struct place){.low = hash[0], .high = (uint32_t)hash[1]};
}

// Where it is, or the free place where it belongs.
static struct place *place_of(struct place *places, size_t room, struct place f)
{
    size_t i = (size_t)f.low & (room - 1);
    while (places[i].id != 0 && (places[i].low != f.low || places[i].high != f.high))
        i = (i + 1) & (room - 1);
    return &places[i];
}

uint32_t record_index_find(const struct record_index *x, const char *url)
{
    return place_of(x->places, x->room, fingerprint_of(x, url))->id;
}

static int grow(struct record_index *x)
{
    size_t room = 2 * x->room;
    struct place *places = calloc(room, sizeof *places);
    if (!places)
        return -ENOMEM;
    for (size_t i = 0; i < x->room; i++)
        if (x->places[i].id != 0)
            *place_of(places, room, x->places[i]) = x->places[i];
    free(x->places);
    x->places = places;
    x->room = room;
    return 0;
}

int record_index_add(struct record_index *x, const char *url, uint32_t id)
{
    if (x->used >= x->room / 5 * 4) {
        int rc = grow(x);
        if (rc < 0)
            return rc;
    }
    struct place f = fingerprint_of(x, url);
    f.id = id;
    *place_of(x->places, x->room, f) = f;
    x->used++;
    return 0;
}

// ---- sizes ----------------------------------------------------------------------------

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
