// SPDX-License-Identifier: MIT
// shared.c - see shared.h. The first attempt is made before anybody is told of a wait: mostly it is
// enough.
#include "core/shared.h"

#include <errno.h>

#include "core/error.h"
#include "core/misuse.h"
#include "os/futex.h"

int wf_shared_wait(struct wf_wait *wait, weft_time deadline, wf_attempt *attempt, void *ctx)
{
    struct wf_nap nap = {.word = NULL};
    struct wf_futex_one words[2] = {{.word = wf_kin_deaths(), .shared = true}, {.shared = true}};
    wait->words = words;
    wait->word_count = 2;
    int rc = wf_wait_begin(wait);
    bool stops = wait->stops;
    while (rc == 0 && (!stops || (rc = wf_interrupted()) == 0)) {
        words[0].expected = wf_load(words[0].word, WF_ACQUIRE); // before the look, see kin.h
        if (attempt(ctx, &nap))
            break;
        words[1].word = nap.word;
        words[1].expected = nap.expected;
        rc = wf_park(wait, stops ? wf_patience(deadline) : deadline);
        nap.slept_on = nap.word;
    }
    wf_wait_end(wait);
    wait->words = NULL; // they lie here
    wait->word_count = 0;
    if (rc < 0 && nap.slept_on)
        wf_futex_wake_shared(nap.slept_on); // what woke us may have been meant for another
    return rc;
}

int wf_shared_call(const char *call, const void *object, weft_time deadline, wf_attempt *attempt,
                   void *ctx)
{
    int rc = wf_interrupted();
    struct wf_nap nap = {.tries = deadline.ns <= 0};
    if (rc == 0 && !attempt(ctx, &nap)) {
        struct wf_wait wait = {.what = call, .object = object, .fd = WF_NO_FD, .stops = true};
        rc = nap.tries ? -ETIMEDOUT : wf_shared_wait(&wait, deadline, attempt, ctx);
    }
    return wf_failed(call, rc);
}
