// SPDX-License-Identifier: MIT
// 33_process_semaphore.c - five processes, of which two at a time may work. Lecture: L66.
#include "example.h"

enum { PROCESSES = 5, AT_ONCE = 2 };

struct room {
    weft_shared_sem seats;
    weft_shared_counter inside, visits, crowds; // crowds: how often it held too many
};

static int visit(struct room *const *at, weft_none *none)
{
    (void)none;
    struct room *room = *at;
    int rc = weft_shared_acquire(&room->seats, WEFT_FOREVER);
    if (rc < 0)
        return rc;
    if (weft_shared_add(&room->inside, 1) > AT_ONCE)
        (void)weft_shared_add(&room->crowds, 1);
    rc = weft_sleep(after_seconds(0.2));
    (void)weft_shared_add(&room->visits, 1);
    (void)weft_shared_add(&room->inside, -1);
    weft_shared_release(&room->seats, 1);
    return rc;
}
WEFT_TASK(visit, struct room *, weft_none);

int main(void)
{
    struct room *room = weft_shared(sizeof *room);
    weft_future *processes[PROCESSES];

    if (!room)
        return failed("shared memory");
    weft_shared_release(&room->seats, AT_ONCE);
    for (int i = 0; i < PROCESSES; i++)
        processes[i] = weft_start(WEFT_PROCESSES, visit, &room);
    for (int i = 0; i < PROCESSES; i++)
        if (weft_join(&processes[i], NULL, 0) < 0)
            return failed("a visit");
    printf("%d visits, more than %d at once: %d\n", (int)weft_shared_value(&room->visits), AT_ONCE,
           (int)weft_shared_value(&room->crowds));
    weft_shared_free(&room);
    return 0;
}
