// SPDX-License-Identifier: MIT
// tidy.c - see tidy.h. While nobody comes or goes, nothing here wakes up.
#include "chat/tidy.h"

#include <errno.h>

#include "common/memory.h"

enum { QUIET_MS = 1000 };

static int give_back(const weft_none *nothing, weft_none *none)
{
    (void)nothing;
    (void)none;
    give_back_freed_memory();
    return 0;
}
WEFT_TASK(give_back, weft_none, weft_none);

// Until nobody has moved for a while. 0, or -ECANCELED.
static int await_quiet(struct tidy *t)
{
    uint64_t before;
    int rc;
    do {
        before = t->moves;
        rc = weft_sleep(weft_after_ms(QUIET_MS));
    } while (rc == 0 && t->moves != before);
    return rc;
}

// Until it is cancelled.
static int tidy_up(struct tidy *const *arg, weft_none *none)
{
    struct tidy *t = *arg;
    weft_none nothing, nobody = {0};
    (void)none;
    while (weft_event_wait(&t->enough, WEFT_FOREVER) == 0 && await_quiet(t) == 0) {
        t->moves = 0;
        weft_event_clear(&t->enough);
        (void)weft_block(give_back, &nothing, &nobody); // or it is done after the next crowd
    }
    return 0;
}
WEFT_TASK(tidy_up, struct tidy *, weft_none);

int tidy_start(struct tidy *t)
{
    t->task = weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .name = "tidy"), tidy_up, &t);
    return t->task ? 0 : weft_error_code();
}

void tidy_end(struct tidy *t)
{
    weft_cancel(t->task);
    (void)weft_join(&t->task, NULL, 0);
}
