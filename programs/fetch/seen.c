// SPDX-License-Identifier: MIT
// seen.c - see seen.h.
//
// A table of fingerprints, at most three quarters full, with linear probing: they are random
// numbers already, so nothing has to spread them. SipHash-2-4 with a key of this run: who writes
// a list of URLs cannot make them collide.
#include "fetch/seen.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64 };

struct place {
    uint64_t low;
    uint32_t high;
    uint32_t number; // 0: free
};

struct seen {
    unsigned char key[crypto_shorthash_siphashx24_KEYBYTES];
    struct place *places;
    size_t room; // of places, a power of two
    size_t used; // at most three quarters
};

struct seen *seen_new(void)
{
    struct seen *s = malloc(sizeof *s);
    if (!s)
        return NULL;
    *s = (struct seen){.places = calloc(FIRST_ROOM, sizeof *s->places), .room = FIRST_ROOM};
    if (!s->places || sodium_init() < 0) {
        seen_free(&s);
        return NULL;
    }
    randombytes_buf(s->key, sizeof s->key);
    return s;
}

void seen_free(struct seen **s)
{
    if (!*s)
        return;
    free((*s)->places);
    free(*s);
    *s = NULL;
}

size_t seen_bytes(const struct seen *s)
{
    return sizeof *s + s->room * sizeof *s->places;
}

static struct place fingerprint_of(const struct seen *s, const char *text)
{
    uint64_t hash[2];
    _Static_assert(sizeof hash == crypto_shorthash_siphashx24_BYTES, "one fills the other");
    (void)crypto_shorthash_siphashx24((unsigned char *)hash, (const unsigned char *)text,
                                      strlen(text), s->key); // always 0
    return (struct place){.low = hash[0], .high = (uint32_t)hash[1]};
}

// Where it is, or the free place where it belongs.
static struct place *place_of(struct place *places, size_t room, struct place f)
{
    size_t i = (size_t)f.low & (room - 1);
    while (places[i].number != 0 && (places[i].low != f.low || places[i].high != f.high))
        i = (i + 1) & (room - 1);
    return &places[i];
}

uint32_t seen_find(const struct seen *s, const char *text)
{
    return place_of(s->places, s->room, fingerprint_of(s, text))->number;
}

static int grow(struct seen *s)
{
    size_t room = 2 * s->room;
    struct place *places = calloc(room, sizeof *places);
    if (!places)
        return -ENOMEM;
    for (size_t i = 0; i < s->room; i++)
        if (s->places[i].number != 0)
            *place_of(places, room, s->places[i]) = s->places[i];
    free(s->places);
    s->places = places;
    s->room = room;
    return 0;
}

int seen_add(struct seen *s, const char *text, uint32_t number)
{
    struct place f = fingerprint_of(s, text);
    struct place *place = place_of(s->places, s->room, f);
    if (place->number != 0)
        return 0;
    if (s->used >= s->room / 4 * 3) {
        int rc = grow(s);
        if (rc < 0)
            return rc;
        place = place_of(s->places, s->room, f);
    }
    f.number = number;
    *place = f;
    s->used++;
    return 1;
}
