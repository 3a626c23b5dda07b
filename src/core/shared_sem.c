// SPDX-License-Identifier: MIT
// shared_sem.c - a count and a flag in one word: see shared.h for how they wait.
#include <errno.h>

#include "core/misuse.h"
#include "core/shared.h"
#include "os/futex.h"

enum { WAITED = 1, SHIFT = 1 };

static bool take_unit(weft_shared_sem *s, uint32_t *word, bool slept)
{
    while (*word >> SHIFT > 0) {
        uint32_t left = (*word - (1 << SHIFT)) | (slept ? WAITED : 0); // others may sleep still
        if (wf_cas(&s->word_, word, left, WF_ACQUIRE)) {               // pairs with the release
            if (slept && left >> SHIFT > 0)
                wf_futex_wake_shared(&s->word_); // there is one for the next, too
            return true;
        }
    }
    return false;
}

static bool take(void *ctx, struct wf_nap *nap)
{
    weft_shared_sem *s = ctx;
    uint32_t word = wf_load(&s->word_, WF_RELAXED);
    do
        if (take_unit(s, &word, nap->slept_on))
            return true;
    while (word != WAITED && !wf_cas(&s->word_, &word, WAITED, WF_RELAXED));
    nap->word = &s->word_;
    nap->expected = WAITED;
    return false;
}

int weft_shared_acquire(weft_shared_sem *s, weft_time deadline)
{
    wf_require(s, "weft_shared_acquire(NULL)");
    return wf_shared_call("weft_shared_acquire", s, deadline, take, s);
}

void weft_shared_release(weft_shared_sem *s, uint32_t n)
{
    wf_require(s, "weft_shared_release(NULL)");
    uint32_t word = wf_load(&s->word_, WF_RELAXED), count;
    do {
        count = word >> SHIFT;
        wf_require(n <= INT32_MAX - count, "weft_shared_release(%p, %u): beyond INT32_MAX units",
                   (void *)s, n);
    } while (n > 0 && !wf_cas(&s->word_, &word, (count + n) << SHIFT, WF_RELEASE));
    if (n > 0 && (word & WAITED))
        wf_futex_wake_some_shared(&s->word_, n);
}
