// SPDX-License-Identifier: MIT
// seen.c - see seen.h.
//
// A table of fingerprints, at most three quarters full, with linear probing: they are random
// numbers already, so nothing has to spread them. SipHash-2-4 with a key of this run: who writes
// a list of URLs cannot make them collide.
#include "fetch/seen.h"

#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64 };

struct fingerprint {
    uint64_t low, high; // both 0: a free place
};

struct seen {
    unsigned char key[crypto_shorthash_siphashx24_KEYBYTES];
    struct fingerprint *places;
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

static struct fingerprint fingerprint_of(const struct seen *s, const char *text)
{
    struct fingerprint f;
    _Static_assert(sizeof f == crypto_shorthash_siphashx24_BYTES, "one fills the other");
    (void)crypto_shorthash_siphashx24((unsigned char *)&f, (const unsigned char *)text,
                                      strlen(text), s->key); // always 0
    if (f.low == 0 && f.high == 0)
        f.low = 1;
    return f;
}

// Where it is, or the free place where it belongs.
static struct fingerprint *place_of(struct fingerprint *places, size_t room, struct fingerprint f)
{
    size_t i = (size_t)f.low & (room - 1);
    while ((places[i].low != 0 || places[i].high != 0) &&
           (places[i].low != f.low || places[i].high != f.high))
        i = (i + 1) & (room - 1);
    return &places[i];
}

static int grow(struct seen *s)
{
    size_t room = 2 * s->room;
    struct fingerprint *places = calloc(room, sizeof *places);
    if (!places)
        return -ENOMEM;
    for (size_t i = 0; i < s->room; i++)
        if (s->places[i].low != 0 || s->places[i].high != 0)
            *place_of(places, room, s->places[i]) = s->places[i];
    free(s->places);
    s->places = places;
    s->room = room;
    return 0;
}

int seen_add(struct seen *s, const char *text)
{
    struct fingerprint f = fingerprint_of(s, text);
    struct fingerprint *place = place_of(s->places, s->room, f);
    if (place->low != 0 || place->high != 0)
        return 0;
    if (s->used >= s->room / 4 * 3) {
        int rc = grow(s);
        if (rc < 0)
            return rc;
        place = place_of(s->places, s->room, f);
    }
    *place = f;
    s->used++;
    return 1;
}
