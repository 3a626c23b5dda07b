// SPDX-License-Identifier: MIT
// local.c - values of a task: an array of its own, by a key that each weft_local gets once.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weft/error.h>

#include "core/current.h"
#include "core/misuse.h"
#include "os/atomic.h"

enum { ROUNDS = 4 }; // of destroying: a destructor may set another value. As POSIX has it

struct wf_local_value {
    void (*destroy)(void *value);
    void *value;
};

static uint32_t keys; // handed out so far; atomic. Keys begin at 1

static uint32_t key_of(weft_local *local)
{
    uint32_t key = wf_load(&local->key_, WF_RELAXED);
    if (key != 0)
        return key;
    uint32_t mine = wf_add(&keys, 1, WF_RELAXED) + 1;
    // relaxed: a key is a bare number, nothing else is published with it
    return wf_cas(&local->key_, &key, mine, WF_RELAXED) ? mine : key;
}

void *weft_local_get(const weft_local *local)
{
    wf_require(local, "weft_local_get(NULL)");
    uint32_t key = wf_load(&local->key_, WF_RELAXED);
    const struct wf_locals *locals = &wf_current()->locals;
    return key != 0 && key <= locals->count ? locals->values[key - 1].value : NULL;
}

static int grow(struct wf_locals *locals, uint32_t count)
{
    struct wf_local_value *values = realloc(locals->values, count * sizeof *values);
    if (!values)
        return weft_fail(-ENOMEM, "weft_local_set: out of memory");
    memset(values + locals->count, 0, (count - locals->count) * sizeof *values);
    *locals = (struct wf_locals){.values = values, .count = count};
    return 0;
}

int weft_local_set(weft_local *local, void *value)
{
    wf_require(local, "weft_local_set(NULL)");
    uint32_t key = key_of(local);
    struct wf_locals *locals = &wf_current()->locals;
    int rc = key > locals->count ? grow(locals, key) : 0;
    if (rc == 0)
        locals->values[key - 1] = (struct wf_local_value){local->destroy, value};
    return rc;
}

static bool destroy_round(struct wf_locals *locals)
{
    bool any = false;
    for (uint32_t i = 0; i < locals->count; i++) {
        struct wf_local_value v = locals->values[i];
        locals->values[i].value = NULL;
        if (v.value && v.destroy) {
            v.destroy(v.value);
            any = true;
        }
    }
    return any;
}

void wf_locals_destroy(struct wf_locals *locals)
{
    for (int round = 0; round < ROUNDS && destroy_round(locals); round++)
        continue;
    free(locals->values);
    *locals = (struct wf_locals){.values = NULL};
}
