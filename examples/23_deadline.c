// SPDX-License-Identifier: MIT
// 23_deadline.c - an answer that comes in time, and a task that is cut off. Lecture: L19.
//
// The lecture's timeout holds for each operation, so that a page which drips never ends. A deadline
// holds for the task: every wait in it, however deep, ends at that moment with -ETIMEDOUT, the task
// leaves by its usual door, and what it deferred is run. `ask` has no line about time.
#include "example.h"

struct question {
    const char *text;
    double takes, patience; // seconds
};

static void hang_up(void *text)
{
    printf("%s: hung up\n", (const char *)text);
}

static int look_it_up(const struct question *q)
{
    return weft_sleep(after_seconds(q->takes)); // a slow library far away
}

static int ask(const struct question *q, int *answer)
{
    weft_defer(hang_up, (void *)q->text);
    int rc = look_it_up(q);
    if (rc < 0)
        return weft_fail(rc, "no answer in time");
    *answer = 42;
    return 0;
}
WEFT_TASK(ask, struct question, int);

static const struct question questions[] = {
    {"six by seven", .takes = 1, .patience = 600},
    {"the meaning of it all", .takes = 600, .patience = 2},
};

int main(void)
{
    WEFT_SCOPED(weft_pool_close) weft_pool *pool = weft_pool_open(WEFT_FIBERS, .workers = 1);
    if (!pool)
        return failed("open the pool");
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        const struct question *q = &questions[i];
        int answer = 0;
        weft_future *f = weft_submit_until(pool, after_seconds(q->patience), ask, q);
        if (weft_join_as(&f, ask, &answer) < 0)
            printf("%s: %s\n", q->text, weft_error());
        else
            printf("%s: %d\n", q->text, answer);
    }
    return 0;
}
