// SPDX-License-Identifier: MIT
// tally.c - what was asked for. A list is enough: most tests ask for a few hundred targets.
#include "tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tally {
    struct tally *next;
    char *key;
    int requests, now;
    bool gathered; // as many as they wait for were there at one time
    char *log;     // grows by a line a request
    size_t log_size;
};

static struct {
    weft_mutex mu; // guards all of it, the tallies too
    struct tally *first;
    weft_cond gathered; // one of them
} all;

static struct tally *find(const char *key)
{
    struct tally *t = all.first;
    while (t && strcmp(t->key, key) != 0)
        t = t->next;
    return t;
}

static struct tally *find_or_make(const char *key)
{
    struct tally *t = find(key);
    if (t)
        return t;
    t = malloc(sizeof *t);
    char *copy = strdup(key);
    if (!t || !copy) {
        free(t);
        free(copy);
        return NULL;
    }
    *t = (struct tally){.next = all.first, .key = copy};
    all.first = t;
    return t;
}

static bool note(struct tally *t, const struct visit *v)
{
    char line[sizeof v->request.target + 64];
    int size = snprintf(line, sizeof line, "%lld %d %d %s\n", (long long)(weft_now().ns / 1000000),
                        t->now, v->earlier, v->request.target);
    char *grown = realloc(t->log, t->log_size + (size_t)size + 1);
    if (!grown)
        return false;
    memcpy(grown + t->log_size, line, (size_t)size + 1);
    t->log = grown;
    t->log_size += (size_t)size;
    return true;
}

struct tally *tally_begin(struct visit *v)
{
    char key[sizeof v->request.target];
    bool grouped = words(v, "group", key, sizeof key);
    weft_guard(&all.mu);
    struct tally *of_target = find_or_make(v->request.target);
    struct tally *t = grouped ? find_or_make(key) : of_target;
    if (!of_target || !t)
        return NULL;
    v->nth = ++of_target->requests;
    if (grouped)
        t->requests++;
    t->now++;
    if (note(t, v))
        return t;
    t->now--;
    return NULL;
}

void tally_end(struct tally *t)
{
    weft_guard(&all.mu);
    if (t)
        t->now--;
}

static int await_others(struct tally *t, long long n)
{
    weft_guard(&all.mu);
    if (t->now >= n && !t->gathered) {
        t->gathered = true;
        weft_cond_broadcast(&all.gathered);
    }
    int rc = 0;
    while (rc == 0 && !t->gathered)
        rc = weft_cond_wait(&all.gathered, &all.mu, WEFT_FOREVER);
    return rc;
}

int gather(struct visit *v)
{
    char key[sizeof v->request.target];
    bool grouped = words(v, "group", key, sizeof key);
    weft_lock(&all.mu);
    struct tally *t = find(grouped ? key : v->request.target); // show_page has begun it
    weft_unlock(&all.mu);
    int rc = await_others(t, number(v, "n", 1));
    return rc < 0 ? rc : ok(v);
}

static const char *asked_key(const struct visit *v)
{
    const char *query = strchr(v->request.target, '?');
    return query ? query + 1 : "";
}

int count_page(struct visit *v)
{
    char text[16];
    weft_lock(&all.mu);
    const struct tally *t = find(asked_key(v));
    int size = snprintf(text, sizeof text, "%d\n", t ? t->requests : 0);
    weft_unlock(&all.mu);
    return answer(v, "200 OK", "", text, (size_t)size);
}

int log_page(struct visit *v)
{
    weft_lock(&all.mu);
    const struct tally *t = find(asked_key(v));
    char *copy = t ? strdup(t->log) : strdup("");
    weft_unlock(&all.mu); // a page may wait, a lock's holder may not
    int rc = copy ? answer(v, "200 OK", "", copy, strlen(copy)) : CLOSE;
    free(copy);
    return rc;
}
